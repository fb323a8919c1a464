// Single keys for the queue and for lists of builds. Off while somebody types, with any other key held down, and where
// the profile says so (<html data-shortcuts="off">). Rows are [data-row]; within a row (or in a bar for all that is
// selected, [data-bulk]) the control that a key works is [data-key=<key>].

const HELP = [
  ["j", "Next row"],
  ["k", "Previous row"],
  ["o", "Open the row"],
  ["x", "Select the row"],
  ["a", "Assign to a release"],
  ["p", "Select a project"],
  ["r", "Reject"],
  ["z", "Undo"],
  ["/", "Filter"],
  ["?", "This help"],
  ["Esc", "Close what is open"],
];
const LEFT = "lathe-left"; // where somebody was when a form of a row was sent

const find = (root, key) => [...root.querySelectorAll(`[data-key="${key}"]`)].find((one) => !one.closest("[inert]"));
const rows = () => [...document.querySelectorAll("[data-row]")].filter((row) => row.checkVisibility());
const current = () => document.activeElement?.closest("[data-row]") ?? document.querySelector("[data-row][data-current]");

function goTo(row) {
  document.querySelector("[data-current]")?.removeAttribute("data-current");
  row.dataset.current = "";
  row.tabIndex = -1;
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const all = rows();
  const at = all.indexOf(current());
  const next = at < 0 ? all[0] : all[at + step];
  if (next) goTo(next);
}

// Work a control as a click would; where it opens something, or has opened it already, go on inside of it.
function press(control) {
  if (!control.matches("summary")) return control.click();
  if (!control.closest("details[open]")) control.click();
  enter(control.closest("details[open]"));
}

function enter(opened) {
  opened?.querySelector(":is(.panel, form, ul) :is(select, button, a, textarea, input:not([type=hidden]))")?.focus();
}

function act(key) {
  const row = current();
  const ticked = document.querySelector('[data-row] [data-key="x"]:checked');
  const bulk = ticked && [...document.querySelectorAll("[data-bulk]")].map((bar) => find(bar, key)).find(Boolean);
  const control = (key !== "x" && key !== "o" && bulk) || (row && find(row, key));
  if (control) press(control);
  else if (key === "z") undo();
  else if (!row && rows().length) move(1); // first show which row it would be about
}

// Undo what was done just before; else show the last decision of the history, which the next stroke undoes.
function undo() {
  const all = [...document.querySelectorAll('[data-key="z"]')].filter((one) => !one.closest("[inert]"));
  const shown = all.find((one) => one.checkVisibility());
  if (shown) return press(shown);
  const last = all.find((one) => one.closest("#decided"));
  if (last) last.closest("#decided").open = true;
  last?.focus();
}

function filter() {
  const field = find(document, "/") ?? document.querySelector("input[type=search], input[name=q]");
  field?.closest("details")?.setAttribute("open", "");
  field?.focus();
  field?.select();
}

// --- help ---------------------------------------------------------------------------------------------------------

function make(tag, content, attributes = {}) {
  const element = Object.assign(document.createElement(tag), attributes);
  element.append(...[content].flat());
  return element;
}

function help() {
  let dialog = document.getElementById("keys");
  if (!dialog) {
    const list = make("dl", HELP.map(([key, what]) => make("div", [make("dt", make("kbd", key)), make("dd", what)])));
    const close = make("form", make("button", "Close", { className: "button first" }), { method: "dialog" });
    const title = make("h2", "Keyboard", { id: "keys-title" });
    dialog = make("dialog", [title, list, close], { id: "keys" });
    dialog.setAttribute("aria-labelledby", title.id);
    document.body.append(dialog);
  }
  dialog.showModal();
}

for (const button of document.querySelectorAll("[data-help]")) {
  button.hidden = false;
  button.addEventListener("click", help);
}

// --- keys ---------------------------------------------------------------------------------------------------------

const WORKS = {
  j: () => move(1),
  k: () => move(-1),
  "/": filter,
  "?": help,
  ...Object.fromEntries(["x", "a", "p", "r", "z", "o"].map((key) => [key, () => act(key)])),
};
const typing = (element) =>
  element.isContentEditable ||
  element.matches("select, textarea, input:not([type=checkbox], [type=radio], [type=submit], [type=button])");

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "Escape") return leave(event.target);
  if (document.documentElement.dataset.shortcuts === "off" || typing(event.target)) return;
  if (document.querySelector("dialog[open]") || !Object.hasOwn(WORKS, event.key)) return;
  if (event.repeat && event.key !== "j" && event.key !== "k") return;
  event.preventDefault();
  WORKS[event.key]();
});

// Close the menu that somebody is in, and go back to where it was opened.
function leave(from) {
  const menu = from.closest("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  (menu.closest("[data-row]") ?? menu.querySelector("summary")).focus();
}

// --- on with the next row -----------------------------------------------------------------------------------------
// After a form of a row was sent, its page is shown anew: at the same place, with the next row at hand.

document.addEventListener("submit", (event) => {
  const row = event.target.closest("[data-row]");
  if (!row) return;
  const all = rows();
  const at = all.indexOf(row);
  const next = [row, all[at + 1], all[at - 1]].filter(Boolean).map((one) => one.id);
  sessionStorage.setItem(LEFT, JSON.stringify({ path: location.pathname, top: scrollY, next, at: Date.now() }));
});

// Where the address points to a row, the browser goes there last.
const atLast = (go) => addEventListener("load", () => setTimeout(go));

// Go to a row, and on into the choice that comes next in it.
function arrive(row) {
  goTo(row);
  atLast(() => row.contains(document.activeElement) && enter(find(row, "a")?.closest("details[open]")));
}

const wrong = document.querySelector("[aria-invalid], .error");
const touched = document.querySelector("[data-row][data-here]");
const left = JSON.parse(sessionStorage.getItem(LEFT) ?? "null");
sessionStorage.removeItem(LEFT);
if (left?.path === location.pathname && Date.now() - left.at < 15e3) {
  const next = left.next.map((id) => document.getElementById(id)).find((row) => row?.matches("[data-row]"));
  if (next && !wrong) arrive(next);
  scrollTo(0, left.top);
} else if (touched && !wrong) {
  arrive(touched);
}
if (wrong && !document.querySelector("[autofocus]")) atLast(() => document.querySelector("[aria-invalid]")?.focus());
