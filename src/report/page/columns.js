// Chooses the columns of the table: those with content, as many as fit. The others are in a row's details.
const [ROW, ACCOUNT, NAME, STATUS, PASSWORD, CODE, MESSAGE, ATTEMPTS, REQUEST, CHANGED, VERIFIED, SESSIONS, CELLS, METHOD, CLAIMED, CLAIMED_AT] = Array(16).keys();
const PAPER_WIDTH = 690; // of A4 and of US Letter upright, within the margins
const [PAPER_LETTER, PAPER_AROUND, PAPER_SECRET] = [4.8, 13, 6.4]; // at the size of print

const said = (row) => [row[CODE], row[MESSAGE]].filter(Boolean).join(": ");

/** What the columns depend on in the rows, such as the longest text of each. */
class Seen {
  constructor(titles) {
    this.cells = titles.map(() => ({ other: false, longest: "" }));
    this.secrets = 0;
    this.longest = { account: "", name: "", secret: "", error: "" };
    this.days = new Set();
    this.verified = this.sessions = this.method = this.claimed = false;
  }

  take(row) {
    const longer = (of, text) => { if ((text ?? "").length > this.longest[of].length) this.longest[of] = text; };
    longer("account", row[ACCOUNT]);
    longer("name", row[NAME]);
    longer("secret", row[PASSWORD]);
    longer("error", said(row));
    this.secrets += row[PASSWORD] === null ? 0 : 1;
    this.verified ||= row[VERIFIED] !== null;
    this.sessions ||= row[SESSIONS] !== null;
    this.method ||= (row[METHOD] ?? null) !== null;
    this.claimed ||= row[CLAIMED] !== undefined;
    for (const at of [row[CHANGED], row[VERIFIED]]) if (at !== null && this.days.size < 2) this.days.add(time(at).slice(0, 10));
    const account = row[ACCOUNT].toLowerCase();
    row[CELLS].forEach((cell, nth) => {
      const seen = this.cells[nth];
      if (!seen) return;
      seen.other ||= cell.toLowerCase() !== account;
      if (cell.length > seen.longest.length) seen.longest = cell;
    });
  }

  /** A time in the table: hours and minutes are enough for a run within a day. The details have the seconds. */
  time(millis) {
    return this.days.size < 2 ? time(millis).slice(11, 16) : time(millis).slice(0, 16);
  }
}

/** All columns with content. Those with a `spare` are shown if there is room, the lowest number first. */
function columnsOf(known, seen, statusOf, onPaperNow) {
  const moment = seen.days.size < 2 ? "00:00" : "2026-01-01 00:00";
  const column = (id, title, widest, read, more = {}) => ({ id, title, widest, read, most: 36, spare: 0, ...more });
  const cells = known.columns.map((title, nth) => column(`cell${nth}`, title || `Column ${nth + 1}`, seen.cells[nth].longest,
    (row) => row[CELLS][nth] ?? "", { cell: true, spare: 2, wanted: seen.cells[nth].longest !== "" && seen.cells[nth].other && !known.names.includes(nth) }));
  return [
    column("row", "Row", String(known.rows), (row) => row[ROW], { kind: "number", spare: 7 }),
    column("account", "Account", seen.longest.account, (row) => row[ACCOUNT], { most: 50 }),
    column("name", "Name", seen.longest.name, (row) => row[NAME], { cell: true, most: 32, wanted: seen.longest.name !== "" }),
    column("status", "Status", "✕ in doubt  ..", (row) => words(statusOf(row)), { rank: (row) => row[STATUS] }),
    column("password", "Password", seen.longest.secret, () => "", { still: true, most: 40, wanted: seen.secrets > 0 }),
    ...cells,
    // In print, a message would make its row as high as ten others; the code refers to the causes below.
    column("error", "Message", seen.longest.error.slice(0, 12), onPaperNow ? (row) => row[CODE] ?? "" : said, { kind: "quiet", spare: 1, wanted: seen.longest.error !== "" }),
    column("claimed", "Claimed", "unread", (row) => row[CLAIMED] ?? "", { kind: "quiet", spare: 1, wanted: seen.claimed }),
    column("method", "Method", "writeback", (row) => row[METHOD] ?? "", { kind: "quiet", spare: 3, wanted: seen.method }),
    column("sessions", "Sessions", "failed: 403", (row) => row[SESSIONS] ?? "", { kind: "quiet", spare: 3, wanted: seen.sessions }),
    column("verified", "Verified (UTC)", moment, (row) => seen.time(row[VERIFIED]), { kind: "quiet", spare: 4, wanted: seen.verified }),
    column("changed", "Changed (UTC)", moment, (row) => seen.time(row[CHANGED]), { kind: "quiet", spare: 5, wanted: seen.days.size > 0 }),
    column("attempts", "Sent", "00", (row) => row[ATTEMPTS], { kind: "number", spare: 6 }),
  ].filter(({ wanted = true }) => wanted);
}

/** The width of a column on screen in pixels, measured with the page's own typeface. */
function onScreen(table) {
  const pen = document.createElement("canvas").getContext("2d");
  const style = getComputedStyle(table);
  pen.font = `${style.fontSize} ${style.fontFamily}`;
  const wide = (text) => pen.measureText(text).width;
  return ({ id, title, widest, most }) => {
    const text = widest.slice(0, most);
    if (id === "password") return text.length * 10 + 150;
    return Math.ceil(Math.max(wide(text) * 1.04, wide(title) + 28) + 26);
  };
}

/** The same on paper, where passwords have no buttons. */
function onPaper({ id, title, widest, most }) {
  const chars = Math.max(Math.min(widest.length, most), title.length);
  return chars * (id === "password" ? PAPER_SECRET : PAPER_LETTER) + PAPER_AROUND;
}

/** The columns that fit, each with its width: all required ones, and as many others as there is room for. */
function fitted(columns, room, measure) {
  const all = columns.map((column) => ({ ...column, width: measure(column) }));
  const chosen = new Set(all.filter(({ spare }) => spare === 0));
  let left = room - [...chosen].reduce((sum, { width }) => sum + width, 0);
  for (const column of all.filter(({ spare }) => spare > 0).sort((a, b) => a.spare - b.spare)) {
    if (column.width > left) continue;
    left -= column.width;
    chosen.add(column);
  }
  return all.filter((column) => chosen.has(column));
}
