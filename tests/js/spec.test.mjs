import assert from "node:assert/strict";
import { test } from "node:test";

import { fits, isDefault, specOf } from "../../app/ui/static/js/core/spec.js";

const setting = (name, kind, usual, optional = false, choices = []) =>
  ({ name, kind, default: usual, is_optional: optional, choices });
const PROBCOVER = {
  name: "probcover",
  settings: [setting("delta", "float", null, true), setting("alpha", "float", 0.95), setting("n_reference", "int", 5000)],
};

test("a strategy as it is by default is its bare name", () => {
  assert.equal(specOf(PROBCOVER, { delta: "", alpha: "0.95", n_reference: "5000" }), "probcover");
  assert.equal(specOf({ name: "random", settings: [] }, {}), "random");
});

test("what was changed follows the name, in the order of the signature", () => {
  assert.equal(specOf(PROBCOVER, { n_reference: "2000", delta: " 0.4 ", alpha: "0.950" }), "probcover:delta=0.4:n_reference=2000");
});

test("a field that was emptied is none where none is a value of its own, else the default", () => {
  const background = setting("background_class", "int", 0, true);
  assert.equal(specOf({ name: "clasp_pe", settings: [background] }, { background_class: "" }), "clasp_pe:background_class=none");
  assert.equal(specOf(PROBCOVER, { delta: "", alpha: "", n_reference: "" }), "probcover");
});

test("choices, switches and texts are compared as they stand", () => {
  assert.ok(isDefault(setting("rule", "choice", "sample"), "sample"));
  assert.ok(!isDefault(setting("rule", "choice", "sample"), "farthest"));
  assert.ok(isDefault(setting("is_on", "bool", false), "false"));
  assert.ok(!isDefault(setting("is_on", "bool", false), "true"));
  assert.ok(!isDefault(setting("delta", "float", null, true), "0"));
});

test("a field that the server could not read is told beforehand", () => {
  assert.ok(fits({ kind: "int" }, "-12") && !fits({ kind: "int" }, "1.5") && !fits({ kind: "int" }, "1e3"));
  assert.ok(fits({ kind: "float" }, "1e-3") && !fits({ kind: "float" }, "wide") && !fits({ kind: "float" }, "1e999"));
  assert.ok(fits({ kind: "str" }, "a b") && !fits({ kind: "str" }, "a:b"));
});
