"""The official Python SDKs, their asynchronous clients, under the load of the benchmarks.

Reads lines `TASK REQUESTS`, runs the task, and prints the CPU time of a request in microseconds for each.
"""

import asyncio
import base64
import os
import resource
import sys

from azure.core.credentials import AzureKeyCredential
from azure.core.messaging import CloudEvent
from azure.eventgrid.aio import EventGridConsumerClient, EventGridPublisherClient
from azure.messaging.webpubsubservice.aio import WebPubSubServiceClient

ORIGIN, LANES, EVENTS = os.environ["BENCH_ORIGIN"], 32, 100
TEXT = "x" * 1024
ORDERS = [{"number": number, "text": "x" * 1000} for number in range(EVENTS)]
service = WebPubSubServiceClient.from_connection_string(
    f"Endpoint={ORIGIN};AccessKey={'0123456789ABCDEF' * 3};Version=1.0;", hub="chat"
)
key = AzureKeyCredential(base64.b64encode(b"bench-key-of-no-service").decode())
publisher = EventGridPublisherClient(ORIGIN, key, namespace_topic="orders")
consumer = EventGridConsumerClient(ORIGIN, key, namespace_topic="orders", subscription="billing")


async def send():
    await service.send_to_all(TEXT, content_type="text/plain")


async def publish():
    await publisher.send(
        [CloudEvent(source="/orders", type="com.example.order.created", data=order) for order in ORDERS]
    )


async def receive():
    received = await consumer.receive(max_events=EVENTS, max_wait_time=60)
    tokens = [detail.broker_properties.lock_token for detail in received]
    settled = await consumer.acknowledge(lock_tokens=tokens)
    if len(settled.succeeded_lock_tokens) != EVENTS:
        raise RuntimeError(f"{len(settled.succeeded_lock_tokens)} events, not {EVENTS}")


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def turn(work, requests):
    left = iter(range(requests))

    async def lane():
        for _ in left:
            await work()

    before = cpu()
    await asyncio.gather(*(lane() for _ in range(LANES)))
    return (cpu() - before) / requests * 1e6


async def main():
    tasks = {"send": send, "publish": publish, "receive": receive}
    for line in sys.stdin:
        task, requests = line.split()
        print(f"{await turn(tasks[task], int(requests)):.2f}", flush=True)
    for client in (service, publisher, consumer):
        await client.close()


asyncio.run(main())
