// Shows the rows of the page: a window of them at a time, searched, sorted and filtered in memory.
// The rows stand in the page as blocks of JSON. Text from them only ever becomes text: no markup is made of it, which the
// page's policy holds too. Passwords are dots until they are asked for, and nothing is kept once the page is closed.
(() => {
  const [ROW, ACCOUNT, STATUS, PASSWORD, CODE, MESSAGE, ATTEMPTS, REQUEST, CHANGED, VERIFIED, SESSIONS, CELLS] = Array(12).keys();
  const SIGNS = { reset: "✓", failed: "✕", in_doubt: "?", pending: "…", skipped: "–" };
  const DOTS = "••••••••••";
  const SLICE_MILLIS = 12; // work done before the browser gets to draw
  const PRINTED_MAX = 10000; // rows on paper: some 400 pages
  const MARGIN = 8; // rows drawn above and below those in sight

  const known = JSON.parse(byId("known").textContent);
  const rows = []; // as they stand in the page
  const texts = []; // what is searched of each
  const blocks = [...document.querySelectorAll("script.rows")];
  const facts = known.columns.map(() => ({ filled: false, other: false, chars: 0 }));
  const seen = { secrets: 0, error: false, verified: false, sessions: false, account: 7, secret: 10, message: 10 };
  const secrets = { all: false, except: new Set() };
  const filter = { status: "", code: "", message: "", title: "", words: [] };
  const sorting = { column: null, down: false };
  let columns = []; // what the table shows of a row
  let order = []; // all rows as they are sorted
  let view = []; // those of them that are shown
  let live = new Map(); // rows in the document, by their place in the view
  let height = 44; // of a row, in pixels
  let unread = 0; // the first block that is still to be read
  let printing = false;

  const [scroller, table, standing] = ["scroller", "table", "standing"].map(byId);
  const [thead, tbody, colgroup] = [table.tHead, table.tBodies[0], table.querySelector("colgroup")];

  const statusOf = (row) => known.statuses[row[STATUS]] ?? "";

  /** Takes a row in: what is searched of it, and how wide its columns are. The password is never searched. */
  function take(row) {
    const at = rows.push(row) - 1;
    order.push(at);
    seen.secrets += row[PASSWORD] === null ? 0 : 1;
    seen.error ||= row[CODE] !== null || row[MESSAGE] !== null;
    seen.verified ||= row[VERIFIED] !== null;
    seen.sessions ||= row[SESSIONS] !== null;
    seen.account = Math.max(seen.account, row[ACCOUNT].length);
    seen.secret = Math.max(seen.secret, row[PASSWORD]?.length ?? 0);
    seen.message = Math.max(seen.message, (row[CODE] ?? "").length + (row[MESSAGE] ?? "").length);
    const account = row[ACCOUNT].toLowerCase();
    row[CELLS].forEach((cell, nth) => {
      const fact = facts[nth];
      if (!fact) return;
      fact.filled ||= cell !== "";
      fact.other ||= cell.toLowerCase() !== account;
      fact.chars = Math.max(fact.chars, cell.length);
    });
    const said = [row[ACCOUNT], words(statusOf(row)), row[CODE], row[MESSAGE], row[REQUEST], row[SESSIONS], ...row[CELLS]];
    texts.push(folded(said.filter(Boolean).join("\n")));
  }

  /** Reads the blocks a slice at a time, so that the page stays alive. */
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

  /** All rows are on paper, also those not read yet, and its heads are text: browsers repeat no buttons on later pages. */
  function onPaper(now) {
    printing = now;
    columns = [];
    read(now ? Infinity : 0);
  }

  /** The columns, once it is known which of them say anything. */
  function chooseColumns() {
    const column = (id, title, chars, read, more = {}) => ({ id, title, chars, read, ...more });
    return [
      column("row", "Row", 6, (row) => row[ROW], { kind: "number far" }),
      column("account", "Account", seen.account + 3, (row) => row[ACCOUNT]),
      column("status", "Status", 12, (row) => words(statusOf(row)), { rank: (row) => row[STATUS] }),
      ...(seen.secrets ? [column("password", "Password", seen.secret, () => "", { still: true, width: Math.min(seen.secret, 40) * 10.2 + 150 })] : []),
      ...known.columns.map((title, nth) => column(`cell${nth}`, title || `Column ${nth + 1}`, facts[nth].chars,
        (row) => row[CELLS][nth] ?? "", { kind: "far", cell: true, filled: facts[nth].filled, other: facts[nth].other }))
        .filter((cell) => cell.filled && cell.other),
      ...(seen.error ? [column("error", "What was said", seen.message, said, { kind: "far quiet" })] : []),
      column("attempts", "Sent", 7, (row) => row[ATTEMPTS], { kind: "number far aside" }),
      column("changed", "Changed (UTC)", 21, (row) => time(row[CHANGED]), { kind: "far quiet aside" }),
      ...(seen.verified ? [column("verified", "Verified (UTC)", 21, (row) => time(row[VERIFIED]), { kind: "far quiet" })] : []),
      ...(seen.sessions ? [column("sessions", "Sessions", 14, (row) => row[SESSIONS] ?? "", { kind: "far quiet" })] : []),
    ];
  }

  const said = (row) => [row[CODE], row[MESSAGE]].filter(Boolean).join(": ");

  function drawHead() {
    const chosen = chooseColumns();
    const wide = ({ chars, title }) => Math.min(Math.max(chars, title.length + 3), 36) * 7.7 + 26;
    const widths = chosen.map((column) => Math.round(column.width ?? wide(column)));
    if (chosen.map(({ id }) => id).join() !== columns.map(({ id }) => id).join()) {
      columns = chosen;
      live.forEach((row) => row.remove());
      live.clear();
      thead.replaceChildren(make("tr", {}, ...columns.map(title)));
      markSorted();
      colgroup.replaceChildren(...columns.map(({ kind = "" }) => make("col", { className: kind })));
    }
    [...colgroup.children].forEach((col, nth) => { col.style.width = `${widths[nth]}px`; });
    const narrow = columns.map((column, nth) => (column.kind?.includes("far") && matchMedia("(max-width: 40rem)").matches ? 0 : widths[nth]));
    table.style.minWidth = `${narrow.reduce((sum, width) => sum + width, 0)}px`;
    thead.rows[0].ariaRowIndex = "1";
  }

  function title(column) {
    const still = column.still || printing;
    const name = still ? make("span", { className: "still" }, column.title) : make("button", { type: "button" }, column.title);
    if (!still) name.addEventListener("click", () => sortBy(column));
    return make("th", { scope: "col", className: column.kind ?? "" }, name);
  }

  /** Upwards, downwards, and back to the roster's order. */
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

  /** Numbers by their value, in words too; what is empty comes last either way. */
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
      && filter.words.every((word) => texts[at].includes(word));
  }

  /** Draws what search and filter leave, from its beginning. */
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
    const loading = rows.length < known.rows ? `, ${grouped(known.rows - rows.length)} still being read` : "";
    const by = sorting.column ? `, sorted by ${sorting.column.title}${sorting.down ? ", downwards" : ""}` : "";
    standing.textContent = `${grouped(view.length)} of ${grouped(rows.length)} rows${by}${loading}`;
    const clear = byId("clear");
    clear.hidden = !filter.code;
    clear.textContent = `✕ only ${filter.title}`;
    clear.setAttribute("aria-label", `Show not only ${filter.title}`);
    const reveal = byId("reveal");
    reveal.hidden = !seen.secrets;
    reveal.textContent = secrets.all ? "Hide all passwords" : "Show all passwords";
    reveal.dataset.shown = secrets.all ? "yes" : "no";
    const secrecy = byId("secrecy");
    secrecy.hidden = rows.length < known.rows;
    secrecy.textContent = secrecyNow();
  }

  function secrecyNow() {
    if (!seen.secrets) return `This file holds no passwords.${known.elsewhere ? ` They are sealed in ${known.elsewhere}.` : ""}`;
    const held = "The file holds them in clear text: keep it as you would keep them.";
    if (secrets.all) return `Passwords are shown, on paper too. ${held}`;
    const some = secrets.except.size ? `${grouped(secrets.except.size)} of the passwords shown, the others hidden` : "Passwords are hidden";
    return `${some}, on paper too. ${held}`;
  }

  /** Puts the rows in sight into the document, and takes the others out. */
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

  /** Makes these the body's children without moving those that stand right, so that focus stays. */
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
  const nothing = () => whole(rows.length < known.rows ? "The rows are being read …" : "No row fits.");
  const cutOff = (last) => whole(`${grouped(view.length - last)} more rows are not printed: search for fewer.`);

  function drawRow(place) {
    const at = view[place];
    const row = rows[at];
    const cells = columns.map((column) => {
      const tag = column.id === "account" ? "th" : "td";
      const cell = make(tag, { className: column.kind ?? "", ...(tag === "th" && { scope: "row" }) });
      if (column.cell) cell.dir = "auto";
      cell.append(content(column, row, at));
      return cell;
    });
    return make("tr", { ariaRowIndex: String(place + 2) }, ...cells);
  }

  function content(column, row, at) {
    if (column.id === "account") {
      const name = make("button", { type: "button", className: "name", title: row[ACCOUNT] }, row[ACCOUNT] || "(none)");
      name.addEventListener("click", () => open(at));
      return name;
    }
    if (column.id === "status") return badge(row);
    if (column.id === "password") return row[PASSWORD] === null ? "" : secret(row, at);
    return String(column.read(row));
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

  /** All that is known of a row. */
  function open(at) {
    const row = rows[at];
    const list = [];
    const fact = (name, value, wide = false) => {
      if (value !== "" && value !== null) list.push(make("div", { className: wide ? "wide" : "" }, make("dt", {}, name), make("dd", { dir: "auto" }, value)));
    };
    fact("Row", String(row[ROW]));
    fact("Status", badge(row));
    if (row[PASSWORD] !== null) fact("Password", secret(row, at, () => { open(at); redraw(); }), true);
    if (row[PASSWORD] !== null && isShown(at)) fact("Letter by letter", spelt(row[PASSWORD]), true);
    fact("What was said", said(row), true);
    fact("Times sent", String(row[ATTEMPTS]));
    fact("Changed (UTC)", time(row[CHANGED]));
    fact("Verified (UTC)", time(row[VERIFIED]));
    fact("Sessions", row[SESSIONS]);
    fact("Request", row[REQUEST], true);
    row[CELLS].forEach((cell, nth) => fact(known.columns[nth] || `Column ${nth + 1}`, cell));
    byId("one-title").textContent = row[ACCOUNT] || `Row ${row[ROW]}`;
    const dialog = byId("one");
    const again = dialog.open;
    dialog.querySelector("dl").replaceChildren(...list);
    if (again) dialog.querySelector(".act")?.focus(); else dialog.showModal();
  }

  /** A password as it is read out on the telephone. */
  function spelt(password) {
    const names = { "-": "hyphen", "+": "plus", ":": "colon", ".": "full stop", ",": "comma", "_": "underscore", "!": "exclamation mark", " ": "space" };
    return [...password].map((letter) => {
      if (/[0-9]/.test(letter)) return `digit ${letter}`;
      if (/\p{Lu}/u.test(letter)) return `capital ${letter}`;
      if (/\p{Ll}/u.test(letter)) return `small ${letter}`;
      return names[letter] ?? letter;
    }).join(", ");
  }

  /** Draws the rows in sight anew, where they are. */
  function redraw() {
    live.forEach((row) => row.remove());
    live.clear();
    tell();
    draw();
  }

  function narrow(data) {
    Object.assign(filter, { status: data.status ?? "", code: data.code ?? "", message: data.message ?? "", title: data.title ?? "" });
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
    document.querySelectorAll("a[data-status]").forEach((link) => link.addEventListener("click", () => narrow(link.dataset)));
    let asked = false;
    scroller.addEventListener("scroll", () => {
      if (!asked) requestAnimationFrame(() => { asked = false; draw(); });
      asked = true;
    }, { passive: true });
    addEventListener("resize", () => { drawHead(); draw(); });
    addEventListener("beforeprint", () => onPaper(true));
    addEventListener("afterprint", () => onPaper(false));
  }

  listen();
  load();
})();
