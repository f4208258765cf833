/**
 * Mouse, pen and touch on the canvas, turned into the app's actions. Two fingers move and zoom. A pen that is down owns the
 * canvas: hands that rest on it do nothing. Once a pen was seen, one finger moves the image: the pen draws.
 */
import { REACH_PX } from "./picking.js";

const SLOP = 4; // CSS px: less is a click, more is a drag
const HASTE_MS = 300; // a second finger so soon after the first means two fingers, not a stroke
const LOOKS = ["pan", "contrast", "ruler"]; // what changes no annotation
const ERASER = 5; // the button that a pen's other end presses

export class Pointer {
  #drag = null;
  #touches = new Map();
  #penSeen = false;
  panning = false; // Space is held

  constructor(canvas, app) {
    this.canvas = canvas;
    this.app = app;
    const on = (name, handler, options) => canvas.addEventListener(name, handler, options);
    on("contextmenu", (event) => event.preventDefault());
    on("dblclick", (event) => event.preventDefault());
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#up(event));
    on("pointercancel", (event) => this.#up(event));
    on("pointerleave", () => this.app.hover(null));
    on("wheel", (event) => this.#wheel(event), { passive: false });
  }

  get stroking() {
    return this.#drag?.kind === "stroke";
  }

  get drawing() {
    return this.#drag !== null;
  }

  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  #image(at) {
    return this.app.view.toImage(at.x, at.y);
  }

  #down(event) {
    const { app, canvas } = this;
    if (event.pointerType === "pen") this.#penComes();
    if (app.slices.isAway) {
      if (!LOOKS.includes(this.#kindOf(event))) return app.slices.remind();
    } else if (!app.isOpen) return;
    if (event.pointerType === "touch" && this.#drag?.type === "pen") return;
    canvas.dataset.by = "pointer"; // the focus ring is for those who work by keyboard
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    const at = this.#at(event);
    app.leaveCursor();
    if (event.pointerType === "touch") {
      this.#touches.set(event.pointerId, at);
      if (this.#touches.size === 2) return this.#startPinch(event.timeStamp);
    }
    if (this.#drag) return;
    const { pointerId: pointer, pointerType: type, button } = event;
    const drag = { kind: this.#kindOf(event), pointer, type, button, from: at, last: at, a: this.#image(at), since: event.timeStamp };
    this.#drag = drag;
    drag.negative = (button === 2 || button === ERASER || event.shiftKey) !== app.negative;
    if (drag.kind === "click") {
      drag.gesture = app.tools.begin(drag.a, { negative: drag.negative, reach: REACH_PX[type] / app.view.scale });
      if (drag.gesture) drag.kind = "gesture";
      else app.foresee(drag.a, drag.negative ? 0 : 1);
    }
    if (drag.kind === "stroke") {
      drag.erase = (app.tool === "eraser") !== drag.negative;
      app.stroke(drag.a, drag.a, drag.erase);
    }
    if (drag.kind === "ruler") app.gauge.start(drag.a);
    if (drag.kind === "pick") app.pickAt(drag.a);
  }

  #kindOf(event) {
    const { tool } = this.app;
    if (event.button === 1 || this.panning || (event.pointerType === "touch" && this.#penSeen)) return "pan";
    if (event.ctrlKey || event.metaKey) return "pick";
    if (tool === "contrast" || tool === "ruler") return tool;
    return tool === "brush" || tool === "eraser" ? "stroke" : "click";
  }

  #move(event) {
    if (event.pointerType === "pen") this.#penSeen = true;
    if (event.pointerType === "touch" && !this.#touches.has(event.pointerId)) return;
    const at = this.#at(event);
    const drag = this.#drag;
    this.app.hover(at);
    if (this.#touches.has(event.pointerId)) this.#touches.set(event.pointerId, at);
    if (drag?.kind === "pinch") return this.#pinch();
    if (!drag || drag.pointer !== event.pointerId) return;
    if (drag.kind === "click" && Math.hypot(at.x - drag.from.x, at.y - drag.from.y) > SLOP) {
      drag.kind = drag.button === 2 ? "contrast" : "box";
    }
    if (drag.kind === "pan") this.app.pan(at.x - drag.last.x, at.y - drag.last.y);
    if (drag.kind === "contrast") this.app.dragWindow(at.x - drag.last.x, at.y - drag.last.y);
    if (drag.kind === "ruler") this.app.gauge.moveTo(this.#image(at));
    if (drag.kind === "box") this.app.rubberBox(drag.a, this.#image(at));
    if (drag.kind === "stroke" || drag.kind === "gesture") this.#drawTo(drag, event);
    drag.last = at;
  }

  #drawTo(drag, event) {
    const parts = event.getCoalescedEvents?.() ?? [];
    for (const part of parts.length ? parts : [event]) {
      const b = this.#image(this.#at(part));
      if (drag.gesture) drag.gesture.move(b);
      else this.app.stroke(drag.a, b, drag.erase);
      drag.a = b;
    }
  }

  #up(event) {
    this.#touches.delete(event.pointerId);
    const drag = this.#drag;
    if (!drag || (drag.pointer !== event.pointerId && drag.kind !== "pinch")) return;
    this.#drag = null;
    this.#finish(drag, event.type === "pointerup", this.#image(this.#at(event)));
  }

  /** Ends what a drag began; what is not `done` leaves no trace. */
  #finish(drag, done, at) {
    if (drag.kind === "click" && done) this.app.addPoint(drag.a, drag.negative ? 0 : 1);
    if (drag.kind === "box") this.app.finishBox(drag.a, at, done);
    if (drag.kind === "stroke" && done) this.app.finishStroke(drag.erase);
    if (drag.kind === "stroke" && !done) this.app.dropStroke();
    if (drag.kind === "gesture") this.app.tools.end(drag.gesture, done);
    if (drag.kind === "ruler") this.app.gauge.end();
    if (drag.kind === "contrast") this.app.settleWindow();
  }

  #wheel(event) {
    event.preventDefault();
    const zooms = event.ctrlKey || event.metaKey;
    if (this.app.slices.count > 1 && !zooms) return this.app.slices.wheel(event);
    if (!this.app.work) return;
    const at = this.#at(event);
    const unit = event.deltaMode ? 0.05 : event.ctrlKey ? 0.008 : 0.0015;
    this.app.zoomAt(at, Math.exp(-event.deltaY * unit));
  }

  #stop(done) {
    const drag = this.#drag;
    this.#drag = null;
    if (drag && drag.kind !== "pinch") this.#finish(drag, done && drag.kind !== "click" && drag.kind !== "box", drag.a);
  }

  /** The hand that holds a pen was there first: what it drew is not meant. */
  #penComes() {
    this.#penSeen = true;
    if (this.#touches.size) this.#stop(false);
    this.#touches.clear();
  }

  /** A stroke that is older than haste stays. */
  #startPinch(now) {
    this.#stop(this.#drag !== null && now - this.#drag.since > HASTE_MS);
    this.#drag = { kind: "pinch", last: this.#fingers() };
  }

  #fingers() {
    const [a, b] = [...this.#touches.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, spread: Math.hypot(a.x - b.x, a.y - b.y) };
  }

  #pinch() {
    if (this.#touches.size < 2) return;
    const now = this.#fingers();
    const { last } = this.#drag;
    this.app.pan(now.x - last.x, now.y - last.y);
    this.app.zoomAt(now, now.spread / Math.max(1, last.spread));
    this.#drag.last = now;
  }
}
