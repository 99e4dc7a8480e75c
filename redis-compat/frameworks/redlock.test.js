// Redlock, versions 4 and 5, over three databases: exclusion, majority, extension, and a holder that is killed. Run with
// `hold VERSION RESOURCE LEDGER` it takes the lock and never gives it back.
"use strict";

const assert = require("node:assert/strict");
const { after } = require("node:test");
const { Redis } = require("ioredis");
const { PORT, Ledger, kill, sleep, startProcess, test, until } = require("./rig");

const LOCK_MS = 1500;
const PATIENT = { retryCount: 1000, retryDelay: 10, retryJitter: 10 };
const HASTY = { retryCount: 0 };

const databases = (...numbers) => numbers.map((db) => new Redis({ port: PORT, db }));

/** What the two versions call the same things. */
const VERSIONS = {
  4(clients, options) {
    const Redlock = require("redlock");
    const redlock = new Redlock(clients, options);
    redlock.on("clientError", () => {});
    return { acquire: (resource, ms) => redlock.lock(resource, ms), release: (lock) => lock.unlock() };
  },
  5(clients, options) {
    const { default: Redlock } = require("redlock5");
    const redlock = new Redlock(clients, { automaticExtensionThreshold: 100, ...options });
    redlock.on("error", () => {});
    return { acquire: (resource, ms) => redlock.acquire([resource].flat(), ms), release: (lock) => lock.release(), redlock };
  },
};

if (process.argv[2] === "hold") {
  const [version, resource, ledger] = process.argv.slice(3);
  VERSIONS[version](databases(3, 4, 5), PATIENT).acquire(resource, LOCK_MS).then(() => new Ledger(ledger).note({ event: "held" }));
} else {
  for (const [version, open] of Object.entries(VERSIONS)) tests(version, open);
}

function tests(version, open) {
  const clients = databases(3, 4, 5);
  const [db] = clients;
  after(() => clients.forEach((client) => client.disconnect()));
  const named = (what) => `${what}-${version}`;

  test(`version ${version}: one at a time, also after a holder's death`, async () => {
    const ledger = new Ledger();
    const holder = startProcess(__filename, "hold", version, named("counter"), ledger.file);
    await until("the lock is held", () => ledger.notes().length === 1);
    await kill(holder);
    const { at } = ledger.notes()[0];
    const { acquire, release } = open(clients, PATIENT);
    let inside = 0;
    let count = 0;
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        const lock = await acquire(named("counter"), LOCK_MS);
        assert.equal((inside += 1), 1, "alone");
        if (count === 0) assert.ok(Date.now() - at >= LOCK_MS - 100, "not before the dead one's time is over");
        await sleep(5);
        count += 1;
        inside -= 1;
        await release(lock);
      }),
    );
    assert.equal(count, 10);
    for (const client of clients) assert.equal(await client.exists(named("counter")), 0);
  });

  test(`version ${version}: two of three are enough, one is not`, async () => {
    const { acquire, release } = open(clients, HASTY);
    await clients[0].set(named("votes"), "somebody else's");
    const lock = await acquire(named("votes"), LOCK_MS);
    await release(lock).catch(() => {}); // Version 4 wants all to agree that it is released.
    await clients[1].set(named("votes"), "somebody else's");
    await assert.rejects(acquire(named("votes"), LOCK_MS));
    assert.equal(await clients[2].exists(named("votes")), 0, "what it got of a minority is given back");
  });

  test(`version ${version}: a lock is extended while it is held, and only then`, async () => {
    const { acquire, release } = open(clients, HASTY);
    const lock = await (await acquire([named("a"), named("b")], LOCK_MS)).extend(60_000);
    for (const name of ["a", "b"]) assert.ok((await db.pttl(named(name))) > LOCK_MS);
    await assert.rejects(acquire(named("b"), LOCK_MS));
    await release(lock);
    await assert.rejects(lock.extend(1000));
    await release(await acquire([named("b")], LOCK_MS));
  });

  if (version !== "5") return;
  test("version 5: `using` extends its lock as long as the work lasts", async () => {
    const { redlock } = open(clients, HASTY);
    await redlock.using(["using"], 400, async (signal) => {
      await sleep(1000);
      assert.equal(signal.aborted, false);
      await assert.rejects(redlock.acquire(["using"], 100));
    });
    assert.equal(await db.exists("using"), 0);
  });
}
