/** What an annotator did last: stepping through it, and saying when it was. */

/**
 * Where a step leads in a list of ids, newest first: back (1) to what was done before, forward (-1) to what was done
 * after. An id, "queue" past the newest, or null where there is nothing more.
 */
export function stepTo(ids, current, step) {
  const at = ids.indexOf(current);
  if (at < 0) return step > 0 ? (ids[0] ?? null) : null;
  return at + step < 0 ? "queue" : (ids[at + step] ?? null);
}

/** How long ago, as the name of a text and its number: {unit: "now" | "minutes" | "hours" | "days", count}. */
export function ago(then, now) {
  const minutes = Math.max(0, Math.floor((now - then) / 60_000));
  if (minutes < 1) return { unit: "now", count: 0 };
  if (minutes < 60) return { unit: "minutes", count: minutes };
  if (minutes < 24 * 60) return { unit: "hours", count: Math.floor(minutes / 60) };
  return { unit: "days", count: Math.floor(minutes / (24 * 60)) };
}

/** Names of drafts that this browser keeps ("draft:item:version"), but for the image at hand: [{itemId, name}]. */
export function keptDrafts(names, current) {
  const kept = names.map((name) => ({ itemId: Number(name.split(":")[1]), name }));
  return kept.filter(({ itemId }) => Number.isInteger(itemId) && itemId !== current);
}

/** Midnight before `now` in this browser's time zone. */
export function startOfDay(now) {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate());
}
