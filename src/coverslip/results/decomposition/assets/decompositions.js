// The page of decompositions. Whatever comes from the result is written with textContent, never as HTML.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { make, readable, sortable } = coverslip;
  const at = (id) => document.getElementById(id);
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const NO = -1, MOST_ZOOM = 16;
  const LONGEST = 9000, SHORTEST = 1200; // of a replay, milliseconds
  const state = { replay: null, chosen: NO, region: NO, zoom: 1, y: 0, x: 0, outlines: [], charts: [], colours: null, playing: 0 };
  const imageOf = new Map(data.images.map((image, i) => [image.row, i]));

  function draw(tag, attributes = {}, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }
  const percent = (share) => share === null ? "–" : `${(100 * share).toFixed(share && Math.abs(share) < 0.001 ? 3 : 1)} %`;
  const amount = (number) => readable(Math.abs(number) >= 1000 ? Math.round(number) : number);
  const plural = (count, thing) => `${count.toLocaleString("en")} ${thing}${count === 1 ? "" : "s"}`;

  // ---- colours -------------------------------------------------------------------------------------------------
  const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  const packed = ([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r;

  // What each byte of the image, and each difference of two bytes, looks like.
  function palettes(gamma, contrast) {
    const bright = (share) => clamp(share, 0, 1) ** gamma;
    const grey = Int32Array.from({ length: 256 }, (_, i) => packed(Array(3).fill(Math.round(255 * bright(i / 255)))));
    const sides = [rgb(data.colours.too_much), rgb(data.colours.left)];
    const error = Int32Array.from({ length: 511 }, (_, i) => {
      const share = bright(contrast * Math.abs(i - 255) / 255);
      return packed(sides[i < 255 ? 0 : 1].map((part) => Math.round(part * share)));
    });
    return { grey, error };
  }

  const byte = (value) => Math.round(clamp(value, 0, 255));

  // Fills a canvas: `colour` gives that of the pixel at a row and column.
  function fill(canvas, height, width, colour) {
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    const picture = context.createImageData(width, height);
    const pixels = new Int32Array(picture.data.buffer);
    for (let y = 0, i = 0; y < height; y++) for (let x = 0; x < width; x++, i++) pixels[i] = colour(y, x, i);
    context.putImageData(picture, 0, 0);
  }

  // ---- the three pictures --------------------------------------------------------------------------------------
  const views = [...document.querySelectorAll(".view")].map((view) => ({
    frame: view.querySelector(".frame"), world: view.querySelector(".world"),
    canvas: view.querySelector("canvas"), svg: view.querySelector("svg"),
  }));

  function layOut() {
    const { replay } = state;
    const { width, height } = replay.data;
    const outlines = Array.from({ length: replay.count }, (_, i) => replay.outline(i));
    const falsely = replay.data.objects.right ? replay.data.objects.right.map((right) => !right) : [];
    for (const view of views) {
      view.frame.style.aspectRatio = `${width} / ${height}`;
      view.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      view.lines = outlines.map((d, i) => draw("path", { d, class: falsely[i] ? "line false" : "line" }));
      view.hover = draw("path", { class: "hover" });
      view.marks = ["halo", "chosen"].map((name) => draw("path", { class: name }));
      view.svg.replaceChildren(...view.lines, view.hover, ...view.marks);
    }
    state.outlines = outlines;
  }

  function paint() {
    const { replay } = state;
    const { width, height } = replay.data;
    const { image, now } = replay;
    state.colours = palettes(replay.data.gamma, Number(at("contrast").value));
    const { grey, error } = state.colours;
    fill(at("picture"), height, width, (y, x, i) => grey[image[i]]);
    fill(at("internal"), height, width, (y, x, i) => grey[byte(now[i])]);
    fill(at("error"), height, width, (y, x, i) => error[255 + image[i] - byte(now[i])]);
  }

  function showLines() {
    at("falsely").hidden = !(at("lines").checked && state.replay.data.objects.right?.includes(false));
    for (const view of views) view.lines.forEach((line, i) => { line.style.display = at("lines").checked && i < state.replay.reached ? "" : "none"; });
  }

  // ---- time ----------------------------------------------------------------------------------------------------
  function goTo(k) {
    const { replay } = state;
    replay.goTo(k);
    at("time").value = k;
    paint();
    showLines();
    const progress = replay.progress(k);
    const where = k === 0 || !progress ? "Background only" : `Round ${Math.ceil(progress)} of ${replay.data.rounds.loss.length}`;
    const values = state.charts.map((chart) => chart.follow(progress)).join(", ");
    at("when").textContent = `${where} · ${k.toLocaleString("en")} of ${plural(replay.count, "object")}${values && ` · ${values}`}`;
    at("time").setAttribute("aria-valuetext", at("when").textContent);
  }

  function play(on) {
    cancelAnimationFrame(state.playing);
    state.playing = 0;
    at("play").textContent = on ? "❚❚ Pause" : "▶ Play";
    if (!on) return;
    const { count, reached } = state.replay;
    const from = reached === count ? 0 : reached;
    const length = clamp(count * 120, SHORTEST, LONGEST);
    const started = performance.now();
    function step(time) {
      const k = clamp(from + Math.floor((time - started) / length * count), from, count);
      if (k !== state.replay.reached) goTo(k);
      if (k === count) play(false);
      else state.playing = requestAnimationFrame(step);
    }
    goTo(from);
    state.playing = requestAnimationFrame(step);
  }

  // A curve over the rounds, with a dot where the slider stands.
  function chart(name, values, top, written, words) {
    const [WIDTH, HEIGHT, LEFT, RIGHT, UP, DOWN] = [360, 120, 8, 8, 8, 18];
    const last = values.length - 1;
    const x = (round) => LEFT + round / Math.max(last, 1) * (WIDTH - LEFT - RIGHT);
    const y = (value) => UP + (1 - clamp(value / top, 0, 1)) * (HEIGHT - UP - DOWN);
    const points = values.flatMap((value, i) => value === null ? [] : [[x(i), y(value)]]);
    const line = draw("line", { class: "now", y1: UP, y2: HEIGHT - DOWN });
    const dot = draw("circle", { class: "dot", r: 4.5 });
    const passes = state.replay.data.rounds.pass;
    const borders = passes.flatMap((pass, i) => i && pass !== passes[i - 1] ? [draw("line", { class: "pass", x1: x(i), x2: x(i), y1: UP, y2: HEIGHT - DOWN })] : []);
    const figure = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${name} after each round` },
      draw("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: HEIGHT - DOWN, y2: HEIGHT - DOWN }), ...borders, line,
      draw("polyline", { points: points.map((point) => point.join(",")).join(" ") }),
      ...(points.length <= 40 ? points.map(([cx, cy]) => draw("circle", { class: "point", cx, cy, r: 2 })) : []), dot,
      draw("text", { x: LEFT, y: HEIGHT - 4 }, "0"), draw("text", { x: WIDTH - RIGHT, y: HEIGHT - 4, "text-anchor": "end" }, `round ${last}`));
    const value = make("b");
    const element = make("figure", { className: "curve" }, make("figcaption", {}, name, " ", value), figure);
    return {
      element,
      // Moves the dot, and says in words where it is. Within a round the value is what its gains so far come to.
      follow(progress) {
        const [before, after] = [Math.floor(progress), Math.ceil(progress)];
        const [low, high] = [values[before] ?? values[after], values[after] ?? values[before]];
        const here = low + (high - low) * (progress - before);
        line.setAttribute("x1", x(progress));
        line.setAttribute("x2", x(progress));
        dot.setAttribute("cx", x(progress));
        dot.setAttribute("cy", y(here));
        value.textContent = (before < after ? "≈ " : "") + written(here);
        return words(value.textContent);
      },
    };
  }

  function drawCurves() {
    const { explained, loss, first_loss: first } = state.replay.data.rounds;
    state.charts = loss.length === 0 ? [] : [
      chart("Explained", [0, ...explained], 1, percent, (text) => `${text} explained`),
      chart("Loss: mean absolute error, grey values", [first, ...loss], Math.max(first ?? 0, ...loss) || 1, readable, (text) => `loss ${text}`),
    ];
    at("curves").replaceChildren(...state.charts.map((one) => one.element));
    if (!loss.length) at("curves").append(make("p", { className: "hint", textContent: "There was no round: nothing stood out from the background." }));
  }

  // ---- objects -------------------------------------------------------------------------------------------------
  function choose(i) {
    const { replay } = state;
    Object.assign(state, { chosen: i, region: NO });
    at("object").hidden = i === NO;
    at("unchosen").hidden = i !== NO;
    mark(i === NO ? "" : state.outlines[i]);
    markRegions();
    if (i === NO) {
      at("object-heading").textContent = "No object chosen";
      return;
    }
    const { objects, pixel_size: size } = replay.data;
    const of = (name) => objects[name][i];
    at("object-heading").textContent = `Object ${of("number")}`;
    at("object").dataset.number = of("number");
    const { others, share } = replay.overlap(i);
    const facts = {
      "Place": [`row ${readable(of("y"))}, column ${readable(of("x"))} px`, size && `${readable(of("y") * size[0])}, ${readable(of("x") * size[1])} µm`],
      "Area": [`${of("area").toLocaleString("en")} px`, size && `${readable(of("area") * size[0] * size[1])} µm²`],
      "Found in": [`round ${of("step")} of ${replay.data.rounds.loss.length}`, `pass ${of("pass") + 1}`],
      "Gain": [`${amount(of("gain"))} grey values`, of("share") !== null && `${percent(of("share"))} of all there was to explain`],
      "Confidence": [readable(of("confidence"))],
      "Generator": [of("generator") === 0 ? "0, the model itself" : `${of("generator")}, a rival`],
      "Overlaps": [others.length ? `${percent(share)} of it` : "nothing", others.length && `with ${others.length > 6 ? plural(others.length, "object") : others.join(", ")}`],
    };
    if (objects.right) facts["Truth"] = [of("right") ? "matches a true object" : "matches no true object"];
    at("facts").replaceChildren(...Object.entries(facts).flatMap(([name, parts]) =>
      [make("dt", { textContent: name }), make("dd", {}, ...parts.filter(Boolean).map((part) => make("span", { textContent: part })))]));
    drawCrops(i);
    reveal(of("top") - replay.data.top + of("height") / 2, of("left") - replay.data.left + of("width") / 2);
  }

  function drawCrops(i) {
    const { image, whole, each, data: { objects, top, left, width, height } } = state.replay;
    const { grey, error } = state.colours;
    const border = Math.max(4, Math.round(0.35 * Math.max(objects.height[i], objects.width[i])));
    const [y0, x0] = [clamp(objects.top[i] - top - border, 0, height - 1), clamp(objects.left[i] - left - border, 0, width - 1)];
    const [y1, x1] = [clamp(objects.top[i] - top + objects.height[i] + border, y0 + 1, height), clamp(objects.left[i] - left + objects.width[i] + border, x0 + 1, width)];
    const own = new Map();
    each(i, (place, value) => own.set(place, value));
    const light = (place) => own.get(place) ?? 0;
    const looks = {
      "image": (place) => grey[image[place]],
      "generated": (place) => grey[byte(light(place))],
      "left over without it": (place) => error[255 + image[place] - byte(whole[place] - light(place))],
      "left over with it": (place) => error[255 + image[place] - byte(whole[place])],
    };
    at("crops").replaceChildren(...Object.entries(looks).map(([name, colour]) => {
      const canvas = make("canvas", { role: "img", ariaLabel: `Object ${objects.number[i]}: ${name}` });
      fill(canvas, y1 - y0, x1 - x0, (y, x) => colour((y0 + y) * width + x0 + x));
      canvas.dataset.what = name;
      const lines = draw("svg", { viewBox: `${x0} ${y0} ${x1 - x0} ${y1 - y0}`, "aria-hidden": "true" }, draw("path", { class: "line", d: state.outlines[i] }));
      return make("figure", {}, make("div", { className: "crop" }, canvas, lines), make("figcaption", { textContent: name }));
    }));
  }

  function mark(path) {
    for (const view of views) for (const one of view.marks) one.setAttribute("d", path);
  }

  function next(by) {
    const { count } = state.replay;
    if (count) choose(state.chosen === NO ? (by > 0 ? 0 : count - 1) : (state.chosen + by + count) % count);
  }

  // ---- what is left --------------------------------------------------------------------------------------------
  function listRegions() {
    const { regions, more_regions: more, regions_outside: outside } = state.replay.data;
    at("regions-note").textContent = regions.sum.length
      ? "Connected places that are brighter than what explains them and than the noise, most light first. A click shows where."
      : "No place is brighter than what explains it by more than the noise.";
    at("regions").replaceChildren(...regions.sum.map((sum, i) => {
      const button = make("button", { type: "button" },
        make("b", { textContent: `row ${Math.round(regions.y_px[i])}, column ${Math.round(regions.x_px[i])}` }),
        make("span", { textContent: `${regions.height_px[i]} × ${regions.width_px[i]} px` }),
        make("span", { textContent: `sum ${amount(sum)}` }),
        make("span", { textContent: regions.share[i] === null ? "" : `${percent(regions.share[i])} of what is left` }));
      button.addEventListener("click", () => chooseRegion(i));
      return make("li", {}, button);
    }));
    for (const [count, where] of [[more, "more with less light"], [outside, "outside this part of the image"]])
      if (count) at("regions").append(make("li", { className: "hint", textContent: `and ${count.toLocaleString("en")} ${where}` }));
  }

  function chooseRegion(i) {
    choose(NO);
    state.region = i;
    const { regions, top, left } = state.replay.data;
    const border = 3;
    const [y, x] = [regions.top_px[i] - top - border, regions.left_px[i] - left - border];
    const [h, w] = [regions.height_px[i] + 2 * border, regions.width_px[i] + 2 * border];
    mark(`M${x} ${y}h${w}v${h}h${-w}z`);
    markRegions();
    reveal(y + h / 2, x + w / 2);
    at("views").scrollIntoView({ block: "nearest" });
  }

  function markRegions() {
    at("regions").querySelectorAll("button").forEach((button, i) => button.setAttribute("aria-pressed", String(i === state.region)));
  }

  // ---- zoom ----------------------------------------------------------------------------------------------------
  function place() {
    const { width, height } = state.replay.data;
    const { zoom } = state;
    state.x = clamp(state.x, width / zoom / 2, width * (1 - 0.5 / zoom));
    state.y = clamp(state.y, height / zoom / 2, height * (1 - 0.5 / zoom));
    for (const { world } of views) Object.assign(world.style, {
      width: `${100 * zoom}%`, height: `${100 * zoom}%`,
      left: `${100 * (0.5 - zoom * state.x / width)}%`, top: `${100 * (0.5 - zoom * state.y / height)}%` });
    at("views").classList.toggle("zoomed", zoom > 1);
    at("out").disabled = zoom <= 1;
    at("in").disabled = zoom >= MOST_ZOOM;
  }

  function zoomBy(factor) {
    state.zoom = clamp(state.zoom * factor, 1, MOST_ZOOM);
    if (state.chosen !== NO && factor > 1) {
      const { objects, top, left } = state.replay.data;
      [state.y, state.x] = [objects.y[state.chosen] - top, objects.x[state.chosen] - left];
    }
    place();
  }

  function reveal(y, x) {
    const { width, height } = state.replay.data;
    if (Math.abs(y - state.y) < 0.45 * height / state.zoom && Math.abs(x - state.x) < 0.45 * width / state.zoom) return;
    Object.assign(state, { y, x });
    place();
  }

  for (const view of views) {
    let held = null;
    const pixel = (event) => {
      const box = view.canvas.getBoundingClientRect();
      return [(event.clientY - box.top) / box.height * view.canvas.height, (event.clientX - box.left) / box.width * view.canvas.width];
    };
    const under = (event) => state.replay.objectsAt(...pixel(event).map(Math.floor));
    const small = (i) => state.replay.data.objects.area[i];
    view.frame.addEventListener("pointerdown", (event) => {
      held = { at: pixel(event), moved: false, x: event.clientX, y: event.clientY };
    });
    view.frame.addEventListener("pointermove", (event) => {
      if (held && (event.buttons & 1)) {
        held.moved ||= Math.hypot(event.clientX - held.x, event.clientY - held.y) > 4;
        if (!held.moved || state.zoom === 1) return;
        view.frame.setPointerCapture(event.pointerId);
        const [y, x] = pixel(event);
        Object.assign(state, { y: state.y + held.at[0] - y, x: state.x + held.at[1] - x });
        place();
        return;
      }
      const found = event.pointerType === "mouse" && state.replay ? under(event) : [];
      for (const one of views) one.hover.setAttribute("d", found.length ? state.outlines[found[0]] : "");
    });
    view.frame.addEventListener("pointerleave", () => views.forEach((one) => one.hover?.setAttribute("d", "")));
    view.frame.addEventListener("click", (event) => {
      if (held?.moved || !state.replay) return;
      const found = under(event).sort((a, b) => small(a) - small(b));
      choose(found.length ? found[(found.indexOf(state.chosen) + 1) % found.length] : NO);
    });
  }

  // ---- images --------------------------------------------------------------------------------------------------
  let wanted = 0;
  async function open(index) {
    wanted = index;
    const replay = await openReplay(data.images[index]);
    if (wanted !== index) return; // another one was asked for meanwhile
    play(false);
    const { name, note, top, left, width, height, whole, objects_in_all: total } = replay.data;
    Object.assign(state, { replay, zoom: 1, y: height / 2, x: width / 2 });
    at("name").textContent = name;
    const detail = height < whole[0] || width < whole[1]
      ? ` · the part from row ${top}, column ${left}, of ${whole[0]} × ${whole[1]} pixels; ${replay.count.toLocaleString("en")} of ${plural(total, "object")} reach into it` : "";
    at("note").textContent = note + detail;
    at("time").max = replay.count;
    document.querySelectorAll("#reel button").forEach((button, i) => button.setAttribute("aria-current", String(i === index)));
    layOut();
    listRegions();
    drawCurves();
    goTo(replay.count);
    choose(NO);
    place();
    at("views").dataset.image = index;
  }

  function drawReel() {
    at("reel").replaceChildren(...data.images.map((image, i) => {
      const button = make("button", { type: "button", title: image.name },
        make("img", { src: image.thumbnail, alt: "" }), make("b", { textContent: image.name }), make("small", { textContent: image.note }));
      button.addEventListener("click", () => open(i));
      return button;
    }));
  }

  function start() {
    sortable(at("table"), data.columns, imageOf, (row) => { open(imageOf.get(row)); at("name").scrollIntoView(); });
    if (!data.images.length) return Promise.resolve();
    if (at("reel")) drawReel();
    at("time").addEventListener("input", () => { play(false); goTo(Number(at("time").value)); });
    at("play").addEventListener("click", () => play(!state.playing));
    at("lines").addEventListener("change", showLines);
    at("contrast").addEventListener("change", () => { paint(); if (state.chosen !== NO) drawCrops(state.chosen); });
    at("before").addEventListener("click", () => next(-1));
    at("after").addEventListener("click", () => next(1));
    at("in").addEventListener("click", () => zoomBy(2));
    at("out").addEventListener("click", () => zoomBy(0.5));
    addEventListener("keydown", (event) => {
      if (event.target.matches("select, input[type=range]") || event.ctrlKey || event.metaKey || event.altKey || !state.replay) return;
      const does = {
        ArrowLeft: () => next(-1), ArrowRight: () => next(1), Escape: () => choose(NO), p: () => play(!state.playing),
        o: () => { at("lines").checked = !at("lines").checked; showLines(); }, "+": () => zoomBy(2), "=": () => zoomBy(2), "-": () => zoomBy(0.5),
      }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!does) return;
      event.preventDefault();
      does();
    });
    if (typeof DecompressionStream === "undefined") {
      at("note").textContent = "This browser is too old to unpack the pictures; open the page in one of 2023 or later.";
      return Promise.resolve();
    }
    return open(0);
  }

  start().then(() => { document.body.dataset.ready = "true"; });
})();
