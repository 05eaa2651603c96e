// What pages share: making elements, writing numbers, and a table that sorts. Text is text, whatever it looks like.
"use strict";
const coverslip = (() => {
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

  // Columns are {name, title, kind, values}; rows that `pictured` has are clickable, and `view` is told which.
  function sortable(table, columns, pictured, view) {
    let sorted = null, down = false;
    function draw() {
      const rows = columns[0].values.map((_, row) => row);
      if (sorted !== null) {
        const { kind, values } = columns[sorted];
        const compared = kind === "number" ? (a, b) => values[a] - values[b]
          : (a, b) => values[a].localeCompare(values[b], "en", { numeric: true });
        // What is missing comes last, whichever way the others go.
        rows.sort((a, b) => (values[a] === null) - (values[b] === null) || (values[a] === null ? 0 : compared(a, b) * (down ? -1 : 1)));
      }
      const heads = columns.map((column, i) => {
        const button = make("button", { type: "button", textContent: column.name });
        button.addEventListener("click", () => {
          // Numbers are most telling from the top, names from A.
          down = sorted === i ? !down : column.kind === "number";
          sorted = i;
          draw();
          table.tHead.rows[0].cells[i].firstElementChild.focus(); // the button is a new one
        });
        const head = make("th", { title: column.title, scope: "col" }, button);
        if (sorted === i) head.setAttribute("aria-sort", down ? "descending" : "ascending");
        return head;
      });
      const body = rows.map((row) => {
        const cells = columns.map(({ kind, values }) => make("td", {
          className: kind === "number" ? "number" : "", textContent: kind === "number" ? readable(values[row]) : values[row] }));
        const line = make("tr", { className: pictured.has(row) ? "pictured" : "" }, ...cells);
        line.dataset.row = row;
        if (pictured.has(row)) {
          line.tabIndex = 0; // also without a mouse
          line.addEventListener("click", () => view(row));
          line.addEventListener("keydown", (event) => {
            if (event.key !== "Enter" && event.key !== " ") return;
            event.preventDefault();
            view(row);
          });
        }
        return line;
      });
      table.replaceChildren(make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...body));
    }
    draw();
  }

  return { make, readable, sortable };
})();
