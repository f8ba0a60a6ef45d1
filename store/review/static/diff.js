// Shows what changed between two texts: by the character in Chinese, by the word in everything else.

const TOKENS = /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[\p{L}\p{N}_']+|\s+|./gsu;
const MOST = 4_000_000; // cells of the table below: some 30 ms and 16 MB

export function compare(before, after) {
  const a = before.match(TOKENS) ?? [];
  const b = after.match(TOKENS) ?? [];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const middle = align(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  return join([["same", a.slice(0, head).join("")], ...middle, ["same", a.slice(a.length - tail).join("")]]);
}

function align(a, b) {
  if (a.length * b.length > MOST) return [["removed", a.join("")], ["added", b.join("")]];
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const at = i * width + j;
      longest[at] = a[i] === b[j] ? longest[at + width + 1] + 1 : Math.max(longest[at + width], longest[at + 1]);
    }
  }
  const parts = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) parts.push(["same", a[i++]]), j++;
    else if (j === b.length || (i < a.length && longest[(i + 1) * width + j] >= longest[i * width + j + 1])) {
      parts.push(["removed", a[i++]]);
    } else parts.push(["added", b[j++]]);
  }
  return parts;
}

function join(parts) {
  const joined = [];
  for (const [kind, text] of parts) {
    const last = joined.at(-1);
    if (!text) continue;
    if (last && last[0] === kind) last[1] += text;
    else joined.push([kind, text]);
  }
  return joined;
}

export function showDiff(element, before, after) {
  const names = { same: "span", removed: "del", added: "ins" };
  element.replaceChildren(
    ...compare(before, after).map(([kind, text]) => {
      const part = document.createElement(names[kind]);
      part.textContent = text;
      return part;
    }),
  );
}
