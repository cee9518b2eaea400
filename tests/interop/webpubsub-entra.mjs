// The official JavaScript SDK for Web PubSub services with tokens of Entra ID, which it sends over TLS only.
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import WebSocket from "ws";
import { expect, operation } from "./report.mjs";

const endpoint = /Endpoint=([^;]+)/.exec(process.env.WEBPUBSUB_CONNECTION_STRING)[1];
const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
// Signed by no one: the emulator checks audience and time only.
const expires = Math.floor(Date.now() / 1000) + 3600;
const claims = { aud: "https://webpubsub.azure.com", iss: "https://sts.windows.net/tenant/", nbf: expires - 3700, exp: expires };
const token = `${encoded({ alg: "RS256", typ: "JWT", kid: "k" })}.${encoded(claims)}.c2lnbmF0dXJl`;
const credential = (token) => ({ getToken: async () => ({ token, expiresOnTimestamp: expires * 1000 }) });
const service = new WebPubSubServiceClient(endpoint, credential(token), "entra");

let socket;
const frames = [];
const next = async () => {
  while (frames.length === 0) await new Promise((done) => socket.once("message", done));
  return frames.shift();
};
await operation("GenerateClientToken", async () => {
  const { url } = await service.getClientAccessToken({ userId: "ann", groups: ["room"] });
  socket = new WebSocket(url, "json.webpubsub.azure.v1");
  socket.on("message", (data) => frames.push(JSON.parse(data)));
  const { event, userId } = await next();
  expect(event === "connected" && userId === "ann", "ann's connection");
});
await operation("SendToGroup", async () => {
  await service.group("room").sendToAll({ a: 1 });
  expect((await next()).data.a === 1, "the message");
});
await operation("UserExists", async () => {
  expect((await service.userExists("ann")) && !(await service.userExists("zoe")), "ann and no zoe");
});
await operation("A token for another audience", async () => {
  const other = `${token.split(".")[0]}.${encoded({ ...claims, aud: "https://management.azure.com" })}.c2lnbmF0dXJl`;
  const stranger = new WebPubSubServiceClient(endpoint, credential(other), "entra");
  const status = await stranger.userExists("ann").then(() => 200, (error) => error.statusCode);
  expect(status === 401, `401, but ${status}`);
});
process.exit(0);
