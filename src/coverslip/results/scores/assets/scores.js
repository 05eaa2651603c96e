// The gallery of classified images. Whatever comes from the result is written with textContent, never as HTML.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { make } = coverslip;
  const at = (id) => document.getElementById(id);
  const count = data.called.length;
  const STEP = 120; // pictures shown at a time
  const state = { which: "all", shown: STEP };

  const wrong = (row) => data.truth !== null && data.truth[row] !== null && data.truth[row] !== data.called[row];

  function chosen() {
    const truth = at("true")?.value ?? "", called = at("called").value;
    const rows = [];
    for (let row = 0; row < count; row++) {
      if (state.which === "wrong" && !wrong(row)) continue;
      if (state.which === "unsure" && !data.abstained[row]) continue;
      if (truth !== "" && String(data.truth[row]) !== truth) continue;
      if (called !== "" && String(data.called[row]) !== called) continue;
      rows.push(row);
    }
    const order = at("order").value;
    if (order !== "sheet") rows.sort((a, b) => (data.confidence[a] - data.confidence[b]) * (order === "least" ? 1 : -1) || a - b);
    return rows;
  }

  function tile(row) {
    const name = data.classes[data.called[row]];
    const image = data.pictures[row] === undefined
      ? make("span", { className: "blank", textContent: "no picture" })
      : make("img", { src: "data:image/webp;base64," + data.pictures[row], alt: "", loading: "lazy" });
    const known = data.truth !== null && data.truth[row] !== null;
    const kind = !known ? "" : wrong(row) ? " wrong" : " right";
    const words = make("small", {}, `${data.confidence[row].toFixed(2)} `, make("b", { textContent: name }));
    if (kind === " wrong") words.append(make("br"), `is ${data.classes[data.truth[row]]}`);
    const set = data.sets === null ? "" : `\nnot ruled out: ${data.sets[row] || "nothing"}`;
    return make("div", { className: `pick${kind}${data.abstained[row] ? " unsure" : ""}`, title: `${data.ids[row]}${set}` }, image, words);
  }

  function draw() {
    const rows = chosen(), visible = rows.slice(0, state.shown);
    at("images-heading").textContent = `${rows.length.toLocaleString("en")} of ${count.toLocaleString("en")} ${data.things}`;
    at("gallery").replaceChildren(...visible.map(tile));
    at("more").hidden = rows.length <= visible.length;
    at("more").textContent = `Show more (${(rows.length - visible.length).toLocaleString("en")} left)`;
  }

  const again = () => { state.shown = STEP; draw(); };
  for (const id of ["true", "called"]) {
    data.classes.forEach((name, code) => at(id)?.append(make("option", { value: String(code), textContent: name })));
    at(id)?.addEventListener("change", again);
  }
  at("order").addEventListener("change", again);
  at("which").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    state.which = button.dataset.which;
    for (const other of at("which").children) other.setAttribute("aria-pressed", String(other === button));
    again();
  });
  at("more").addEventListener("click", () => { state.shown += STEP; draw(); });
  draw();
  document.body.dataset.ready = "true";
})();
