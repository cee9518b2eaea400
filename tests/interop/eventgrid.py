"""Every operation of the official Python SDK for Event Grid Namespaces, against the emulator."""

import os

from azure.core.credentials import AzureKeyCredential
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridConsumerClient, EventGridPublisherClient

from report import expect, operation

endpoint = os.environ["EVENTGRID_NAMESPACES_ENDPOINT"]
key = AzureKeyCredential(os.environ["EVENTGRID_NAMESPACES_KEY"])
topic, subscription = "py-orders", "py-billing"
publisher = EventGridPublisherClient(endpoint, key, namespace_topic=topic)
consumer = EventGridConsumerClient(endpoint, key, namespace_topic=topic, subscription=subscription)
held = []


def event(number):
    return CloudEvent(source="/s", type="t", data={"id": number}, extensions={"number": number})


def settled(result, count):
    expect(len(result.succeeded_lock_tokens) == count and not result.failed_lock_tokens, f"{count} settled")


def receive():
    received = consumer.receive(max_events=10, max_wait_time=10)
    expect([detail.event.data["id"] for detail in received] == [1, 2, 3], "the three events in order")
    expect(received[2].event.extensions == {"number": 3}, "the extension")
    held.extend(detail.broker_properties.lock_token for detail in received)


def acknowledge():
    settled(consumer.acknowledge(lock_tokens=held[:1]), 1)
    again = consumer.acknowledge(lock_tokens=held[:1])
    expect(again.failed_lock_tokens[0].error.code == "TokenLost", "a token that is used up")


def release():
    settled(consumer.release(lock_tokens=held[2:], release_delay=0), 1)
    again = consumer.receive(max_events=10, max_wait_time=10)
    expect([detail.broker_properties.delivery_count for detail in again] == [2], "the released event alone")


# A subscription holds what is published after its first use.
consumer.acknowledge(lock_tokens=["none"])
operation("PublishCloudEvent", lambda: publisher.send(event(1)))
operation("PublishCloudEvents", lambda: publisher.send([event(2), event(3)]))
operation("ReceiveCloudEvents", receive)
operation("RenewCloudEventLocks", lambda: settled(consumer.renew_locks(lock_tokens=held), 3))
operation("AcknowledgeCloudEvents", acknowledge)
operation("RejectCloudEvents", lambda: settled(consumer.reject(lock_tokens=held[1:2]), 1))
operation("ReleaseCloudEvents", release)
