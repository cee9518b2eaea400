// The official JavaScript SDKs with tokens of Entra ID, which they send over TLS only. `DefaultAzureCredential` obtains them
// from a managed identity, whose endpoint is in this process.
import http from "node:http";
import { EventGridReceiverClient, EventGridSenderClient } from "@azure/eventgrid-namespaces";
import { DefaultAzureCredential } from "@azure/identity";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import WebSocket from "ws";
import { expect, scenario, sdk } from "./report.mjs";

const endpoint = /Endpoint=([^;]+)/.exec(process.env.WEBPUBSUB_CONNECTION_STRING)[1];
const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const expires = Math.floor(Date.now() / 1000) + 3600;
// Signed by no one: the emulator checks audience and time only.
const tokenFor = (aud) => {
  const claims = { aud, iss: "https://sts.windows.net/tenant/", nbf: expires - 3700, exp: expires };
  return `${encoded({ alg: "RS256", typ: "JWT", kid: "k" })}.${encoded(claims)}.c2lnbmF0dXJl`;
};
// The scopes that the SDKs request, as the resources of managed identities.
const resources = [];
const identity = http.createServer((request, response) => {
  const resource = new URL(request.url, "http://identity").searchParams.get("resource");
  resources.push(resource);
  const token = { access_token: tokenFor(resource), expires_on: String(expires), resource, token_type: "Bearer" };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(token));
});
await new Promise((done) => identity.listen(0, "127.0.0.1", done));
process.env.IDENTITY_ENDPOINT = `http://127.0.0.1:${identity.address().port}/token`;
process.env.IDENTITY_HEADER = "secret";

sdk("@azure/web-pubsub");
const service = new WebPubSubServiceClient(endpoint, new DefaultAzureCredential(), "entra");
let socket;
const frames = [];
const next = async () => {
  while (frames.length === 0) await new Promise((done) => socket.once("message", done));
  return frames.shift();
};
await scenario(["GenerateClientToken, with Entra ID", "README: Get the access token for a client to start the WebSocket connection, with Entra ID"], async () => {
  const { url } = await service.getClientAccessToken({ userId: "ann", groups: ["room"] });
  socket = new WebSocket(url, "json.webpubsub.azure.v1");
  socket.on("message", (data) => frames.push(JSON.parse(data)));
  const { event, userId } = await next();
  expect(event === "connected" && userId === "ann", "ann's connection");
});
await scenario("SendToGroup, with Entra ID", async () => {
  await service.group("room").sendToAll({ a: 1 });
  expect((await next()).data.a === 1, "the message");
});
await scenario(["UserExists, with Entra ID", "README: 2. Create and authenticate a WebPubSubServiceClient, with Entra ID"], async () => {
  expect((await service.userExists("ann")) && !(await service.userExists("zoe")), "ann and no zoe");
  expect(resources.includes("https://webpubsub.azure.com"), `the resource of the service, not ${resources}`);
});
const foreign = { getToken: async () => ({ token: tokenFor("https://management.azure.com"), expiresOnTimestamp: expires * 1000 }) };
await scenario("A token for another audience", async () => {
  const stranger = new WebPubSubServiceClient(endpoint, foreign, "entra");
  const status = await stranger.userExists("ann").then(() => 200, (error) => error.statusCode);
  expect(status === 401, `401, but ${status}`);
});

sdk("@azure/eventgrid-namespaces");
const clients = (credential) => [
  new EventGridSenderClient(process.env.EVENTGRID_NAMESPACES_ENDPOINT, credential, "js-entra"),
  new EventGridReceiverClient(process.env.EVENTGRID_NAMESPACES_ENDPOINT, credential, "js-entra", "all"),
];
await scenario("README: Using an Access Key, or `DefaultAzureCredential`", async () => {
  const [sender, receiver] = clients(new DefaultAzureCredential());
  await receiver.acknowledgeEvents(["none"]);
  await sender.sendEvents({ id: "1", type: "t", source: "/s", data: 1 });
  expect((await receiver.receiveEvents()).details[0].event.id === "1", "the event");
  expect(resources.includes("https://eventgrid.azure.net"), `the resource of the service, not ${resources}`);
});
await scenario("A token for another audience", async () => {
  const [sender] = clients(foreign);
  const status = await sender.sendEvents({ id: "1", type: "t", source: "/s", data: 1 }).then(() => 200, (error) => error.statusCode);
  expect(status === 401, `401, but ${status}`);
});
process.exit(0);
