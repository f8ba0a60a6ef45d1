// Takes back what was said last in this tab, wherever that was.

import { call } from "./send.js";
import { say, tell } from "./words.js";

const SAID = "said";
const MOST = 50;
const read = () => JSON.parse(sessionStorage.getItem(SAID) ?? "[]");
const write = (urls) => sessionStorage.setItem(SAID, JSON.stringify(urls.slice(-MOST)));

export const noteSaid = () => write([...read(), location.pathname + location.search]);

// Returns the dialogue whose last line is taken back, or null where there was none.
export async function undoLast(otherwise) {
  const said = read();
  const url = said.pop() ?? otherwise;
  if (!url) {
    tell(say("nothing_to_undo"));
    return null;
  }
  try {
    const answer = await call(`/api${url.split("?")[0]}/undo`);
    write(said);
    tell(say("undone", { word: say(`word_${answer.undone}`) }), "is-good");
    return url;
  } catch (problem) {
    tell(problem.message, "is-bad");
    return null;
  }
}
