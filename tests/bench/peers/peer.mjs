// The official JavaScript SDKs under the load of the benchmarks. Reads lines `TASK REQUESTS`, runs the task, and prints
// each with the CPU time of a request in microseconds.
import { createInterface } from "node:readline";
import { AzureKeyCredential } from "@azure/core-auth";
import { EventGridReceiverClient, EventGridSenderClient } from "@azure/eventgrid-namespaces";
import { WebPubSubServiceClient } from "@azure/web-pubsub";

const [origin, lanes, events] = [process.env.BENCH_ORIGIN, 32, 100];
const options = { allowInsecureConnection: true };
const service = new WebPubSubServiceClient(
  `Endpoint=${origin};AccessKey=${"0123456789ABCDEF".repeat(3)};Version=1.0;`,
  "chat",
  options,
);
const key = new AzureKeyCredential(Buffer.from("bench-key-of-no-service").toString("base64"));
const sender = new EventGridSenderClient(origin, key, "orders", options);
const receiver = new EventGridReceiverClient(origin, key, "orders", "billing", options);

const text = "x".repeat(1024);
const orders = Array.from({ length: events }, (_, number) => ({ number, text: "x".repeat(1000) }));
const whole = (count) => {
  if (count !== events) throw new Error(`${count} events, not ${events}`);
};

const tasks = {
  send: () => service.sendToAll(text, { contentType: "text/plain" }),
  publish: () =>
    sender.sendEvents(orders.map((data) => ({ source: "/orders", type: "com.example.order.created", data }))),
  receive: async () => {
    const { details } = await receiver.receiveEvents({ maxEvents: events, maxWaitTime: 60 });
    const tokens = details.map(({ brokerProperties }) => brokerProperties.lockToken);
    whole((await receiver.acknowledgeEvents(tokens)).succeededLockTokens.length);
  },
};

async function turn(work, requests) {
  const before = process.cpuUsage();
  let left = requests;
  const lane = async () => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / requests;
}

for await (const line of createInterface({ input: process.stdin })) {
  const [task, requests] = line.split(" ");
  console.log((await turn(tasks[task], Number(requests))).toFixed(2));
}
