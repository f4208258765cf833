import assert from "node:assert/strict";
import { test } from "node:test";

import * as planes from "../../app/ui/static/js/core/planes.js";
import { presetWindow, zeroOfCt } from "../../app/ui/static/js/core/presets.js";
import * as slices from "../../app/ui/static/js/core/slices.js";

test("slices are fetched nearest first, those ahead before those behind, none outside", () => {
  assert.deepEqual(slices.aheadOf(3, 10, 1, 2), [4, 2, 5, 1]);
  assert.deepEqual(slices.aheadOf(3, 10, -1, 2), [2, 4, 1, 5]);
  assert.deepEqual(slices.aheadOf(0, 2, -1, 3), [1]);
  assert.equal(slices.clampSlice(12, 10), 9);
  assert.equal(slices.clampSlice(-1, 10), 0);
});

test("what people did comes before what a model offers", () => {
  const fresh = { version: 0, state: "queued", has_draft: false, has_suggestion: false };
  assert.equal(slices.markOf(fresh), null);
  assert.equal(slices.markOf({ ...fresh, has_suggestion: true }), "offered");
  assert.equal(slices.markOf({ ...fresh, has_suggestion: true, has_draft: true }), "draft");
  assert.equal(slices.markOf({ ...fresh, state: "skipped", has_suggestion: true }), "skipped");
  assert.equal(slices.markOf({ ...fresh, version: 2, state: "labeled", has_draft: true }), "accepted");
});

test("neighbours of one mark are one run", () => {
  assert.deepEqual(slices.runsOf(["a", "a", null, "a", "b"]), [
    { mark: "a", from: 0, to: 2 },
    { mark: "a", from: 3, to: 4 },
    { mark: "b", from: 4, to: 5 },
  ]);
  assert.deepEqual(slices.runsOf([]), []);
});

test("a notch of the wheel is a slice, small movements add up and forget when they turn", () => {
  const wheel = new slices.WheelSteps();
  assert.equal(wheel.add(100), 1);
  assert.equal(wheel.add(-120), -1);
  assert.equal(wheel.add(3, 1), 1);
  assert.deepEqual([8, 8, 8].map((delta) => wheel.add(delta)), [0, 0, 1]);
  assert.equal(wheel.add(-18), 0);
  assert.equal(wheel.add(-2), -1);
});

/** A volume whose samples tell their own indices: 100 · slice + 10 · row + column. */
function counted(shape) {
  const samples = new Uint16Array(shape[0] * shape[1] * shape[2]);
  let to = 0;
  for (let s = 0; s < shape[0]; s++) for (let r = 0; r < shape[1]; r++) for (let c = 0; c < shape[2]; c++) samples[to++] = 100 * s + 10 * r + c;
  return { samples, shape };
}

test("an axial volume is cut as it is shown; coronal and sagittal planes have the head above", () => {
  const [axial, coronal, sagittal] = planes.planesOf("SPL");
  assert.deepEqual([axial.name, coronal.name, sagittal.name], ["axial", "coronal", "sagittal"]);
  const volume = counted([3, 4, 5]);
  const first = planes.cut(volume, axial, 0.4);
  assert.deepEqual([first.width, first.height], [5, 4]);
  assert.deepEqual([...first.samples.slice(0, 6)], [100, 101, 102, 103, 104, 110]);
  const second = planes.cut(volume, coronal, 0.99);
  assert.deepEqual([second.width, second.height], [5, 3]);
  assert.deepEqual([...second.samples.slice(0, 5)], [230, 231, 232, 233, 234]); // the topmost slice above
  const third = planes.cut(volume, sagittal, 0);
  assert.deepEqual([third.width, third.height], [4, 3]);
  assert.deepEqual([...third.samples.slice(0, 4)], [200, 210, 220, 230]); // anterior at the left
});

test("the same body gives the same planes whichever way its slices run", () => {
  const volume = counted([3, 4, 5]);
  const turned = { shape: volume.shape, samples: new Uint16Array(60) };
  for (let s = 0; s < 3; s++) turned.samples.set(volume.samples.subarray((2 - s) * 20, (3 - s) * 20), s * 20);
  for (let along = 0; along < 3; along++) {
    const at = along ? 0.5 : 0.1;
    const a = planes.cut(volume, planes.planesOf("SPL")[along], at);
    const b = planes.cut(turned, planes.planesOf("IPL")[along], along ? at : 1 - at);
    assert.deepEqual(a, b);
  }
});

test("a place on a plane is found again", () => {
  for (const axes of ["SPL", "IPL", "AIL", "LIP", "RIP"]) {
    for (const plane of planes.planesOf(axes)) {
      const place = [0.1, 0.35, 0.8];
      const there = planes.onPlane(plane, place);
      planes.fromPlane(plane, there, place).forEach((value, i) => assert.ok(Math.abs(value - place[i]) < 1e-12));
      const moved = planes.fromPlane(plane, { x: 0.5, y: 0.25 }, place);
      assert.equal(moved[plane.along], place[plane.along]);
      const back = planes.onPlane(plane, moved);
      assert.ok(Math.abs(back.x - 0.5) < 1e-12 && Math.abs(back.y - 0.25) < 1e-12);
    }
  }
});

test("pictures keep the proportions of the body", () => {
  const [, coronal] = planes.planesOf("SPL");
  assert.deepEqual(planes.sizeOf(coronal, [10, 40, 40], [4, 1, 1], 100), { width: 100, height: 100 });
  assert.deepEqual(planes.sizeOf(coronal, [10, 40, 40], null, 100), { width: 100, height: 25 });
});

test("a CT volume says where 0 HU is", () => {
  const window = { level: 0, width: 1, min: 0, max: 3000 };
  const item = { dtype: "uint16", channels: 1, window, volume: { slope: 1, intercept: -1000 } };
  assert.equal(zeroOfCt(item), 1000);
  assert.deepEqual(presetWindow("soft", item, null), { level: 1050, width: 400 });
  assert.equal(zeroOfCt({ ...item, volume: { slope: 0.1, intercept: -1000 } }), null);
  assert.equal(zeroOfCt({ ...item, volume: { slope: 1, intercept: 0 } }), null);
});
