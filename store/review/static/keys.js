// Keys of the page: one letter each, never while somebody writes, chooses in a panel or composes with an input method.

const WRITES = "input:not([type=checkbox]):not([type=radio]):not([type=button]), textarea, select, [contenteditable]";

export function isComposing(event) {
  return event.isComposing || event.keyCode === 229;
}

export function isWriting(event) {
  return event.target instanceof Element && event.target.closest(WRITES) !== null;
}

// `table` maps a key to what it does; a function that returns false leaves the key to the browser.
export function bindKeys(table) {
  document.addEventListener("keydown", (event) => {
    if (isComposing(event) || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isWriting(event) || document.querySelector("dialog[open]")) return;
    const act = table[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || event.repeat && !"jk".includes(event.key)) return;
    if (act(event) !== false) event.preventDefault();
  });
}
