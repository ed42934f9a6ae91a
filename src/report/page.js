"use strict";
// Tables can be sorted by their heads, and taken away as CSV and LaTeX. Without this script a page
// lacks no more than that.
(() => {
  const value = (cell) => (cell ? cell.dataset.value ?? cell.textContent : "");
  const compare = (a, b) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    const [x, y] = [Number(a), Number(b)];
    if (Number.isNaN(x) || Number.isNaN(y)) return a.localeCompare(b, undefined, { numeric: true });
    return x - y;
  };
  const sort = (table, head, at) => {
    const falls = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", falls ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = [...body.rows];
    rows.sort((a, b) => {
      const [x, y] = [value(a.cells[at]), value(b.cells[at])];
      // What is missing stays below, whichever way.
      const order = compare(x, y);
      return falls && x !== "" && y !== "" ? -order : order;
    });
    body.append(...rows);
  };
  const cells = (table, of) => [...table.rows].map((row) => [...row.cells].map(of));
  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const csv = (table) =>
    cells(table, (cell) => quoted(cell.dataset.value ?? cell.textContent))
      .map((row) => row.join(",") + "\n")
      .join("");
  const special = {
    "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}",
    "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}",
  };
  const escaped = (text) =>
    text.replace(/[\\~^<>|&%$#_{}]/g, (c) => special[c] ?? `\\${c}`);
  const latex = (table) => {
    const [head, ...rows] = cells(table, (cell) => escaped(cell.textContent));
    const last = table.tBodies[0].rows[0];
    const sides = [...(last ? last.cells : [])].map((cell) => ("value" in cell.dataset ? "r" : "l"));
    const lines = (some) => some.map((row) => row.join(" & ") + " \\\\\n").join("");
    return (
      `\\begin{tabular}{${sides.join("")}}\n\\hline\n${lines([head])}\\hline\n` +
      `${lines(rows)}\\hline\n\\end{tabular}\n`
    );
  };
  const link = (table, ending, kind, make) => {
    const a = document.createElement("a");
    a.href = "#";
    a.textContent = `${ending === "csv" ? "CSV" : "LaTeX"}`;
    a.setAttribute("aria-label", `Take the table ${table.dataset.name} as ${a.textContent}`);
    a.download = `${table.dataset.name}.${ending}`;
    // Made when it is asked for: a page of many tables opens at once.
    a.addEventListener("click", () => {
      const address = URL.createObjectURL(new Blob([make(table)], { type: kind }));
      a.href = address;
      setTimeout(() => URL.revokeObjectURL(address), 60000);
    });
    return a;
  };
  for (const table of document.querySelectorAll("table")) {
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("click", () => sort(table, head, at));
      head.replaceChildren(button);
    });
    const take = document.createElement("p");
    take.className = "take";
    take.append(
      link(table, "csv", "text/csv", csv),
      link(table, "tex", "application/x-tex", latex),
    );
    table.parentElement.after(take);
  }
})();
