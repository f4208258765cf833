/**
 * A grid of images that get classes many at a time, as an immutable value.
 *
 * grid = {ids: [item id], labels: {id: {label, by: "person" | "model", confidence, clicks}}, cursor, anchor}
 * The selection is every tile from the anchor to the cursor, in reading order.
 */
export function newGrid(ids, labels = {}) {
  return { ids, labels, cursor: 0, anchor: 0 };
}

export function selected({ ids, cursor, anchor }) {
  return ids.slice(Math.min(cursor, anchor), Math.max(cursor, anchor) + 1);
}

/** Moves the cursor by tiles, kept inside; `extend` leaves the anchor where it is. */
export function move(grid, by, { extend = false } = {}) {
  return moveTo(grid, grid.cursor + by, { extend });
}

export function moveTo(grid, index, { extend = false } = {}) {
  const cursor = Math.min(Math.max(0, grid.ids.length - 1), Math.max(0, index));
  return { ...grid, cursor, anchor: extend ? grid.anchor : cursor };
}

/**
 * Gives the selected tiles a class and goes on to the tile behind them. One key is one click, booked on the first
 * tile, however many it labels.
 */
export function label(grid, name) {
  const chosen = selected(grid);
  const labels = { ...grid.labels };
  chosen.forEach((id, i) => {
    const clicks = (labels[id]?.clicks ?? 0) + (i === 0 ? 1 : 0);
    labels[id] = { label: name, by: "person", confidence: null, clicks };
  });
  return moveTo({ ...grid, labels }, Math.max(grid.cursor, grid.anchor) + 1);
}

/** Takes the classes of the selected tiles away; the clicks that went into them are kept. */
export function unlabel(grid) {
  const labels = { ...grid.labels };
  for (const id of selected(grid)) labels[id] = { label: null, by: "person", confidence: null, clicks: labels[id]?.clicks ?? 0 };
  return { ...grid, labels };
}

/** The head's class, where nobody has decided yet. */
export function suggest(grid, id, { name, confidence }) {
  if (grid.labels[id]) return grid;
  const entry = { label: name, by: "model", confidence, clicks: 0 };
  return { ...grid, labels: { ...grid.labels, [id]: entry } };
}

/** Without these tiles; the cursor stays near where it was. */
export function without(grid, gone) {
  const ids = grid.ids.filter((id) => !gone.includes(id));
  const labels = Object.fromEntries(Object.entries(grid.labels).filter(([id]) => !gone.includes(Number(id))));
  return moveTo({ ...grid, ids, labels }, grid.cursor);
}

/** Ids that have a class, in the grid's order. */
export const ready = ({ ids, labels }) => ids.filter((id) => labels[id]?.label);

/** Seconds shared evenly, to tenths, so that the sum stays what was spent. */
export function shares(seconds, count) {
  const tenths = Math.round(seconds * 10);
  return Array.from({ length: count }, (_, i) => (Math.floor(((i + 1) * tenths) / count) - Math.floor((i * tenths) / count)) / 10);
}
