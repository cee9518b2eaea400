// Every operation of the official JavaScript client for Web PubSub, and what its documentation shows, against the emulator,
// over a relay that cuts its connections.
import { spawn } from "node:child_process";
import http from "node:http";
import net from "node:net";
import path from "node:path";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { SendMessageError, WebPubSubClient, WebPubSubJsonProtocol, WebPubSubJsonReliableProtocol } from "@azure/web-pubsub-client";
import express from "express";
import WebSocket from "ws";
import { expect, leftOut, logged, packageLeftOut, scenario, sdk } from "./report.mjs";

sdk("@azure/web-pubsub-client");
const [hub, group, patience] = ["jsclient", "room", 20_000];
const connectionString = process.env.WEBPUBSUB_CONNECTION_STRING;
const emulator = new URL(/Endpoint=([^;]+)/.exec(connectionString)[1]);

// Forwards traffic until it is asked to cut all connections; while it is down, new clients wait.
class Relay {
  ends = new Set();
  up = Promise.resolve();

  static async start() {
    const relay = new Relay();
    const server = net.createServer((near) => relay.join(near)).listen(0, "127.0.0.1");
    await new Promise((done) => server.once("listening", done));
    relay.port = server.address().port;
    return relay;
  }

  async join(near) {
    await this.up;
    const far = net.connect(Number(emulator.port), emulator.hostname);
    for (const [end, other] of [[near, far], [far, near]]) {
      this.ends.add(end);
      end.on("error", () => {}).on("close", () => (this.ends.delete(end), other.destroy()));
      end.pipe(other);
    }
  }

  // Gives what ends it.
  cut() {
    for (const end of this.ends) end.destroy();
    let mend;
    this.up = new Promise((done) => (mend = done));
    return mend;
  }
}

const relay = await Relay.start();
// Tokens are for the host that the client connects to.
const relayed = connectionString.replace(emulator.host, `127.0.0.1:${relay.port}`);
const options = { allowInsecureConnection: true };
const service = new WebPubSubServiceClient(connectionString, hub, options);
const roles = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];

// The event handler of the hub, which accepts everything, adds up numbers, and rejects the event "fail".
const handled = [];
const handler = http.createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  if (request.method !== "POST") return response.writeHead(200, { "WebHook-Allowed-Origin": "*" }).end();
  handled.push(request.headers["ce-type"]);
  const event = request.headers["ce-eventname"];
  if (event === "sum") {
    const sum = JSON.parse(body).reduce((one, other) => one + other);
    return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(sum));
  }
  // No response before the invocation is canceled.
  if (event === "hang") return;
  response.writeHead(event === "fail" ? 400 : 204).end();
});
await new Promise((done) => handler.listen(Number(process.env.WEBHOOK_PORT), "127.0.0.1", done));

// A client whose events are taken one by one.
function client(userId, through, hubName = hub, clientOptions = {}) {
  const access = new WebPubSubServiceClient(through, hubName, options);
  const urls = { asked: 0 };
  const getClientAccessUrl = async () => {
    urls.asked += 1;
    return (await access.getClientAccessToken({ userId, roles })).url;
  };
  const it = new WebPubSubClient({ getClientAccessUrl }, clientOptions);
  const [events, waiting] = [[], []];
  for (const name of ["connected", "disconnected", "group-message", "server-message", "rejoin-group-failed"])
    it.on(name, (args) => {
      const next = waiting.shift();
      if (next) next({ name, args });
      else events.push({ name, args });
    });
  const coming = (name) =>
    new Promise((done, fail) => {
      const late = setTimeout(() => fail(new Error(`not seen: ${name}`)), patience);
      waiting.push((event) => (clearTimeout(late), done(event)));
    });
  const next = async (name) => {
    const event = events.shift() ?? (await coming(name));
    expect(event.name === name, `${name}, but ${event.name}`);
    return event.args;
  };
  const got = async (data, dataType = "text") => {
    const { message } = await next("group-message");
    expect(message.dataType === dataType && same(message.data, data), `${JSON.stringify(data)}`);
    return message;
  };
  return { it, next, got, urls };
}

const same = (one, other) =>
  one instanceof ArrayBuffer ? Buffer.from(one).equals(Buffer.from(other)) : JSON.stringify(one) === JSON.stringify(other);

const [ann, bob] = [client("ann", connectionString), client("bob", relayed)];
let id;
await scenario("Connect", async () => {
  await Promise.all([ann.it.start(), bob.it.start()]);
  await ann.next("connected");
  const connected = await bob.next("connected");
  expect(connected.userId === "bob", "bob's name");
  id = connected.connectionId;
});
await scenario(["JoinGroup", "README: 3. Join groups"], async () => {
  await Promise.all([ann.it.joinGroup(group), bob.it.joinGroup(group)]);
  const members = [];
  for await (const member of await service.group(group).listConnections()) members.push(member.connectionId);
  expect(members.length === 2 && members.includes(id), "both in the group");
});
await scenario(["SendToGroup", "README: 4. Send messages to a group"], async () => {
  await ann.it.sendToGroup(group, "to both", "text");
  await Promise.all([ann.got("to both"), bob.got("to both")]);
  await bob.it.sendToGroup(group, { a: [1, null] }, "json", { noEcho: true });
  expect((await ann.got({ a: [1, null] }, "json")).fromUserId === "bob", "who sent it");
  const bytes = Uint8Array.from([0, 255, 7]).buffer;
  await ann.it.sendToGroup(group, bytes, "binary", { noEcho: true });
  await bob.got(bytes, "binary");
});
await scenario("SendToGroup, fire and forget", async () => {
  await ann.it.sendToGroup(group, "no ack", "text", { fireAndForget: true, noEcho: true });
  await bob.got("no ack");
});
await scenario("SendToGroup, same ack id again", async () => {
  expect(!(await ann.it.sendToGroup(group, "once", "text", { ackId: 7777, noEcho: true })).isDuplicated, "the first");
  expect((await ann.it.sendToGroup(group, "once", "text", { ackId: 7777, noEcho: true })).isDuplicated, "a duplicate");
  await bob.got("once");
});
await scenario("300 sends in a loop, three runs", async () => {
  for (let run = 0; run < 3; run++)
    for (let number = 0; number < 300; number++) {
      const began = performance.now();
      await ann.it.sendToGroup(group, number, "json", { noEcho: true });
      expect(performance.now() - began < 1000, `send ${number} of run ${run} within a second`);
      await bob.got(number, "json");
    }
});
await scenario("SendEvent", async () => {
  await bob.it.sendEvent("order", { id: 7 }, "json");
  expect(handled.includes("azure.webpubsub.user.order"), "the event at its handler");
});
await scenario("SendEvent without an event handler", async () => {
  const eve = client("eve", connectionString, "unhandled", { messageRetryOptions: { maxRetries: 0 } });
  await eve.it.start();
  await eve.next("connected");
  const failed = await eve.it.sendEvent("order", 1, "json").then(() => undefined, (error) => error);
  expect(failed?.errorDetail?.name === "InternalServerError", "the sender's error");
  await eve.it.joinGroup("still-connected");
  eve.it.stop();
});
await scenario("Two subprotocols", async () => {
  const { url } = await service.getClientAccessToken({ userId: "eve" });
  for (const offered of [["json.reliable.webpubsub.azure.v1", "json.webpubsub.azure.v1"], ["mqtt", "json.webpubsub.azure.v1"]]) {
    const socket = new WebSocket(url, offered);
    await new Promise((done, fail) => socket.on("open", done).on("error", fail));
    expect(socket.protocol === offered.find((name) => name.startsWith("json.")), `one of ${offered}, not ${socket.protocol}`);
    socket.close(1000);
  }
});
const invoke = (event, data, more) => ann.it.invokeEvent(event, data, "json", more).then((it) => it, (error) => error);
await scenario(["InvokeEvent", "README: 5. Invoke upstream events (preview)"], async () => {
  const sums = await Promise.all([invoke("sum", [1, 2]), invoke("sum", [3, 4])]);
  expect(same(sums.map((sum) => [sum.dataType, sum.data]), [["json", 3], ["json", 7]]), "both sums");
  const empty = await invoke("order", 1);
  expect(empty.invocationId && empty.data === undefined && empty.dataType === undefined, "an empty response");
});
await scenario("InvokeEvent that fails or is canceled", async () => {
  expect((await invoke("fail", 1)).errorDetail?.name === "InternalServerError", "the error of the handler");
  const abort = new AbortController();
  const hanging = invoke("hang", 1, { abortSignal: abort.signal });
  while (!handled.includes("azure.webpubsub.user.hang")) await new Promise((done) => setTimeout(done, 5));
  abort.abort();
  expect((await hanging) instanceof Error, "the caller's cancellation");
  expect((await invoke("sum", [5])).data === 5, "a response after the cancellation");
});
// Clients of their own: fragments are also group messages.
const [writer, reader] = [client("writer", relayed), client("reader", connectionString)];
// All fragments of the next streams, by stream id, each with how it ended.
const streams = new Map();
const settled = (id) => {
  if (!streams.has(id)) {
    let settle;
    const ended = new Promise((done, fail) => {
      settle = done;
      setTimeout(() => fail(new Error(`not seen: the end of the stream ${id}`)), patience).unref();
    });
    streams.set(id, { ended, settle });
  }
  return streams.get(id);
};
async function collect(stream) {
  const [parts, { settle }] = [[], settled(stream.streamId)];
  try {
    for await (const part of stream) parts.push(part.data);
    settle({ parts });
  } catch (error) {
    settle({ parts, error });
  }
}
await scenario(["Group stream", "README: 6. Stream messages to a group (preview)"], async () => {
  await Promise.all([writer.it.start(), reader.it.start()]);
  await reader.it.joinGroup("stories");
  reader.it.onGroupStream(collect, { groupNames: ["stories"], handleFromStart: true });
  const story = await writer.it.openGroupStream("stories");
  const other = await writer.it.openGroupStream("stories", { streamId: "other" });
  for (const [text, number] of [["Once", 1], ["upon", 2]]) {
    await story.write(text, "text");
    await other.write({ number }, "json");
  }
  await Promise.all([story.end(), other.end()]);
  const ends = await Promise.all([story.streamId, "other"].map((id) => settled(id).ended));
  expect(same(ends, [{ parts: ["Once", "upon"] }, { parts: [{ number: 1 }, { number: 2 }] }]), JSON.stringify(ends));
});
await scenario("Group stream that is aborted", async () => {
  const story = await writer.it.openGroupStream("stories");
  await story.write("Once", "text");
  await story.abort({ message: "no more", userErrorCode: "E1" });
  const { parts, error } = await settled(story.streamId).ended;
  expect(same(parts, ["Once"]) && error.name === "UserError" && error.userErrorCode === "E1", JSON.stringify(error));
});
await scenario("Group stream without the role", async () => {
  const access = await service.getClientAccessToken({ userId: "eve" });
  const eve = new WebPubSubClient({ getClientAccessUrl: async () => access.url });
  await eve.start();
  const failed = await eve.openGroupStream("stories").then(() => undefined, (error) => error);
  eve.stop();
  expect(failed instanceof Error, "the rejection");
});
await scenario("Group stream over a recovery", async () => {
  const story = await writer.it.openGroupStream("stories");
  await story.write(1, "json");
  const mend = relay.cut();
  const writes = [2, 3, 4].map((number) => story.write(number, "json"));
  mend();
  await Promise.all(writes);
  await story.end();
  const { parts, error } = await settled(story.streamId).ended;
  expect(same(parts, [1, 2, 3, 4]) && !error, JSON.stringify(parts));
  expect(writer.urls.asked === 1, "the same connection");
});
await scenario("Group streams with the Rust client", async () => {
  // The script runs outside of the workspace, whose task runner has started it.
  const cwd = path.dirname(process.env.CARGO_MANIFEST_DIR);
  const build = ["run", "--quiet", "--package", "workspace-tests", "--bin", "stream_peer", "--", hub, "mixed"];
  const peer = spawn(process.env.CARGO, build, { cwd, stdio: ["pipe", "pipe", "inherit"] });
  await new Promise((done, fail) => {
    peer.stdout.once("data", done);
    peer.once("exit", () => fail(new Error("the program of the Rust client has ended")));
  });
  await reader.it.joinGroup("mixed");
  reader.it.onGroupStream(collect, { groupNames: ["mixed"] });
  const [whole, broken] = [await writer.it.openGroupStream("mixed"), await writer.it.openGroupStream("mixed")];
  for (const text of ["Once ", "upon "]) {
    await whole.write(text, "text");
    await broken.write(text, "text");
  }
  await whole.end();
  await broken.abort({ message: "no more", userErrorCode: "E1" });
  const ends = [whole, broken].flatMap(({ streamId }) => [streamId, `again-${streamId}`]).map((id) => settled(id).ended);
  const [first, again, second, abortedAgain] = await Promise.all(ends);
  peer.stdin.end();
  expect(same([first, again], [{ parts: ["Once ", "upon "] }, { parts: ["ONCE ", "UPON "] }]), JSON.stringify([first, again]));
  expect(same([second.parts, abortedAgain.parts], [first.parts, again.parts]), "all parts before the error");
  expect(abortedAgain.error?.name === "UserError" && abortedAgain.error.message.includes("no more"), "the error");
  writer.it.stop();
  reader.it.stop();
});
await scenario(["Receive from the server", "README: A client consumes messages from the application server or joined groups"], async () => {
  await service.sendToUser("bob", "from the server", { contentType: "text/plain" });
  expect((await bob.next("server-message")).message.data === "from the server", "the server's message");
});
await scenario("Recover a dropped connection", async () => {
  const mend = relay.cut();
  await ann.it.sendToGroup(group, "meanwhile", "text", { noEcho: true });
  mend();
  await bob.got("meanwhile");
  await bob.it.sendToGroup(group, "here again", "text", { noEcho: true });
  await ann.got("here again");
  expect(bob.urls.asked === 1 && (await service.connectionExists(id)), "the same connection");
});
await scenario("Reconnect when it cannot be recovered", async () => {
  await service.closeConnection(id, { reason: "moving" });
  const { connectionId, message } = await bob.next("disconnected");
  expect(connectionId === id && message.message === "moving", "the end of the old connection, and why");
  const connected = await bob.next("connected");
  expect(connected.connectionId !== id && bob.urls.asked === 2, "a new connection with a new URL");
  await ann.it.sendToGroup(group, "after", "text", { noEcho: true });
  await bob.got("after");
});
await scenario("LeaveGroup", async () => {
  await bob.it.leaveGroup(group);
  expect(await service.groupExists(group), "ann, who is still in the group");
  await ann.it.leaveGroup(group);
  expect(!(await service.groupExists(group)), "no connection in the group");
});
await scenario("Stop", async () => {
  const stopped = new Promise((done) => bob.it.on("stopped", done));
  bob.it.stop();
  // It closes without a code, so that the emulator keeps the connection for a recovery: whether it is gone is not asked.
  await stopped;
});
// What the README shows with a client of its own.
const once = (it, name) =>
  new Promise((done, fail) => {
    const late = setTimeout(() => fail(new Error(`not seen: ${name}`)), patience);
    it.on(name, (args) => (clearTimeout(late), done(args)));
  });
const urlFor = async (options) => (await service.getClientAccessToken(options)).url;
await scenario("README: 2. Connect with your Web PubSub resource", async () => {
  const it = new WebPubSubClient(await urlFor({}));
  const connected = once(it, "connected");
  await it.start();
  expect(await service.connectionExists((await connected).connectionId), "the connection");
  it.stop();
});
await scenario("README: Add callbacks for connected, disconnected and stopped events", async () => {
  const it = new WebPubSubClient(await urlFor({}), { autoReconnect: false });
  const events = ["connected", "disconnected", "stopped"].map((name) => once(it, name));
  await it.start();
  const { connectionId } = await events[0];
  await service.closeConnection(connectionId, { reason: "enough" });
  expect((await events[1]).message.message === "enough", "the reason");
  await events[2];
});
await scenario(["README: 1. Application server", "README: 2. Client side"], async () => {
  const app = express();
  app.get("/negotiate", async (_, response) => response.json({ url: await urlFor({ roles }) }));
  const server = app.listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const getClientAccessUrl = async () =>
    (await (await fetch(`http://127.0.0.1:${server.address().port}/negotiate`)).json()).url;
  const it = new WebPubSubClient({ getClientAccessUrl });
  await it.start();
  await it.joinGroup("negotiated");
  expect(await service.groupExists("negotiated"), "a member of the group");
  it.stop();
  server.close();
});
await scenario("README: Handle rejoin failure", async () => {
  // Only the first token allows the client to join.
  const allowed = [roles];
  const getClientAccessUrl = () => urlFor({ roles: allowed.pop() ?? [] });
  const it = new WebPubSubClient({ getClientAccessUrl }, { autoRejoinGroups: true, messageRetryOptions: { maxRetries: 0 } });
  const [connected, failed] = [once(it, "connected"), once(it, "rejoin-group-failed")];
  await it.start();
  await it.joinGroup("joined once");
  await service.closeConnection((await connected).connectionId);
  const { group: name, error } = await failed;
  expect(name === "joined once" && error instanceof SendMessageError, "the group, and why");
  it.stop();
});
await scenario("README: Operation and retry", async () => {
  const it = new WebPubSubClient(await urlFor({}), { messageRetryOptions: { maxRetries: 1, retryDelayInMs: 1 } });
  const connected = once(it, "connected");
  await it.start();
  const failed = await it.joinGroup("later").then(() => undefined, (error) => error);
  expect(failed instanceof SendMessageError && failed.errorDetail.name === "Forbidden", "the rejection");
  const { connectionId } = await connected;
  await service.grantPermission(connectionId, "joinLeaveGroup", { targetName: "later" });
  await it.joinGroup("later", { ackId: failed.ackId });
  expect(await service.groupExists("later"), "a member of the group");
  it.stop();
});
await scenario("README: Specify subprotocol", async () => {
  for (const protocol of [WebPubSubJsonProtocol(), WebPubSubJsonReliableProtocol()]) {
    const it = new WebPubSubClient(await urlFor({ userId: "carl" }), { protocol });
    await it.start();
    const message = once(it, "server-message");
    await service.sendToUser("carl", { over: protocol.name });
    expect((await message).message.data.over === protocol.name, `a message over ${protocol.name}`);
    const stopped = once(it, "stopped");
    it.stop();
    await stopped;
  }
});
await scenario("README: Enable logs", async () => {
  const { url, token } = await service.getClientAccessToken({ roles });
  await logged(token, async () => {
    const it = new WebPubSubClient(url);
    await it.start();
    await it.joinGroup("logged");
    it.stop();
  });
});
await scenario("samples/helloworld", async () => {
  const only = ["webpubsub.joinLeaveGroup.testGroup", "webpubsub.sendToGroup.testGroup"];
  const it = new WebPubSubClient({ getClientAccessUrl: () => urlFor({ roles: only }) });
  const received = [];
  const all = new Promise((done) => it.on("group-message", ({ message }) => received.push(message.data) === 4 && done()));
  await it.start();
  await it.joinGroup("testGroup");
  await it.sendToGroup("testGroup", "hello world", "text", { fireAndForget: true });
  await it.sendToGroup("testGroup", { a: 12, b: "hello" }, "json");
  await it.sendToGroup("testGroup", "hello json", "json");
  await it.sendToGroup("testGroup", Uint8Array.from(Buffer.from("hello")).buffer, "binary");
  await all;
  const plain = received.map((data) => (data instanceof ArrayBuffer ? Buffer.from(data).toString() : data));
  expect(same(plain, ["hello world", { a: 12, b: "hello" }, "hello json", "hello"]), JSON.stringify(plain));
  it.stop();
});
leftOut("needs a bundler and a browser; its calls are those of `2. Client side`", "samples-browser");
packageLeftOut("@azure/web-pubsub-client-protobuf", "-", "the registry does not have this package; it exists as source only");
process.exit(0);
