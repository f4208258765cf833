import assert from "node:assert/strict";
import { test } from "node:test";

import { idleKind } from "../../app/ui/static/js/canvas/idle.js";
import { Predictor } from "../../app/ui/static/js/canvas/predictor.js";
import { Answers } from "../../app/ui/static/js/core/answers.js";
import * as sheets from "../../app/ui/static/js/core/sheet.js";
import { ApiError } from "../../app/ui/static/js/net/api.js";
import { DraftKeeper } from "../../app/ui/static/js/net/draft_keeper.js";
import { Lease } from "../../app/ui/static/js/net/lease.js";
import { Link } from "../../app/ui/static/js/net/link.js";
import { Outbox } from "../../app/ui/static/js/net/outbox.js";
import { Seat } from "../../app/ui/static/js/net/seat.js";
import { Vault } from "../../app/ui/static/js/net/vault.js";
import { curvePoints } from "../../app/ui/static/js/shell/curve.js";
import { addReports, batches, emptyReport, withoutHidden } from "../../app/ui/static/js/shell/file_tree.js";
import { facts, showWorth } from "../../app/ui/static/js/shell/worth.js";

class Storage {
  getItem(key) {
    return this[key] ?? null;
  }
  setItem(key, value) {
    this[key] = value;
  }
  removeItem(key) {
    delete this[key];
  }
}

const ITEM = { id: 4, version: 0, width: 4, height: 3, lease: { token: "t" } };
const outage = () => new ApiError(0, "offline", "no answer");
const quietLink = () => ({ reported: [], report(error) { this.reported.push(error); return error.isOutage; } });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

test("a draft is kept in the browser at once and goes from there when the server has it", async () => {
  const vault = new Vault(new Storage(), "/");
  const sent = [];
  const keeper = new DraftKeeper({ vault, link: quietLink(), send: async (path, { body }) => sent.push([path, body]) });
  keeper.open(ITEM, () => ({ saved_at: 1, strokes: 1 }));
  keeper.note();
  await pause(90);
  assert.equal(keeper.local(ITEM).strokes, 1);
  await keeper.flush();
  assert.equal(keeper.local(ITEM), null);
  assert.deepEqual(sent, [["items/4/draft", { lease_token: "t", draft: { saved_at: 1, strokes: 1 } }]]);
});

test("a draft that the server did not take stays in the browser and is sent when the link is back", async () => {
  const vault = new Vault(new Storage(), "/");
  let down = true;
  let taken = 0;
  const send = async () => {
    if (down) throw outage();
    taken++;
  };
  const keeper = new DraftKeeper({ vault, link: quietLink(), send });
  keeper.open(ITEM, () => ({ saved_at: 1 }));
  keeper.note();
  await keeper.flush();
  assert.ok(keeper.local(ITEM));
  down = false;
  await keeper.flush();
  assert.equal(taken, 1);
  assert.equal(keeper.local(ITEM), null);
});

test("a lost lease is told once and the draft stays in the browser", async () => {
  const vault = new Vault(new Storage(), "/");
  const lost = [];
  const send = async () => {
    throw new ApiError(409, "lease_lost", "gone");
  };
  const keeper = new DraftKeeper({ vault, link: quietLink(), send, onLost: (error) => lost.push(error.code) });
  keeper.open(ITEM, () => ({ saved_at: 1 }));
  keeper.note();
  await keeper.flush();
  assert.deepEqual(lost, ["lease_lost"]);
  keeper.close({ keepLocal: true });
  assert.ok(keeper.local(ITEM));
});

test("a heartbeat that crosses the answer to its image tells of no loss", async () => {
  const lost = [];
  const send = async () => {
    await pause(5);
    throw new ApiError(409, "lease_lost", "used up");
  };
  const lease = new Lease({ link: quietLink(), onLost: (error) => lost.push(error), send });
  const item = { ...ITEM, lease: { token: "t", expires_at: new Date(Date.now() + 60_000).toISOString() } };
  lease.open(item);
  const crossing = lease.beat(item);
  lease.close();
  await crossing;
  assert.equal(lost.length, 0);
  lease.open(item);
  await lease.beat(item);
  assert.equal(lost.length, 1);
  lease.close();
});

test("before an item is decided the draft on its way arrives, and no other follows", async () => {
  const vault = new Vault(new Storage(), "/");
  const arrived = [];
  let strokes = 1;
  const send = async (_, { body }) => {
    await pause(30);
    arrived.push(body.draft.strokes);
  };
  const keeper = new DraftKeeper({ vault, link: quietLink(), send });
  keeper.open(ITEM, () => ({ saved_at: strokes, strokes }));
  keeper.note();
  keeper.flush();
  strokes = 2;
  keeper.note();
  await keeper.settle();
  assert.deepEqual(arrived, [1]);
  await pause(1100);
  assert.deepEqual(arrived, [1]);
  assert.equal(keeper.local(ITEM).strokes, 2);
});

test("an accepted annotation waits in the browser through an outage, with the same submission id", async () => {
  const vault = new Vault(new Storage(), "/");
  let down = true;
  const sent = [];
  const outbox = new Outbox({
    vault,
    send: async (_, { body }) => {
      sent.push(body.submission_id);
      if (down) throw outage();
      return { version: 1 };
    },
  });
  await assert.rejects(outbox.submit(4, { submission_id: "s" }));
  assert.deepEqual(outbox.waiting, [4]);
  down = false;
  assert.deepEqual(await outbox.flush(), []);
  assert.deepEqual(outbox.waiting, []);
  assert.deepEqual(sent, ["s", "s"]);
});

test("a refused annotation is not sent for ever", async () => {
  const outbox = new Outbox({
    vault: new Vault(new Storage(), "/"),
    send: async () => {
      throw new ApiError(409, "version_conflict", "late");
    },
  });
  await assert.rejects(outbox.submit(4, {}));
  assert.deepEqual(outbox.waiting, []);
});

test("the link tells of an outage once and of its end", async () => {
  let up = false;
  const link = new Link({
    ping: async () => {
      if (!up) throw outage();
    },
  });
  const seen = [];
  link.onChange((state) => seen.push(state));
  assert.equal(link.report(outage()), true);
  assert.equal(link.report(outage()), true);
  assert.equal(link.report(new ApiError(422, "invalid_prompt", "")), false);
  up = true;
  await pause(900);
  assert.deepEqual(seen, ["down", "up"]);
  link.close();
});

test("a lapsed login is told apart from an outage", () => {
  const link = new Link({ ping: async () => {} });
  assert.equal(link.report(new ApiError(401, "unauthorized", "")), true);
  assert.equal(link.state, "login");
  link.close();
});

test("stores of two deployments on one host do not mix", () => {
  const storage = new Storage();
  new Vault(storage, "/a/").write("x", 1);
  assert.equal(new Vault(storage, "/b/").read("x"), null);
});

/** As the browser's own: a lock is held until the promise of its callback settles. */
class Locks {
  held = new Set();
  async request(name, { ifAvailable }, callback) {
    assert.ok(ifAvailable);
    if (this.held.has(name)) return callback(null);
    this.held.add(name);
    await callback({ name });
    this.held.delete(name);
  }
}

test("an image that one tab has open is refused to the others until that tab moves on", async () => {
  const locks = new Locks();
  const [here, there] = [1, 2].map(() => new Seat({ scope: "/", locks }));
  assert.equal(await here.take(4), true);
  assert.equal(await here.take(4), true);
  assert.equal(await there.take(4), false);
  assert.equal(await there.take(5), true);
  assert.equal(await here.take(5), false);
  await pause(0);
  assert.deepEqual([...locks.held], ["/item:5"]);
  assert.equal(await there.take(4), true);
  there.leave();
  await pause(0);
  assert.equal(locks.held.size, 0);
});

test("without locks, or where they are forbidden, every image may be taken", async () => {
  const forbidden = { request: async () => assert.fail("SecurityError") };
  for (const locks of [undefined, forbidden]) assert.equal(await new Seat({ scope: "/", locks }).take(4), true);
});

test("what the server confirmed is kept here again when the item went to someone else", async () => {
  const vault = new Vault(new Storage(), "/");
  const keeper = new DraftKeeper({ vault, link: quietLink(), send: async () => {} });
  keeper.open(ITEM, () => ({ saved_at: 1, strokes: 1 }));
  keeper.note();
  await keeper.flush();
  assert.equal(keeper.local(ITEM), null);
  keeper.keepLocally({ always: true });
  keeper.close({ keepLocal: true });
  assert.equal(keeper.local(ITEM).strokes, 1);
});

test("a full storage is said, not thrown", () => {
  const storage = new Storage();
  storage.setItem = () => {
    throw new Error("QuotaExceededError");
  };
  assert.equal(new Vault(storage, "/").write("x", 1), false);
});

function predictorWith(send) {
  const errors = [];
  const predictor = new Predictor({ send, onAnswer: () => {}, onError: (error) => errors.push(error) });
  const answers = new Answers(4, 3);
  predictor.open(ITEM, answers);
  return { predictor, answers, errors };
}

const point = (sheet, x) => sheets.addPoint(sheet, { x, y: 1, label: 1 });

test("an answer counts for its own prompts only, whatever was clicked meanwhile", async () => {
  const { predictor, answers } = predictorWith(async (_, { body }) => {
    await pause(5);
    return { rev: body.rev, counts: [body.points.length, 12 - body.points.length] };
  });
  const one = point(sheets.newSheet(1), 1);
  const two = point(one, 2);
  const first = predictor.ask(sheets.active(one));
  const second = predictor.ask(sheets.active(two));
  assert.deepEqual(await Promise.all([first, second]), [true, true]);
  assert.deepEqual(answers.of(sheets.active(one)).counts, [1, 11]);
  assert.deepEqual(answers.of(sheets.active(two)).counts, [2, 10]);
});

test("answers for an image that was left are dropped", async () => {
  const { predictor, answers } = predictorWith(async (_, { body }) => {
    await pause(5);
    return { rev: body.rev, counts: [12] };
  });
  const sheet = point(sheets.newSheet(1), 1);
  const asked = predictor.ask(sheets.active(sheet));
  predictor.open({ ...ITEM, id: 5 }, new Answers(4, 3));
  assert.equal(await asked, false);
  assert.equal(answers.of(sheets.active(sheet)), null);
});

test("an answer with another revision is refused", async () => {
  const { predictor } = predictorWith(async () => ({ rev: 999, counts: [12] }));
  assert.equal(await predictor.ask(sheets.active(point(sheets.newSheet(1), 1))), false);
});

test("what was answered once is not asked again", async () => {
  let asked = 0;
  const { predictor } = predictorWith(async (_, { body }) => ({ rev: body.rev, counts: [12], n: asked++ }));
  const object = sheets.active(point(sheets.newSheet(1), 1));
  await predictor.ask(object);
  await predictor.ask(object);
  assert.equal(asked, 1);
});

test("the empty page knows what to do next", () => {
  const counts = { items: 10, queued: 0, leased: 0, labeled: 0, skipped: 0, unqueued: 10 };
  assert.equal(idleKind({ counts: { ...counts, items: 0 }, round: 0 }), "noImages");
  assert.equal(idleKind({ counts, round: 0 }), "start");
  assert.equal(idleKind({ counts: { ...counts, unqueued: 5, labeled: 5 }, round: 1 }), "done");
  assert.equal(idleKind({ counts: { ...counts, unqueued: 5, leased: 2 }, round: 1 }), "others");
  assert.equal(idleKind({ counts: { ...counts, unqueued: 0, labeled: 10 }, round: 2 }), "all");
});

test("uploads are divided by number and size, hidden files stay behind", () => {
  const files = Array.from({ length: 7 }, (_, i) => ({ path: `p/${i}.png`, file: { size: 10 } }));
  assert.deepEqual(batches(files, { maxFiles: 3, maxBytes: 1000 }).map((b) => b.length), [3, 3, 1]);
  assert.deepEqual(batches(files, { maxFiles: 99, maxBytes: 25 }).map((b) => b.length), [2, 2, 2, 1]);
  assert.deepEqual(batches([]), []);
  assert.equal(withoutHidden([{ path: "a/.DS_Store" }, { path: "a/b.png" }]).length, 1);
  const sum = addReports(emptyReport(), { added: 2, duplicates: [1], rejected: [], items: 5 });
  assert.deepEqual(sum, { added: 2, duplicates: [1], rejected: [], items: 5 });
});

test("the curve counts what was spent before each model", () => {
  const curve = [
    { round: 2, n_labeled: 10, seconds: 60, value: 0.6, ci95: null },
    { round: 3, n_labeled: 20, seconds: 90, value: 0.7, ci95: [0.6, 0.8] },
  ];
  const report = { metric: "dice", curve };
  assert.deepEqual(curvePoints(report, "labeled").map((p) => p.x), [10, 20]);
  assert.deepEqual(curvePoints(report, "seconds").map((p) => p.x), [60, 90]);
  assert.deepEqual(curvePoints(report, "seconds")[1], { x: 90, value: 0.7, ci95: [0.6, 0.8], number: 3, metric: "dice" });
  assert.deepEqual(curvePoints(null, "seconds"), []);
});

test("a report's facts are what was spent, and there is no advice before the first round", () => {
  assert.deepEqual(facts({ n_labeled: 12, seconds: 185, clicks: 40 }).map(([, value]) => value), [12, "3:05 min", 40]);
  const drawn = facts({ n_labeled: 12, n_objects: 16, seconds: 185, clicks: 40 });
  assert.deepEqual(drawn.slice(3), [["objects", 16], ["timeEach", "11.6 s"], ["clicksEach", "2.5"]]);
  const part = { report: { hidden: false } };
  for (const report of [null, { rounds: [] }]) {
    part.report.hidden = false;
    showWorth(part, report);
    assert.equal(part.report.hidden, true);
  }
});
