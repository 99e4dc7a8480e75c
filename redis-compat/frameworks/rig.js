// What the Node frameworks share: where the server is, waiting for what must come, workers in processes of their own, and a
// ledger of what they did, which is kept outside of the server so that it can contradict it.
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const nodeTest = require("node:test");

const PORT = Number(process.env.SERVER_PORT ?? 6379);
const WAIT_MS = 20_000;
const TEST_MS = 45_000;

/** A test that fails when it hangs. */
const test = (name, body) => nodeTest.test(name, { timeout: TEST_MS }, body);

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `probe` (which may be asynchronous) gives something true, and returns that. */
async function until(what, probe, withinMs = WAIT_MS) {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(20);
  }
}

/** A file to which every process of a test appends what it did: `{ at, ...note }` a line. */
class Ledger {
  constructor(file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "ledger-")), "ledger")) {
    this.file = file;
    fs.appendFileSync(file, "");
  }

  note(note) {
    fs.appendFileSync(this.file, `${JSON.stringify({ at: Date.now(), ...note })}\n`);
  }

  notes(match = () => true) {
    return fs.readFileSync(this.file, "utf8").split("\n").filter(Boolean).map(JSON.parse).filter(match);
  }
}

const started = new Set();

/** Runs `file` with `args` in a process of its own, which ends with the test run at the latest. */
function startProcess(file, ...args) {
  const child = spawn(process.execPath, [file, ...args], { stdio: ["ignore", "inherit", "inherit"] });
  child.unref();
  started.add(child);
  child.once("exit", () => started.delete(child));
  return child;
}

/** SIGKILL: no goodbye to the server, nothing given back. */
function kill(child) {
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.ref();
  child.kill("SIGKILL");
  return gone;
}

process.on("exit", () => started.forEach((child) => child.kill("SIGKILL")));

module.exports = { PORT, Ledger, kill, sleep, startProcess, test, until };
