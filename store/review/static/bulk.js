// One verdict on all that a filter finds; the button wakes when the phrase stands there, letter for letter.

import { isComposing } from "./keys.js";
import { call } from "./send.js";
import { say } from "./words.js";

const data = JSON.parse(document.getElementById("page-data").textContent);
const form = document.getElementById("bulk");
const problem = form.querySelector(".problem");
const button = form.querySelector("button");

function show() {
  const word = form.elements.word.value;
  document.getElementById("phrase").textContent = data.phrases[word];
  document.getElementById("why").hidden = word !== "reject";
  button.disabled = !data.count || form.elements.typed.value.trim() !== data.phrases[word];
}

form.addEventListener("input", show);
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && isComposing(event)) event.preventDefault();
});
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (button.disabled) return;
  button.disabled = true;
  problem.textContent = say("saving");
  const reasons = [...form.querySelectorAll("[name=reason]:checked")].map((box) => box.value);
  const word = form.elements.word.value;
  const body = { word, reasons: word === "reject" ? reasons : [], expected: data.count, typed: form.elements.typed.value.trim() };
  try {
    const answer = await call(`/api/bulk${data.query ? `?${data.query}` : ""}`, body);
    const left = ["already", "leased", "danger", "empty"].filter((why) => answer[why]);
    const told = left.map((why) => say(`bulk_${why}`, { count: answer[why] }));
    problem.textContent = [say("bulk_done", { count: answer.done }), ...told].join(" ");
    form.elements.typed.value = "";
  } catch (wrong) {
    problem.textContent = wrong.message;
    show();
  }
});
show();
