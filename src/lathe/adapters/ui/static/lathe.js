// Small helps on every page: times that go on, and buttons that copy. Without this script the times stand still and the
// buttons stay hidden. What must wait for a change of the organization is in live.js, what answers keys in keys.js.

// --- relative times -----------------------------------------------------------------------------------------------
// <time data-tick="ago|span" datetime="…"> says what the server would say now. The server's clock counts, not this one.

const page = document.body.dataset;
const skew = page.now ? Date.now() - Date.parse(page.now) : 0;

function age(milliseconds) {
  for (const [unit, size] of [["day", 86400e3], ["h", 3600e3], ["min", 60e3]]) {
    const count = Math.floor(milliseconds / size);
    if (count >= 1) return `${count} ${unit}${unit === "day" && count > 1 ? "s" : ""}`;
  }
  return "";
}

function tick() {
  for (const time of document.querySelectorAll("time[data-tick]")) {
    const past = age(Date.now() - skew - Date.parse(time.dateTime));
    const ago = time.dataset.tick === "ago";
    const text = past ? past + (ago ? " ago" : "") : ago ? "just now" : "a moment";
    if (time.textContent !== text) time.textContent = text;
  }
}

setInterval(tick, 20e3);
document.addEventListener("visibilitychange", tick);

// --- saying -------------------------------------------------------------------------------------------------------
// For those who hear the page: an element that speaks, as long as something is in it.

const said = document.createElement("p");
said.className = "hidden";
said.setAttribute("role", "status");
document.body.append(said);

function say(text) {
  said.textContent = text;
  setTimeout(() => said.textContent === text && said.replaceChildren(), 5e3);
}

document.addEventListener("lathe:say", (event) => say(event.detail));

// --- copying ------------------------------------------------------------------------------------------------------
// <button type="button" data-copy="id of what to copy" hidden>Copy</button>

const copyable = (root) => root.querySelectorAll("button[data-copy]").forEach((button) => (button.hidden = false));
copyable(document);
document.addEventListener("lathe:replaced", (event) => copyable(event.target));

// Browsers know the clipboard on https and on this machine only; elsewhere what is selected can still be copied.
async function copy(source) {
  const text = source.value ?? source.textContent.trim();
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "hidden";
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("nothing was copied");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copy]");
  const source = button && document.getElementById(button.dataset.copy);
  if (!source || button.dataset.says) return;
  button.dataset.says = button.textContent;
  let result = "Copied";
  try {
    await copy(source);
  } catch {
    result = "Select it to copy";
    getSelection().selectAllChildren(source);
  }
  button.focus();
  button.textContent = result;
  say(result);
  setTimeout(() => {
    button.textContent = button.dataset.says;
    delete button.dataset.says;
  }, 2500);
});
