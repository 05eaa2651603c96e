// Names for clusters, typed into the page and exported as a small file. Text is only ever written as text.
"use strict";
(() => {
  const { data, make, picture, pointing, addColumn } = window.coverslip;
  const { column, clusters, look } = data.naming;
  const at = (id) => document.getElementById(id);
  const idOf = (row) => data.ids[row];
  const source = data.columns.find((one) => one.name === column);
  const codeOf = new Map((source?.categories ?? []).map((name, i) => [name, i]));
  const rowOf = new Map(data.ids.map((id, row) => [id, row]));
  const fields = new Map();
  const single = new Map();

  function tile(row) {
    return pointing(make("div", {}, picture(row, "lazy") ?? make("span", { className: "blank", textContent: "–" })), row);
  }

  function strip(title, rows) {
    return make("div", { className: "strip" }, make("small", { textContent: title }), make("div", {}, ...rows.map(tile)));
  }

  function named(input) {
    input.setAttribute("list", "names-known");
    input.addEventListener("input", changed);
    return input;
  }

  function part(cluster) {
    const input = named(make("input", { type: "text", maxLength: 60, placeholder: "Name", autocomplete: "off", spellcheck: false }));
    input.setAttribute("aria-label", `Name of cluster ${cluster.name}`);
    fields.set(cluster.name, input);
    const code = codeOf.get(cluster.name);
    const colour = code === undefined ? "transparent" : source.colours[code];
    return make("div", { className: "cluster" },
      make("div", {},
        make("h3", {}, make("i", { style: { "--dot": colour } }), `${column} ${cluster.name}`),
        make("p", { textContent: `${cluster.size.toLocaleString("en")} of ${data.ids.length.toLocaleString("en")} ${data.things}, ${Math.round(100 * cluster.agreement)} % of neighbours agree` }),
        input),
      make("div", { className: "strips" },
        strip("Typical", cluster.typical), strip("Borderline", cluster.borderline), strip("Random", cluster.random)));
  }

  function doubtful(row) {
    const input = named(make("input", { type: "text", maxLength: 60, autocomplete: "off", spellcheck: false }));
    input.setAttribute("aria-label", `Name of ${idOf(row)}`);
    single.set(idOf(row), input);
    return make("div", {}, tile(row), make("small", { textContent: `${idOf(row)} · ${column} ${clusterOf(row)}` }), input);
  }

  const clusterOf = (row) => (source.kind === "category" ? source.categories[source.values[row]] : String(source.values[row]));
  const typed = (inputs) => [...inputs].map(([key, input]) => [key, input.value.trim()]).filter(([, name]) => name);

  function changed() {
    const names = new Map(typed(fields));
    const cells = new Map(typed(single));
    const counts = new Map();
    for (const cluster of clusters) {
      const name = names.get(cluster.name);
      if (name) counts.set(name, (counts.get(name) ?? 0) + cluster.size);
    }
    for (const [id, name] of cells) {
      const before = names.get(clusterOf(rowOf.get(id)));
      if (before) counts.set(before, counts.get(before) - 1);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const chips = [...counts].map(([name, count]) =>
      make("span", { className: "chip" }, make("b", { textContent: name }), make("span", { textContent: count.toLocaleString("en") })));
    if (total && total < data.ids.length) chips.push(make("span", { className: "chip" }, make("b", { textContent: "without a name" }), make("span", { textContent: (data.ids.length - total).toLocaleString("en") })));
    at("names-sum").replaceChildren(...chips);
    at("names-known").replaceChildren(...[...counts.keys()].map((name) => make("option", { value: name })));
    for (const id of ["names-export", "names-colour"]) at(id).disabled = !total;
  }

  function content() {
    return JSON.stringify({
      coverslip: "names",
      column,
      of: data.naming.of,
      names: Object.fromEntries(clusters.map((cluster) => [cluster.name, fields.get(cluster.name).value.trim()])),
      sizes: Object.fromEntries(clusters.map((cluster) => [cluster.name, cluster.size])),
      cells: Object.fromEntries(typed(single)),
    }, null, 2) + "\n";
  }

  function exportNames() {
    const url = URL.createObjectURL(new Blob([content()], { type: "application/json" }));
    make("a", { href: url, download: "names.json" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
    at("names-next").replaceChildren("Next: ", make("code", { textContent: "coverslip label cells.h5ad cells.h5ad names.json --out labels.parquet" }), ", with the result that this page was made of.");
  }

  async function openNames() {
    const [file] = at("names-open").files;
    if (!file) return;
    try {
      const found = JSON.parse(await file.text());
      for (const [name, input] of fields) input.value = String(found.names?.[name] ?? "");
      for (const [id, input] of single) input.value = String(found.cells?.[id] ?? "");
      changed();
    } catch {
      at("names-sum").replaceChildren(make("span", { className: "chip" }, make("b", { textContent: "This file holds no names" })));
    }
    at("names-open").value = "";
  }

  const PALETTE = data.columns.find((one) => one.kind === "category" && one.categories.length > 6)?.colours ?? ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#7a5195", "#8c6d31", "#5b6774"];

  function colourByName() {
    const names = new Map(typed(fields));
    const cells = new Map(typed(single));
    const categories = [...new Set([...names.values(), ...cells.values()])].sort();
    const place = new Map(categories.map((name, i) => [name, i]));
    const values = data.ids.map((id, row) => place.get(cells.get(id) ?? names.get(clusterOf(row))) ?? -1);
    const counts = new Array(categories.length).fill(0);
    for (const value of values) if (value >= 0) counts[value] += 1;
    addColumn({ name: "name", kind: "category", values, categories, counts, colours: categories.map((_, i) => PALETTE[i % PALETTE.length]) });
  }

  at("clusters").append(...clusters.map(part));
  at("look").append(...look.map(doubtful));
  at("look-part").hidden = !look.length;
  at("names-export").addEventListener("click", exportNames);
  at("names-open").addEventListener("change", openNames);
  at("names-colour").addEventListener("click", colourByName);
})();
