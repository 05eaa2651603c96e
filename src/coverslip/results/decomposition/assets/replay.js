// One image of the page: its pictures unpacked, its internal image at any moment, its objects and where they are.
"use strict";
const openReplay = (() => {
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  // Bytes were written as differences, deflated: the canvas need not give back a picture exactly, this does.
  async function unpack(text) {
    const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    for (let i = 1; i < bytes.length; i++) bytes[i] += bytes[i - 1];
    return bytes;
  }

  return async function (data) {
    const [image, background, crops] = await Promise.all([data.image, data.background, data.crops].map(unpack));
    const { width, height, objects } = data;
    const count = objects.number.length;
    const begins = [0];
    for (let i = 0; i < count; i++) begins.push(begins[i] + objects.height[i] * objects.width[i]);
    const now = Float64Array.from(background); // the internal image at this moment
    const whole = Float64Array.from(background); // and with every object
    let reached = 0;

    // Calls back with the place in the picture (-1 outside) and the value of each pixel of an object's mask.
    function each(i, tell) {
      const [h, w] = [objects.height[i], objects.width[i]];
      const [top, left] = [objects.top[i] - data.top, objects.left[i] - data.left];
      for (let y = 0, at = begins[i]; y < h; y++) for (let x = 0; x < w; x++, at++) {
        if (!crops[at]) continue;
        const [row, column] = [top + y, left + x];
        const inside = row >= 0 && row < height && column >= 0 && column < width;
        tell(inside ? row * width + column : -1, (crops[at] - 1) * data.crop_step + data.crop_low, row, column);
      }
    }
    const add = (picture, i, sign) => each(i, (place, value) => { if (place >= 0) picture[place] += sign * value; });
    for (let i = 0; i < count; i++) add(whole, i, 1);

    const covers = (i, row, column) => {
      const [y, x] = [row + data.top - objects.top[i], column + data.left - objects.left[i]];
      const [h, w] = [objects.height[i], objects.width[i]];
      return y >= 0 && y < h && x >= 0 && x < w && crops[begins[i] + y * w + x] > 0;
    };

    // The edges of the mask as an SVG path, in pixels of the picture.
    function outline(i) {
      const [h, w] = [objects.height[i], objects.width[i]];
      const [top, left] = [objects.top[i] - data.top, objects.left[i] - data.left];
      const on = (y, x) => y >= 0 && y < h && x >= 0 && x < w && crops[begins[i] + y * w + x] > 0;
      let path = "";
      for (let y = 0; y <= h; y++) for (let x = 0; x < w; x++) {
        if (on(y, x) === on(y - 1, x)) continue;
        const start = x;
        while (x + 1 < w && on(y, x + 1) !== on(y - 1, x + 1)) x++;
        path += `M${left + start} ${top + y}h${x + 1 - start}`;
      }
      for (let x = 0; x <= w; x++) for (let y = 0; y < h; y++) {
        if (on(y, x) === on(y, x - 1)) continue;
        const start = y;
        while (y + 1 < h && on(y + 1, x) !== on(y + 1, x - 1)) y++;
        path += `M${left + x} ${top + start}v${y + 1 - start}`;
      }
      return path;
    }

    // The objects that share pixels with one, and the share of its pixels that others cover too.
    function overlap(i) {
      const others = new Set();
      let shared = 0;
      each(i, (_, __, row, column) => {
        let covered = false;
        for (let j = 0; j < count; j++) if (j !== i && covers(j, row, column)) { others.add(j); covered = true; }
        shared += covered;
      });
      return { others: [...others].map((j) => objects.number[j]), share: shared / objects.area[i] };
    }

    return {
      data, image, now, whole, count, each, outline, overlap,
      get reached() { return reached; },
      // Adds or takes away objects until `k` are there.
      goTo(k) {
        for (; reached < k; reached++) add(now, reached, 1);
        while (reached > k) add(now, --reached, -1);
      },
      objectsAt: (row, column) => Array.from({ length: count }, (_, i) => i).filter((i) => covers(i, row, column)),
      // Where in the rounds it stands with `k` objects: 0 before the first, the number of rounds with all; within a
      // round as much further as of its gain is there.
      progress(k) {
        if (k === count) return data.rounds.loss.length;
        const step = objects.step[k];
        let [gained, whole] = [0, 0];
        for (let i = 0; i < count; i++) if (objects.step[i] === step) {
          whole += objects.gain[i];
          if (i < k) gained += objects.gain[i];
        }
        return step - 1 + (whole > 0 ? clamp(gained / whole, 0, 0.999) : 0);
      },
    };
  };
})();
