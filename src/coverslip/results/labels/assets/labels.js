// The page of label images. Whatever comes from the result is written with textContent, never as HTML.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { make, sortable } = coverslip;
  const at = (id) => document.getElementById(id);
  const STEP = 12; // pictures shown at a time
  const shotOf = new Map(data.shots.map((shot, i) => [shot.row, i]).reverse()); // the whole image, before its details
  const state = { order: data.shots.map((_, i) => i), shown: STEP, open: 0 };

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
    finer = shot.tiles && { ...shot.tiles, places: new Map(), plane: make("div", { className: "tiles" }) };
    mixing(shot);
    at("viewer").style.setProperty("--proportion", shot.width / shot.height);
    zoomTo(1);
    if (!at("viewer").open) at("viewer").showModal();
  }

  // ---- a closer look: by wheel, buttons or keys; a drag moves what is larger than the window -----------------------
  const look = { zoom: 1, x: 0, y: 0 };
  const AT_ONCE = 30; // tiles: more are in the window only where they are too small to show more than the picture
  let finer = null; // the tiles of the picture that is open

  function zoomTo(zoom, x, y) {
    const box = at("viewer-stack").getBoundingClientRect();
    const [px, py] = [x ?? box.width / 2, y ?? box.height / 2]; // what lies here stays here
    const next = Math.min(Math.max(zoom, 1), 24 * (finer ? finer.width / data.shots[state.order[state.open]].width : 1));
    moveTo(next, px - (px - look.x) * next / look.zoom, py - (py - look.y) * next / look.zoom);
  }

  function moveTo(zoom, x, y) {
    const box = at("viewer-stack").getBoundingClientRect();
    look.zoom = zoom;
    look.x = Math.min(0, Math.max(x, box.width * (1 - zoom)));
    look.y = Math.min(0, Math.max(y, box.height * (1 - zoom)));
    const style = at("viewer-stack").style;
    style.setProperty("--look", `translate(${look.x}px, ${look.y}px) scale(${zoom})`);
    at("viewer-stack").classList.toggle("near", zoom > 1);
    at("viewer-zoom").textContent = `${zoom.toFixed(1)} ×`;
    if (finer) lay(box);
  }

  // Tiles that the window shows, in the place of the picture; each is made when it is first looked at.
  function lay(box) {
    const { width, height, side, plane, places } = finer;
    const scale = box.width * look.zoom / width, across = Math.ceil(width / side);
    const range = (from, shown, length) => {
      const first = Math.floor(-from / scale / side), last = Math.ceil((shown - from) / scale / side);
      return Array.from({ length: Math.min(last, Math.ceil(length / side)) - first }, (_, i) => first + i);
    };
    const rows = range(look.y, box.height, height), columns = range(look.x, box.width, width);
    plane.hidden = look.zoom <= 1 || rows.length * columns.length > AT_ONCE;
    if (plane.hidden) return;
    plane.classList.toggle("pixels", scale > 1.5);
    if (!plane.parentNode) at("viewer-stack").append(plane);
    const share = (length, whole) => `${100 * length / whole}%`;
    const wanted = new Set(rows.flatMap((row) => columns.map((column) => row * across + column)));
    for (const [place, tile] of places) if (!wanted.has(place)) { tile.remove(); places.delete(place); }
    for (const place of wanted) {
      if (places.has(place)) continue;
      const [row, column] = [Math.floor(place / across), place % across];
      const tile = make("div", { className: "tile" }, ...[finer.pictures, finer.outlines].map((some) => make("img", { src: some[place], alt: "" })));
      Object.assign(tile.style, {
        left: share(column * side, width), top: share(row * side, height),
        width: share(Math.min(side, width - column * side), width), height: share(Math.min(side, height - row * side), height) });
      places.set(place, tile);
      plane.append(tile);
    }
  }

  at("viewer-stack").addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = at("viewer-stack").getBoundingClientRect();
    zoomTo(look.zoom * Math.exp(-event.deltaY / 400), event.clientX - box.x, event.clientY - box.y);
  }, { passive: false });
  let held = null; // where the pointer holds the picture
  at("viewer-stack").addEventListener("pointerdown", (event) => {
    held = [event.clientX - look.x, event.clientY - look.y];
    at("viewer-stack").setPointerCapture(event.pointerId);
  });
  at("viewer-stack").addEventListener("pointermove", (event) => {
    if (held) moveTo(look.zoom, event.clientX - held[0], event.clientY - held[1]);
  });
  for (const end of ["pointerup", "pointercancel"]) at("viewer-stack").addEventListener(end, () => { held = null; });
  at("viewer-stack").addEventListener("dragstart", (event) => event.preventDefault());
  at("nearer").addEventListener("click", () => zoomTo(look.zoom * 1.6));
  at("farther").addEventListener("click", () => zoomTo(look.zoom / 1.6));

  // ---- mixing: what is nucleus at another weight of the colour, live; objects are divided by the command below -------
  let maps = null; // the two maps of the picture that is open

  function mixing(shot) {
    maps = null;
    at("mixing").hidden = !shot.maps;
    if (!shot.maps) return;
    at("alpha").value = shot.mixing.alpha;
    at("threshold").value = shot.mixing.threshold;
    const image = make("img", { src: shot.maps });
    image.decode().then(() => {
      const canvas = make("canvas", { width: image.naturalWidth, height: image.naturalHeight });
      const pen = canvas.getContext("2d", { willReadFrequently: true });
      pen.drawImage(image, 0, 0);
      maps = { canvas, pen, pixels: pen.getImageData(0, 0, canvas.width, canvas.height).data };
      said();
    });
  }

  function said() {
    const [alpha, threshold] = ["alpha", "threshold"].map((id) => Number(at(id).value));
    at("alpha-said").textContent = alpha.toFixed(2);
    at("threshold-said").textContent = threshold.toFixed(2);
    at("command").textContent = `coverslip refine ${data.result} --alpha ${alpha} --threshold ${threshold}`;
    return [alpha, threshold];
  }

  function mix() {
    if (!maps) return;
    const [alpha, threshold] = said();
    const { canvas, pen, pixels } = maps;
    const { width, height } = canvas;
    const inside = new Uint8Array(width * height);
    for (let i = 0; i < inside.length; i++) inside[i] = alpha * pixels[4 * i] + (1 - alpha) * pixels[4 * i + 1] > 255 * threshold;
    const drawn = pen.createImageData(width, height);
    for (let i = 0; i < inside.length; i++) {
      const right = (i + 1) % width ? inside[i + 1] : inside[i], below = inside[i + width] ?? inside[i];
      const edge = inside[i] !== right || inside[i] !== below;
      if (edge || inside[i]) drawn.data.set([51, 187, 255, edge ? 255 : 50], 4 * i);
    }
    pen.putImageData(drawn, 0, 0);
    const stack = at("viewer-stack");
    if (canvas.parentNode !== stack) stack.children[1].replaceWith(canvas);
    if (finer) { finer.plane.remove(); finer = null; } // what is mixed is as fine as its maps are
  }

  at("alpha").addEventListener("input", mix);
  at("threshold").addEventListener("input", mix);

  function showLines(shown) {
    at("lines").checked = shown;
    document.body.classList.toggle("plain", !shown);
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
    if (event.target.matches("input[type=range]")) return;
    if (event.key === "+" || event.key === "=") zoomTo(look.zoom * 1.6);
    if (event.key === "-") zoomTo(look.zoom / 1.6);
    if (event.key === "ArrowLeft") view(state.open - 1);
    if (event.key === "ArrowRight") view(state.open + 1);
  });
  order("worst");
  sortable(at("table"), data.columns, shotOf, (row) => view(state.order.indexOf(shotOf.get(row))));
  document.body.dataset.ready = "true";
})();
