// The panels of a dialogue: reasons, a comment, a rating. Each gives what was chosen, or null where it was closed.

import { isComposing, isWriting } from "./keys.js";
import { say } from "./words.js";

const DIGITS = "1234567890qwz";

// Opens a panel and resolves with read(form) once it is confirmed; read throws what is to be mended.
function open(dialog, read, onKey) {
  const form = dialog.querySelector("form");
  const problem = dialog.querySelector(".problem");
  const over = new AbortController();
  const listen = (target, kind, act) => target.addEventListener(kind, act, { signal: over.signal });
  problem.textContent = "";
  return new Promise((resolve) => {
    let chosen = null;
    const confirm = () => {
      try {
        chosen = read(form);
      } catch (wrong) {
        problem.textContent = wrong.message;
        return;
      }
      dialog.close();
    };
    listen(form, "submit", (event) => {
      event.preventDefault();
      confirm();
    });
    listen(dialog.querySelector(".cancel"), "click", () => dialog.close());
    listen(dialog, "keydown", (event) => {
      if (isComposing(event)) return event.stopPropagation();
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey || !event.target.closest("textarea, .cancel"))) {
        event.preventDefault();
        return confirm();
      }
      if (!isWriting(event) && !event.ctrlKey && !event.metaKey && !event.altKey) onKey?.(event);
    });
    listen(dialog, "close", () => {
      over.abort();
      resolve(chosen);
    });
    dialog.showModal();
  });
}

export function askReasons({ title, about, isNeeded }) {
  const dialog = document.getElementById("reasons");
  const boxes = [...dialog.querySelectorAll("input[name=reason]")];
  dialog.querySelector("h2").textContent = title;
  dialog.querySelector("#reasons-about").textContent = about;
  dialog.querySelector("form").reset();
  const read = (form) => {
    const reasons = boxes.filter((box) => box.checked).map((box) => box.value);
    if (isNeeded && !reasons.length) throw new Error(say("reason_needed"));
    const comment = form.elements.comment.value.trim();
    if (reasons.includes("other") && !comment) throw new Error(say("other_needs_comment"));
    return { reasons, comment };
  };
  return open(dialog, read, (event) => {
    const box = boxes[DIGITS.indexOf(event.key.toLowerCase())];
    if (event.key.length === 1 && box) {
      box.checked = !box.checked;
      box.focus();
      event.preventDefault();
    }
  });
}

export function askComment(about) {
  const dialog = document.getElementById("comment");
  dialog.querySelector("#comment-about").textContent = about;
  return open(dialog, (form) => {
    const comment = form.elements.comment.value.trim();
    if (!comment) throw new Error(say("comment_needed"));
    form.reset();
    return { comment };
  });
}

export function askScores() {
  const dialog = document.getElementById("rate");
  const scales = [...dialog.querySelectorAll("fieldset")];
  let at = 0;
  const mark = () => {
    scales.forEach((scale, number) => scale.classList.toggle("is-current", number === at));
    scales[at].querySelector("input:checked, input").focus();
  };
  dialog.querySelector("form").reset();
  const read = (form) => {
    const scores = Object.fromEntries(
      scales
        .map((scale) => [scale.dataset.scale, Number(form.elements[scale.dataset.scale].value)])
        .filter(([, score]) => score > 0),
    );
    if (!Object.keys(scores).length) throw new Error(say("score_needed"));
    return { scores };
  };
  const given = open(dialog, read, (event) => {
    const choice = scales[at].querySelector(`input[value="${CSS.escape(event.key)}"]`);
    const step = { j: 1, k: -1 }[event.key] ?? 0;
    if (!choice && !step) return;
    event.preventDefault();
    if (choice) choice.checked = true;
    at = Math.min(Math.max(at + (choice ? 1 : step), 0), scales.length - 1);
    mark();
  });
  mark();
  return given;
}
