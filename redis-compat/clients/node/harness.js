// What the Node suites share: where the server is, keys of one's own, and waiting.
"use strict";

const { randomBytes } = require("node:crypto");
const nodeTest = require("node:test");

const PORT = Number(process.env.SERVER_PORT ?? 6379);
const PROTOCOLS = [2, 3];

/** A test, and what is done before and after it, fail when they hang. */
const IN_TIME = { timeout: 20_000 };
const test = (name, body) => nodeTest.test(name, IN_TIME, body);
const beforeEach = (body) => nodeTest.beforeEach(body, IN_TIME);
const afterEach = (body) => nodeTest.afterEach(body, IN_TIME);

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Makes key names that no other test uses. */
function keys() {
  const prefix = `compat:${randomBytes(4).toString("hex")}:`;
  return (name = "key") => prefix + name;
}

/** Runs `action` after a while, for something else to wait for. */
const later = (ms, action) => sleep(ms).then(action);

/** Waits until `condition` (which may be asynchronous) holds. */
async function eventually(condition, withinMs = 5000) {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not so within ${withinMs} ms: ${condition}`);
    await sleep(5);
  }
}

/** 20 MB in which every byte value occurs. */
const big = () => Buffer.alloc(20 * 1024 * 1024, Uint8Array.from({ length: 256 }, (_, n) => n));

module.exports = { PORT, PROTOCOLS, sleep, keys, later, eventually, big, test, beforeEach, afterEach };
