// The page's own behaviour. Whatever comes from the result is written with textContent, never as HTML.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const count = data.ids.length;
  const columns = new Map(data.columns.map((column) => [column.name, column]));
  const pictureOf = new Map(data.pictured.map((row, i) => [row, i]));
  const idName = columns.has("id") ? "sample_id" : "id";
  const at = (id) => document.getElementById(id);
  const STEP = 120; // pictures or rows shown at a time

  const state = { map: 0, column: data.first, chosen: [], view: data.pictures.length ? "gallery" : "table", shown: STEP };
  let cells, mark, plot;

  // ---- small helpers -------------------------------------------------------------------------------------------
  function make(tag, options = {}, ...children) {
    const { style, ...properties } = options;
    const element = Object.assign(document.createElement(tag), properties);
    for (const [name, value] of Object.entries(style ?? {})) element.style.setProperty(name, value);
    element.append(...children);
    return element;
  }

  function readable(number) {
    if (number === null) return "–";
    if (Number.isInteger(number)) return String(number);
    const size = Math.abs(number);
    return size !== 0 && (size < 1e-3 || size >= 1e7) ? number.toExponential(2) : String(Number(number.toPrecision(4)));
  }

  const counted = (number) => number.toLocaleString("en");

  function text(column, row) {
    const value = column.values[row];
    if (column.kind === "category") return value < 0 ? "–" : column.categories[value];
    return column.kind === "number" ? readable(value) : value;
  }

  // As it was in the result, for files.
  function exact(column, row) {
    const value = column.values[row];
    if (column.kind === "category") return value < 0 ? "" : column.categories[value];
    return value === null ? "" : value;
  }

  function colourOf(column, row) {
    if (!column) return "#0b6e99";
    const value = column.values[row];
    if (column.kind === "category") return value < 0 ? data.missing : column.colours[value];
    if (value === null) return data.missing;
    const [low, high] = column.range;
    const place = high > low ? (value - low) / (high - low) : 0.5;
    return data.scale[Math.round(Math.min(1, Math.max(0, place)) * (data.scale.length - 1))];
  }

  function picture(row, loading = "eager") {
    const i = pictureOf.get(row);
    if (i === undefined) return null;
    return make("img", { src: "data:image/webp;base64," + data.pictures[i], alt: "", loading });
  }

  const press = (group, isPressed) => {
    for (const button of group.children) button.setAttribute("aria-pressed", String(isPressed(button)));
  };

  // ---- the map -------------------------------------------------------------------------------------------------
  function drawMap() {
    const [x, y] = data.maps[state.map].xy;
    const column = columns.get(state.column);
    cells.data = {
      x: data.order.map((row) => x[row]),
      y: data.order.map((row) => y[row]),
      colour: data.order.map((row) => colourOf(column, row)),
    };
    at("map-note").textContent = data.maps[state.map].note;
  }

  // The map follows the page into the dark; Bokeh draws on a canvas that no style reaches.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  function paint() {
    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    plot.background_fill_color = colour("--card");
    for (const grid of plot.center) grid.grid_line_color = colour("--rule");
    for (const renderer of plot.renderers) if (renderer.data_source === mark) renderer.glyph.line_color = colour("--ink");
  }

  // Bokeh's reset fits the map into view, but also drops the selection.
  function showAll() {
    const kept = state.chosen;
    plot.reset.emit(undefined);
    if (kept.length) choose(kept);
  }

  function ring(row) {
    const [x, y] = data.maps[state.map].xy;
    mark.data = row === null ? { x: [], y: [] } : { x: [x[row]], y: [y[row]] };
  }

  function drawLegend() {
    const column = columns.get(state.column);
    const legend = at("legend");
    legend.replaceChildren();
    if (!column) return;
    const chosen = new Set(state.chosen);
    if (column.kind === "category") {
      const within = new Array(column.categories.length).fill(0);
      for (const row of state.chosen) if (column.values[row] >= 0) within[column.values[row]] += 1;
      const sum = (codes, numbers) => codes.reduce((total, i) => total + numbers[i], 0);
      const chip = (name, colour, codes) => {
        const all = sum(codes, column.counts);
        const button = make("button", { type: "button", className: "chip", title: `Choose ${name}` },
          make("i", { style: { background: colour } }), make("b", { textContent: name }),
          make("span", { textContent: chosen.size ? `${counted(sum(codes, within))} / ${counted(all)}` : counted(all) }));
        button.addEventListener("click", (event) => {
          const meant = new Set(codes);
          const rows = []; // shift adds, as on the map
          column.values.forEach((value, row) => { if (meant.has(value) || (event.shiftKey && chosen.has(row))) rows.push(row); });
          choose(rows);
        });
        legend.append(button);
      };
      const others = [];
      column.categories.forEach((name, i) => {
        if (column.colours[i] === data.other) others.push(i);
        else chip(name, column.colours[i], [i]);
      });
      if (others.length) chip(`${others.length} others`, data.other, others);
    } else {
      const ramp = `linear-gradient(90deg, ${data.scale.join(",")})`;
      legend.append(make("div", { className: "ramp", title: "1st to 99th percentile" },
        make("span", { textContent: readable(column.range[0]) }), make("i", { style: { background: ramp } }),
        make("span", { textContent: readable(column.range[1]) })));
    }
    const missing = column.values.filter((value) => (column.kind === "category" ? value < 0 : value === null)).length;
    if (missing) {
      legend.append(make("span", { className: "chip" }, make("i", { style: { background: data.missing } }),
        make("b", { textContent: "missing" }), make("span", { textContent: counted(missing) })));
    }
  }

  // ---- choosing ------------------------------------------------------------------------------------------------
  function choose(rows) {
    const wanted = new Set(rows);
    const indices = [];
    data.order.forEach((row, i) => { if (wanted.has(row)) indices.push(i); });
    cells.selected.indices = indices; // calls `selected`
  }

  function selected() {
    state.chosen = cells.selected.indices.map((i) => data.order[i]).sort((a, b) => a - b);
    state.shown = STEP;
    drawLegend();
    drawChosen();
  }

  function drawChosen() {
    const any = state.chosen.length > 0;
    const found = any ? state.chosen : sample;
    // Where only some have a picture, these come first.
    const some = state.view === "gallery" && pictureOf.size < count;
    const rows = some ? [...found.filter((row) => pictureOf.has(row)), ...found.filter((row) => !pictureOf.has(row))] : found;
    at("chosen-heading").textContent = any
      ? `${counted(state.chosen.length)} of ${counted(count)} ${data.things} chosen`
      : "Nothing chosen";
    at("chosen-note").textContent = any ? "" : `A sample of all ${data.things}. Draw around points, or choose a class in the legend.`;
    at("chosen-note").hidden = any;
    for (const id of ["export", "copy", "clear"]) at(id).disabled = !any;
    const visible = rows.slice(0, state.shown);
    at("gallery").hidden = state.view !== "gallery";
    at("table").hidden = state.view !== "table";
    if (state.view === "gallery") drawGallery(visible);
    else drawTable(visible);
    at("more").hidden = rows.length <= visible.length;
    at("more").textContent = `Show more (${counted(rows.length - visible.length)} left)`;
  }

  function pointing(element, row) {
    element.addEventListener("mouseenter", (event) => { ring(row); showCard(row, event.clientX, event.clientY); });
    element.addEventListener("mouseleave", () => { ring(null); hideCard(); });
    return element;
  }

  function drawGallery(rows) {
    const column = columns.get(state.column);
    at("gallery").replaceChildren(...rows.map((row) => {
      const image = picture(row, "lazy") ?? make("span", { className: "blank", textContent: "no picture" });
      const name = column ? text(column, row) : data.ids[row];
      const tile = make("div", { className: "pick", style: { "--dot": colourOf(column, row) } }, image, make("small", { textContent: name }));
      tile.dataset.row = row;
      return pointing(tile, row);
    }));
  }

  function drawTable(rows) {
    const pictured = data.pictures.length > 0;
    const heads = [...(pictured ? ["picture"] : []), idName, ...columns.keys()].map((name) => make("th", { textContent: name }));
    const body = rows.map((row) => {
      const line = make("tr", {}, ...(pictured ? [make("td", {}, picture(row, "lazy") ?? "")] : []),
        make("td", { textContent: data.ids[row] }),
        ...data.columns.map((column) => make("td", { textContent: text(column, row), title: text(column, row), className: column.kind === "number" ? "number" : "" })));
      line.dataset.row = row;
      return pointing(line, row);
    });
    at("table").replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...body)));
  }

  // ---- the card under the pointer ------------------------------------------------------------------------------
  function showCard(row, x, y) {
    const card = at("card");
    const names = [...new Set([...data.hover, ...(state.column ? [state.column] : [])])];
    const facts = names.flatMap((name) => [
      make("dt", { textContent: name }), make("dd", { textContent: text(columns.get(name), row) })]);
    const image = picture(row);
    card.replaceChildren(...(image ? [image] : []), make("p", { textContent: `${idName} ${data.ids[row]}` }), make("dl", {}, ...facts));
    card.dataset.row = row;
    card.hidden = false;
    const { width, height } = card.getBoundingClientRect();
    const left = x + 18 + width > innerWidth ? x - 18 - width : x + 18;
    card.style.left = `${Math.max(8, left)}px`;
    card.style.top = `${Math.max(8, Math.min(y - 30, innerHeight - height - 8))}px`;
  }

  const hideCard = () => { at("card").hidden = true; };

  const pointer = { x: 0, y: 0 };
  function pointed({ index, geometry }) {
    const { x, y } = cells.data;
    let nearest = null;
    let least = Infinity;
    for (const i of index.indices) {
      const distance = (x[i] - geometry.x) ** 2 + (y[i] - geometry.y) ** 2;
      if (distance < least) [nearest, least] = [i, distance];
    }
    if (nearest === null) { ring(null); hideCard(); return; }
    ring(data.order[nearest]);
    showCard(data.order[nearest], pointer.x, pointer.y);
  }

  // A column made on the page, in which the map is coloured.
  function addColumn(column) {
    const new_ = !columns.has(column.name);
    columns.set(column.name, column);
    if (new_) at("colour").append(make("option", { value: column.name, textContent: column.name }));
    at("colour").value = column.name;
    at("colour").dispatchEvent(new Event("change"));
  }

  // ---- taking the selection away -------------------------------------------------------------------------------
  // Quoted where needed. Text that a spreadsheet would run as a formula gets an apostrophe before it; numbers, also
  // negative ones, stay numbers.
  function field(value) {
    let string = String(value);
    if (typeof value === "string" && /^[=+\-@\t\r\n]/.test(string) && !/^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(string)) string = "'" + string;
    return /[",\r\n']|^\s|\s$/.test(string) ? `"${string.replaceAll('"', '""')}"` : string;
  }

  function csv(rows) {
    const lines = [[idName, ...columns.keys()], ...rows.map((row) => [data.ids[row], ...data.columns.map((column) => exact(column, row))])];
    const content = lines.map((line) => line.map(field).join(",")).join("\r\n") + "\r\n";
    // Spreadsheets take text for Latin-1 unless a mark says UTF-8; plain ASCII needs none.
    return /[^\x00-\x7f]/.test(content) ? "\ufeff" + content : content;
  }

  function exportChosen() {
    const url = URL.createObjectURL(new Blob([csv(state.chosen)], { type: "text/csv;charset=utf-8" }));
    make("a", { href: url, download: `${data.file}-selection.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }

  async function copyIds() {
    const ids = state.chosen.map((row) => data.ids[row]).join("\n");
    let copied = true;
    try {
      await navigator.clipboard.writeText(ids);
    } catch { // not allowed for pages opened from a file in some browsers
      const area = make("textarea", { value: ids });
      document.body.append(area);
      area.select();
      copied = document.execCommand("copy");
      area.remove();
    }
    at("copy").textContent = copied ? "Copied" : "Not allowed here";
    setTimeout(() => { at("copy").textContent = "Copy ids"; }, 1500);
  }

  // ---- putting it together -------------------------------------------------------------------------------------
  const sample = data.order.slice(0, STEP).filter((row) => !data.pictures.length || pictureOf.has(row)).sort((a, b) => a - b);
  window.coverslip = { pointed, selected, data, make, picture, pointing, field, addColumn };

  for (const column of data.columns) {
    if (column.kind !== "text") at("colour").append(make("option", { value: column.name, textContent: column.name }));
  }
  if (state.column) at("colour").value = state.column;
  else at("colour").parentElement.hidden = true;
  at("maps").hidden = data.maps.length < 2;
  at("views").hidden = !data.pictures.length;

  at("colour").addEventListener("change", () => { state.column = at("colour").value; drawMap(); drawLegend(); drawChosen(); });
  at("maps").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    state.map = Number(button.dataset.map);
    press(at("maps"), (other) => other === button);
    ring(null);
    drawMap();
    showAll();
  });
  at("views").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    state.view = button.dataset.view;
    press(at("views"), (other) => other === button);
    drawChosen();
  });
  at("more").addEventListener("click", () => { state.shown += STEP; drawChosen(); });
  at("export").addEventListener("click", exportChosen);
  at("copy").addEventListener("click", copyIds);
  at("clear").addEventListener("click", () => choose([]));
  addEventListener("keydown", (event) => { if (event.key === "Escape" && cells) choose([]); });
  at("plot").addEventListener("pointermove", (event) => { pointer.x = event.clientX; pointer.y = event.clientY; }, true);
  at("plot").addEventListener("pointerleave", () => { ring(null); hideCard(); });

  // WebGL without a graphics card (a virtual machine, a remote screen) is slower than the plain canvas.
  const emulated = () => {
    const gl = document.createElement("canvas").getContext("webgl");
    const named = gl && gl.getExtension("WEBGL_debug_renderer_info");
    return !gl || (named && /swiftshader|llvmpipe|software|basic render/i.test(gl.getParameter(named.UNMASKED_RENDERER_WEBGL)));
  };
  const item = JSON.parse(at("plot-item").textContent);
  const figure = item.doc.roots[0].attributes;
  if (figure.output_backend === "webgl" && emulated()) figure.output_backend = "canvas";
  Bokeh.embed.embed_item(item, "plot").then((views) => {
    plot = [...views][0].model;
    cells = plot.document.get_model_by_name("cells");
    mark = plot.document.get_model_by_name("mark");
    // A finger that moves over the map scrolls or moves it; the tools in the bar still choose.
    if (matchMedia("(pointer: coarse)").matches) plot.toolbar.active_drag = null;
    dark.addEventListener("change", paint);
    paint();
    drawMap();
    drawLegend();
    drawChosen();
    showAll();
    document.body.dataset.ready = "true";
  });
})();
