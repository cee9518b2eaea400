// Every operation of the official JavaScript SDK for Web PubSub services, against the emulator and live connections.
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import WebSocket from "ws";
import { expect, notOffered, operation } from "./report.mjs";

const hub = "js";
const options = { allowInsecureConnection: true };
const service = new WebPubSubServiceClient(process.env.WEBPUBSUB_CONNECTION_STRING, hub, options);
const group = service.group("g 1/ü");

// A connection with its id; frames are taken one by one.
async function connect(userId, groups = []) {
  const { url } = await service.getClientAccessToken({ userId, groups });
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
  return { id: (await next()).connectionId, next, closed };
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

await operation("ConnectionExists", async () => {
  expect(await service.connectionExists(ann.id), "ann's connection");
  expect(!(await service.connectionExists("unknown")), "no other connection");
});
await operation("UserExists", async () => {
  expect((await service.userExists("ann")) && !(await service.userExists("zoe")), "ann and no zoe");
});
await operation("GroupExists", async () => {
  expect((await service.groupExists("g 1/ü")) && !(await service.groupExists("other")), "one group");
});
await operation("SendToAll", async () => {
  await service.sendToAll("to all", { contentType: "text/plain", filter: "userId eq 'ann'" });
  await got(ann, "to all");
});
await operation("SendToGroup", async () => {
  await group.sendToAll({ to: "group" });
  await got(bob, { to: "group" });
});
await operation("SendToUser", async () => {
  await service.sendToUser("ann", [1, null]);
  await got(ann, [1, null]);
});
await operation("SendToConnection", async () => {
  await service.sendToConnection(bob.id, "x", { contentType: "text/plain" });
  await got(bob, "x");
});
await operation("AddConnectionToGroup", async () => {
  await group.addConnection(ann.id);
  await isIn(ann.id, true);
});
await operation("RemoveConnectionFromGroup", async () => {
  await group.removeConnection(ann.id);
  await isIn(ann.id, false);
});
await operation("ListConnectionsInGroup", () => isIn(bob.id, true));
await operation("AddUserToGroup", async () => {
  await group.addUser("ann");
  await isIn(ann.id, true);
});
await operation("RemoveUserFromGroup", async () => {
  await group.removeUser("ann");
  await isIn(ann.id, false);
});
await operation("AddConnectionsToGroups", async () => {
  await service.addConnectionsToGroups(["g 1/ü"], "userId eq 'ann'");
  await isIn(ann.id, true);
});
await operation("RemoveConnectionsFromGroups", async () => {
  await service.removeConnectionsFromGroups(["g 1/ü"], "userId eq 'ann'");
  await isIn(ann.id, false);
});
await operation("RemoveConnectionFromAllGroups", async () => {
  await group.addConnection(ann.id);
  await service.removeConnectionFromAllGroups(ann.id);
  await isIn(ann.id, false);
});
await operation("RemoveUserFromAllGroups", async () => {
  await group.addConnection(ann.id);
  await service.removeUserFromAllGroups("ann");
  await isIn(ann.id, false);
});
const permission = [ann.id, "joinLeaveGroup", { targetName: "g" }];
await operation("GrantPermission", () => service.grantPermission(...permission));
await operation("CheckPermission", async () => expect(await service.hasPermission(...permission), "the permission"));
await operation("RevokePermission", async () => {
  await service.revokePermission(...permission);
  expect(!(await service.hasPermission(...permission)), "no permission any more");
});
await operation("CloseGroupConnections", async () => {
  await group.closeAllConnections({ reason: "bye" });
  expect((await bob.next()).message === "bye", "the reason");
  await bob.closed;
});
await operation("CloseConnection", async () => {
  await service.closeConnection(ann.id, { reason: "bye" });
  await ann.closed;
});
await operation("CloseUserConnections", async () => {
  const cid = await connect("cid");
  await service.closeUserConnections("cid");
  await cid.closed;
});
await operation("CloseAllConnections", async () => {
  const cid = await connect("cid");
  await service.closeAllConnections();
  await cid.closed;
});
// With an access key the SDK signs client tokens itself; the connections above used them.
notOffered("GenerateClientToken", "GetServiceStatus");
process.exit(0);
