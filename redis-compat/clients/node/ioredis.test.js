// ioredis 5 (RESP2 only) and ioredis 6 in RESP2 and RESP3.
"use strict";

const assert = require("node:assert/strict");
const { describe } = require("node:test");
const { PORT, afterEach, beforeEach, big, eventually, keys, later, test } = require("./harness");

const FLAVOURS = [
  { title: "ioredis 5, RESP2", Redis: require("ioredis5"), options: {}, resp: "2" },
  { title: "ioredis 6, RESP2", Redis: require("ioredis6"), options: { protocol: 2 }, resp: "2" },
  { title: "ioredis 6, RESP3", Redis: require("ioredis6"), options: { protocol: 3 }, resp: "3" },
];

/** The fields of one CLIENT LIST line. */
const clientFields = (line) => Object.fromEntries(line.trim().split(" ").map((field) => field.split(/=(.*)/s)));

/** A flat list of names and values, as an object. */
const paired = (flat) => Object.fromEntries(Array.from({ length: flat.length / 2 }, (_, n) => [flat[2 * n], flat[2 * n + 1]]));

for (const { title, Redis, options: flavour, resp } of FLAVOURS) {
  describe(title, () => {
    let opened, db, key;

    function connect(options = {}) {
      const client = new Redis({ port: PORT, ...flavour, ...options });
      client.on("error", () => {}); // Disconnections are part of these tests.
      opened.push(client);
      return client;
    }

    beforeEach(() => {
      opened = [];
      key = keys();
      db = connect();
    });

    afterEach(async () => {
      for await (const names of db.scanStream({ match: key("*"), count: 1000 })) {
        if (names.length > 0) await db.unlink(names);
      }
      for (const client of opened) client.disconnect();
    });

    test("a connection is set up as asked", async () => {
      const client = connect({ connectionName: "worker-7", db: 3 });
      const me = clientFields(await client.client("INFO"));
      assert.equal(me.name, "worker-7");
      assert.equal(me.db, "3");
      assert.equal(me.resp, resp);
      assert.match(me["lib-name"], /^ioredis/);
    });

    test("a password is asked for", async () => {
      await db.config("SET", "requirepass", "s3cret");
      try {
        const client = connect({ password: "s3cret" });
        assert.equal(await client.ping(), "PONG");
        const wrong = connect({ password: "wrong", retryStrategy: null });
        await assert.rejects(wrong.ping());
        await assert.rejects(client.auth("wrong"), /WRONGPASS invalid username-password pair or user is disabled\./);
        const none = connect({ retryStrategy: null });
        await assert.rejects(none.get(key()));
      } finally {
        await db.config("SET", "requirepass", "");
      }
    });

    test("a pipeline answers in order and past errors", async () => {
      const pipeline = db.pipeline();
      for (let n = 0; n < 1000; n++) pipeline.rpush(key(), n);
      const replies = await pipeline.incr(key()).llen(key()).exec();
      assert.deepEqual(replies.slice(0, 1000), Array.from({ length: 1000 }, (_, n) => [null, n + 1]));
      assert.equal(replies[1000][0].message, "WRONGTYPE Operation against a key holding the wrong kind of value");
      assert.deepEqual(replies[1001], [null, 1000]);
    });

    test("commands sent at once are pipelined by themselves", async () => {
      const client = connect({ enableAutoPipelining: true });
      const counts = await Promise.all(Array.from({ length: 200 }, () => client.incr(key())));
      assert.deepEqual(counts, Array.from({ length: 200 }, (_, n) => n + 1));
    });

    test("keys and values are bytes", async () => {
      const every = Buffer.from(Uint8Array.from({ length: 256 }, (_, n) => n));
      const name = Buffer.concat([Buffer.from(key()), every]);
      await db.set(name, every);
      assert.deepEqual(await db.getBuffer(name), every);
      assert.equal(await db.unlink(name), 1);
      await db.xadd(key("s"), "1-1", every, every);
      assert.deepEqual((await db.xrangeBuffer(key("s"), "-", "+"))[0][1], [every, every]);
    });

    test("a value of 20 MB", async () => {
      const value = big();
      await db.set(key(), value);
      assert.ok(value.equals(await db.getBuffer(key())));
    });

    test("strings, expiry and lists", async () => {
      assert.equal(await db.set(key(), "1", "PX", 50, "NX"), "OK");
      assert.equal(await db.set(key(), "2", "NX"), null);
      await eventually(async () => (await db.exists(key())) === 0, 1000);
      assert.equal(await db.rpush(key("l"), "a", "b", "c", "b"), 4);
      assert.deepEqual(await db.lpos(key("l"), "b", "COUNT", 0), [1, 3]);
      assert.equal(await db.lmove(key("l"), key("to"), "RIGHT", "LEFT"), "b");
      assert.deepEqual(await db.lmpop(2, key("none"), key("l"), "LEFT", "COUNT", 2), [key("l"), ["a", "b"]]);
      assert.deepEqual(await db.mget(key("f"), key("g")), [null, null]);
      assert.equal(await db.incrbyfloat(key("f"), 1.5), "1.5");
    });

    test("a group reads, acknowledges and takes over", async () => {
      assert.equal(await db.xgroup("CREATE", key(), "workers", "$", "MKSTREAM"), "OK");
      await assert.rejects(db.xgroup("CREATE", key(), "workers", "$"), /^ReplyError: BUSYGROUP Consumer Group name already exists$/);
      const ids = [];
      for (let n = 1; n <= 3; n++) ids.push(await db.xadd(key(), "*", "n", n));
      const [[name, entries]] = await db.xreadgroup("GROUP", "workers", "alice", "COUNT", 2, "STREAMS", key(), ">");
      assert.equal(name, key());
      assert.deepEqual(entries, [[ids[0], ["n", "1"]], [ids[1], ["n", "2"]]]);
      assert.equal(await db.xack(key(), "workers", ids[0]), 1);
      assert.deepEqual(await db.xautoclaim(key(), "workers", "bob", 0, "0"), ["0-0", [[ids[1], ["n", "2"]]], []]);
      assert.deepEqual(await db.xpending(key(), "workers"), [1, ids[1], ids[1], [["bob", "1"]]]);
      const [[id, owner, idle, deliveries]] = await db.xpending(key(), "workers", "-", "+", 10);
      assert.deepEqual([id, owner, deliveries], [ids[1], "bob", 2]);
      assert.ok(idle >= 0);
      assert.deepEqual(await db.xclaim(key(), "workers", "carol", 0, ids[1], "JUSTID"), [ids[1]]);
      const [group] = await db.xinfo("GROUPS", key());
      assert.deepEqual(Array.isArray(group) ? paired(group) : group, {
        name: "workers",
        consumers: 3,
        pending: 1,
        "last-delivered-id": ids[1],
        "entries-read": 2,
        lag: 1,
      });
      assert.equal(await db.xdel(key(), ids[1]), 1);
      const [[, gone]] = await db.xreadgroup("GROUP", "workers", "carol", "STREAMS", key(), "0");
      assert.deepEqual(gone, [[ids[1], null]]);
    });

    test("blocking reads wake up and time out", async () => {
      const other = connect();
      assert.equal(await db.blpop(key(), 0.05), null);
      const [popped] = await Promise.all([db.blpop(key("a"), key("b"), 5), later(40, () => other.rpush(key("b"), "x"))]);
      assert.deepEqual(popped, [key("b"), "x"]);
      const [moved] = await Promise.all([db.blmove(key("a"), key("to"), "LEFT", "RIGHT", 5), later(40, () => other.rpush(key("a"), "y"))]);
      assert.equal(moved, "y");
      assert.equal(await db.xread("BLOCK", 40, "STREAMS", key("s"), "$"), null);
      const [read, id] = await Promise.all([
        db.xread("BLOCK", 5000, "STREAMS", key("s"), "$"),
        later(40, () => other.xadd(key("s"), "*", "a", 1)),
      ]);
      assert.deepEqual(read, [[key("s"), [[id, ["a", "1"]]]]]);
    });

    test("channels, patterns and shard channels", async () => {
      const listener = connect();
      const got = [];
      listener.on("message", (channel, message) => got.push(["message", channel, message]));
      listener.on("pmessage", (pattern, channel, message) => got.push(["pmessage", pattern, channel, message]));
      listener.on("smessage", (channel, message) => got.push(["smessage", channel, message]));
      assert.equal(await listener.subscribe(key("a"), key("b")), 2);
      assert.equal(await listener.psubscribe(key("*")), 3);
      assert.equal(await listener.ssubscribe(key("s")), 1);
      assert.equal(await db.publish(key("a"), "hello"), 2);
      assert.equal(await db.spublish(key("s"), "shard"), 1);
      await eventually(() => got.length === 3);
      assert.deepEqual(got, [
        ["message", key("a"), "hello"],
        ["pmessage", key("*"), key("a"), "hello"],
        ["smessage", key("s"), "shard"],
      ]);
      assert.deepEqual(await db.pubsub("NUMSUB", key("a"), key("c")), [key("a"), 1, key("c"), 0]);
      assert.equal(await listener.unsubscribe(key("a"), key("b")), 1);
      assert.equal(await listener.punsubscribe(key("*")), 0);
    });

    test("a transaction, and one whose watched key changed", async () => {
      assert.deepEqual(await db.multi().set(key(), 1).incr(key()).exec(), [[null, "OK"], [null, 2]]);
      const other = connect();
      await db.watch(key());
      await other.incr(key());
      assert.equal(await db.multi().set(key(), 9).exec(), null);
      assert.equal(await db.get(key()), "3");
      await assert.rejects(db.multi().set(key()).exec(), /^ReplyError: EXECABORT Transaction discarded because of previous errors\.$/);
      const unpiped = db.multi({ pipeline: false });
      await unpiped;
      assert.equal(await db.set(key(), "4"), "QUEUED");
      assert.deepEqual(await db.exec(), [[null, "OK"]]);
    });

    test("a killed client reconnects and carries on", async () => {
      const victim = connect({ connectionName: "victim", retryStrategy: () => 10 });
      const old = await victim.client("ID");
      assert.equal(await db.client("KILL", "ID", old), 1);
      assert.equal(await victim.set(key(), "alive"), "OK");
      assert.notEqual(await victim.client("ID"), old);
      assert.equal(await victim.client("GETNAME"), "victim");
    });

    test("a killed subscriber subscribes again", async () => {
      const listener = connect({ retryStrategy: () => 10 });
      const id = await listener.client("ID");
      const got = [];
      listener.on("message", (channel, message) => got.push(message));
      await listener.subscribe(key());
      assert.equal(await db.client("KILL", "ID", id), 1);
      await eventually(async () => (await db.publish(key(), "again")) === 1);
      await eventually(() => got.includes("again"));
    });

    test("the list of clients parses", async () => {
      const client = connect({ connectionName: "listed" });
      const id = await client.client("ID");
      const lines = (await db.client("LIST")).trim().split("\n").map(clientFields);
      const found = lines.find((entry) => entry.id === String(id));
      assert.equal(found.name, "listed");
      assert.equal(found.cmd, "client|id");
    });

    test("it sees that the server is ready", async () => {
      const client = connect({ enableReadyCheck: true });
      await new Promise((resolve) => client.once("ready", resolve));
      const info = Object.fromEntries((await client.info()).split("\r\n").map((line) => line.split(":")));
      assert.equal(info.loading, "0");
      assert.equal(info.role, "master");
      assert.match(info.redis_version, /^\d+\.\d+\.\d+$/);
    });

    test("MONITOR shows what others do", async () => {
      // ioredis takes what is seen in one packet with the reply to MONITOR for a reply, as the INFO by which it sees that `db` is ready.
      await db.ping();
      const monitor = await db.monitor();
      try {
        const seen = new Promise((resolve) => monitor.on("monitor", (_time, args) => args.includes(key()) && resolve(args)));
        await db.set(key(), "x y");
        assert.deepEqual(await seen, ["set", key(), "x y"]);
      } finally {
        monitor.disconnect();
      }
    });
  });
}
