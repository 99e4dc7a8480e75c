// socket.io with the Redis adapter (pub/sub, and sharded pub/sub) and the Redis streams adapter: two servers, of which one
// is killed; rooms, broadcasts with acknowledgements, words between the servers, and sessions that another server takes up.
// Run with `server ADAPTER LEDGER` it is one of the servers.
"use strict";

const assert = require("node:assert/strict");
const { Redis } = require("ioredis");
const { createClient } = require("redis");
const { createAdapter, createShardedAdapter } = require("@socket.io/redis-adapter");
const { createAdapter: createStreamsAdapter } = require("@socket.io/redis-streams-adapter");
const { Server } = require("socket.io");
const { io: connectTo } = require("socket.io-client");
const { PORT, Ledger, kill, startProcess, test, until } = require("./rig");

const nodeRedis = async () => createClient({ socket: { port: PORT } }).on("error", () => {}).connect();
const ioredis = () => new Redis({ port: PORT });

const ADAPTERS = {
  "pub/sub, ioredis": async () => createAdapter(ioredis(), ioredis()),
  "pub/sub, node-redis": async () => createAdapter(await nodeRedis(), await nodeRedis()),
  "sharded pub/sub, node-redis": async () => createShardedAdapter(await nodeRedis(), await nodeRedis()),
  "streams, ioredis": async () => createStreamsAdapter(ioredis()),
  "streams, node-redis": async () => createStreamsAdapter(await nodeRedis()),
};

async function serve(adapter, ledger) {
  const recovery = adapter.startsWith("streams") ? { connectionStateRecovery: {} } : {};
  const io = new Server({ adapter: await ADAPTERS[adapter](), ...recovery });
  io.on("connection", (socket) => {
    socket.on("join", async (room, done) => done(await socket.join(room)));
    socket.on("say", (room, ...words) => io.to(room).emit("said", ...words));
    socket.on("but me", (room, word) => socket.to(room).emit("said", word));
    socket.on("ask all", async (question, done) => done(await io.timeout(5000).emitWithAck("asked", question)));
    socket.on("count", async (done) => done((await io.fetchSockets()).length));
    socket.on("move", (from, to) => io.in(from).socketsJoin(to));
    socket.on("tell servers", (word) => io.serverSideEmit("word", word));
    socket.on("ask servers", async (done) => done(await io.serverSideEmitWithAck("question")));
    socket.on("drop", (room) => io.in(room).disconnectSockets());
  });
  io.on("word", (word) => ledger.note({ word }));
  io.on("question", (answer) => answer("answer"));
  io.listen(0);
  ledger.note({ port: io.httpServer.address().port });
}

if (process.argv[2] === "server") {
  const [adapter, ledger] = process.argv.slice(3);
  serve(adapter, new Ledger(ledger));
} else {
  for (const adapter of Object.keys(ADAPTERS)) tests(adapter);
}

/** Two servers, and a client of each with what it has heard. */
async function cast(adapter) {
  const ledger = new Ledger();
  const actors = [];
  for (const number of [1, 2]) {
    const server = startProcess(__filename, "server", adapter, ledger.file);
    const { port } = await until(`server ${number} listens`, () => ledger.notes((note) => note.port)[number - 1]);
    const client = connectTo(`http://127.0.0.1:${port}`, { transports: ["websocket"], reconnectionDelay: 50, reconnectionDelayMax: 50 });
    const heard = [];
    // Where sessions are taken up, an offset follows the words.
    client.on("said", (word, bytes) => heard.push(Buffer.isBuffer(bytes) ? `${word} ${bytes}` : word));
    client.on("asked", (question, answer) => answer(`${question} ${number}`));
    await until("connected", () => client.connected);
    actors.push({ server, port, client, heard });
  }
  const [{ client }] = actors;
  await until("the servers know of each other", async () => (await client.timeout(3000).emitWithAck("count").catch(() => 0)) === 2);
  return { actors, ledger };
}

function tests(adapter) {
  test(`${adapter}: rooms, questions and words go over both servers, also when one has died`, async () => {
    const { actors, ledger } = await cast(adapter);
    const [one, two] = actors;
    try {
      for (const { client } of actors) await client.emitWithAck("join", "hall");
      one.client.emit("say", "hall", "hello", Buffer.from("bytes"));
      two.client.emit("but me", "hall", "not to me");
      await until("both heard", () => one.heard.length === 2 && two.heard.length === 1);
      assert.deepEqual([one.heard.sort(), two.heard], [["hello bytes", "not to me"], ["hello bytes"]]);

      one.client.emit("say", two.client.id, "psst");
      await until("one alone heard", () => two.heard.includes("psst"));
      assert.equal(one.heard.length, 2);
      assert.deepEqual((await one.client.emitWithAck("ask all", "who")).sort(), ["who 1", "who 2"]);

      one.client.emit("tell servers", "word");
      await until("the other server heard", () => ledger.notes(({ word }) => word === "word").length === 1);
      assert.deepEqual(await one.client.emitWithAck("ask servers"), ["answer"]);

      one.client.emit("move", "hall", "attic");
      await until("both are in the attic", async () => {
        two.client.emit("say", "attic", "creak");
        return [one, two].every(({ heard }) => heard.includes("creak"));
      });

      await kill(two.server);
      await until("the dead one's client noticed", () => !two.client.connected);
      two.client.io.uri = `http://127.0.0.1:${one.port}`;
      await until("it is with the other server", () => two.client.connected);
      await two.client.emitWithAck("join", "cellar");
      one.client.emit("say", "cellar", "anyone?");
      await until("it is heard there", () => two.heard.includes("anyone?"));
      two.client.once("disconnect", (reason) => two.heard.push(reason));
      one.client.emit("drop", "cellar");
      await until("it was put out", () => two.heard.includes("io server disconnect"));
    } finally {
      for (const { client, server } of actors) {
        client.disconnect();
        if (server.exitCode === null && server.signalCode === null) await kill(server);
      }
    }
  });

  if (!adapter.startsWith("streams")) return;
  test(`${adapter}: another server takes up a session, with what was missed`, async () => {
    const { actors } = await cast(adapter);
    const [one, two] = actors;
    try {
      await two.client.emitWithAck("join", "hall");
      one.client.emit("say", "hall", "first");
      await until("it is heard", () => two.heard.includes("first"));
      two.client.io.uri = `http://127.0.0.1:1`;
      two.client.io.engine.close();
      await until("the client is away", () => !two.client.connected);
      one.client.emit("say", "hall", "missed");
      await one.client.emitWithAck("count");
      two.client.io.uri = `http://127.0.0.1:${one.port}`;
      await until("it has come back", () => two.client.connected);
      assert.equal(two.client.recovered, true);
      await until("it has heard what it missed", () => two.heard.includes("missed"));
      one.client.emit("say", "hall", "last");
      await until("it is in its room still", () => two.heard.includes("last"));
      assert.deepEqual(two.heard, ["first", "missed", "last"]);
    } finally {
      for (const { client, server } of actors) {
        client.disconnect();
        await kill(server);
      }
    }
  });
}
