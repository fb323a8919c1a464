// Keeps an open page up to date, and moves nothing by itself: what is new waits behind a button. The server says only
// that something changed in the organization; what that is, is read from the page's own address, once for all of it.
// While builds wait, the Releases page first asks for a glance at itself, which is a fraction of it.
//
//   #queue, rows [data-entry]     new rows wait behind "3 new builds"; rows that others decided stay, grey; what a row
//                                 shows or offers is another one where its [data-version] is
//   article[id^=release-]         shown anew where that takes the same room; else the line says it
//   [data-live-reload] with an id shown anew at once
//   [data-live-watch]             compared; the line says that it changed

const { live, mark: shown } = document.body.dataset;
const AUTOMATIC = { headers: { "X-Lathe-Automatic": "1" } }; // such requests do not keep a session alive
const POLL = 5e3;
const SILENCE = 45e3; // the server speaks more often: whoever is between us holds it back, or nobody is there any more
const CALM = 2e3; // between two looks at what changed
const AWAY = "The server does not answer. What you see may be out of date.";
const SPREAD = 400; // not every page of the organization looks at the same moment

let mark = shown;
let stream = null;
let timer = 0;
let failures = 0;
let over = false;

// --- hearing of changes -------------------------------------------------------------------------------------------

function listen() {
  if (over || stream || document.hidden) return;
  clearTimeout(timer);
  stream = new EventSource(`${live}?since=${encodeURIComponent(mark)}`);
  stream.addEventListener("change", (event) => heard(event.lastEventId));
  for (const sign of ["open", "change", "still"]) stream.addEventListener(sign, expectMore);
  stream.addEventListener("open", () => unsay(AWAY));
  stream.addEventListener("end", stop);
  // A stream that broke comes back by itself; one that was refused does not.
  stream.addEventListener("error", () => {
    if (stream?.readyState !== EventSource.CLOSED) return;
    rest();
    timer = setTimeout(ask, POLL / 5);
  });
  expectMore();
}

function expectMore() {
  clearTimeout(timer);
  timer = setTimeout(() => (rest(), ask()), SILENCE);
}

function rest() {
  stream?.close();
  stream = null;
  clearTimeout(timer);
}

async function ask() {
  try {
    const answer = await fetch(`${live}/poll?since=${encodeURIComponent(mark)}`, AUTOMATIC);
    if (refused(answer)) return stop();
    const said = await answer.json();
    failures = 0;
    unsay(AWAY);
    if (said.changed) heard(said.mark);
  } catch {
    failures += 1;
    if (failures > 1) say(AWAY, "Reload", () => location.reload());
  }
  if (!over && !stream && !document.hidden) timer = setTimeout(ask, POLL * Math.min(1 + failures, 12));
}

const refused = (answer) => answer.redirected || [401, 403, 404].includes(answer.status);

function stop() {
  over = true;
  rest();
  say("You are logged out, or may not see this any more.", "Reload", () => location.reload());
}

// --- looking what changed -----------------------------------------------------------------------------------------

let stale = false; // something was heard that the last look may not have seen
let busy = false;
let due = 0;
let lookedAt = 0;

function heard(now) {
  mark = now;
  stale = true;
  plan(Math.max(0, lookedAt + CALM - Date.now()) + Math.random() * SPREAD);
}

function plan(wait) {
  if (stale && !busy && !due && !over && !document.hidden) due = setTimeout(look, wait);
}

async function look() {
  due = 0;
  if (document.hidden) return; // it is looked at once it is shown
  [busy, stale, lookedAt] = [true, false, Date.now()];
  let wait = CALM;
  try {
    const fresh = await readAgain();
    if (fresh) await compare(fresh);
  } catch {
    [stale, wait] = [true, POLL]; // the server is away for a moment
  }
  busy = false;
  plan(wait);
}

// What answers a form may have no address to be read again, but the queue in it is that of the Releases page.
const releasesPage = () => read(live.replace(/live$/, "releases") + location.search);

function readAgain() {
  if (hasQueue()) return entries(queue()).size ? read(`${live}/releases${location.search}`) : releasesPage();
  return document.querySelector(shown ? "[data-live-reload], [data-live-watch]" : "[data-live-reload]") ? read(location.href) : null;
}

async function compare(fresh) {
  if (hasQueue()) await compareQueue(fresh);
  comparePage(fresh);
}

async function read(address) {
  const answer = await fetch(address, AUTOMATIC);
  if (answer.redirected) stop();
  if (answer.redirected || answer.status === 404) return null;
  if (!answer.ok) throw new Error(answer.status);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function replace(old, fresh) {
  old.replaceWith(fresh);
  fresh.dispatchEvent(new Event("lathe:replaced", { bubbles: true }));
}

// What somebody reads of an element: its words without times, which go on by themselves, and without what is said and
// offered once, right after something was done.
function gist(element) {
  const copy = element.cloneNode(true);
  copy.querySelectorAll("time, .notice, .offer, .live-new, button[data-copy]").forEach((one) => one.remove());
  return copy.textContent.replace(/\s+/g, " ").trim();
}

const announce = (text) => document.dispatchEvent(new CustomEvent("lathe:say", { detail: text }));
const inUse = (element) => element.matches(":hover, :focus-within") || element.querySelector("details[open]") !== null;

// --- the queue ----------------------------------------------------------------------------------------------------

const queue = () => document.getElementById("queue");
const hasQueue = () => queue()?.matches("section") ?? false;
const same = (one, other) => one.dataset.version === other.dataset.version;
const entries = (root) => new Map([...root.querySelectorAll("[data-entry]")].map((row) => [row.dataset.entry, row]));
const plural = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

async function compareQueue(page) {
  const fresh = page.getElementById("queue");
  if (!fresh) return;
  const mine = entries(queue());
  const theirs = entries(fresh);
  if (!mine.size) {
    if (gist(queue()) === gist(fresh)) return;
    // Nothing is in the queue that could move, only what stands below it.
    if (scrollY === 0 && !queue().matches(":focus-within") && !queue().parentElement.querySelector("#queue ~ :hover")) {
      return replace(queue(), fresh);
    }
  }
  count(fresh);
  await markDecided([...mine.keys()].filter((id) => !theirs.has(id) && !("decided" in mine.get(id).dataset)));
  const added = [...theirs.keys()].filter((id) => !mine.has(id));
  const changed = [...theirs].filter(([id, row]) => mine.has(id) && !same(row, mine.get(id)));
  const news = [added.length && plural(added.length, "new build"), changed.length && `${changed.length} changed`];
  offer(news.filter(Boolean).join(", "), bring);
}

function count(fresh) {
  const [shown, now] = [queue(), fresh].map((section) => section.querySelector("[data-queue-count]"));
  if (shown && now) [shown.textContent, shown.hidden] = [now.textContent, now.hidden];
}

// Rows that others decided stay where they are: grey, out of use, and saying who did what.
async function markDecided(gone) {
  if (!gone.length) return;
  const answer = await fetch(`${live}/decisions?${gone.map((id) => `entry=${id}`).join("&")}`, AUTOMATIC);
  if (!answer.ok) throw new Error(answer.status);
  const mine = entries(queue());
  for (const [id, sentence] of Object.entries(await answer.json())) {
    const row = mine.get(id);
    if (!row) continue;
    if (row.contains(document.activeElement) && row !== document.activeElement) {
      row.tabIndex = -1;
      row.focus({ preventScroll: true });
    }
    row.dataset.decided = row.dataset.version = ""; // whatever is there later, it is not what this row shows
    row.style.blockSize = `${row.getBoundingClientRect().height}px`; // however long the sentence is, no row below it moves
    row.querySelectorAll("details[open]").forEach((menu) => (menu.open = false));
    row.querySelectorAll("input[type=checkbox]").forEach((box) => (box.checked = false));
    row.querySelectorAll("form, details, label, input, .acts").forEach((part) => (part.inert = true));
    const why = Object.assign(document.createElement("p"), { title: sentence });
    why.dataset.decidedBy = "";
    why.textContent = sentence;
    (row.querySelector(".why") ?? row).replaceChildren(why);
    announce(sentence);
  }
}

// The button floats over the head of the queue: it takes no room, so that nothing moves when it comes.
function offer(news, bringIn) {
  const before = queue().querySelector(".live-new");
  before?.remove();
  if (!news) return;
  if (before?.textContent !== news) announce(news);
  const button = Object.assign(document.createElement("button"), { type: "button", className: "button first" });
  button.textContent = news;
  button.addEventListener("click", bringIn);
  const place = Object.assign(document.createElement("div"), { className: "live-new" });
  place.append(button);
  queue().prepend(place);
}

// Somebody asked for it: the queue as it is now. Rows that are the same stay the same, ticked or with a menu open.
async function bring() {
  queue().querySelector(".live-new button").disabled = true; // once is enough
  const page = await releasesPage().catch(() => null);
  if (!page) return location.reload();
  const [mine, fresh] = [entries(queue()), page.getElementById("queue")];
  let first = null;
  for (const [id, row] of entries(fresh)) {
    const old = mine.get(id);
    if (old && same(old, row)) row.replaceWith(old);
    else first ??= row;
  }
  replace(queue(), fresh);
  if (!first) return;
  first.tabIndex = -1;
  first.focus();
}

// --- the rest of the page -----------------------------------------------------------------------------------------

function comparePage(fresh) {
  const watched = document.querySelector("[data-live-watch]");
  for (const old of document.querySelectorAll("[data-live-reload]")) {
    const now = fresh.getElementById(old.id);
    if (now && gist(now) !== gist(old)) replace(old, now);
  }
  compareReleases(fresh);
  const now = watched && fresh.querySelector("[data-live-watch]");
  if (now && gist(now) !== gist(watched)) say("This page has changed.", "Reload", () => location.reload());
}

const releases = (root) => new Map([...root.querySelectorAll("article[id^=release-]")].map((one) => [one.id, one]));
const room = (release) => release.querySelectorAll("li").length;

function compareReleases(fresh) {
  const [mine, theirs] = [document, fresh].map(releases);
  let others = mine.size !== theirs.size;
  for (const [id, old] of mine) {
    const now = theirs.get(id);
    if (now && gist(now) === gist(old)) continue;
    if (now && room(now) === room(old) && !inUse(old)) replace(old, now);
    else others = true;
  }
  if (others) say("The releases below have changed.", "Reload", () => location.reload());
}

// --- the line -----------------------------------------------------------------------------------------------------

function say(text, label, act) {
  let line = document.getElementById("live-line");
  if (line?.dataset.text === text) return;
  line?.remove();
  line = Object.assign(document.createElement("aside"), { id: "live-line", ariaLabel: "What changed" });
  line.dataset.text = text;
  const button = Object.assign(document.createElement("button"), { type: "button", className: "button" });
  button.textContent = label;
  button.addEventListener("click", act);
  line.append(Object.assign(document.createElement("span"), { textContent: text }), button);
  document.body.append(line);
  announce(text);
}

function unsay(text) {
  const line = document.getElementById("live-line");
  if (line?.dataset.text === text) line.remove();
}

// --- beginning ----------------------------------------------------------------------------------------------------
// Only pages that somebody looks at are live: browsers open few connections to one server.

if (live && window.EventSource && window.fetch) {
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : (listen(), plan(0))));
  addEventListener("pagehide", rest);
  addEventListener("pageshow", listen);
  listen();
}
