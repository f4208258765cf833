/** Actions of looking that stand beside the table of `commands.js`. */
export function lookCommands(app) {
  return [
    { id: "hideObject", group: "objects", keys: ["Shift+H"], run: () => app.objects.hide() },
    { id: "onlyObject", group: "objects", keys: ["Shift+O"], run: () => app.objects.only() },
    { id: "lockObject", group: "objects", keys: ["K"], run: () => app.objects.lock() },
  ];
}
