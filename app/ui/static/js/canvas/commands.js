import { dayCommands } from "../day/commands.js";
import { lookCommands } from "./look_commands.js";
import { volumeCommands } from "./volume_commands.js";

/** Every action of the canvas with its keys; the help shows those with a group. */
export function commandTable(app) {
  const move = (dx, dy) => (event) => app.moveCursor(event.shiftKey ? 10 * dx : dx, event.shiftKey ? 10 * dy : dy);
  const arrow = (name, dx, dy) => ({ id: "move", keys: [name, `Shift+${name}`], run: move(dx, dy), repeats: true });
  return [
    { id: "accept", group: "work", keys: ["A"], run: () => app.accept() },
    { id: "skip", group: "work", keys: ["S"], run: () => app.openSkip() },
    ...dayCommands(app),
    { id: "undo", group: "work", keys: ["Z"], run: () => app.undo(), repeats: true },
    { id: "redo", group: "work", keys: ["Shift+Z", "Y"], run: () => app.redo(), repeats: true },
    { id: "help", group: "work", keys: ["?"], run: () => app.toggleHelp() },
    { id: "escape", group: "work", keys: ["Escape"], run: () => app.escape() },

    { id: "class", group: "objects", keys: "123456789".split(""), shown: ["1", "9"], run: (_, key) => app.chooseClass(Number(key)) },
    { id: "next", group: "objects", keys: ["N"], run: () => app.nextObject() },
    { id: "candidate", group: "objects", keys: ["M", "Shift+M"], shown: ["M"], run: (event) => app.stepCandidate(event.shiftKey ? -1 : 1) },
    { id: "previousObject", group: "objects", keys: [","], run: () => app.stepObject(-1) },
    { id: "followingObject", group: "objects", keys: ["."], run: () => app.stepObject(1) },
    { id: "remove", group: "objects", keys: ["Delete", "Backspace"], shown: ["Delete"], run: () => app.removeOne() },
    { id: "clear", group: "objects", keys: ["Shift+Delete", "Shift+Backspace"], shown: ["Shift+Delete"], run: () => app.clear() },

    { id: "prompt", group: "draw", keys: ["P"], run: () => app.setTool("prompt") },
    { id: "scribble", group: "draw", keys: ["D"], run: () => app.setTool("scribble") },
    { id: "brush", group: "draw", keys: ["B"], run: () => app.setTool("brush") },
    { id: "eraser", group: "draw", keys: ["E"], run: () => app.setTool("eraser") },
    { id: "lasso", group: "draw", keys: ["Q"], run: () => app.setTool("lasso") },
    { id: "polygon", group: "draw", keys: ["V"], run: () => app.setTool("polygon") },
    { id: "window", group: "draw", keys: ["Shift+V"], run: () => app.tools.window.toggle() },
    { id: "negative", group: "draw", keys: ["Shift+P"], run: () => app.toggleSign() },
    { id: "smaller", group: "draw", keys: ["["], run: () => app.resizeBrush(1 / 1.25), repeats: true },
    { id: "bigger", group: "draw", keys: ["]"], run: () => app.resizeBrush(1.25), repeats: true },
    arrow("ArrowLeft", -1, 0),
    arrow("ArrowRight", 1, 0),
    arrow("ArrowUp", 0, -1),
    { ...arrow("ArrowDown", 0, 1), group: "draw", shown: ["Arrows"] },
    { id: "point", group: "draw", keys: ["Enter", "Shift+Enter"], shown: ["Enter"], run: (event) => app.pointAtCursor(event.shiftKey) },
    { id: "corner", group: "draw", keys: ["X"], run: () => app.cornerAtCursor() },

    { id: "step", group: "draw", keys: ["T", "Shift+T"], shown: ["T"], run: (event) => app.tools.editor.step(event.shiftKey ? -1 : 1), repeats: true },

    { id: "fit", group: "look", keys: ["F", "0"], run: () => app.fit() },
    { id: "zoomIn", group: "look", keys: ["+", "="], shown: ["+"], run: () => app.zoom(1.25), repeats: true },
    { id: "zoomOut", group: "look", keys: ["-"], run: () => app.zoom(0.8), repeats: true },
    { id: "zoomObject", group: "look", keys: ["G"], run: () => app.zoomToObject() },
    { id: "pan", group: "look", keys: ["Space"], run: () => app.holdPan(true), release: () => app.holdPan(false) },
    { id: "contrast", group: "look", keys: ["W"], run: () => app.setTool("contrast") },
    { id: "auto", group: "look", keys: ["L"], run: () => app.autoWindow() },
    { id: "reset", group: "look", keys: ["R"], run: () => app.resetWindow() },
    ...lookCommands(app),
    ...volumeCommands(app),
  ];
}
