// Plays BullMQ for the harness: jobs that do nothing, added in bulk and worked off by one worker. `bullmq.js PORT JOBS` says `ready`,
// waits for a line, does the jobs, and says `done` with how many ended well.
"use strict";

const readline = require("node:readline");
const { Queue, Worker } = require("bullmq");

const [port, jobs] = process.argv.slice(2).map(Number);
const connection = { host: "127.0.0.1", port };
const BATCH = 100;
const CONCURRENCY = 50;

async function main() {
  const queue = new Queue("bench", { connection });
  const worker = new Worker("bench", async (job) => job.data.n, { connection, concurrency: CONCURRENCY });
  await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
  let ended = 0;
  const all = new Promise((resolve) => {
    worker.on("completed", () => {
      ended += 1;
      if (ended === jobs) resolve();
    });
  });
  worker.on("failed", (_job, error) => {
    throw error;
  });
  console.log("ready");
  for await (const _ of readline.createInterface({ input: process.stdin })) break;
  for (let from = 0; from < jobs; from += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, jobs - from) }, (_, n) => ({ name: "job", data: { n: from + n } }));
    await queue.addBulk(batch);
  }
  await all;
  console.log(`done ${ended}`);
  process.exit(0);
}

main();
