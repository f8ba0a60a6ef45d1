// What touches self-harm stays covered until somebody wishes to see it.

const cover = document.getElementById("cover");

export const isCovered = () => cover !== null && !cover.hidden;

export function uncover() {
  if (!isCovered()) return false;
  cover.hidden = true;
  for (const part of document.querySelectorAll(".covered")) part.inert = false;
  document.getElementById("main").focus({ preventScroll: true });
  return true;
}

document.getElementById("uncover")?.addEventListener("click", uncover);
