// node-redis, in RESP2 and RESP3.
"use strict";

const assert = require("node:assert/strict");
const { describe } = require("node:test");
const { RESP_TYPES, WatchError, createClient } = require("redis");
const { PORT, PROTOCOLS, afterEach, beforeEach, big, eventually, keys, later, test } = require("./harness");

for (const RESP of PROTOCOLS) {
  describe(`node-redis, RESP${RESP}`, () => {
    let opened, db, key;

    async function connect(options = {}) {
      const { socket, ...rest } = options;
      const client = createClient({ socket: { port: PORT, ...socket }, RESP, ...rest });
      client.on("error", () => {}); // Disconnections are part of these tests.
      opened.push(client);
      return client.connect();
    }

    beforeEach(async () => {
      opened = [];
      key = keys();
      db = await connect();
    });

    afterEach(async () => {
      for await (const names of db.scanIterator({ MATCH: key("*"), COUNT: 1000 })) {
        if (names.length > 0) await db.unlink(names);
      }
      for (const client of opened) if (client.isOpen) client.destroy();
    });

    test("a connection is set up as asked", async () => {
      const client = await connect({ name: "worker-7", database: 3 });
      const me = await client.clientInfo();
      assert.equal(me.name, "worker-7");
      assert.equal(me.db, 3);
      assert.equal(me.resp, RESP);
      assert.equal(me.libName, "node-redis");
      assert.equal(me.user, "default");
    });

    test("a password is asked for", async () => {
      await db.configSet("requirepass", "s3cret");
      try {
        const once = { reconnectStrategy: false };
        await assert.rejects(connect({ password: "wrong", socket: once }), /WRONGPASS/);
        const client = await connect({ password: "s3cret" });
        assert.equal(await client.ping(), "PONG");
        await assert.rejects((await connect({ password: "s3cret" })).auth({ password: "wrong" }), /WRONGPASS/);
      } finally {
        await db.configSet("requirepass", "");
      }
    });

    test("commands sent at once are pipelined and answered in order", async () => {
      const pushed = await Promise.all(Array.from({ length: 1000 }, (_, n) => db.rPush(key(), String(n))));
      assert.deepEqual(pushed, Array.from({ length: 1000 }, (_, n) => n + 1));
      assert.deepEqual(await db.lRange(key(), 997, -1), ["997", "998", "999"]);
      await assert.rejects(db.incr(key()), /^(Simple)?Error: WRONGTYPE Operation against a key holding the wrong kind of value$/);
    });

    test("keys and values are bytes", async () => {
      const binary = db.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
      const every = Buffer.from(Uint8Array.from({ length: 256 }, (_, n) => n));
      const name = Buffer.concat([Buffer.from(key()), every]);
      await binary.set(name, every);
      assert.deepEqual(await binary.get(name), every);
      await binary.xAdd(Buffer.from(key("s")), "1-1", { field: every });
      const [{ message }] = await binary.xRange(key("s"), "-", "+");
      assert.deepEqual(message.field, every);
      assert.equal(await db.unlink(name), 1);
    });

    test("a value of 20 MB", async () => {
      const value = big();
      const binary = db.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
      await db.set(key(), value);
      assert.ok(value.equals(await binary.get(key())));
      await db.rPush(key("l"), value);
      assert.ok(value.equals(await binary.lPop(key("l"))));
    });

    test("strings, expiry and lists", async () => {
      assert.equal(await db.set(key(), "1", { expiration: { type: "PX", value: 50 }, condition: "NX" }), "OK");
      assert.equal(await db.set(key(), "2", { condition: "NX" }), null);
      assert.ok((await db.pTTL(key())) <= 50);
      await eventually(async () => (await db.exists(key())) === 0, 1000);
      assert.equal(await db.rPush(key("l"), ["a", "b", "c", "b"]), 4);
      assert.equal(await db.lPos(key("l"), "b", { RANK: -1 }), 3);
      assert.deepEqual(await db.lmPop([key("none"), key("l")], "RIGHT", { COUNT: 2 }), [key("l"), ["b", "c"]]);
      assert.equal(await db.lMove(key("l"), key("to"), "LEFT", "RIGHT"), "a");
      assert.equal(await db.incrByFloat(key("f"), 1.5), "1.5");
      assert.deepEqual(await db.mGet([key("f"), key("none")]), ["1.5", null]);
    });

    test("a group reads, acknowledges and takes over", async () => {
      await db.xGroupCreate(key(), "workers", "0", { MKSTREAM: true });
      await assert.rejects(db.xGroupCreate(key(), "workers", "0"), /BUSYGROUP Consumer Group name already exists/);
      const ids = await Promise.all([1, 2, 3, 4].map((n) => db.xAdd(key(), "*", { n: String(n) })));
      const [{ name, messages }] = await db.xReadGroup("workers", "alice", { key: key(), id: ">" }, { COUNT: 3 });
      assert.equal(name, key());
      assert.deepEqual(messages.map((entry) => entry.id), ids.slice(0, 3));
      assert.deepEqual({ ...messages[0].message }, { n: "1" });
      assert.equal(await db.xAck(key(), "workers", ids[0]), 1);
      const claimed = await db.xAutoClaim(key(), "workers", "bob", 0, "0-0");
      assert.equal(claimed.nextId, "0-0");
      assert.deepEqual(claimed.messages.map((entry) => entry.id), ids.slice(1, 3));
      assert.deepEqual(await db.xClaimJustId(key(), "workers", "carol", 0, ids[1]), [ids[1]]);
      const pending = await db.xPending(key(), "workers");
      assert.equal(pending.pending, 2);
      assert.deepEqual(pending.consumers.map((c) => ({ ...c })), [
        { name: "bob", deliveriesCounter: 1 },
        { name: "carol", deliveriesCounter: 1 },
      ]);
      const [first] = await db.xPendingRange(key(), "workers", "-", "+", 1);
      assert.equal(first.consumer, "carol");
      assert.equal(first.deliveriesCounter, 2);
      const [group] = await db.xInfoGroups(key());
      assert.deepEqual({ ...group }, {
        name: "workers",
        consumers: 3,
        pending: 2,
        "last-delivered-id": ids[2],
        "entries-read": 3,
        lag: 1,
      });
      const stream = await db.xInfoStream(key());
      assert.equal(stream.length, 4);
      assert.equal(stream["last-entry"].id, ids[3]);
      assert.equal(await db.xTrim(key(), "MAXLEN", 1), 3);
      assert.equal(await db.xGroupDestroy(key(), "workers"), 1);
    });

    test("blocking reads wake up and time out", async () => {
      const other = await connect();
      assert.equal(await db.blPop(key(), 0.05), null);
      const [popped] = await Promise.all([db.blPop([key("a"), key("b")], 5), later(40, () => other.rPush(key("b"), "x"))]);
      assert.deepEqual({ ...popped }, { key: key("b"), element: "x" });
      const [moved] = await Promise.all([db.blMove(key("a"), key("to"), "LEFT", "RIGHT", 5), later(40, () => other.rPush(key("a"), "y"))]);
      assert.equal(moved, "y");
      assert.equal(await db.xRead({ key: key("s"), id: "$" }, { BLOCK: 40 }), null);
      const [read, id] = await Promise.all([
        db.xRead({ key: key("s"), id: "$" }, { BLOCK: 5000 }),
        later(40, () => other.xAdd(key("s"), "*", { a: "1" })),
      ]);
      assert.equal(read[0].messages[0].id, id);
    });

    test("channels, patterns and shard channels", async () => {
      const listener = await connect();
      const got = [];
      await listener.subscribe(key("a"), (message, channel) => got.push(["message", channel, message]));
      await listener.pSubscribe(key("*"), (message, channel) => got.push(["pmessage", channel, message]));
      await listener.sSubscribe(key("s"), (message, channel) => got.push(["smessage", channel, message]));
      assert.equal(await db.publish(key("a"), "hello"), 2);
      assert.equal(await db.publish(key("c"), "there"), 1);
      assert.equal(await db.sPublish(key("s"), "shard"), 1);
      await eventually(() => got.length === 4);
      assert.deepEqual(got, [
        ["message", key("a"), "hello"],
        ["pmessage", key("a"), "hello"],
        ["pmessage", key("c"), "there"],
        ["smessage", key("s"), "shard"],
      ]);
      assert.deepEqual({ ...(await db.pubSubNumSub([key("a"), key("b")])) }, { [key("a")]: 1, [key("b")]: 0 });
      assert.deepEqual(await db.pubSubChannels(key("*")), [key("a")]);
      await listener.unsubscribe(key("a"));
      await listener.pUnsubscribe();
      await listener.sUnsubscribe();
      assert.equal(await db.publish(key("a"), "nobody"), 0);
      assert.equal(String(await listener.ping()), "PONG");
    });

    if (RESP === 3) {
      test("a RESP3 subscriber goes on with other commands", async () => {
        const client = await connect();
        const got = [];
        await client.subscribe(key(), (message) => got.push(message));
        assert.equal(await client.publish(key(), "to myself"), 1);
        assert.equal(await client.set(key("k"), "v"), "OK");
        await eventually(() => got.length === 1);
        assert.deepEqual(got, ["to myself"]);
      });
    }

    test("a transaction, and one whose watched key changed", async () => {
      assert.deepEqual(await db.multi().set(key(), "1").incr(key()).rPush(key("l"), ["a", "b"]).exec(), ["OK", 2, 2]);
      const other = await connect();
      await db.watch(key());
      await other.incr(key());
      await assert.rejects(db.multi().set(key(), "9").exec(), WatchError);
      assert.equal(await db.get(key()), "3");
      await assert.rejects(db.multi().addCommand(["INCR"]).exec(), /wrong number of arguments|EXECABORT/);
    });

    test("a killed client reconnects", async () => {
      const victim = await connect({ name: "victim", socket: { reconnectStrategy: 10 } });
      const old = await victim.clientId();
      assert.equal(await db.clientKill({ filter: "ID", id: old }), 1);
      await eventually(async () => (await victim.clientId().catch(() => old)) !== old);
      assert.equal(await victim.clientGetName(), "victim");
    });

    test("a killed subscriber reconnects and subscribes again", async () => {
      const listener = await connect({ socket: { reconnectStrategy: 10 } });
      const id = await listener.clientId();
      const got = [];
      await listener.subscribe(key(), (message) => got.push(message));
      assert.equal(await db.clientKill({ filter: "ID", id }), 1);
      await eventually(async () => (await db.publish(key(), "again")) === 1);
      await eventually(() => got.includes("again"));
    });

    test("the list of clients parses", async () => {
      const client = await connect({ name: "listed" });
      const id = await client.clientId();
      const found = (await db.clientList()).find((entry) => entry.id === id);
      assert.equal(found.name, "listed");
      assert.match(found.addr, /^127\.0\.0\.1:\d+$/);
      assert.equal(found.cmd, "client|id");
    });

    test("INFO, CONFIG and COMMAND parse", async () => {
      assert.match(await db.info("server"), /\r\nredis_version:\d+\.\d+\.\d+\r\n/);
      assert.equal((await db.configGet("maxclients")).maxclients.length > 0, true);
      const [xadd] = await db.commandInfo(["xadd"]);
      assert.equal(xadd.arity, -5);
      assert.equal(await db.commandCount(), (await db.command()).length);
    });

    test("a scan meets every key", async () => {
      const names = Array.from({ length: 300 }, (_, n) => key(`n${n}`));
      await db.mSet(names.map((name) => [name, "x"]));
      const met = new Set();
      for await (const some of db.scanIterator({ MATCH: key("n*"), COUNT: 50 })) some.forEach((name) => met.add(name));
      assert.deepEqual([...met].sort(), names.sort());
    });
  });
}
