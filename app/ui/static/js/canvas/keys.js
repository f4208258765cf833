/** Keyboard: one table of commands drives the handler, the buttons' aria-keyshortcuts and the help. */

/** "Shift+Z" for letters, the bare character for signs, the key's name otherwise. */
export function keyName(event) {
  if (event.key === " ") return "Space";
  if (event.key.length > 1) return (event.shiftKey ? "Shift+" : "") + event.key;
  const letter = event.key.toLowerCase() !== event.key.toUpperCase();
  return (letter && event.shiftKey ? "Shift+" : "") + event.key.toUpperCase();
}

/** Someone who types, moves a slider or presses a focused button keeps the key. */
export function belongsToControl(target, name) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || ["TEXTAREA", "SELECT"].includes(target.tagName)) return true;
  if (target.tagName === "INPUT") {
    if (!["range", "checkbox", "radio", "button"].includes(target.type)) return true;
    return target.type === "range" ? /Arrow|Home|End|Page/.test(name) : name === "Space";
  }
  if (["BUTTON", "A", "SUMMARY"].includes(target.tagName)) return name === "Space" || name === "Enter";
  return target.closest?.("[role=tablist], [role=listbox], [role=menu]") ? /Arrow|Enter|Space|Home|End/.test(name) : false;
}

/** commands: [{id, keys, run(event, key), release?}]; isActive() says whether the canvas is in sight and open for work. */
export function bindKeys(commands, { isActive, onKey = () => {} }) {
  const byKey = new Map(commands.flatMap((command) => command.keys.map((key) => [key, command])));
  const down = (event) => {
    if (!isActive() || event.altKey || event.isComposing) return;
    const target = event.composedPath()[0];
    const name = keyName(event);
    if ((event.ctrlKey || event.metaKey) && !["Z", "Shift+Z", "Y"].includes(name)) return;
    if (belongsToControl(target, name)) return;
    const command = byKey.get(name);
    if (!command) return;
    event.preventDefault();
    if (event.repeat && !command.repeats) return;
    onKey(command, name);
    command.run(event, name);
  };
  const up = (event) => {
    for (const command of commands) if (command.release && command.keys.includes(keyName(event))) command.release(event);
  };
  document.addEventListener("keydown", down);
  document.addEventListener("keyup", up);
  return () => {
    document.removeEventListener("keydown", down);
    document.removeEventListener("keyup", up);
  };
}

/** Keys of a screen over the canvas, which has other plans for them; commandOf(name) gives what onRun(run, event) gets. */
export function bindScreenKeys(commandOf, { isActive, onRun, signal }) {
  const down = (event) => {
    if (!isActive() || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
    const run = commandOf(keyName(event));
    if (!run) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    onRun(run, event);
  };
  document.addEventListener("keydown", down, { capture: true, signal });
}

export const ariaKeys = (command) => command.keys.join(" ");
