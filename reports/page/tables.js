// Sorting and filtering. The rows are the page's own: nothing is made here, only moved and hidden.
"use strict";
(() => {
  const value_of = (row, column) => {
    const cell = row.cells[column];
    if (!cell) return "";
    if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
    return cell.classList.contains("n") ? null : cell.textContent.trim();
  };

  // Unknown numbers stay last whichever way the rest is sorted.
  const compare = (a, b, sign) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
  };

  const make_sortable = (table, groups) => {
    table.querySelectorAll(":scope > thead th").forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.onclick = () => {
        const numeric = head.classList.contains("n");
        const before = head.getAttribute("aria-sort");
        const descending = before === null ? numeric : before === "ascending";
        table.querySelectorAll(":scope > thead th").forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        const { parent, items, row } = groups();
        const keyed = items.map((item) => [value_of(row(item), column), item]);
        keyed.sort((a, b) => compare(a[0], b[0], descending ? -1 : 1));
        parent.append(...keyed.map(([, item]) => item));
      };
    });
  };

  const sort_all = () => {
    for (const table of document.querySelectorAll("table.sortable")) {
      const body = table.tBodies[0];
      make_sortable(table, () => ({ parent: body, items: [...body.rows], row: (row) => row }));
    }
    const operations = document.getElementById("operation-table");
    if (operations) make_sortable(operations, () => ({ parent: operations, items: [...operations.tBodies], row: (body) => body.rows[0] }));
  };

  const timing_rows = (body) => [...body.querySelectorAll(".more tr[data-tone]")];

  const apply = (form, bodies) => {
    const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const threads = form.elements.threads.value;
    const attention = form.elements.attention.checked;
    let rows_found = 0, rows_all = 0;
    for (const { body, name, rows } of bodies) {
      let found = 0;
      for (const { row, text, threads: mine } of rows) {
        const show = words.every((word) => text.includes(word)) && (!threads || mine === threads) &&
          (!attention || row.dataset.tone !== "good");
        row.hidden = !show;
        found += show ? 1 : 0;
      }
      const named = words.every((word) => name.includes(word)) && !threads && (!attention || body.dataset.state !== "verified");
      body.hidden = found === 0 && !named;
      rows_found += found;
      rows_all += rows.length;
    }
    form.elements.found.value = words.length || threads || attention ? `${rows_found} of ${rows_all} timings` : "";
  };

  const start_filter = () => {
    const form = document.getElementById("filter");
    const bodies = [...document.querySelectorAll("tbody.operation")].map((body) => {
      const name = body.rows[0].cells[0].textContent.toLowerCase();
      const rows = timing_rows(body).map((row) => ({
        row, threads: row.cells[4].textContent, text: `${name} ${[...row.cells].map((cell) => cell.textContent).join(" ")}`.toLowerCase(),
      }));
      return { body, name, rows };
    });
    if (bodies.length === 0) return;
    const counts = [...new Set(bodies.flatMap(({ rows }) => rows.map((row) => row.threads)))].sort((a, b) => a - b);
    form.elements.threads.append(...counts.map((count) => new Option(count, count)));
    form.elements.open.onclick = () => {
      const details = [...document.querySelectorAll("tbody.operation:not([hidden]) .more details:not(.command)")];
      const open = details.some((one) => !one.open);
      details.forEach((one) => { one.open = open; });
      form.elements.open.textContent = open ? "Close all" : "Open all";
    };
    form.oninput = () => apply(form, bodies);
    form.onsubmit = (event) => event.preventDefault();
    form.hidden = false;
  };

  // A click on a command selects it whole, and copies it where the browser allows that for local files.
  const start_commands = () => {
    document.addEventListener("click", (event) => {
      const code = event.target.closest(".command code, .repeat code");
      if (!code) return;
      getSelection().selectAllChildren(code);
      navigator.clipboard?.writeText(code.textContent).catch(() => {});
    });
  };

  gradproof.start_tables = () => {
    sort_all();
    start_filter();
    start_commands();
  };
})();
