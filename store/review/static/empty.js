// An empty queue: the last verdict can still be taken back.

import { bindKeys } from "./keys.js";
import { undoLast } from "./undo.js";

async function undo() {
  const url = await undoLast("");
  if (url) location.assign(url);
}

document.getElementById("undo").addEventListener("click", undo);
bindKeys({ u: undo });
