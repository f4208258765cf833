/** What an annotator does beside drawing: go back, read the guidelines, say something of an image, label many at once. */
export function dayCommands(app) {
  return [
    { id: "correct", group: "work", keys: ["V"], run: () => app.day.verify.correct() },
    { id: "before", group: "work", keys: ["PageUp"], run: () => app.day.done.step(1) },
    { id: "after", group: "work", keys: ["PageDown"], run: () => app.day.done.step(-1) },
  ];
}
