/** Actions of looking that stand beside the table of `commands.js`. */
export function lookCommands(app) {
  return [
    { id: "hide", group: "look", keys: ["H"], run: () => app.maskStyle.toggleHidden() },
    { id: "outline", group: "look", keys: ["O"], run: () => app.maskStyle.turn() },
    { id: "flicker", group: "look", keys: ["J"], run: () => app.maskStyle.flicker(), release: () => app.maskStyle.release() },
    { id: "heat", group: "look", keys: ["U"], run: () => app.overlays.toggle("heat") },
    { id: "starts", group: "look", keys: ["Shift+U"], run: () => app.overlays.toggle("starts") },
    { id: "preset", group: "look", keys: ["Shift+W"], run: () => app.display.next() },
    { id: "invert", group: "look", keys: ["I"], run: () => app.display.invert() },
    { id: "darker", group: "look", keys: ["{"], run: () => app.display.gammaStep(-1), repeats: true },
    { id: "brighter", group: "look", keys: ["}"], run: () => app.display.gammaStep(1), repeats: true },
    { id: "ruler", group: "look", keys: ["Shift+R"], run: () => app.setTool("ruler") },
    { id: "hideObject", group: "objects", keys: ["Shift+H"], run: () => app.objects.hide() },
    { id: "onlyObject", group: "objects", keys: ["Shift+O"], run: () => app.objects.only() },
    { id: "renameObject", group: "objects", keys: ["F2"], run: () => app.objects.rename() },
    { id: "lockObject", group: "objects", keys: ["K"], run: () => app.objects.lock() },
  ];
}
