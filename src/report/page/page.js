// Shows the rows of the page: those in view, with search, sort and filter in memory.
// The rows are blocks of JSON in the page. Their text never becomes markup; the page's policy enforces that, too.
// Passwords are dots until the user asks for them, and nothing is stored once the page is closed.
(() => {
  const SIGNS = { reset: "✓", failed: "✕", in_doubt: "?", pending: "…", skipped: "–" };
  const DOTS = "••••••••••";
  const SLICE_MILLIS = 12; // work before the browser may draw
  const PRINTED_MAX = 10000; // rows on paper: some 400 pages
  const MARGIN = 8; // rows drawn above and below those in view

  const known = JSON.parse(byId("known").textContent);
  const rows = []; // as in the page
  const texts = []; // the searchable text of each
  const blocks = [...document.querySelectorAll("script.rows")];
  const seen = new Seen(known.columns);
  const secrets = { all: false, except: new Set() };
  const filter = { status: "", code: "", message: "", claimed: "", title: "", words: [] };
  const sorting = { column: null, down: false };
  let columns = []; // the columns of the table
  let order = []; // all rows, sorted
  let view = []; // the rows that match
  let live = new Map(); // rows in the document, by their place in the view
  let left = 0; // columns shown only in the details
  let height = 40; // of a row, in pixels
  let unread = 0; // the next block to parse
  let printing = false;

  const [scroller, table, standing] = ["scroller", "table", "standing"].map(byId);
  const [thead, tbody, colgroup] = [table.tHead, table.tBodies[0], table.querySelector("colgroup")];

  const statusOf = (row) => known.statuses[row[STATUS]] ?? "";

  /** Adds a row: its searchable text, and the content of its columns. The password is never searched. */
  function take(row) {
    const at = rows.push(row) - 1;
    order.push(at);
    seen.take(row);
    const searched = [row[ACCOUNT], row[NAME], words(statusOf(row)), row[CODE], row[MESSAGE], row[REQUEST], row[SESSIONS], ...row[CELLS]];
    texts.push(folded(searched.filter(Boolean).join("\n")));
  }

  /** Reads the blocks in slices, so the page stays responsive. */
  function load() {
    read(performance.now() + SLICE_MILLIS);
    if (unread < blocks.length) { setTimeout(load); return; }
    document.documentElement.dataset.ready = "yes";
    performance.mark("ready");
  }

  function read(until) {
    while (unread < blocks.length && performance.now() < until) JSON.parse(blocks[unread++].textContent).forEach(take);
    arrange();
  }

  /** Prints all rows, also those not read yet. The headers are plain text, because browsers do not repeat buttons on later pages. */
  function print(now) {
    printing = now;
    columns = [];
    read(now ? Infinity : 0);
  }

  function drawHead() {
    const all = columnsOf(known, seen, statusOf, printing);
    const cards = !printing && matchMedia("screen and (max-width: 48rem)").matches;
    const room = printing ? PAPER_WIDTH : (scroller.clientWidth || innerWidth);
    const chosen = fitted(all, cards ? Infinity : room, printing ? onPaper : onScreen(table));
    left = all.length - chosen.length;
    if (chosen.map(({ id }) => id).join() !== columns.map(({ id }) => id).join()) {
      columns = chosen;
      live.forEach((row) => row.remove());
      live.clear();
      thead.replaceChildren(make("tr", { role: "row" }, ...columns.map(title)));
      markSorted();
      colgroup.replaceChildren(...columns.map(({ kind = "" }) => make("col", { className: kind })));
    }
    table.className = seen.secrets || seen.longest.error ? "three" : "two";
    table.style.setProperty("--secret", Math.max(11, Math.min(seen.longest.secret.length, 40)));
    // One column without a width gets the remaining room, so columns with short texts stay narrow.
    const taker = ["error", "name", "account"].find((id) => chosen.some((column) => column.id === id));
    [...colgroup.children].forEach((col, nth) => { col.style.width = chosen[nth].id === taker ? "" : `${chosen[nth].width}px`; });
    table.style.minWidth = cards || printing ? "" : `${chosen.reduce((sum, { width }) => sum + width, 0)}px`;
    thead.rows[0].ariaRowIndex = "1";
  }

  function title(column) {
    const still = column.still || printing;
    const name = still ? make("span", { className: "still" }, column.title) : make("button", { type: "button" }, column.title);
    if (!still) name.addEventListener("click", () => sortBy(column));
    return make("th", { scope: "col", role: "columnheader", className: `${column.kind ?? ""} c-${column.id}` }, name);
  }

  /** Sorts ascending, then descending, then in the roster's order. */
  function sortBy(column) {
    if (sorting.column?.id !== column.id) Object.assign(sorting, { column, down: false });
    else if (!sorting.down) sorting.down = true;
    else Object.assign(sorting, { column: null, down: false });
    markSorted();
    sort();
    select();
  }

  function markSorted() {
    columns.forEach(({ id }, nth) => {
      const cell = thead.rows[0].cells[nth];
      if (id === sorting.column?.id) cell.setAttribute("aria-sort", sorting.down ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    });
  }

  /** Compares numbers by value, also within words. Empty values always come last. */
  function sort() {
    order = rows.map((_, at) => at);
    const { column, down } = sorting;
    if (!column) return;
    const read = column.rank ?? column.read;
    const key = (value) => (typeof value === "number" ? value : folded(value).replace(/\d+/g, (digits) => digits.padStart(12, "0")));
    const keys = rows.map((row) => key(read(row)));
    const way = down ? -1 : 1;
    order.sort((a, b) => {
      const [one, two] = [keys[a], keys[b]];
      if (one === two) return a - b;
      if (one === "" || two === "") return one === "" ? 1 : -1;
      return one < two ? -way : way;
    });
  }

  function isWanted(at) {
    const row = rows[at];
    return (!filter.status || statusOf(row) === filter.status)
      && (!filter.code || row[CODE] === filter.code)
      && (!filter.message || row[MESSAGE] === filter.message)
      && (!filter.claimed || row[CLAIMED] === filter.claimed)
      && filter.words.every((word) => texts[at].includes(word));
  }

  /** Draws the rows that match search and filter, from the first one. */
  function select() {
    scroller.scrollTop = 0;
    arrange();
  }

  function arrange() {
    view = order.filter(isWanted);
    drawHead();
    live.forEach((row) => row.remove());
    live.clear();
    scroller.hidden = false;
    byId("controls").hidden = false;
    table.ariaRowCount = String(view.length + 1);
    tell();
    draw();
  }

  function tell() {
    const loading = rows.length < known.rows ? `, ${grouped(known.rows - rows.length)} still loading` : "";
    const by = sorting.column ? `, sorted by ${sorting.column.title}${sorting.down ? ", descending" : ""}` : "";
    standing.textContent = `${grouped(view.length)} of ${grouped(rows.length)} rows${by}${loading}`;
    const more = byId("more");
    more.hidden = !left;
    more.textContent = left === 1 ? "1 more column in each row's details" : `${left} more columns in each row's details`;
    const clear = byId("clear");
    clear.hidden = !filter.code && !filter.claimed;
    clear.textContent = `✕ only ${filter.title}`;
    clear.setAttribute("aria-label", `Remove the filter ${filter.title}`);
    const reveal = byId("reveal");
    reveal.hidden = !seen.secrets;
    reveal.textContent = secrets.all ? "Hide all passwords" : "Show all passwords";
    reveal.dataset.shown = secrets.all ? "yes" : "no";
    const secrecy = byId("secrecy");
    secrecy.hidden = rows.length < known.rows;
    secrecy.textContent = secrecyNow();
  }

  function secrecyNow() {
    if (!seen.secrets) return `This file contains no passwords.${known.elsewhere ? ` They are sealed in ${known.elsewhere}.` : ""}`;
    const held = "This file contains them in clear text: keep it safe.";
    if (secrets.all) return `Passwords are shown, also in print. ${held}`;
    const some = secrets.except.size ? `${grouped(secrets.except.size)} of the passwords shown, the others hidden` : "Passwords are hidden";
    return `${some}, also in print. ${held}`;
  }

  /** Adds the visible rows to the document, and removes the others. */
  function draw() {
    const first = printing ? 0 : Math.max(0, Math.floor(scroller.scrollTop / height) - MARGIN);
    const room = Math.ceil((scroller.clientHeight || 600) / height) + 2 * MARGIN;
    const last = Math.min(view.length, printing ? PRINTED_MAX : first + room);
    const kept = new Map();
    for (let place = first; place < last; place++) kept.set(place, live.get(place) ?? drawRow(place));
    for (const [place, row] of live) {
      if (kept.has(place)) continue;
      if (row.contains(document.activeElement)) scroller.focus({ preventScroll: true });
      row.remove();
    }
    live = kept;
    const elements = [space(first), ...kept.values(), space(view.length - last)];
    if (!view.length) elements.push(nothing());
    if (printing && last < view.length) elements.push(cutOff(last));
    put(elements.filter(Boolean));
    const drawn = live.get(first);
    if (drawn && !printing && drawn.offsetHeight && drawn.offsetHeight !== height) { height = drawn.offsetHeight; draw(); }
  }

  /** Makes these the body's children. Those in the right place are not moved, so they keep the focus. */
  function put(elements) {
    tbody.querySelectorAll(".space, .other").forEach((row) => row.remove());
    let before = tbody.firstChild;
    for (const element of elements) {
      if (element === before) before = before.nextSibling;
      else tbody.insertBefore(element, before);
    }
  }

  function space(number) {
    if (number <= 0 || printing) return null;
    const cell = make("td", { colSpan: columns.length });
    cell.style.height = `${number * height}px`;
    return make("tr", { className: "space", ariaHidden: "true" }, cell);
  }

  const whole = (text) => make("tr", { className: "other" }, make("td", { colSpan: columns.length, className: "empty" }, text));
  const nothing = () => whole(rows.length < known.rows ? "Loading rows …" : "No row matches.");
  const cutOff = (last) => whole(`${grouped(view.length - last)} more rows are not printed: narrow the search.`);

  function drawRow(place) {
    const at = view[place];
    const row = rows[at];
    const cells = columns.map((column) => {
      const tag = column.id === "account" ? "th" : "td";
      const cell = make(tag, { className: `${column.kind ?? ""} c-${column.id}`, role: tag === "th" ? "rowheader" : "cell", ...(tag === "th" && { scope: "row" }) });
      if (column.cell) cell.dir = "auto";
      cell.append(content(column, row, at));
      return cell;
    });
    return make("tr", { ariaRowIndex: String(place + 2), role: "row" }, ...cells);
  }

  function content(column, row, at) {
    if (column.id === "account") {
      const name = make("button", { type: "button", className: "name", title: row[ACCOUNT] }, row[ACCOUNT] || "(none)");
      name.addEventListener("click", () => open(at));
      return name;
    }
    if (column.id === "status") return badge(row);
    if (column.id === "password") return row[PASSWORD] === null ? "" : secret(row, at);
    const text = String(column.read(row));
    return text.length > 20 ? make("span", { title: text }, text) : text;
  }

  function badge(row) {
    const status = statusOf(row);
    return make("span", { className: `badge ${status}` }, make("span", { ariaHidden: "true" }, `${SIGNS[status] ?? ""} `), words(status));
  }

  const isShown = (at) => secrets.all !== secrets.except.has(at);

  function secret(row, at, after = () => {}) {
    const text = make("code", { className: "secret" });
    const toggle = make("button", { type: "button", className: "act" });
    const show = () => {
      const shown = isShown(at);
      text.classList.toggle("veiled", !shown);
      text.replaceChildren(shown ? row[PASSWORD]
        : make("span", { ariaHidden: "true" }, DOTS), ...(shown ? [] : [make("span", { className: "unseen" }, "hidden")]));
      toggle.textContent = shown ? "Hide" : "Show";
      toggle.setAttribute("aria-label", `${shown ? "Hide" : "Show"} the password of ${row[ACCOUNT]}`);
    };
    toggle.addEventListener("click", () => {
      if (!secrets.except.delete(at)) secrets.except.add(at);
      show();
      tell();
      after();
    });
    show();
    return make("span", { className: "keep" }, text, toggle, ...copier(row));
  }

  function copier(row) {
    if (!navigator.clipboard?.writeText) return [];
    const button = make("button", { type: "button", className: "act" }, "Copy");
    button.setAttribute("aria-label", `Copy the password of ${row[ACCOUNT]}`);
    button.addEventListener("click", () => navigator.clipboard.writeText(row[PASSWORD]).then(
      () => { button.textContent = "Copied"; },
      () => { button.textContent = "Not copied"; },
    ));
    return [button];
  }

  /** Shows everything that is known about a row. */
  function open(at) {
    const row = rows[at];
    const list = [];
    const fact = (name, value, wide = false) => {
      if (value !== "" && value !== null) list.push(make("div", { className: wide ? "wide" : "" }, make("dt", {}, name), make("dd", { dir: "auto" }, value)));
    };
    fact("Name", row[NAME]);
    fact("Row", String(row[ROW]));
    fact("Status", badge(row));
    if (row[PASSWORD] !== null) fact("Password", secret(row, at, () => { open(at); redraw(); }), true);
    if (row[PASSWORD] !== null && isShown(at)) fact("Spelled out", spelt(row[PASSWORD]), true);
    fact("Message", said(row), true);
    fact("Times sent", String(row[ATTEMPTS]));
    fact("Changed (UTC)", time(row[CHANGED]));
    fact("Verified (UTC)", time(row[VERIFIED]));
    fact("Sessions", row[SESSIONS]);
    fact("Method", row[METHOD] ?? null);
    fact("Claimed", row[CLAIMED] ?? null);
    fact("Claimed at (UTC)", time(row[CLAIMED_AT] ?? null));
    fact("Request", row[REQUEST], true);
    row[CELLS].forEach((cell, nth) => fact(known.columns[nth] || `Column ${nth + 1}`, cell));
    byId("one-title").textContent = row[ACCOUNT] || `Row ${row[ROW]}`;
    const dialog = byId("one");
    const again = dialog.open;
    dialog.querySelector("dl").replaceChildren(...list);
    if (again) dialog.querySelector(".act")?.focus(); else dialog.showModal();
  }

  /** Redraws the visible rows in their places. */
  function redraw() {
    live.forEach((row) => row.remove());
    live.clear();
    tell();
    draw();
  }

  function narrow(data) {
    Object.assign(filter, { status: data.status ?? "", code: data.code ?? "", message: data.message ?? "", claimed: data.claimed ?? "", title: data.title ?? "" });
    byId("status").value = filter.status;
    select();
  }

  function listen() {
    const all = make("option", { value: "" }, `All (${grouped(known.rows)})`);
    const options = known.statuses.map((status) => make("option", { value: status }, `${words(status)} (${grouped(known.counts[status] ?? 0)})`));
    byId("status").append(all, ...options);
    byId("status").addEventListener("change", (event) => narrow({ status: event.target.value }));
    byId("search").addEventListener("input", (event) => {
      filter.words = folded(event.target.value).split(/\s+/).filter(Boolean);
      select();
    });
    byId("clear").addEventListener("click", () => { narrow({ status: filter.status }); byId("search").focus(); });
    byId("reveal").addEventListener("click", () => { secrets.all = !secrets.all; secrets.except.clear(); redraw(); });
    byId("print").addEventListener("click", () => window.print());
    byId("controls").addEventListener("submit", (event) => event.preventDefault());
    byId("one-close").addEventListener("click", () => byId("one").close());
    byId("one").addEventListener("close", redraw);
    document.querySelectorAll("a[data-status], a[data-claimed]").forEach((link) => link.addEventListener("click", () => narrow(link.dataset)));
    let asked = false;
    scroller.addEventListener("scroll", () => {
      if (!asked) requestAnimationFrame(() => { asked = false; draw(); });
      asked = true;
    }, { passive: true });
    // The box grows with its first rows, and the window may change, so there may be room for more rows and columns.
    new ResizeObserver(() => { drawHead(); tell(); draw(); }).observe(scroller);
    addEventListener("beforeprint", () => print(true));
    addEventListener("afterprint", () => print(false));
  }

  listen();
  load();
})();
