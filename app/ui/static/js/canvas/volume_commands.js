/** Actions of volumes that stand beside the table of `commands.js`. */
export function volumeCommands(app) {
  return [
    { id: "sliceBefore", group: "volume", keys: ["<"], run: () => app.slices.step(-1), repeats: true },
    { id: "sliceAfter", group: "volume", keys: [">"], run: () => app.slices.step(1), repeats: true },
    { id: "sliceHere", group: "volume", keys: ["Shift+E"], run: () => app.slices.workHere() },
    { id: "sliceBack", group: "volume", keys: ["Shift+B"], run: () => app.slices.back() },
    { id: "carry", group: "volume", keys: ["Shift+N"], run: () => app.slices.carry() },
    { id: "planes", group: "volume", keys: ["Shift+X"], run: () => app.planes.toggle() },
  ];
}
