// Every operation of the official JavaScript SDK for Event Grid Namespaces, against the emulator.
import { AzureKeyCredential } from "@azure/core-auth";
import { EventGridReceiverClient, EventGridSenderClient } from "@azure/eventgrid-namespaces";
import { expect, operation } from "./report.mjs";

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
await operation("PublishCloudEvent", () => sender.sendEvents(event("1")));
await operation("PublishCloudEvents", () => sender.sendEvents([event("2"), event("3")]));
await operation("ReceiveCloudEvents", async () => {
  const received = await receiver.receiveEvents({ maxEvents: 10, maxWaitTime: 10 });
  expect(received.details.map(({ event }) => event.data.id).join() === "1,2,3", "the three events in order");
  held = tokens(received);
});
await operation("RenewCloudEventLocks", async () => settled(await receiver.renewEventLocks(held), 3));
await operation("AcknowledgeCloudEvents", async () => {
  settled(await receiver.acknowledgeEvents([held[0]]), 1);
  const again = await receiver.acknowledgeEvents([held[0]]);
  expect(again.failedLockTokens[0].error.code === "TokenLost", "a token that is used up");
});
await operation("RejectCloudEvents", async () => settled(await receiver.rejectEvents([held[1]]), 1));
await operation("ReleaseCloudEvents", async () => {
  settled(await receiver.releaseEvents([held[2]], { releaseDelay: 0 }), 1);
  const { details } = await receiver.receiveEvents({ maxEvents: 10, maxWaitTime: 10 });
  expect(details.length === 1 && details[0].brokerProperties.deliveryCount === 2, "the released event alone");
});
