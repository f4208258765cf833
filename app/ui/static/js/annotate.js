/** Entry of the annotation page: called by the Gradio component with its element and its way to talk to Python. */
import { Annotator } from "./canvas/annotator.js";
import { commandTable } from "./canvas/commands.js";
import { Display } from "./canvas/display.js";
import { Flow } from "./canvas/flow.js";
import { Idle } from "./canvas/idle.js";
import { bindKeys } from "./canvas/keys.js";
import { Help, SkipMenu } from "./canvas/menus.js";
import { Messages } from "./canvas/messages.js";
import { Minimap } from "./canvas/minimap.js";
import { Overlays } from "./canvas/overlays.js";
import { Panel } from "./canvas/panel.js";
import { Queue } from "./canvas/queue.js";
import { Planes } from "./canvas/planes.js";
import { Toolbar } from "./canvas/toolbar.js";
import { Day } from "./day/day.js";
import { onRemoved } from "./dom.js";
import { onOpenAsked } from "./images/open.js";
import { BASE } from "./net/api.js";
import { Link } from "./net/link.js";
import { Vault } from "./net/vault.js";
import { fillTexts, loadTexts } from "./texts.js";

const BOTTOM_MARGIN = 12;
const SMALLEST_HEIGHT = 460;

/** ctx = {props, trigger, watch} of gr.HTML. props.value = {project_id}. The app is also element.fewclick, for tests. */
export async function mount(element, { props, trigger, watch }) {
  await loadTexts();
  fillTexts(element);
  const root = element.querySelector(".fc-annotate");
  const find = (selector) => root.querySelector(selector);
  const vault = new Vault(localStorage, BASE.pathname);
  const link = new Link();
  const messages = new Messages(find("[data-part=message]"), find("[data-part=spoken]"));
  const app = new Annotator({ canvas: find(".fc-stage canvas"), vault, link, messages });
  const commands = commandTable(app);
  const queue = new Queue({ vault, onChange: () => app.panel.showProgress() });
  const idle = new Idle(find("[data-part=idle]"), { link });
  app.toolbar = new Toolbar(root, app, commands);
  app.display = new Display(root, app);
  app.overlays = new Overlays(root, app);
  new Minimap(root, app);
  app.panel = new Panel(root, app, queue);
  app.slices.attach(root, { queue, link });
  app.planes = new Planes(root, app);
  app.help = new Help(find("[data-part=help]"), commands, app);
  app.skipMenu = new SkipMenu(find("[data-part=skip]"), app);
  app.day = new Day(root, app, { queue, vault, link });
  const tell = (event, data) => {
    app.day.on(event);
    trigger(event, data);
  };
  app.flow = new Flow(app, { vault, link, trigger: tell, idle, queue });
  element.fewclick = app;

  const isActive = () => root.isConnected && root.offsetParent !== null;
  const off = [
    bindKeys(commands, { isActive, onKey: () => app.clock.touch() }),
    fillHeight(root),
    watchPresence(app, root),
    onOpenAsked((itemId) => {
      queue.wanted = itemId;
      app.flow.leave();
      app.flow.next();
    }),
    () => [app, app.flow, app.day, link].forEach((part) => part.close()),
  ];
  onRemoved(element, () => off.forEach((stop) => stop()));

  let opened;
  const open = async () => {
    if (!props.value) return; // Python has not spoken yet
    const id = props.value.project_id;
    if (id === opened) return;
    opened = id;
    try {
      await app.flow.openProject(id);
    } catch (error) {
      opened = undefined;
      if (link.report(error)) idle.showOutage(open);
      else app.messages.say(error.message, { bad: true });
    }
  };
  watch("value", open);
  await open();
  return app;
}

/** The canvas takes what is left of the window, so that nothing has to be scrolled. */
function fillHeight(root) {
  const fit = () => {
    if (!root.offsetParent) return;
    const top = root.getBoundingClientRect().top + scrollY;
    root.style.height = `${Math.max(SMALLEST_HEIGHT, innerHeight - top - BOTTOM_MARGIN)}px`;
  };
  const seen = new ResizeObserver(fit);
  seen.observe(document.body);
  addEventListener("resize", fit);
  fit();
  return () => {
    seen.disconnect();
    removeEventListener("resize", fit);
  };
}

/** Seconds count while the page is in sight; a page that goes away sends its draft first. */
function watchPresence(app, root) {
  const visible = () => {
    if (document.hidden) app.clock.pause();
    else app.clock.resume();
    if (document.hidden) app.flow.keeper.flush();
  };
  const leaving = () => app.flow.keeper.flushOnLeave();
  const alive = () => app.clock.touch();
  document.addEventListener("visibilitychange", visible);
  addEventListener("pagehide", leaving);
  root.addEventListener("pointermove", alive, { passive: true });
  return () => {
    document.removeEventListener("visibilitychange", visible);
    removeEventListener("pagehide", leaving);
    root.removeEventListener("pointermove", alive);
  };
}
