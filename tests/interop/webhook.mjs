// The official event handler for express, which the emulator calls for clients that come and go.
import { once } from "node:events";
import express from "express";
import { WebSocket } from "ws";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { WebPubSubClient } from "@azure/web-pubsub-client";
import { WebPubSubEventHandler } from "@azure/web-pubsub-express";
import { expect, leftOut, logged, packageLeftOut, scenario, sdk } from "./report.mjs";

sdk("@azure/web-pubsub-express");
const patience = 20_000;
const roles = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];

// The events that the handler received, in order.
const received = [];
let waiting;
const record = (name, request) => {
  // A copy: `setState` changes the request itself.
  received.push({ name, request: structuredClone(request) });
  waiting?.();
};
const next = async (name) => {
  if (received.length === 0)
    await new Promise((done, fail) => {
      const late = setTimeout(() => fail(new Error(`not received: ${name}`)), patience);
      waiting = () => (clearTimeout(late), (waiting = undefined), done());
    });
  const event = received.shift();
  expect(event.name === name, `${name}, but ${event.name}`);
  return event.request;
};

// Lets users in under another name, and counts in the state what each connection says.
const options = {
  handleConnect(request, response) {
    record("connect", request);
    if (request.queries.door?.[0] === "back") return response.fail(403, "not by this door");
    if (request.queries.door?.[0] === "side") return response.failWith({ code: 401, detail: "Unauthorized" });
    if (request.context.userId === undefined) return response.fail(401, "sign in first");
    response.setState("count", 1);
    const subprotocol = request.subprotocols?.find((name) => name.startsWith("hall."));
    response.success({ userId: `guest ${request.context.userId}`, groups: ["lobby"], roles, subprotocol });
  },
  handleUserEvent(request, response) {
    record(`event ${request.context.eventName}`, request);
    if (request.context.eventName === "fail") return response.fail(500, "cannot");
    response.setState("count", request.context.states.count + 1);
    response.success(request.dataType === "json" ? JSON.stringify(request.data) : request.data, request.dataType);
  },
  onConnected: (request) => record("connected", request),
  onDisconnected: (request) => record("disconnected", request),
  onGroupJoined: (request) => record("joined", request),
  onGroupLeft: (request) => record("left", request),
};
const app = express();
// Rejects the next event with 503, and keeps the ids of all calls.
let unavailable = false;
const ids = [];
app.post("/webhook/:event", (request, response, next) => {
  ids.push(request.get("ce-id"));
  if (!unavailable) return next();
  unavailable = false;
  response.status(503).end();
});
// Two handlers at the default path, the second one as in the samples.
const plain = new WebPubSubEventHandler("plain");
const sample = new WebPubSubEventHandler("chat", {
  handleConnect: (request, response) => (record("connect", request), response.success()),
  onConnected: (request) => record("connected", request),
  handleUserEvent: (request, response) => (record("event", request), response.success(`Hey ${request.data}`, request.dataType)),
});
app.use(
  plain.getMiddleware(),
  sample.getMiddleware(),
  new WebPubSubEventHandler("webhook", { ...options, path: "/webhook", allowedEndpoints: ["http://127.0.0.1"] }).getMiddleware(),
  new WebPubSubEventHandler("foreign", { path: "/foreign", allowedEndpoints: ["https://x.webpubsub.azure.com"] }).getMiddleware(),
);
const connectionString = process.env.WEBPUBSUB_CONNECTION_STRING;
const service = new WebPubSubServiceClient(connectionString, "webhook", { allowInsecureConnection: true });
const url = async (userId, hub = "webhook") => {
  const named = new WebPubSubServiceClient(connectionString, hub, { allowInsecureConnection: true });
  return (await named.getClientAccessToken({ userId })).url;
};

// The status and text with which a client is rejected.
const rejection = async (address) => {
  const socket = new WebSocket(address, "json.webpubsub.azure.v1").on("error", () => {});
  const [, response] = await once(socket, "unexpected-response");
  let text = "";
  for await (const chunk of response) text += chunk;
  return `${response.statusCode} ${text}`;
};
// An accepted client causes these events in this order; the handler chose the group.
const entered = async () => {
  const connect = await next("connect");
  const connected = await next("connected");
  expect((await next("joined")).group === "lobby", "the group of the handler's response");
  return { connect, connected };
};

await scenario("Webhook that starts late", async () => {
  const socket = new WebSocket(await url("eve"), "json.webpubsub.azure.v1").on("error", () => {});
  // Later than the first attempt of the emulator, which gets no connection.
  await new Promise((done) => setTimeout(done, 500));
  const [opened] = [once(socket, "open"), once(app.listen(Number(process.env.WEBHOOK_PORT), "127.0.0.1"), "listening")];
  await opened;
  await entered();
  socket.close(1000);
  await next("disconnected");
});
await scenario(["Abuse protection, allowed and not", "README: Only allow specified endpoints"], async () => {
  expect((await rejection(await url("ann", "foreign"))).startsWith("502"), "a handler that allows another origin only");
  expect(received.length === 0, "no event at a handler that was not allowed");
});
await scenario(["Connect, rejected", "README: Handle the connect request and reject the connection if auth failed"], async () => {
  expect((await rejection(await url(undefined))) === "401 sign in first", "status and text of a rejection");
  expect((await next("connect")).context.userId === undefined, "no user");
  expect((await rejection(`${await url("ann")}&door=back`)) === "403 not by this door", "another status and text");
  expect((await next("connect")).queries.door[0] === "back", "the query");
  expect((await rejection(`${await url("ann")}&door=side`)) === "401 Unauthorized", "what `failWith` says");
  await next("connect");
});

const client = new WebPubSubClient({ getClientAccessUrl: () => url("ann") });
let id;
await scenario(["Connect, accepted with user, groups and roles", "README: Handle the connect request and assign <userId>", "README: Handle the connected request", "README: Set custom event handler path"], async () => {
  const connected = new Promise((done) => client.on("connected", done));
  await client.start();
  const { connectionId, userId } = await connected;
  id = connectionId;
  expect(userId === "guest ann", "the handler's user");
  const { connect } = await entered();
  expect(connect.context.connectionId === id && connect.context.hub === "webhook", "which connection");
  expect(connect.claims.sub[0] === "ann" && connect.headers.upgrade[0] === "websocket", "claims and headers");
  expect(connect.subprotocols[0] === "json.reliable.webpubsub.azure.v1", "the subprotocols");
  expect(/^sha256=[0-9a-f]{64},sha256=[0-9a-f]{64}$/.test(connect.context.signature), "two signatures");
  await client.sendToGroup("lobby", "hello", "text");
});
for (const [dataType, data] of [["text", "hello"], ["json", { a: [1, null] }], ["binary", new Uint8Array([0, 255, 7]).buffer]])
  await scenario(`User event, ${dataType}, response`, async () => {
    const response = new Promise((done) => client.on("server-message", done));
    await client.sendEvent("order", data, dataType);
    const event = await next("event order");
    expect(event.dataType === dataType && event.context.userId === "guest ann", "what the handler got, and from whom");
    const { message } = await response;
    const plain = (value) => (dataType === "binary" ? Buffer.from(value).toString("hex") : JSON.stringify(value));
    expect(message.dataType === dataType && plain(message.data) === plain(data), "the response, as it was sent");
  });
await scenario("Webhook that fails once", async () => {
  unavailable = true;
  const before = ids.length;
  await client.sendEvent("order", "again", "text");
  expect((await next("event order")).data === "again", "the event, once");
  expect(ids.length === before + 2 && ids[before] === ids[before + 1], "two attempts with the same id");
});
await scenario(["Connection state", "README: Set and read connection state"], async () => {
  await client.sendEvent("order", "again", "text");
  expect((await next("event order")).context.states.count === 5, "what the four previous responses have left");
});
await scenario(["Group joined and left", "README: Handle the onGroupJoined request", "README: Handle the onGroupLeft request"], async () => {
  await client.joinGroup("table");
  expect((await next("joined")).group === "table", "the group joined");
  await client.leaveGroup("table");
  expect((await next("left")).group === "table", "the group left");
});
await scenario(["Disconnected", "README: Handle the onDisconnected request"], async () => {
  client.stop();
  await service.closeConnection(id, { reason: "closing time" });
  const { reason, context } = await next("disconnected");
  expect(context.connectionId === id && context.states.count === 6, "which connection, and its last state");
  expect(typeof reason === "string", "a reason");
});
await scenario("User event, rejected", async () => {
  // Otherwise it would retry what was rejected.
  const only = { autoReconnect: false, messageRetryOptions: { maxRetries: 0 } };
  const other = new WebPubSubClient({ getClientAccessUrl: () => url("carl") }, only);
  await other.start();
  await entered();
  // Every attempt fails.
  const failed = await other.sendEvent("fail", "x", "text").then(() => undefined, (error) => error);
  expect(failed?.errorDetail?.name === "InternalServerError", "the sender's error");
  for (let attempt = 1; attempt <= 4; attempt++)
    expect((await next("event fail")).context.userId === "guest carl", `attempt ${attempt}`);
  await other.sendEvent("order", "still connected", "text");
  await next("event order");
  other.stop();
  await service.closeUserConnections("guest carl");
  await next("disconnected");
});
await scenario("Subprotocol of the handler's choice, plain frames", async () => {
  const socket = new WebSocket(await url("bob"), ["json.webpubsub.azure.v1", "hall.v2"]);
  await once(socket, "open");
  expect(socket.protocol === "hall.v2", "the chosen subprotocol");
  const { connected } = await entered();
  expect(connected.context.userId === "guest bob", "the handler's user");
  socket.send("plain");
  const [frame] = await once(socket, "message");
  expect(frame.toString() === "plain", "the response");
  expect((await next("event message")).dataType === "text", "a plain frame as the event `message`");
  socket.close();
  await next("disconnected");
});
await scenario("README: 2. Create a WebPubSubEventHandler", async () => {
  expect(plain.path === "/api/webpubsub/hubs/plain/", "the default path");
  // Without functions of the application, all requests succeed.
  const it = new WebPubSubClient({ getClientAccessUrl: () => url("ann", "plain") });
  await it.start();
  await it.sendEvent("order", 1, "json");
  it.stop();
});
await scenario("samples/server", async () => {
  const socket = new WebSocket(await url("dora", "chat"));
  await once(socket, "open");
  await next("connect");
  expect((await next("connected")).context.userId === "dora", "the user");
  socket.send("you");
  const [frame] = await once(socket, "message");
  expect(frame.toString() === "Hey you" && (await next("event")).data === "you", "the response to the frame");
  socket.close();
});
await scenario("README: Enable logs", () => logged(connectionString.match(/AccessKey=([^;]+)/)[1], async () => {
  const it = new WebPubSubClient({ getClientAccessUrl: () => url("eve", "plain") });
  await it.start();
  it.stop();
}));
leftOut(
  "the emulator serves no MQTT clients",
  "README: Handle the connect request for mqtt and assign <userId> and <mqtt> properties",
  "README: Handle the connect request for mqtt and reject the connection if auth failed",
  "README: Handle the onDisconnected for mqtt request",
);
packageLeftOut("@azure/web-pubsub-socket.io", "-", "the emulator serves no Socket.IO clients");
process.exit(0);
