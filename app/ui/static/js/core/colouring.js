/**
 * What the points of the map are coloured by, and the legend that says so. Kinds get Okabe and Ito's colours, amounts
 * those of cividis (Nuñez et al. 2018): both are told apart by colour-blind eyes.
 */
export const NONE = "#8a9099";
export const KINDS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#b8a800"];
const STATES = { unqueued: NONE, queued: "#56b4e9", leased: "#e69f00", labeled: "#009e73", skipped: "#cc79a7" };
const AMOUNTS = ["#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55"];

/** Ways to colour that say something about this map. */
export const ways = (map) => [
  "state",
  ...(map.class_ids.some((id) => id > 0) ? ["class"] : []),
  ...(map.rounds.some((round) => round !== null) ? ["round"] : []),
  ...(map.model_id ? ["uncertainty"] : []),
  ...(map.group_names.length ? ["group"] : []),
];

/**
 * {codes, legend}: for each image a place in the legend, and its entries {colour, name, text, count}; those of images
 * without a value come first, so that they are drawn below the others. `text` is a name out of the data, `name` of ours.
 */
export function colouring(map, way, classes) {
  const [keys, entries] = { state: byState, class: byClass, round: byRound, uncertainty: byAmount, group: byGroup }[way](map, classes);
  const legend = entries.map((entry) => ({ ...entry, count: 0 }));
  for (const code of keys) legend[code].count++;
  const used = legend.map((entry, i) => (entry.count ? i : -1)).filter((i) => i >= 0);
  const place = new Map(used.map((i, k) => [i, k]));
  return { codes: keys.map((code) => place.get(code)), legend: used.map((i) => legend[i]) };
}

function byState(map) {
  return [map.states, map.state_names.map((name) => ({ colour: STATES[name], name }))];
}

function byClass(map, classes) {
  const place = new Map(classes.map((c, i) => [c.id, i + 1]));
  const entries = [{ colour: NONE, name: "noClass" }, ...classes.map((c) => ({ colour: c.color, text: c.name }))];
  return [map.class_ids.map((id) => place.get(id) ?? 0), entries];
}

/** Rounds are ordered, so they get shades; of more rounds than shades, neighbours share one. */
function byRound(map) {
  const rounds = [...new Set(map.rounds)].filter((round) => round !== null).sort((a, b) => a - b);
  const n = Math.min(rounds.length, AMOUNTS.length);
  const shade = new Map(rounds.map((round, i) => [round, Math.floor((i * n) / rounds.length)]));
  const entries = [{ colour: NONE, name: "noRound" }];
  for (let k = 0; k < n; k++) {
    const mine = rounds.filter((round) => shade.get(round) === k);
    const text = mine.length > 1 ? `${mine[0]}–${mine.at(-1)}` : String(mine[0]);
    entries.push({ colour: AMOUNTS[Math.round(((AMOUNTS.length - 1) * k) / Math.max(1, n - 1))], name: "round", text });
  }
  return [map.rounds.map((round) => (round === null ? 0 : shade.get(round) + 1)), entries];
}

/** Equal steps from the least to the largest value. */
function byAmount(map) {
  const known = map.uncertainty.filter((v) => v !== null);
  const low = known.reduce((a, b) => Math.min(a, b), Infinity);
  const step = Math.max((known.reduce((a, b) => Math.max(a, b), 0) - low) / AMOUNTS.length, 1e-9);
  const digits = Math.max(2, Math.min(4, Math.ceil(-Math.log10(step))));
  const text = (k) => `${(low + k * step).toFixed(digits)} – ${(low + (k + 1) * step).toFixed(digits)}`;
  const entries = [{ colour: NONE, name: "notAsked" }, ...AMOUNTS.map((colour, k) => ({ colour, text: text(k) }))];
  const code = (v) => (v === null ? 0 : 1 + Math.min(AMOUNTS.length - 1, Math.floor((v - low) / step)));
  return [map.uncertainty.map(code), entries];
}

/** The largest groups have a colour each; the others share one. */
function byGroup(map) {
  const sizes = map.group_names.map(() => 0);
  for (const group of map.groups) if (group >= 0) sizes[group]++;
  const largest = [...sizes.keys()].sort((a, b) => sizes[b] - sizes[a] || a - b).slice(0, KINDS.length);
  const place = new Map(largest.map((group, i) => [group, i + 1]));
  const entries = [{ colour: NONE, name: sizes.length > largest.length ? "otherGroups" : "noGroup" }];
  entries.push(...largest.map((group, i) => ({ colour: KINDS[i], text: map.group_names[group] })));
  return [map.groups.map((group) => place.get(group) ?? 0), entries];
}
