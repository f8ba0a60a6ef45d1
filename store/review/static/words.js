// What the scripts say, in the page's language, and the one line where they say it.

const words = JSON.parse(document.getElementById("words").textContent);

export function say(key, values = {}) {
  return words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export function tell(text, mood = "") {
  const state = document.getElementById("state");
  if (!state) return;
  state.textContent = text;
  state.classList.remove("is-bad", "is-good");
  if (mood) state.classList.add(mood);
}
