/** What an annotator does beside drawing: go back, read the guidelines, say something of an image, label many at once. */
export function dayCommands(app) {
  return [
    { id: "correct", group: "work", keys: ["C"], run: () => app.day.verify.correct() },
    { id: "before", group: "work", keys: ["PageUp"], run: () => app.day.done.step(1) },
    { id: "after", group: "work", keys: ["PageDown"], run: () => app.day.done.step(-1) },
    { id: "grid", group: "work", keys: ["Shift+L"], run: () => app.day.grid.toggle() },
    { id: "judge", group: "work", keys: ["Shift+J"], run: () => app.day.judge.toggle() },
    { id: "guidelines", group: "work", keys: ["Shift+G"], run: () => app.day.guide.toggle() },
    { id: "comment", group: "work", keys: ["Shift+C"], run: () => app.day.notes.write("comment") },
    { id: "flag", group: "work", keys: ["Shift+F"], run: () => app.day.notes.write("flag") },
  ];
}
