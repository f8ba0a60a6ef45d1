// Edits a line where it stands, with what changes shown below it; a draft is kept until it is saved.

import { showDiff } from "./diff.js";
import { isComposing } from "./keys.js";
import { say, tell } from "./words.js";

// `save` takes the whole new line and resolves with whether it was saved.
export function openEditor(turn, line, draft, save) {
  if (turn.classList.contains("editing")) return;
  const words = turn.querySelector(".words");
  const [box, field, preview, hint] = ["div", "textarea", "p", "p"].map((name) => document.createElement(name));
  field.value = sessionStorage.getItem(draft) ?? line.text;
  field.setAttribute("aria-label", say("edit_line", { number: line.number + 1 }));
  field.rows = Math.min(14, Math.ceil(field.value.length / 36) + 1);
  preview.className = "diff";
  hint.className = "soft small";
  hint.textContent = say("edit_keys");
  box.append(field, preview, hint);
  words.hidden = true;
  words.after(box);
  turn.classList.add("editing");
  const show = () => {
    showDiff(preview, line.text, field.value);
    if (field.value === line.text) sessionStorage.removeItem(draft);
    else sessionStorage.setItem(draft, field.value);
  };
  const close = () => {
    box.remove();
    words.hidden = false;
    turn.classList.remove("editing");
    turn.focus();
  };
  field.addEventListener("input", show);
  field.addEventListener("keydown", async (event) => {
    if (isComposing(event)) return;
    if (event.key === "Escape") close();
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (!field.value.trim() || field.value === line.text) return tell(say("nothing_changed"), "is-bad");
    field.readOnly = true;
    if (await save(field.value)) sessionStorage.removeItem(draft);
    field.readOnly = false;
  });
  show();
  field.focus();
}
