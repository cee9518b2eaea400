"""Every operation of the official Python SDK for Event Grid Namespaces, and what its documentation shows, against the
emulator. What it shows for Event Grid Basic does not apply, except for the deserialization."""

import asyncio
import os

from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.core.messaging import CloudEvent
from azure.core.settings import settings
from azure.core.tracing.ext.opentelemetry_span import OpenTelemetrySpan
from azure.eventgrid import EventGridConsumerClient, EventGridPublisherClient, aio
from cloudevents.http import CloudEvent as CncfEvent
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from report import expect, left_out, logged, scenario, sdk

sdk("azure-eventgrid")
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
scenario("PublishCloudEvent", lambda: publisher.send(event(1)))
scenario("PublishCloudEvents", lambda: publisher.send([event(2), event(3)]))
scenario("ReceiveCloudEvents", receive)
scenario("RenewCloudEventLocks", lambda: settled(consumer.renew_locks(lock_tokens=held), 3))
scenario("AcknowledgeCloudEvents", acknowledge)
scenario("RejectCloudEvents", lambda: settled(consumer.reject(lock_tokens=held[1:2]), 1))
scenario("ReleaseCloudEvents", release)


class Pair:
    """A publisher and a consumer of a topic of their own."""

    def __init__(self, name, credential=key):
        self.publisher = EventGridPublisherClient(endpoint, credential, namespace_topic=name)
        self.consumer = EventGridConsumerClient(endpoint, credential, namespace_topic=name, subscription="all")

    def receive(self, send):
        """The events that arrive after `send` has published."""
        self.consumer.acknowledge(lock_tokens=["none"])
        send(self.publisher)
        return [detail.event for detail in self.consumer.receive(max_events=10, max_wait_time=10)]


def authenticate():
    one = CloudEvent(source="/s", type="t", data=1)
    expect(Pair("py-keys").receive(lambda publisher: publisher.send(one))[0].id == one.id, "the event")
    try:
        Pair("py-keys", AzureKeyCredential("w" * 44)).publisher.send(one)
        status = 200
    except HttpResponseError as error:
        status = error.status_code
    expect(status == 401, f"401 for another key, but {status}")


def sample_event(**data):
    return CloudEvent(type="Azure.Sdk.Sample", source="https://egsample.dev/sampleevent", data=data)


def send_one():
    received = Pair("py-one").receive(lambda publisher: publisher.send(sample_event(team="azure-sdk")))
    expect([event.data for event in received] == [{"team": "azure-sdk"}], "the event")


def send_two():
    events = [sample_event(team="azure-sdk"), sample_event(team2="azure-eventgrid")]
    received = Pair("py-two").receive(lambda publisher: publisher.send(events))
    expect([event.data for event in received] == [event.data for event in events], "both events")


ENDS = ["reject", "release", "acknowledge", "renew"]


def example(data):
    return CloudEvent(data=data, source="https://example.com", type="example")


def sorted_out(details):
    """The lock tokens of events by what their data asks for."""
    return {detail.event.data: [detail.broker_properties.lock_token] for detail in details}


def process():
    pair = Pair("py-process")
    pair.consumer.acknowledge(lock_tokens=["none"])
    pair.publisher.send([example(end) for end in ENDS])
    tokens = sorted_out(pair.consumer.receive(max_events=4, max_wait_time=10))
    settled(pair.consumer.renew_locks(lock_tokens=tokens["renew"]), 1)
    settled(pair.consumer.release(lock_tokens=tokens["release"]), 1)
    settled(pair.consumer.acknowledge(lock_tokens=tokens["acknowledge"]), 1)
    settled(pair.consumer.reject(lock_tokens=tokens["reject"]), 1)
    again = pair.consumer.receive(max_events=4, max_wait_time=10)
    expect([detail.event.data for detail in again] == ["release"], "the released event alone")


def process_async():
    async def run():
        publisher = aio.EventGridPublisherClient(endpoint, key, namespace_topic="py-async")
        consumer = aio.EventGridConsumerClient(endpoint, key, namespace_topic="py-async", subscription="all")
        async with publisher, consumer:
            await consumer.acknowledge(lock_tokens=["none"])
            await publisher.send([example(end) for end in ENDS])
            tokens = sorted_out(await consumer.receive(max_events=10, max_wait_time=10))
            settled(await consumer.release(lock_tokens=tokens["release"]), 1)
            settled(await consumer.acknowledge(lock_tokens=tokens["acknowledge"]), 1)
            settled(await consumer.reject(lock_tokens=tokens["reject"]), 1)
            settled(await consumer.renew_locks(lock_tokens=tokens["renew"]), 1)

    asyncio.run(run())


ITEM = {
    "type": "Contoso.Items.ItemReceived",
    "source": "/contoso/items",
    "data": {"itemSku": "Contoso Item SKU #1"},
    "subject": "Door1",
    "specversion": "1.0",
    "id": "randomclouduuid11",
}


def is_item(events):
    expect(len(events) == 1 and events[0].id == ITEM["id"] and events[0].data == ITEM["data"], f"the item, not {events}")


def cncf_event():
    attributes = {"type": "cloudevent", "source": "/cncf/cloud/event/1.0", "subject": "testing-cncf-event"}
    return CncfEvent(attributes=attributes, data=b"This is a cncf cloud event.")


def is_cncf(events):
    expect(len(events) == 1 and events[0].data == b"This is a cncf cloud event.", f"the bytes, not {events}")


def publish_async(name, event):
    """Publishes an event with the asynchronous client, and returns what arrives."""

    async def send():
        async with aio.EventGridPublisherClient(endpoint, key, namespace_topic=name) as client:
            await client.send([event])

    return Pair(name).receive(lambda _: asyncio.run(send()))


def tracing():
    provider, spans = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    trace.set_tracer_provider(provider)
    settings.tracing_implementation = OpenTelemetrySpan
    try:
        with trace.get_tracer(__name__).start_as_current_span(name="MyApplication"):
            received = Pair("py-traced").receive(lambda publisher: publisher.send(sample_event(test="hello")))
    finally:
        settings.tracing_implementation = None
    expect(len(received) == 1, "the event")
    names = [span.name for span in spans.get_finished_spans()]
    expect("MyApplication" in names and len(names) > 1, f"spans of the SDK, not only {names}")


def consume_custom_payload():
    payload = {**ITEM, "time": "2020-08-07T02:06:08.11969Z", "data_base64": "Y2xvdWQgZXZlbnQ="}
    del payload["data"]
    expect(CloudEvent.from_dict(payload).data == b"cloud event", "the bytes of the data")


scenario(["README: Authenticate the client", "README: Create the client with AzureKeyCredential"], authenticate)
scenario("README: Send a Cloud Event", send_one)
scenario("README: Send Multiple events", send_two)
receives = "README: Receive and Process Events from Namespace"
scenario([receives, "samples/namespace/sync_samples/sample_consume_process_events"], process)
scenario("README: Distributed Tracing with Event Grid", tracing)
# At this level, the SDK logs all headers, and one of them is the key.
scenario("Logging", logged("azure", None, lambda: Pair("py-logged").publisher.send(event(4), logging_enable=True)))
scenario("samples/namespace/async_samples/sample_consume_process_events_async", process_async)
sync_samples, async_samples = "samples/namespace/sync_samples", "samples/namespace/async_samples"
scenario(
    f"{sync_samples}/sample_publish_cloud_event", lambda: is_item(Pair("py-dict").receive(lambda it: it.send([ITEM])))
)
scenario(f"{async_samples}/sample_publish_cloud_event_async", lambda: is_item(publish_async("py-dict-async", ITEM)))
scenario(
    f"{sync_samples}/sample_publish_cncf_events",
    lambda: is_cncf(Pair("py-cncf").receive(lambda it: it.send([cncf_event()]))),
)
scenario(
    f"{async_samples}/sample_publish_cncf_events_async", lambda: is_cncf(publish_async("py-cncf-async", cncf_event()))
)
scenario("samples/basic/sync_samples/sample_consume_custom_payload", consume_custom_payload)
left_out(
    "Event Grid Basic: another protocol and another service, which the emulator does not have",
    "samples/basic/sync_samples/sample_* (11 files)",
    "samples/basic/async_samples/sample_* (10 files)",
    "samples/basic/publish_samples/* (5 files)",
)
left_out("needs Event Hubs, a storage queue, Service Bus, or Functions", "samples/basic/consume_samples/* (4 files)")
