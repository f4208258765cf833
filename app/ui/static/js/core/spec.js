/** A strategy with its settings in one line, `name:setting=value:…`: the server's own notation, see alcore/strategies. */

const NONE = "none";

/** How a value stands in a field: null is an empty one. */
export const shown = (value) => (value === null || value === undefined ? "" : String(value));

/** The line of a strategy and what stands in its fields, by name; settings that are as by default are left out. */
export function specOf(strategy, fields) {
  const changed = strategy.settings
    .filter(({ name, ...setting }) => name in fields && !isDefault(setting, fields[name]))
    .map(({ name }) => `${name}=${fields[name].trim() || NONE}`);
  return [strategy.name, ...changed].join(":");
}

/** Whether a field says what the strategy does anyway; an empty one does, unless null is a value of its own. */
export function isDefault({ kind, default: usual, is_optional: optional }, text) {
  const said = text.trim();
  if (!said) return usual === null || !optional;
  if (kind === "int" || kind === "float") return usual !== null && Number(said) === usual;
  return said === shown(usual);
}

/** Whether the server could read a field. */
export function fits({ kind }, text) {
  const said = text.trim();
  if (kind === "int") return /^[+-]?\d*$/.test(said);
  if (kind === "float") return Number.isFinite(Number(said));
  return !said.includes(":");
}
