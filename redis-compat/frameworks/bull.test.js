// Bull 4: two worker processes, of which one is killed over its work; retries, delays, priorities, repeatable jobs, rate
// limits, events, pausing, cleaning. Run with `worker QUEUE LEDGER` it is one of the workers.
"use strict";

const assert = require("node:assert/strict");
const { after } = require("node:test");
const Queue = require("bull");
const { PORT, Ledger, kill, sleep, startProcess, test, until } = require("./rig");

// Short, so that what a killed worker held is soon seen as stalled.
const settings = { lockDuration: 1000, stalledInterval: 500, maxStalledCount: 1, guardInterval: 200, drainDelay: 1 };
const open = (name, options = {}) => new Queue(name, { redis: { port: PORT }, settings, ...options });
const HELD_MS = 60_000;

/** What a worker process does with a job, by its name; `killed` is one that is being worked on when its worker dies. */
async function perform(job, ledger) {
  const before = ledger.notes((note) => note.event === "start" && note.id === job.id).length;
  ledger.note({ event: "start", id: job.id, name: job.name });
  if (job.name === "killed" && before === 0) await sleep(HELD_MS);
  if (job.name === "hopeless") throw new Error("never works");
  if (job.name === "flaky" && job.attemptsMade < 2) throw new Error(`attempt ${job.attemptsMade}`);
  return { square: job.data.n ** 2 };
}

if (process.argv[2] === "worker") {
  const [queue, ledger] = process.argv.slice(3);
  open(queue).process("*", 2, (job) => perform(job, new Ledger(ledger)));
} else {
  tests();
}

function tests() {
  const opened = [];
  after(() => Promise.all(opened.map((queue) => queue.close(true))));

  function openQueue(name, options) {
    const queue = open(name, options);
    queue.on("error", () => {});
    opened.push(queue);
    return queue;
  }

  test("mixed jobs end as they must although a worker dies over some of them", async () => {
    const queue = openQueue("mixed");
    const ledger = new Ledger();
    const victim = startProcess(__filename, "worker", "mixed", ledger.file);
    for (const n of [1, 2]) await queue.add("killed", { n });
    await until("the first worker is at work", () => ledger.notes(({ name }) => name === "killed").length === 2);
    startProcess(__filename, "worker", "mixed", ledger.file);
    const numbers = Array.from({ length: 40 }, (_, n) => n);
    await queue.addBulk(numbers.map((n) => ({ name: "plain", data: { n }, opts: n % 2 ? { priority: n } : {} })));
    for (const n of [0, 1, 2, 3, 4, 5]) await queue.add("flaky", { n }, { attempts: 3, backoff: { type: "exponential", delay: 50 } });
    for (const n of [0, 1, 2, 3]) await queue.add("hopeless", { n }, { attempts: 2, backoff: 50 });
    for (const n of [0, 1, 2, 3]) await queue.add("delayed", { n }, { delay: 300 });
    await kill(victim);
    await until("all 56 jobs are done", async () => {
      const { completed, failed } = await queue.getJobCounts();
      return completed + failed === 56;
    });
    assert.deepEqual(await queue.getJobCounts(), { waiting: 0, active: 0, completed: 52, failed: 4, delayed: 0, paused: 0 });
    for (const job of await queue.getCompleted()) {
      assert.deepEqual(job.returnvalue, { square: job.data.n ** 2 });
      if (job.name === "delayed") assert.ok(job.processedOn - job.timestamp >= 299, "not before its time");
      const starts = ledger.notes((note) => note.id === job.id).length;
      assert.equal(starts, { flaky: 3, killed: 2 }[job.name] ?? 1);
    }
    for (const job of await queue.getFailed()) {
      assert.equal(`${job.name}: ${job.failedReason}`, "hopeless: never works");
      assert.equal(job.attemptsMade, 2);
    }
  });

  test("priorities, then order of arrival; LIFO; delays in order of their times", async () => {
    const queue = openQueue("ordered");
    for (const [n, priority] of [5, 2, 9, 2, 1].entries()) await queue.add({ n, priority }, { priority });
    await queue.add({ n: "last in" }, { lifo: true });
    for (const delay of [400, 200]) await queue.add({ n: `after ${delay}` }, { delay });
    const order = [];
    queue.process((job) => void order.push(job.data.n));
    await until("all have run", () => order.length === 8);
    assert.deepEqual(order, ["last in", 4, 1, 3, 0, 2, "after 200", "after 400"]);
  });

  test("a repeatable job comes at its times, until its limit", async () => {
    const queue = openQueue("repeated");
    const runs = [];
    queue.process("*", (job) => void runs.push(job.name));
    await queue.add("tick", {}, { repeat: { every: 200, limit: 3 } });
    await queue.add("new year", {}, { repeat: { cron: "0 0 1 1 *" } });
    await until("three ticks", () => runs.length === 3);
    const [yearly] = (await queue.getRepeatableJobs()).filter(({ name }) => name === "new year");
    assert.equal(new Date(yearly.next).getMonth(), 0);
    for (const { key } of await queue.getRepeatableJobs()) await queue.removeRepeatableByKey(key);
    assert.equal(await queue.getDelayedCount(), 0);
    assert.deepEqual(runs, ["tick", "tick", "tick"]);
  });

  test("a rate limit holds", async () => {
    const queue = openQueue("limited", { limiter: { max: 3, duration: 400 } });
    const starts = [];
    for (let n = 0; n < 9; n += 1) await queue.add({ n });
    queue.process(() => void starts.push(Date.now()));
    await until("all have run", () => starts.length === 9);
    for (let n = 3; n < 9; n += 3) assert.ok(starts[n] - starts[n - 3] >= 350, `${starts[n] - starts[n - 3]} ms`);
  });

  test("events reach another process's queue; pausing, progress, logs, retrying, cleaning", async () => {
    const queue = openQueue("events");
    const listener = openQueue("events");
    const seen = [];
    listener.on("global:completed", (id, result) => seen.push(`completed ${id} ${result}`));
    listener.on("global:failed", (id, reason) => seen.push(`failed ${id} ${reason}`));
    listener.on("global:progress", (id, progress) => seen.push(`progress ${id} ${progress}`));
    await listener.isReady();
    await queue.pause();
    queue.process(async (job) => {
      await job.progress(50);
      await job.log("half way");
      if (job.data.bad && !job.data.repaired) throw new Error("no");
      return "yes";
    });
    const good = await queue.add({}, { jobId: "good" });
    const bad = await queue.add({ bad: true }, { jobId: "bad" });
    assert.equal((await queue.getJobCounts()).paused, 2);
    await queue.resume();
    assert.equal(await good.finished(), "yes");
    await assert.rejects(bad.finished(), /no/);
    const told = ["progress good 50", 'completed good "yes"', "progress bad 50", "failed bad no"];
    await until("all events", () => told.every((event) => seen.includes(event)));
    assert.deepEqual((await queue.getJobLogs("good")).logs, ["half way"]);
    await (await queue.getJob("bad")).update({ bad: true, repaired: true });
    await (await queue.getJob("bad")).retry();
    await until("it is repaired", async () => (await queue.getCompletedCount()) === 2);
    assert.equal((await queue.clean(0, "completed")).length, 2);
    await queue.obliterate({ force: true });
    assert.deepEqual((await queue.client.keys("bull:events:*")).filter((key) => !key.endsWith(":stalled-check")), []);
  });
}
