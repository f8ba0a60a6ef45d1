// The list: keeps the way through it for the dialogues opened from it, walks it by keys, and leaves empty fields out.

import { bindKeys } from "./keys.js";

const { urls } = JSON.parse(document.getElementById("page-data").textContent);
const cards = [...document.querySelectorAll("a.card")];
sessionStorage.setItem("listed", JSON.stringify(urls));

document.getElementById("filters").addEventListener("submit", (event) => {
  for (const field of event.target.elements) if (field.name && !field.value) field.disabled = true;
});
window.addEventListener("pageshow", () => {
  for (const field of document.getElementById("filters").elements) field.disabled = false;
});

function go(step) {
  const here = cards.indexOf(document.activeElement);
  cards[Math.min(Math.max(here + step, 0), cards.length - 1)]?.focus();
}

bindKeys({
  j: () => go(1),
  k: () => go(-1),
  n: () => document.getElementById("next")?.click(),
  p: () => history.back(),
});
