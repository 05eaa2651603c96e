// The page of label images. Whatever comes from the result is written with textContent, never as HTML.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const STEP = 12; // pictures shown at a time
  const shotOf = new Map(data.shots.map((shot, i) => [shot.row, i]).reverse()); // the whole image, before its details
  const state = { order: data.shots.map((_, i) => i), shown: STEP, open: 0, sorted: null, down: false };

  function make(tag, options = {}, ...children) {
    const element = Object.assign(document.createElement(tag), options);
    element.append(...children);
    return element;
  }

  function readable(number) {
    if (number === null) return "–";
    if (Number.isInteger(number)) return number.toLocaleString("en");
    const size = Math.abs(number);
    return size !== 0 && (size < 1e-3 || size >= 1e7) ? number.toExponential(2) : String(Number(number.toPrecision(4)));
  }

  const stack = (shot, outlines) => [make("img", { src: shot.picture, alt: "" }), make("img", { src: outlines, alt: "" })];

  // ---- pictures ------------------------------------------------------------------------------------------------
  function drawShots() {
    const visible = state.order.slice(0, state.shown);
    at("shots").replaceChildren(...visible.map((i) => {
      const shot = data.shots[i];
      const button = make("button", { type: "button", className: "shot", title: shot.name },
        make("span", { className: "stack" }, ...stack(shot, shot.small)),
        make("b", { textContent: shot.name }), make("small", { textContent: shot.note }));
      button.dataset.row = shot.row;
      button.addEventListener("click", () => view(state.order.indexOf(i)));
      return button;
    }));
    const left = state.order.length - visible.length;
    at("more").hidden = left === 0;
    at("more").textContent = `Show more (${left} left)`;
  }

  function order(how) {
    state.order = data.shots.map((_, i) => i);
    if (how === "best") state.order.reverse();
    if (how === "name") state.order.sort((a, b) => data.shots[a].name.localeCompare(data.shots[b].name, "en", { numeric: true }));
    state.shown = STEP;
    drawShots();
  }

  function view(place) {
    state.open = (place + state.order.length) % state.order.length;
    const shot = data.shots[state.order[state.open]];
    at("viewer-name").textContent = shot.name;
    at("viewer-note").textContent = shot.note;
    at("viewer-stack").replaceChildren(...stack(shot, shot.outlines));
    at("viewer").style.setProperty("--proportion", shot.width / shot.height);
    if (!at("viewer").open) at("viewer").showModal();
  }

  function showLines(shown) {
    at("lines").checked = shown;
    document.body.classList.toggle("plain", !shown);
  }

  // ---- table ---------------------------------------------------------------------------------------------------
  function drawTable() {
    const rows = data.columns[0].values.map((_, row) => row);
    if (state.sorted !== null) {
      const { kind, values } = data.columns[state.sorted];
      const compared = kind === "number" ? (a, b) => values[a] - values[b]
        : (a, b) => values[a].localeCompare(values[b], "en", { numeric: true });
      // What is missing comes last, whichever way the others go.
      rows.sort((a, b) => (values[a] === null) - (values[b] === null) || (values[a] === null ? 0 : compared(a, b) * (state.down ? -1 : 1)));
    }
    const heads = data.columns.map((column, i) => {
      const button = make("button", { type: "button", textContent: column.name });
      button.addEventListener("click", () => {
        // Numbers are most telling from the top, names from A.
        state.down = state.sorted === i ? !state.down : column.kind === "number";
        state.sorted = i;
        drawTable();
      });
      const head = make("th", { title: column.title, scope: "col" }, button);
      if (state.sorted === i) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      return head;
    });
    const body = rows.map((row) => {
      const cells = data.columns.map(({ kind, values }) => make("td", {
        className: kind === "number" ? "number" : "", textContent: kind === "number" ? readable(values[row]) : values[row] }));
      const line = make("tr", { className: shotOf.has(row) ? "pictured" : "" }, ...cells);
      line.dataset.row = row;
      if (shotOf.has(row)) line.addEventListener("click", () => view(state.order.indexOf(shotOf.get(row))));
      return line;
    });
    at("table").replaceChildren(make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...body));
  }

  at("order").addEventListener("change", () => order(at("order").value));
  at("lines").addEventListener("change", () => showLines(at("lines").checked));
  at("more").addEventListener("click", () => { state.shown += STEP; drawShots(); });
  at("previous").addEventListener("click", () => view(state.open - 1));
  at("next").addEventListener("click", () => view(state.open + 1));
  at("close").addEventListener("click", () => at("viewer").close());
  at("viewer").addEventListener("click", (event) => { if (event.target === at("viewer")) at("viewer").close(); });
  addEventListener("keydown", (event) => {
    if (event.target.matches("select, input[type=text]") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "o" || event.key === "O") showLines(!at("lines").checked);
    if (!at("viewer").open) return;
    if (event.key === "ArrowLeft") view(state.open - 1);
    if (event.key === "ArrowRight") view(state.open + 1);
  });
  order("worst");
  drawTable();
  document.body.dataset.ready = "true";
})();
