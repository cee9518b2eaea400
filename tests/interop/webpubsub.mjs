// Every operation of the official JavaScript SDK for Web PubSub services, and what its documentation shows, against the
// emulator and live connections.
import { AzureKeyCredential, WebPubSubServiceClient, odata } from "@azure/web-pubsub";
import WebSocket from "ws";
import { expect, leftOut, logged, scenario, sdk } from "./report.mjs";

sdk("@azure/web-pubsub");
const hub = "js";
const options = { allowInsecureConnection: true };
const [, endpoint, accessKey] = /Endpoint=([^;]+);AccessKey=([^;]+)/.exec(process.env.WEBPUBSUB_CONNECTION_STRING);
const service = new WebPubSubServiceClient(process.env.WEBPUBSUB_CONNECTION_STRING, hub, options);
const group = service.group("g 1/ü");

// A connection with its id; frames are taken one by one.
const connect = async (userId, groups = []) => opened(await service.getClientAccessToken({ userId, groups }));
async function opened({ url }) {
  const socket = new WebSocket(url, "json.webpubsub.azure.v1");
  const [frames, waiting] = [[], []];
  socket.on("message", (data) => {
    const frame = JSON.parse(data);
    const next = waiting.shift();
    if (next) next(frame);
    else frames.push(frame);
  });
  socket.on("error", () => {});
  const next = () => (frames.length ? Promise.resolve(frames.shift()) : new Promise((done) => waiting.push(done)));
  const closed = new Promise((done) => socket.on("close", done));
  const { connectionId, userId } = await next();
  return { id: connectionId, userId, next, closed, close: () => socket.close(1000) };
}

const ann = await connect("ann");
const bob = await connect("bob", ["g 1/ü"]);
const got = async (client, data) => {
  const frame = await client.next();
  expect(JSON.stringify(frame.data) === JSON.stringify(data), `${JSON.stringify(data)}, not ${JSON.stringify(frame)}`);
};
const isIn = async (id, expected) => {
  const ids = [];
  for await (const member of await group.listConnections()) ids.push(member.connectionId);
  expect(ids.includes(id) === expected, `${expected ? "" : "not "}in the group`);
};

await scenario("ConnectionExists", async () => {
  expect(await service.connectionExists(ann.id), "ann's connection");
  expect(!(await service.connectionExists("unknown")), "no other connection");
});
await scenario("UserExists", async () => {
  expect((await service.userExists("ann")) && !(await service.userExists("zoe")), "ann and no zoe");
});
await scenario("GroupExists", async () => {
  expect((await service.groupExists("g 1/ü")) && !(await service.groupExists("other")), "one group");
});
await scenario("SendToAll", async () => {
  await service.sendToAll("to all", { contentType: "text/plain", filter: "userId eq 'ann'" });
  await got(ann, "to all");
});
await scenario("SendToGroup", async () => {
  await group.sendToAll({ to: "group" });
  await got(bob, { to: "group" });
});
await scenario("SendToUser", async () => {
  await service.sendToUser("ann", [1, null]);
  await got(ann, [1, null]);
});
await scenario("SendToConnection", async () => {
  await service.sendToConnection(bob.id, "x", { contentType: "text/plain" });
  await got(bob, "x");
});
await scenario("AddConnectionToGroup", async () => {
  await group.addConnection(ann.id);
  await isIn(ann.id, true);
});
await scenario("RemoveConnectionFromGroup", async () => {
  await group.removeConnection(ann.id);
  await isIn(ann.id, false);
});
await scenario("ListConnectionsInGroup", () => isIn(bob.id, true));
await scenario("AddUserToGroup", async () => {
  await group.addUser("ann");
  await isIn(ann.id, true);
});
await scenario("RemoveUserFromGroup", async () => {
  await group.removeUser("ann");
  await isIn(ann.id, false);
});
await scenario("AddConnectionsToGroups", async () => {
  await service.addConnectionsToGroups(["g 1/ü"], "userId eq 'ann'");
  await isIn(ann.id, true);
});
await scenario("RemoveConnectionsFromGroups", async () => {
  await service.removeConnectionsFromGroups(["g 1/ü"], "userId eq 'ann'");
  await isIn(ann.id, false);
});
await scenario("RemoveConnectionFromAllGroups", async () => {
  await group.addConnection(ann.id);
  await service.removeConnectionFromAllGroups(ann.id);
  await isIn(ann.id, false);
});
await scenario("RemoveUserFromAllGroups", async () => {
  await group.addConnection(ann.id);
  await service.removeUserFromAllGroups("ann");
  await isIn(ann.id, false);
});
const permission = [ann.id, "joinLeaveGroup", { targetName: "g" }];
await scenario("GrantPermission", () => service.grantPermission(...permission));
await scenario("CheckPermission", async () => expect(await service.hasPermission(...permission), "the permission"));
await scenario("RevokePermission", async () => {
  await service.revokePermission(...permission);
  expect(!(await service.hasPermission(...permission)), "no permission any more");
});
await scenario("CloseGroupConnections", async () => {
  await group.closeAllConnections({ reason: "bye" });
  expect((await bob.next()).message === "bye", "the reason");
  await bob.closed;
});
await scenario("CloseConnection", async () => {
  await service.closeConnection(ann.id, { reason: "bye" });
  await ann.closed;
});
await scenario("CloseUserConnections", async () => {
  const cid = await connect("cid");
  await service.closeUserConnections("cid");
  await cid.closed;
});
await scenario("CloseAllConnections", async () => {
  const cid = await connect("cid");
  await service.closeAllConnections();
  await cid.closed;
});
// What the three sections about sending show: JSON, text, and ten bytes.
const sends = async (send, ...clients) => {
  await send({ message: "Hello world!" });
  await send("Hi there!", { contentType: "text/plain" });
  await send(new Uint8Array(10).buffer);
  for (const client of clients) {
    await got(client, { message: "Hello world!" });
    await got(client, "Hi there!");
    const { dataType, data } = await client.next();
    expect(dataType === "binary" && Buffer.from(data, "base64").equals(Buffer.alloc(10)), `ten bytes, not ${data}`);
  }
};
await scenario("README: 2. Create and authenticate a WebPubSubServiceClient", async () => {
  const keyed = new WebPubSubServiceClient(endpoint, new AzureKeyCredential(accessKey), hub, options);
  expect(!(await keyed.userExists("zoe")) && !(await service.userExists("zoe")), "responses to both");
  const wrong = new WebPubSubServiceClient(endpoint, new AzureKeyCredential("wrong"), hub, options);
  const status = await wrong.userExists("zoe").then(() => 200, (error) => error.statusCode);
  expect(status === 401, `401 for another key, but ${status}`);
});
await scenario("README: Get the access token for a client to start the WebSocket connection", async () => {
  const clients = [];
  for (const asked of [{}, { userId: "user1" }, { userId: "user1", groups: ["GroupA"] }]) {
    clients.push(await opened(await service.getClientAccessToken(asked)));
    expect(clients.at(-1).userId === asked.userId, `the user ${asked.userId}`);
  }
  await service.group("GroupA").sendToAll("to the last one");
  await got(clients[2], "to the last one");
  await service.closeAllConnections();
  await Promise.all(clients.map(({ closed }) => closed));
});
const [one, two] = [await connect("user1", ["groupA"]), await connect("user2", ["groupA", "groupB"])];
await scenario("README: Broadcast messages to all connections in a hub", () =>
  sends((...args) => service.sendToAll(...args), one, two));
await scenario("README: Send messages to all connections in a hub with OData filter syntax", async () => {
  const anonymous = await connect();
  await service.sendToAll({ message: "Hello world!" }, { filter: "userId eq null" });
  await got(anonymous, { message: "Hello world!" });
  const [groupA, groupB] = ["groupA", "groupB"];
  const filter = odata`${groupA} in groups and not(${groupB} in groups)`;
  await service.sendToAll("Hello world!", { contentType: "text/plain", filter });
  await got(one, "Hello world!");
  // The two others got neither: this comes next.
  await service.sendToAll("to all");
  await Promise.all([one, two, anonymous].map((client) => got(client, "to all")));
  anonymous.close();
});
await scenario("README: Send messages to all connections in a group", async () => {
  const groupClient = service.group("a group");
  await groupClient.addUser("user1");
  await sends((...args) => groupClient.sendToAll(...args), one);
});
await scenario("README: Send messages to all connections for a user", () =>
  sends((...args) => service.sendToUser("user1", ...args), one));
await scenario("README: Access the raw HTTP response for an operation", async () => {
  let raw;
  await service.sendToUser("user2", "x", { contentType: "text/plain", onResponse: (response) => (raw = response) });
  expect(raw.status === 202 && raw.request.method === "POST", `202 to a POST, not ${raw.status}`);
  await got(two, "x");
});
await scenario("README: Check if the group has any connection", async () => {
  expect(await service.groupExists("groupB"), "a connection in the group");
  await service.group("groupB").closeAllConnections({ reason: "closing" });
  await two.closed;
  expect(!(await service.groupExists("groupB")), "no connection in the group");
});
await scenario("README: Enable logs", () => logged(accessKey, () => service.sendToAll({ message: "Hello world!" })));
await scenario(["samples/broadcasting", "samples/directMessage"], async () => {
  const chat = new WebPubSubServiceClient(process.env.WEBPUBSUB_CONNECTION_STRING, "chat", options);
  const admin = await opened(await chat.getClientAccessToken({ userId: "user1", groups: ["admin"] }));
  await chat.sendToAll("Hi there!");
  await chat.group("admin").sendToAll("Hi admins!");
  await chat.sendToAll(Uint8Array.from({ length: 10 }, (_, index) => index).buffer);
  await got(admin, "Hi there!");
  await got(admin, "Hi admins!");
  expect(Buffer.from((await admin.next()).data, "base64").join() === "0,1,2,3,4,5,6,7,8,9", "the ten bytes");
  await chat.sendToUser("user1", "Hi there!");
  await chat.sendToConnection(admin.id, "Hi you!");
  await got(admin, "Hi there!");
  await got(admin, "Hi you!");
  admin.close();
});
await scenario("samples/managingGroups", async () => {
  const chat = new WebPubSubServiceClient(process.env.WEBPUBSUB_CONNECTION_STRING, "chat", options);
  const user = await opened(await chat.getClientAccessToken({ userId: "user1" }));
  const admins = chat.group("admin");
  await admins.addUser("user1");
  expect(await chat.groupExists("admin"), "the user in the group");
  await admins.removeUser("user1");
  expect(!(await chat.groupExists("admin")), "an empty group");
  await admins.addConnection(user.id);
  expect(await chat.groupExists("admin"), "the connection in the group");
  await admins.removeConnection(user.id);
  expect(!(await chat.groupExists("admin")), "an empty group again");
  user.close();
});
leftOut("with an access key, the SDK signs client tokens itself; entra has it", "GenerateClientToken");
leftOut("not part of the SDK's public interface", "GetServiceStatus");
leftOut("they use a class that this version does not export; the operations are rows of their own", "samples/*Sample (25 files)");
process.exit(0);
