"use strict";
// Sorts and filters the tables, and keeps what is shown in the address. The page is whole without it.
(() => {
  const tables = [...document.querySelectorAll("table.arms")];
  const controls = document.getElementById("controls");
  const filter = document.getElementById("filter");
  const boxes = [...controls.querySelectorAll("input[type=checkbox]")];
  const shown = document.getElementById("shown");
  const rows = tables.flatMap((table) => [...table.querySelectorAll("tr[data-class]")]);
  rows.forEach((row, order) => { row.order = order; });
  const FIRST = "rank";
  let sorted = FIRST, falling = false, opened = [];

  const text = (cell) => cell ? cell.textContent.trim() : "";
  const key = (cell, numeric) => {
    if (!numeric) return text(cell);
    return cell && cell.dataset.key ? Number(cell.dataset.key) : null;
  };

  function sort() {
    for (const table of tables) {
      const heads = [...table.tHead.rows[0].cells];
      const index = heads.findIndex((head) => head.dataset.id === sorted);
      heads.forEach((head, place) => {
        if (place === index) head.setAttribute("aria-sort", falling ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      });
      if (index < 0) continue;
      const numeric = "numeric" in heads[index].dataset;
      for (const body of table.tBodies) {
        const mine = [...body.querySelectorAll("tr[data-class]")].map((row) => [key(row.cells[index], numeric), row]);
        mine.sort(([a, first], [b, second]) => {
          if (a === null || b === null || a === b) return (a === null) - (b === null) || first.order - second.order;
          return (a < b ? -1 : 1) * (falling ? -1 : 1);
        });
        body.append(...mine.map(([, row]) => row));
      }
    }
  }

  function sift() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const off = new Set(boxes.filter((box) => !box.checked).map((box) => box.name + " " + box.value));
    let count = 0;
    for (const row of rows) {
      const said = row.textContent.toLowerCase();
      const kept = words.every((word) => said.includes(word))
        && !off.has("class " + row.dataset.class) && !off.has("verdict " + row.dataset.verdict);
      row.hidden = !kept;
      count += kept;
    }
    for (const table of tables) {
      for (const head of table.querySelectorAll("tr.class")) {
        head.hidden = !head.parentElement.querySelector("tr[data-class]:not([hidden])");
      }
    }
    shown.textContent = count + " of " + rows.length + " arms shown";
  }

  function write() {
    const state = new URLSearchParams();
    if (sorted !== FIRST || falling) state.set("sort", (falling ? "-" : "") + sorted);
    if (filter.value) state.set("filter", filter.value);
    for (const name of ["class", "verdict"]) {
      const off = boxes.filter((box) => box.name === name && !box.checked).map((box) => box.value);
      if (off.length) state.set("without-" + name, off.join("."));
    }
    if (opened.length) state.set("open", opened.join("."));
    history.replaceState(null, "", "#" + state);
  }

  function read() {
    const said = location.hash.slice(1);
    if (said && !said.includes("=")) return reveal(said);
    const state = new URLSearchParams(said);
    const order = state.get("sort") || FIRST;
    falling = order.startsWith("-");
    sorted = order.replace(/^-/, "");
    filter.value = state.get("filter") || "";
    for (const box of boxes) {
      box.checked = !(state.get("without-" + box.name) || "").split(".").includes(box.value);
    }
    const wanted = (state.get("open") || "").split(".").filter((id) => document.getElementById(id));
    for (const details of document.querySelectorAll("details[id]")) details.open = wanted.includes(details.id);
    opened = wanted;
    sort();
    sift();
    if (wanted.length) document.getElementById(wanted[wanted.length - 1]).scrollIntoView();
  }

  // A link to details opens them and all that they lie in.
  function reveal(id) {
    const target = document.getElementById(id);
    if (!target) return;
    for (let each = target; each; each = each.parentElement) if (each.localName === "details") each.open = true;
    target.scrollIntoView();
    if (target.localName === "details") target.querySelector("summary").focus({ preventScroll: true });
  }

  for (const table of tables) {
    for (const head of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        falling = sorted === head.dataset.id && !falling;
        sorted = head.dataset.id;
        sort();
        write();
      });
    }
  }
  // Columns that a table can do without are left out until it fits. One that fits needs no scrolling of its own: its
  // heads stick to the top of the window.
  const SPARE = [7, 6, 5, 4, 3, 2, 1];
  const fit = () => {
    for (const box of document.querySelectorAll(".scroll")) {
      if (!box.clientWidth) continue; // in details that are closed
      box.className = "scroll";
      for (const turn of SPARE) if (box.scrollWidth > box.clientWidth) box.classList.add("least-" + turn);
      box.classList.add(box.scrollWidth > box.clientWidth ? "wider" : "fits");
    }
  };
  addEventListener("resize", fit);
  controls.addEventListener("input", () => { sift(); write(); });
  controls.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("all").addEventListener("click", () => {
    filter.value = "";
    for (const box of boxes) box.checked = true;
    sift();
    write();
  });
  document.addEventListener("toggle", ({ target }) => {
    if (!target.id || target.localName !== "details") return;
    opened = opened.filter((id) => id !== target.id);
    if (target.open) opened.push(target.id);
    write();
    fit();
  }, true);
  // Lines and commands can be copied. A page that is not trusted with the clipboard selects them in its place.
  for (const pre of document.querySelectorAll("pre.lines, pre.command")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    const box = document.createElement("div");
    box.className = "copied";
    pre.replaceWith(box);
    box.append(button, pre);
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(pre.textContent);
      } catch {
        getSelection().selectAllChildren(pre);
        if (!document.execCommand("copy")) return;
      }
      button.textContent = "Copied";
    });
  }
  addEventListener("hashchange", read);
  controls.hidden = false;
  read();
  fit();
})();
