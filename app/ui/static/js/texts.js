/** All English lives in static/texts/en.json; the page's Python reads the same file. */
let table = {};

export async function loadTexts() {
  if (!Object.keys(table).length) {
    const answer = await fetch(new URL("../texts/en.json", import.meta.url), { cache: "no-cache" });
    table = await answer.json();
  }
  return table;
}

/** The text of a dotted key with {names} filled in; the key itself when there is none. */
export function t(key, values = {}) {
  const text = key.split(".").reduce((node, part) => node?.[part], table);
  if (typeof text !== "string") return key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Fills data-t (text), data-t-label (aria-label), data-t-title (tooltip) and data-t-hint (placeholder). */
export function fillTexts(root) {
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
  for (const node of root.querySelectorAll("[data-t-title]")) node.title = t(node.dataset.tTitle);
  for (const node of root.querySelectorAll("[data-t-hint]")) node.placeholder = t(node.dataset.tHint);
}
