// BullMQ: two worker processes, of which one is killed over its work; retries, delays, priorities, flows, schedulers, rate
// limits, stalled jobs, deduplication, and the stream of events. Run with `worker QUEUE LEDGER` it is one of the workers.
"use strict";

const assert = require("node:assert/strict");
const { after } = require("node:test");
const { FlowProducer, Queue, QueueEvents, Worker } = require("bullmq");
const { Redis } = require("ioredis");
const { PORT, Ledger, kill, sleep, startProcess, test, until } = require("./rig");

const connection = { host: "127.0.0.1", port: PORT };
// Short, so that what a killed worker held is soon seen as stalled.
const impatient = { lockDuration: 1000, stalledInterval: 500, maxStalledCount: 1 };
const HELD_MS = 60_000;

/** What a worker process does with a job, by its name; `killed` is one that is being worked on when its worker dies. */
async function perform(job, ledger) {
  ledger.note({ event: "start", id: job.id, name: job.name, pid: process.pid });
  if (job.name === "killed" && job.stalledCounter === 0) await sleep(HELD_MS);
  if (job.name === "hopeless") throw new Error("never works");
  if (job.name === "flaky" && job.attemptsMade < 2) throw new Error(`attempt ${job.attemptsMade}`);
  if (job.name === "poison") process.kill(process.pid, "SIGKILL");
  ledger.note({ event: "end", id: job.id, name: job.name });
  return { square: job.data.n ** 2 };
}

if (process.argv[2] === "worker") {
  const [queue, ledger] = process.argv.slice(3);
  new Worker(queue, (job) => perform(job, new Ledger(ledger)), { connection, concurrency: 2, ...impatient });
} else {
  tests();
}

function tests() {
  const opened = [];
  const db = new Redis(connection);
  after(() => Promise.all([...opened.map((one) => one.close()), db.quit()]));

  function open(one) {
    one.on?.("error", () => {});
    opened.push(one);
    return one;
  }
  const openQueue = (name) => open(new Queue(name, { connection }));
  const openWorker = (name, handler, options = {}) => open(new Worker(name, handler, { connection, ...options }));

  test("mixed jobs end as they must although a worker dies over some of them", async () => {
    const queue = openQueue("mixed");
    const ledger = new Ledger();
    const victim = startProcess(__filename, "worker", "mixed", ledger.file);
    await queue.addBulk([1, 2].map((n) => ({ name: "killed", data: { n } })));
    await until("the first worker is at work", () => ledger.notes((note) => note.name === "killed").length === 2);
    startProcess(__filename, "worker", "mixed", ledger.file);

    const numbers = Array.from({ length: 40 }, (_, n) => n);
    await queue.addBulk(numbers.map((n) => ({ name: "plain", data: { n }, opts: { priority: n % 3 } })));
    const patient = { attempts: 3, backoff: { type: "exponential", delay: 50 } };
    await queue.addBulk(numbers.slice(0, 6).map((n) => ({ name: "flaky", data: { n }, opts: patient })));
    await queue.addBulk(numbers.slice(0, 4).map((n) => ({ name: "hopeless", data: { n }, opts: { attempts: 2, backoff: 50 } })));
    await queue.addBulk(numbers.slice(0, 4).map((n) => ({ name: "delayed", data: { n }, opts: { delay: 300 } })));
    await kill(victim);

    const counts = () => queue.getJobCounts("completed", "failed", "active", "wait", "delayed", "prioritized");
    await until("all 56 jobs are done", async () => {
      const { completed, failed } = await counts();
      return completed + failed === 56;
    });
    assert.deepEqual(await counts(), { completed: 52, failed: 4, active: 0, wait: 0, delayed: 0, prioritized: 0 });
    for (const job of await queue.getCompleted()) {
      assert.deepEqual(job.returnvalue, { square: job.data.n ** 2 });
      assert.equal(job.attemptsMade, job.name === "flaky" ? 3 : 1);
      if (job.name === "killed") assert.equal(job.stalledCounter, 1);
      if (job.name === "delayed") assert.ok(job.processedOn - job.timestamp >= 299, "not before its time");
      assert.equal(ledger.notes((note) => note.event === "end" && note.id === job.id).length, 1);
    }
    for (const job of await queue.getFailed()) {
      assert.equal(`${job.name}: ${job.failedReason}`, "hopeless: never works");
      assert.equal(job.attemptsMade, 2);
      assert.equal(job.stacktrace.length, 2);
    }
  });

  test("a job that kills its workers fails as stalled", async () => {
    const queue = openQueue("poison");
    const ledger = new Ledger();
    await queue.add("poison", { n: 1 });
    for (const died of [1, 2]) {
      startProcess(__filename, "worker", "poison", ledger.file);
      await until(`worker ${died} has died of it`, () => ledger.notes().length === died);
    }
    openWorker("poison", () => assert.fail("given to a third worker"), impatient);
    const [job] = await until("it is failed", async () => {
      const failed = await queue.getFailed();
      return failed.length === 1 && failed;
    });
    assert.match(job.failedReason, /job stalled more than allowable limit/);
  });

  test("priorities, then order of arrival; LIFO first", async () => {
    const queue = openQueue("priorities");
    for (const [n, priority] of [5, 2, 9, 2, 0, 1, 5, 0].entries()) await queue.add("job", { n, priority }, { priority });
    await queue.add("job", { n: "last in", priority: 0 }, { lifo: true });
    const changed = await queue.add("job", { n: "changed" }, { priority: 9 });
    await changed.changePriority({ priority: 4 });
    const order = [];
    openWorker("priorities", (job) => order.push(job.data.n));
    await until("all have run", () => order.length === 10);
    assert.deepEqual(order, ["last in", 4, 7, 5, 1, 3, "changed", 0, 6, 2]);
  });

  test("delayed jobs come in order of their times, and promotion comes first", async () => {
    const queue = openQueue("delays");
    const order = [];
    openWorker("delays", (job) => order.push([job.data.delay, Date.now() - job.timestamp]));
    for (const delay of [600, 200, 400]) await queue.add("job", { delay }, { delay });
    const promoted = await queue.add("job", { delay: 3600_000 }, { delay: 3600_000 });
    await promoted.promote();
    await until("all have run", () => order.length === 4);
    assert.deepEqual(order.map(([delay]) => delay), [3600_000, 200, 400, 600]);
    for (const [delay, waited] of order.slice(1)) assert.ok(waited >= delay - 1, `${waited} >= ${delay}`);
  });

  test("a flow: children of children first; a child that fails fails its parent if told to", async () => {
    const flows = open(new FlowProducer({ connection }));
    const parents = openQueue("flow-parents");
    openWorker("flow-children", async (job) => {
      if (job.data.n < 0) throw new Error("negative");
      const below = Object.values(await job.getChildrenValues());
      return below.reduce((sum, n) => sum + n, job.data.n);
    });
    openWorker("flow-parents", async (job) => Object.values(await job.getChildrenValues()).reduce((sum, n) => sum + n, 0));
    const child = (n, rest = {}) => ({ name: "child", queueName: "flow-children", data: { n }, ...rest });
    const good = await flows.add({
      name: "sum",
      queueName: "flow-parents",
      children: [child(1), child(2, { children: [child(10), child(20)] }), child(3, { opts: { delay: 200 } })],
    });
    const bad = await flows.add({
      name: "sum",
      queueName: "flow-parents",
      children: [child(1), child(-1, { opts: { failParentOnFailure: true } })],
    });
    const lenient = await flows.add({
      name: "sum",
      queueName: "flow-parents",
      children: [child(7), child(-2, { opts: { ignoreDependencyOnFailure: true } })],
    });
    const ended = async (job) => until(`${job.id} has ended`, async () => ["completed", "failed"].includes(await job.getState()));
    await Promise.all([good, bad, lenient].map(({ job }) => ended(job)));
    assert.equal((await parents.getJob(good.job.id)).returnvalue, 36);
    assert.match((await parents.getJob(bad.job.id)).failedReason, /child .* failed/);
    assert.equal((await parents.getJob(lenient.job.id)).returnvalue, 7);
    const tree = await flows.getFlow({ id: good.job.id, queueName: "flow-parents" });
    assert.deepEqual(tree.children.map((node) => node.job.data.n).sort(), [1, 2, 3]);
  });

  test("a scheduler makes its jobs at its times, until its limit", async () => {
    const queue = openQueue("scheduled");
    const runs = [];
    openWorker("scheduled", (job) => runs.push({ name: job.name, due: job.timestamp + job.opts.delay, at: Date.now() }));
    await queue.upsertJobScheduler("ticker", { every: 150, limit: 4 }, { name: "tick", data: {} });
    await queue.upsertJobScheduler("yearly", { pattern: "0 0 0 1 1 *" }, { name: "new year" });
    await until("four ticks", () => runs.length === 4);
    for (const { due, at } of runs) assert.ok(at >= due, `${at} >= ${due}`);
    for (const [earlier, later] of [[1, 2], [2, 3]]) assert.equal(runs[later].due - runs[earlier].due, 150);
    await until("the ticker has ended", async () => (await queue.getDelayed()).every((job) => job.name !== "tick"));
    const yearly = await queue.getJobScheduler("yearly");
    assert.equal(new Date(yearly.next).getMonth(), 0);
    assert.equal(await queue.removeJobScheduler("yearly"), true);
    assert.equal(await queue.getDelayedCount(), 0);
    assert.equal(runs.length, 4);
  });

  test("a rate limit holds over two workers", async () => {
    const queue = openQueue("limited");
    await queue.addBulk(Array.from({ length: 9 }, (_, n) => ({ name: "job", data: { n } })));
    const starts = [];
    const limiter = { max: 3, duration: 400 };
    for (let n = 0; n < 2; n += 1) openWorker("limited", () => starts.push(Date.now()), { limiter });
    await until("all have run", () => starts.length === 9);
    starts.sort((a, b) => a - b);
    // A window begins when its first job is fetched, a moment before the job is seen to start.
    for (let n = 3; n < 9; n += 3) assert.ok(starts[n] - starts[n - 3] >= 350, `${starts[n] - starts[n - 3]} ms`);
  });

  test("events tell of each step, and a producer waits for its job", async () => {
    const queue = openQueue("events");
    const events = open(new QueueEvents("events", { connection, lastEventId: "0" }));
    const seen = [];
    for (const name of ["added", "waiting", "active", "progress", "completed", "failed", "drained"]) {
      events.on(name, ({ jobId, data }) => seen.push([name, jobId ?? data].filter((part) => part !== undefined).join(" ")));
    }
    await events.waitUntilReady();
    openWorker("events", async (job) => {
      await job.updateProgress(50);
      await job.log("half way");
      if (job.name === "bad") throw new Error("no");
      return "yes";
    });
    const good = await queue.add("good", {}, { jobId: "good" });
    assert.equal(await good.waitUntilFinished(events, 10_000), "yes");
    const bad = await queue.add("bad", {}, { jobId: "bad" });
    await assert.rejects(bad.waitUntilFinished(events, 10_000), /no/);
    const steps = (id, end) => ["added", "waiting", "active", "progress", end].map((name) => `${name} ${id}`);
    const told = [...steps("good", "completed"), ...steps("bad", "failed")];
    await until("all events", () => told.every((event) => seen.includes(event)));
    assert.deepEqual(seen.filter((event) => told.includes(event)), told);
    assert.deepEqual((await queue.getJobLogs("good")).logs, ["half way"]);
  });

  test("duplicates are left out; a paused queue rests; cleaning and obliterating leave nothing", async () => {
    const queue = openQueue("household");
    await queue.pause();
    const first = await queue.add("job", { n: 1 }, { deduplication: { id: "one" } });
    const again = await queue.add("job", { n: 2 }, { deduplication: { id: "one" } });
    assert.equal(again.id, first.id);
    await queue.add("job", { n: 3 }, { jobId: "mine" });
    await queue.add("job", { n: 4 }, { jobId: "mine" });
    const ran = [];
    const worker = openWorker("household", (job) => ran.push(job.data.n));
    await worker.waitUntilReady();
    assert.equal(await queue.getWaitingCount() + (await queue.getJobCountByTypes("paused")), 2);
    assert.deepEqual(ran, []);
    await queue.resume();
    await until("both have run", async () => (await queue.getCompletedCount()) === 2);
    assert.deepEqual(ran, [1, 3]);
    assert.equal((await queue.clean(0, 10, "completed")).length, 2);
    await worker.close();
    await queue.obliterate();
    assert.deepEqual((await db.keys("bull:household:*")).filter((key) => !key.endsWith(":stalled-check")), []);
  });
}
