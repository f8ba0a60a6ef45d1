// Two talks side by side: which is better, by key.

import { isCovered, uncover } from "./cover.js";
import { bindKeys } from "./keys.js";
import { save } from "./send.js";
import { say, tell } from "./words.js";

const { ids } = JSON.parse(document.getElementById("page-data").textContent);
let busy = false;

async function prefer(choice) {
  if (busy || !ids) return;
  if (isCovered()) return tell(say("uncover_first"), "is-bad");
  busy = true;
  const [better, other] = choice === 2 ? [ids[1], ids[0]] : ids;
  try {
    await save(`/api/dialogues/${better}/say`, { word: "prefer", other, scores: { preference: choice ? 1 : 0 } });
    location.assign(`/pairs?last=${encodeURIComponent(`${better},${other}`)}`);
  } catch {
    busy = false;
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-prefer]");
  if (button) prefer(Number(button.dataset.prefer));
});

bindKeys({ 0: () => prefer(0), 1: () => prefer(1), 2: () => prefer(2), Enter: () => uncover() });
