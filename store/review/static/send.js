// Sends what a reviewer says, and keeps it until the server has confirmed it: nothing is lost to a broken line.

import { say, tell } from "./words.js";

const KEPT = "unsent"; // of this tab alone, so two tabs never send the same line
const PAUSE = 4000; // milliseconds between two tries
let sending = null;

export class Refused extends Error {}
class Unreached extends Error {}

export async function call(path, body) {
  const token = document.querySelector('meta[name="csrf-token"]').content;
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": token },
      body: JSON.stringify(body ?? {}),
    });
  } catch {
    throw new Unreached(say("offline"));
  }
  if (answer.status >= 500 || answer.status === 429) throw new Unreached(say("failed_kept"));
  if (answer.status === 401) throw new Unreached(say("login_ended"));
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(told.error ?? say("refused", { status: answer.status }));
  return told;
}

export const unsent = () => JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");

function keep(lines) {
  if (lines.length) sessionStorage.setItem(KEPT, JSON.stringify(lines));
  else sessionStorage.removeItem(KEPT);
}

// Resolves with the server's answer once the line is saved; rejects with Refused where the server does not want it.
export function save(path, body) {
  keep([...unsent(), { path, body }]);
  return flush();
}

// Sends all that is kept, in order, one at a time; resolves with the answer to the last of them.
export function flush() {
  sending ??= sendAll().finally(() => (sending = null));
  return sending;
}

async function sendAll() {
  let answer = null;
  while (unsent().length) {
    const { path, body } = unsent()[0];
    tell(say("saving"));
    try {
      answer = await call(path, body);
    } catch (problem) {
      if (problem instanceof Refused) {
        keep(unsent().slice(1));
        tell(problem.message, "is-bad");
        throw problem;
      }
      tell(problem.message, "is-bad");
      await Promise.race([
        new Promise((done) => setTimeout(done, PAUSE)),
        new Promise((done) => window.addEventListener("online", done, { once: true })),
      ]);
      continue;
    }
    keep(unsent().slice(1));
    tell(say("saved"), "is-good");
  }
  return answer;
}

window.addEventListener("beforeunload", (event) => {
  if (unsent().length) event.preventDefault();
});
