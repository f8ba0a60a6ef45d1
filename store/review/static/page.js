// What every page has: language, theme, the list of keys, search, the clock of this sitting, and diffs.

import { showDiff } from "./diff.js";
import { bindKeys, isComposing } from "./keys.js";
import { flush, unsent } from "./send.js";
import { say } from "./words.js";

const REST = 50 * 60_000;
const PAUSE = 10 * 60_000; // without a key or a click for so long, a new sitting begins

function remember(name, value) {
  document.cookie = `${name}=${value}; Path=/; Max-Age=31536000; SameSite=Strict`;
}

document.getElementById("language").addEventListener("click", (event) => {
  remember("page_language", event.currentTarget.dataset.to);
  location.reload();
});

document.getElementById("theme").addEventListener("click", (event) => {
  const button = event.currentTarget;
  const next = { auto: "light", light: "dark", dark: "auto" }[button.dataset.theme];
  remember("page_theme", next);
  button.dataset.theme = document.documentElement.dataset.theme = next;
  button.textContent = { auto: "◐", light: "○", dark: "●" }[next];
  button.title = say(`theme_${next}`);
  button.setAttribute("aria-label", button.title);
});

const search = document.getElementById("search");
search?.addEventListener("keydown", (event) => {
  if (isComposing(event)) return;
  if (event.key === "Escape") search.blur();
});

const keys = document.getElementById("keys");
document.getElementById("help")?.addEventListener("click", () => keys.showModal());
if (keys) bindKeys({ "?": () => keys.showModal(), "/": () => search.focus() });

for (const element of document.querySelectorAll(".diff[data-before]")) {
  showDiff(element, element.dataset.before, element.dataset.after);
}

const timer = document.getElementById("timer");
if (timer) {
  const read = (key) => Number(localStorage.getItem(key) ?? 0);
  const tick = () => {
    const sitting = Date.now() - read("since");
    timer.textContent = say("minutes", { count: Math.floor(sitting / 60_000) });
    document.getElementById("rest").hidden = sitting < REST || read("rested") > read("since");
  };
  const act = () => {
    if (Date.now() - read("active") > PAUSE) localStorage.setItem("since", Date.now());
    localStorage.setItem("active", Date.now());
  };
  for (const kind of ["keydown", "pointerdown"]) document.addEventListener(kind, act);
  document.getElementById("rested").addEventListener("click", () => {
    localStorage.setItem("rested", Date.now());
    tick();
  });
  act();
  tick();
  setInterval(tick, 20_000);
}

if (unsent().length) flush().catch(() => {});
