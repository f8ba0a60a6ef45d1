// One dialogue under review: the marked line, the verdict, what is said of a line, and the way to the next dialogue.

import { isCovered, uncover } from "./cover.js";
import { openEditor } from "./editor.js";
import { bindKeys } from "./keys.js";
import { askComment, askReasons, askScores } from "./panels.js";
import { call, save } from "./send.js";
import { noteSaid, undoLast } from "./undo.js";
import { say, tell } from "./words.js";

const data = JSON.parse(document.getElementById("page-data").textContent);
const turns = [...document.querySelectorAll(".turn")];
const talk = document.getElementById("talk");
const RENEW = 4 * 60_000; // a lease lasts a quarter of an hour
const store = (key, value) => sessionStorage.setItem(key, JSON.stringify(value));
const stored = (key) => JSON.parse(sessionStorage.getItem(key) ?? "[]");
const VERDICTS = ["accept", "reject"];
let current = -1;
let busy = false;

// The marked line

function go(step) {
  if (!turns.length || isCovered()) return;
  current = Math.min(Math.max(current + step, 0), turns.length - 1);
  mark(turns[current]);
  turns[current].focus({ preventScroll: true });
  turns[current].scrollIntoView({ block: turns[current].offsetHeight > innerHeight / 2 ? "start" : "center" });
}

function mark(turn) {
  current = turns.indexOf(turn);
  for (const each of turns) {
    each.classList.toggle("is-current", each === turn);
    each.toggleAttribute("aria-current", each === turn);
  }
}

const marked = () => turns[current] ?? null;
const numberOf = (turn) => (turn ? Number(turn.dataset.number) : null);
const nameOf = (turn) => (turn ? say("line", { number: numberOf(turn) + 1 }) : say("whole"));

// Where the selected words lie in the marked line, counted as the store counts: by code points.
function selectedSpan(turn) {
  const words = turn?.querySelector(".words");
  const selection = getSelection();
  if (!words || selection.isCollapsed || !selection.rangeCount) return null;
  const range = selection.getRangeAt(0);
  if (!words.contains(range.startContainer) || !words.contains(range.endContainer)) return null;
  const before = document.createRange();
  before.setStart(words, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const plain = (part) => {
    const copy = part.cloneContents();
    copy.querySelectorAll(".unseen").forEach((note) => note.remove());
    return [...copy.textContent].length;
  };
  const start = plain(before);
  return [start, start + plain(range)];
}

// Saying something

const began = Date.now();
let hiddenFor = 0;
let hiddenAt = 0;
document.addEventListener("visibilitychange", () => {
  if (document.hidden) hiddenAt = Date.now();
  else if (hiddenAt) hiddenFor += Date.now() - hiddenAt;
});
const seconds = () => (Date.now() - began - hiddenFor) / 1000;

async function sayIt(body) {
  busy = true;
  try {
    const settles = data.is_adjudication && VERDICTS.includes(body.word);
    const told = { ...body, seconds: seconds(), is_adjudication: settles };
    const answer = await save(`${data.api}/say${location.search}`, told);
    noteSaid();
    return answer;
  } catch {
    return null;
  } finally {
    busy = false;
  }
}

async function judge(body) {
  const answer = await sayIt(body);
  if (!answer) return;
  if (data.in_queue) location.assign(answer.next ?? data.queue);
  else if (data.is_adjudication) location.assign("/adjudicate");
  else if (!walk(1)) location.reload();
}

async function remark(body) {
  if (await sayIt(body)) reload(body.number);
}

function reload(number) {
  if (Number.isInteger(number)) history.replaceState(null, "", `${location.pathname}${location.search}#turn-${number}`);
  store("uncovered", [data.id]);
  location.reload();
}

const acts = {
  accept: () => judge({ word: "accept" }),
  skip: () => judge({ word: "skip" }),
  async reject() {
    const given = await askReasons({ title: say("why_reject"), about: say("choose_reasons"), isNeeded: true });
    if (given) await judge({ word: "reject", ...given });
  },
  async flag() {
    const turn = marked();
    if (!turn) return tell(say("mark_first"), "is-bad");
    const span = selectedSpan(turn);
    const given = await askReasons({ title: say("flag_line"), about: nameOf(turn), isNeeded: false });
    if (given) await remark({ word: "flag", number: numberOf(turn), span, ...given });
  },
  async comment() {
    const turn = marked();
    const span = selectedSpan(turn);
    const given = await askComment(nameOf(turn));
    if (given) await remark({ word: "comment", number: numberOf(turn), span, ...given });
  },
  async rate() {
    const given = await askScores();
    if (given) await remark({ word: "rate", ...given });
  },
  async again() {
    const turn = marked();
    if (!turn) return tell(say("mark_first"), "is-bad");
    if (confirm(say("again_sure", { number: numberOf(turn) + 1 }))) await remark({ word: "again", number: numberOf(turn) });
  },
  edit() {
    const turn = marked();
    if (!turn) return tell(say("mark_first"), "is-bad");
    const line = data.lines.find((each) => each.number === numberOf(turn));
    if (!line) return tell(say("too_long"), "is-bad");
    openEditor(turn, line, `draft ${data.id} ${line.number}`, async (text) => {
      const answer = busy ? null : await sayIt({ word: "edit", number: line.number, text });
      if (answer) reload(line.number);
      return answer !== null;
    });
  },
  async undo() {
    const url = await undoLast(location.pathname + location.search);
    if (url === null) return;
    if (url.split("?")[0] === location.pathname) reload(null);
    else location.assign(url);
  },
};

function act(name) {
  if (busy) return;
  if (isCovered() && name !== "skip" && name !== "undo") return tell(say("uncover_first"), "is-bad");
  acts[name]();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  const turn = event.target.closest(".turn");
  if (turn) mark(turn);
  if (button) act(button.dataset.do);
});
document.addEventListener("focusin", (event) => {
  const turn = event.target.closest?.(".turn");
  if (turn) mark(turn);
});

// From dialogue to dialogue: along the list one came from, or back through the queue

function walk(step) {
  const way = stored(data.in_queue ? "seen" : "listed");
  const here = way.findIndex((url) => url.split("?")[0] === location.pathname);
  const next = here < 0 ? undefined : way[here + step];
  if (next === undefined) tell(say(step > 0 ? (data.in_queue ? "judge_first" : "last") : "first"));
  else location.assign(next);
  return next !== undefined;
}

if (data.in_queue) {
  const here = location.pathname + location.search;
  const seen = stored("seen").filter((url) => url.split("?")[0] !== location.pathname);
  const is_back = stored("seen").some((url) => url.split("?")[0] === location.pathname);
  store("seen", (is_back ? stored("seen") : [...seen, here]).slice(-200));
  const renew = () => !document.hidden && call(`${data.api}/lease`).catch((problem) => tell(problem.message, "is-bad"));
  setInterval(renew, RENEW);
}

// Keys

function toggle(selector) {
  const parts = [...(marked() ?? talk).querySelectorAll(selector)];
  const isOpen = parts.some((part) => part.open);
  for (const part of parts) part.open = !isOpen;
}

const marks = document.getElementById("marks");
const showMarks = () => talk.classList.toggle("no-marks", marks ? !marks.checked : true);
marks?.addEventListener("change", showMarks);
showMarks();

bindKeys({
  a: () => act("accept"),
  x: () => act("reject"),
  s: () => act("skip"),
  e: () => act("edit"),
  c: () => act("comment"),
  f: () => act("flag"),
  g: () => act("again"),
  r: () => act("rate"),
  u: () => act("undo"),
  j: () => go(1),
  k: () => go(-1),
  n: () => void walk(1),
  p: () => void walk(-1),
  t: () => toggle(".thinking"),
  h() {
    if (!marks) return;
    marks.checked = !marks.checked;
    showMarks();
  },
  Escape() {
    getSelection().removeAllRanges();
    mark(null);
    document.getElementById("main").focus();
  },
  Enter: () => uncover(),
});

if (matchMedia("(min-width: 60rem)").matches) {
  for (const part of document.querySelectorAll(".wide-open")) part.open = true;
}
if (stored("uncovered").includes(data.id)) uncover();
const asked = document.getElementById(location.hash.slice(1));
if (asked?.classList.contains("turn")) mark(asked);
