import assert from "node:assert/strict";
import { test } from "node:test";

import { colouring, NONE, ways } from "../../app/ui/static/js/core/colouring.js";
import { inside, nearest, ScatterView } from "../../app/ui/static/js/core/scatter.js";

const POINTS = { x: [-1, 1, 0], y: [-0.5, 0.5, 0] };

function viewOf(points = POINTS, width = 436, height = 236) {
  const view = new ScatterView();
  view.resize(width, height, points);
  return view;
}

test("all points are in view, the larger extent fills it, and y points upwards", () => {
  const view = viewOf();
  assert.deepEqual(view.toView(-1, -0.5), { x: 18, y: 218 });
  assert.deepEqual(view.toView(1, 0.5), { x: 418, y: 18 });
});

test("to the plane and back is where it came from, also after zoom and pan", () => {
  const view = viewOf();
  view.zoomAt(100, 50, 3);
  view.panBy(-20, 7);
  const { x, y } = view.toView(0.3, -0.2);
  const back = view.toPlane(x, y);
  assert.ok(Math.abs(back.x - 0.3) < 1e-12 && Math.abs(back.y + 0.2) < 1e-12);
});

test("zooming keeps the place under the pointer", () => {
  const view = viewOf();
  const before = view.toPlane(120, 80);
  view.zoomAt(120, 80, 2.5);
  const after = view.toPlane(120, 80);
  assert.ok(Math.abs(before.x - after.x) < 1e-12 && Math.abs(before.y - after.y) < 1e-12);
});

test("a whole map stays whole when the window changes, a zoomed one keeps its middle", () => {
  const view = viewOf();
  view.resize(836, 636, POINTS);
  assert.equal(view.scale, 400);
  view.zoomAt(418, 318, 2);
  const middle = view.toPlane(418, 318);
  view.resize(400, 400, POINTS);
  assert.equal(view.scale, 800);
  assert.deepEqual(view.toPlane(200, 200), middle);
});

test("one point, and none, have a place too", () => {
  const one = viewOf({ x: [0], y: [0] });
  assert.deepEqual(one.toView(0, 0), { x: 218, y: 118 });
  assert.ok(Number.isFinite(viewOf({ x: [], y: [] }).toView(0, 0).x));
});

test("the nearest point is found within its radius only", () => {
  const view = viewOf();
  assert.equal(nearest(view, POINTS, 20, 216), 0);
  assert.equal(nearest(view, POINTS, 218, 118), 2);
  assert.equal(nearest(view, POINTS, 100, 100), -1);
});

test("a lasso holds what lies inside, also where it folds back", () => {
  const view = viewOf();
  const around = [{ x: 0, y: 236 }, { x: 0, y: 100 }, { x: 230, y: 100 }, { x: 230, y: 236 }];
  assert.deepEqual(inside(view, POINTS, around), [0, 2]);
  const cut = [{ x: 0, y: 236 }, { x: 0, y: 100 }, { x: 230, y: 100 }, { x: 210, y: 110 }, { x: 40, y: 236 }];
  assert.deepEqual(inside(view, POINTS, cut), [0]);
  assert.deepEqual(inside(view, POINTS, around.slice(0, 2)), []);
});

const MAP = {
  states: [0, 3, 3, 1],
  state_names: ["unqueued", "queued", "leased", "labeled", "skipped"],
  class_ids: [0, 2, 1, 0],
  rounds: [null, 1, 2, null],
  uncertainty: [0.1, null, 0.5, 0.3],
  groups: [0, 0, 1, -1],
  group_names: ["p1", "p2"],
  model_id: "head-1",
};
const CLASSES = [{ id: 1, name: "nerve", color: "#111111" }, { id: 2, name: "vessel", color: "#222222" }];
const texts = ({ legend }) => legend.map((e) => [e.text ?? e.name, e.count]);

test("kinds have the legend that counts them, and only those that occur", () => {
  const states = colouring(MAP, "state", CLASSES);
  assert.deepEqual(texts(states), [["unqueued", 1], ["queued", 1], ["labeled", 2]]);
  assert.deepEqual(states.codes, [0, 2, 2, 1]);
  const classes = colouring(MAP, "class", CLASSES);
  assert.deepEqual(texts(classes), [["noClass", 2], ["nerve", 1], ["vessel", 1]]);
  assert.equal(classes.legend[classes.codes[1]].colour, "#222222");
  assert.deepEqual(texts(colouring(MAP, "group", CLASSES)), [["noGroup", 1], ["p1", 2], ["p2", 1]]);
});

test("amounts run from dark to light, and unknown ones are grey", () => {
  const { codes, legend } = colouring(MAP, "uncertainty", CLASSES);
  assert.equal(legend[codes[1]].colour, NONE);
  assert.deepEqual(legend.map((e) => e.count), [1, 1, 1, 1]);
  assert.deepEqual(codes, [1, 0, 3, 2]);
  assert.equal(legend[3].text, "0.45 – 0.50");
});

test("many rounds share shades in order", () => {
  const rounds = Array.from({ length: 20 }, (_, i) => i + 1);
  const { codes, legend } = colouring({ ...MAP, rounds }, "round", CLASSES);
  assert.equal(legend.length, 8);
  assert.deepEqual([...codes].sort((a, b) => a - b), codes);
  assert.equal(legend.reduce((sum, e) => sum + e.count, 0), 20);
  assert.equal(legend[0].text, "1–3");
});

test("of many groups the largest have a colour", () => {
  const groups = Array.from({ length: 30 }, (_, i) => i % 10).concat(9, 9);
  const { legend } = colouring({ ...MAP, groups, group_names: [..."abcdefghij"] }, "group", CLASSES);
  assert.equal(legend.length, 8);
  assert.deepEqual([legend[0].name, legend[0].count], ["otherGroups", 9]);
  assert.deepEqual([legend[1].text, legend[1].count], ["j", 5]);
});

test("what says nothing is not offered", () => {
  const plain = { ...MAP, class_ids: [0], rounds: [null], model_id: null, group_names: [] };
  assert.deepEqual(ways(plain), ["state"]);
  assert.deepEqual(ways(MAP), ["state", "class", "round", "uncertainty", "group"]);
});
