// Every operation of the official JavaScript SDK for Event Grid Namespaces, and what its documentation shows, against the
// emulator. Of the SDK for Event Grid Basic, only the deserializer applies.
import http from "node:http";
import { EventGridDeserializer, isSystemEvent } from "@azure/eventgrid";
import { AzureKeyCredential, EventGridReceiverClient, EventGridSenderClient } from "@azure/eventgrid-namespaces";
import { asCommonJs, expect, leftOut, logged, scenario, sdk } from "./report.mjs";

sdk("@azure/eventgrid-namespaces");
const endpoint = process.env.EVENTGRID_NAMESPACES_ENDPOINT;
const key = new AzureKeyCredential(process.env.EVENTGRID_NAMESPACES_KEY);
const options = { allowInsecureConnection: true };
const [topic, subscription] = ["js-orders", "js-billing"];
const sender = new EventGridSenderClient(endpoint, key, topic, options);
const receiver = new EventGridReceiverClient(endpoint, key, topic, subscription, options);

const event = (id) => ({ id, type: "t", source: "/s", data: { id } });
const tokens = (received) => received.details.map((detail) => detail.brokerProperties.lockToken);
const settled = (result, count) =>
  expect(result.succeededLockTokens.length === count && result.failedLockTokens.length === 0, `${count} settled`);

// A subscription holds what is published after its first use.
await receiver.acknowledgeEvents(["none"]);
let held = [];
await scenario("PublishCloudEvent", () => sender.sendEvents(event("1")));
await scenario("PublishCloudEvents", () => sender.sendEvents([event("2"), event("3")]));
await scenario("ReceiveCloudEvents", async () => {
  const received = await receiver.receiveEvents({ maxEvents: 10, maxWaitTime: 10 });
  expect(received.details.map(({ event }) => event.data.id).join() === "1,2,3", "the three events in order");
  held = tokens(received);
});
await scenario("RenewCloudEventLocks", async () => settled(await receiver.renewEventLocks(held), 3));
await scenario("AcknowledgeCloudEvents", async () => {
  settled(await receiver.acknowledgeEvents([held[0]]), 1);
  const again = await receiver.acknowledgeEvents([held[0]]);
  expect(again.failedLockTokens[0].error.code === "TokenLost", "a token that is used up");
});
await scenario("RejectCloudEvents", async () => settled(await receiver.rejectEvents([held[1]]), 1));
await scenario("ReleaseCloudEvents", async () => {
  settled(await receiver.releaseEvents([held[2]], { releaseDelay: 0 }), 1);
  const { details } = await receiver.receiveEvents({ maxEvents: 10, maxWaitTime: 10 });
  expect(details.length === 1 && details[0].brokerProperties.deliveryCount === 2, "the released event alone");
});
await scenario(["README: Using an Access Key", "README: Sending and Receiving Events"], async () => {
  const wrong = new AzureKeyCredential(Buffer.from("another key of 32 bytes in total").toString("base64"));
  for (const clients of [[key, 200], [wrong, 401]]) {
    const [credential, expected] = clients;
    const [one, two] = [
      new EventGridSenderClient(endpoint, credential, "js-keys", options),
      new EventGridReceiverClient(endpoint, credential, "js-keys", "all", options),
    ];
    for (const call of [() => two.acknowledgeEvents(["none"]), () => one.sendEvents(event("k"))]) {
      const status = await call().then(() => 200, (error) => error.statusCode);
      expect(status === expected, `${expected}, but ${status}`);
    }
  }
});
const example = (id) => ({
  type: "example",
  source: "https://example.com",
  id,
  time: new Date(),
  data: { resourceUri: "https://dummyurl.com" },
  specVersion: "1.0",
});
await scenario(["README: Publish an Event to an Event Grid Topic", "samples/namespaceActivities"], async () => {
  const [one, two] = [
    new EventGridSenderClient(endpoint, key, "js-activities", options),
    new EventGridReceiverClient(endpoint, key, "js-activities", "all", options),
  ];
  await two.acknowledgeEvents(["none"]);
  const sent = example("singleEventIdV210001");
  await one.sendEvents(sent);
  const [{ event }] = (await two.receiveEvents()).details;
  expect(event.id === sent.id && event.time.getTime() === sent.time.getTime(), "the event, with its time");
  expect(event.data.resourceUri === sent.data.resourceUri, "its data");
});
await scenario("README: Logging", () => logged(key.key, () => sender.sendEvents(event("logged")), asCommonJs));

sdk("@azure/eventgrid");
await scenario("README: Deserializing an Event", async () => {
  let arrived;
  const body = new Promise((done) => (arrived = done));
  const webhook = http.createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    if (request.method === "OPTIONS") return response.writeHead(200, { "WebHook-Allowed-Origin": "*" }).end();
    response.writeHead(200).end();
    arrived(text);
  });
  await new Promise((done) => webhook.listen(0, "127.0.0.1", done));
  const control = `${endpoint}/_emulator/eventgrid/topics/js-pushed/subscriptions/hook`;
  const push = { url: `http://127.0.0.1:${webhook.address().port}/` };
  const declared = { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify({ push }) };
  expect((await fetch(control, declared)).ok, "the subscription");
  const type = "Microsoft.ContainerRegistry.ImagePushed";
  await new EventGridSenderClient(endpoint, key, "js-pushed", options).sendEvents({ ...example("pushed"), type });
  const deserialized = await new EventGridDeserializer().deserializeCloudEvents(JSON.parse(await body));
  expect(deserialized.length === 1 && deserialized[0].time instanceof Date, "the pushed event");
  expect(isSystemEvent(type, deserialized[0]), "a system event");
  webhook.close();
});
leftOut(
  "Event Grid Basic: another protocol and another service, which the emulator does not have",
  "README: Using an Access Key",
  "README: Using a SAS Token",
  "README: Using Azure Active Directory (AAD)",
  "README: Event Schemas",
  "README: Publish a Custom Event to an Event Grid Topic using the Event Grid Schema",
  "README: Publish a Custom Event to a Topic in an Event Grid Domain using the Event Grid Schema",
  "README: Logging",
  "samples/sendCloudEvent",
  "samples/sendEventGridEvent",
);
leftOut("needs Azure Service Bus", "samples/consumeEventsFromServiceBusQueue");
process.exit(0);
