"""Every operation of the official Python client for Web PubSub, and what its documentation shows, against the emulator,
over a relay that cuts its connections."""

import asyncio
import os
import queue
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from azure.messaging.webpubsubclient import WebPubSubClient, WebPubSubClientCredential, aio
from azure.messaging.webpubsubclient.models import (
    CallbackType,
    OpenClientError,
    SendMessageError,
    WebPubSubDataType,
    WebPubSubProtocolType,
)
from azure.messaging.webpubsubservice import WebPubSubServiceClient
from websocket import create_connection

from relay import Relay
from report import expect, left_out, scenario, sdk

sdk("azure-messaging-webpubsubclient")
HUB, GROUP, PATIENCE = "pyclient", "room", 20
CONNECTION_STRING = os.environ["WEBPUBSUB_CONNECTION_STRING"]
EMULATOR = re.search(r"Endpoint=http://([^;/]+)", CONNECTION_STRING).group(1)
ROLES = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"]


HANDLED = []


class Handler(BaseHTTPRequestHandler):
    """The event handler of the hub, which accepts everything."""

    def do_OPTIONS(self):
        self.accept(200)

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        HANDLED.append(self.headers["ce-type"])
        self.accept(204)

    def accept(self, status):
        self.send_response(status)
        self.send_header("WebHook-Allowed-Origin", "*")
        self.end_headers()

    def log_message(self, *args):
        pass


class Client:
    """A client whose events are taken one by one."""

    def __init__(self, user, through, hub=HUB, **options):
        access = WebPubSubServiceClient.from_connection_string(through, hub=hub)
        self.asked, self.events = 0, queue.Queue()

        def url():
            self.asked += 1
            return access.get_client_access_token(user_id=user, roles=ROLES)["url"]

        # An ack, or an opening, that comes before the client has begun to wait for it is noticed when the wait is over
        # only, which is 30 s by default: longer than the service keeps a lost connection.
        self.it = WebPubSubClient(WebPubSubClientCredential(url), ack_timeout=3, start_timeout=3, **options)
        for kind in CallbackType:
            self.it.subscribe(kind, lambda *args, kind=kind: self.events.put((kind, *args)))

    def next(self, kind):
        try:
            came, *args = self.events.get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError(f"not seen: {kind}") from None
        expect(came == kind, f"{kind}, but {came}")
        return args[0] if args else None

    def got(self, data):
        message = self.next(CallbackType.GROUP_MESSAGE)
        expect(message.data == data, f"{data!r}, but {message.data!r}")
        return message


threading.Thread(
    target=ThreadingHTTPServer(("127.0.0.1", int(os.environ["WEBHOOK_PORT"])), Handler).serve_forever, daemon=True
).start()
relay = Relay(EMULATOR)
service = WebPubSubServiceClient.from_connection_string(CONNECTION_STRING, hub=HUB)
# Tokens are for the host that the client connects to.
ann, bob = Client("ann", CONNECTION_STRING), Client("bob", CONNECTION_STRING.replace(EMULATOR, relay.address))
ids = []


def members():
    return {member.connection_id for member in service.list_connections(group=GROUP)}


def connect():
    ann.it.open()
    bob.it.open()
    ann.next(CallbackType.CONNECTED)
    connected = bob.next(CallbackType.CONNECTED)
    expect(connected.user_id == "bob", "bob's name")
    ids.append(connected.connection_id)


def join():
    ann.it.join_group(GROUP)
    bob.it.join_group(GROUP)
    expect(len(members()) == 2 and ids[0] in members(), "both in the group")


def send():
    ann.it.send_to_group(GROUP, "to both", WebPubSubDataType.TEXT)
    ann.got("to both")
    bob.got("to both")
    bob.it.send_to_group(GROUP, {"a": [1, None]}, WebPubSubDataType.JSON, no_echo=True)
    expect(ann.got({"a": [1, None]}).from_user_id == "bob", "who sent it")
    ann.it.send_to_group(GROUP, memoryview(b"\x00\xff\x07"), WebPubSubDataType.BINARY, no_echo=True)
    bob.got(b"\x00\xff\x07")


def send_and_forget():
    ann.it.send_to_group(GROUP, "no ack", WebPubSubDataType.TEXT, ack=False, no_echo=True)
    bob.got("no ack")


def send_twice():
    for _ in range(2):
        ann.it.send_to_group(GROUP, "once", WebPubSubDataType.TEXT, ack_id=7777, no_echo=True)
    bob.got("once")


def send_300_times():
    eve = Client("eve", CONNECTION_STRING).it
    with eve:
        for run in range(3):
            for number in range(300):
                began = time.monotonic()
                eve.send_to_group("empty", number, WebPubSubDataType.JSON)
                expect(time.monotonic() - began < 1, f"send {number} of run {run} within a second")


def send_event():
    bob.it.send_event("order", {"id": 7}, WebPubSubDataType.JSON)
    expect("azure.webpubsub.user.order" in HANDLED, "the event at its handler")


def send_unhandled_event():
    eve = Client("eve", CONNECTION_STRING, hub="unhandled", message_retry_total=0)
    with eve.it:
        eve.next(CallbackType.CONNECTED)
        try:
            eve.it.send_event("order", 1, WebPubSubDataType.JSON)
            failed = None
        except SendMessageError as error:
            failed = error
        expect(failed and failed.error_detail.name == "InternalServerError", "the sender's error")
        eve.it.join_group("still-connected")


def two_subprotocols():
    url = service.get_client_access_token(user_id="eve")["url"]
    for first in ("json.reliable.webpubsub.azure.v1", "mqtt"):
        offered = [first, "json.webpubsub.azure.v1"]
        connection = create_connection(url, subprotocols=offered, timeout=PATIENCE)
        chosen = next(name for name in offered if name.startswith("json."))
        expect(connection.getsubprotocol() == chosen, f"one of {offered}, not {connection.getsubprotocol()}")
        connection.close()


def receive_from_server():
    service.send_to_user("bob", "from the server", content_type="text/plain")
    expect(bob.next(CallbackType.SERVER_MESSAGE).data == "from the server", "the server's message")


def recover():
    relay.cut()
    ann.it.send_to_group(GROUP, "meanwhile", WebPubSubDataType.TEXT, no_echo=True)
    relay.up.set()
    bob.got("meanwhile")
    bob.it.send_to_group(GROUP, "here again", WebPubSubDataType.TEXT, no_echo=True)
    ann.got("here again")
    expect(bob.asked == 1 and service.connection_exists(ids[0]), "the same connection")


def reconnect():
    service.close_connection(ids[0], reason="moving")
    gone = bob.next(CallbackType.DISCONNECTED)
    expect(gone.connection_id == ids[0] and gone.message == "moving", "the end of the old connection, and why")
    connected = bob.next(CallbackType.CONNECTED)
    expect(connected.connection_id != ids[0] and bob.asked == 2, "a new connection with a new URL")
    # The client rejoins its groups in a separate thread and does not report when it is done.
    deadline = time.monotonic() + PATIENCE
    while connected.connection_id not in members():
        expect(time.monotonic() < deadline, "the new connection in the group")
    ann.it.send_to_group(GROUP, "after", WebPubSubDataType.TEXT, no_echo=True)
    bob.got("after")


def leave():
    bob.it.leave_group(GROUP)
    expect(service.group_exists(GROUP), "ann, who is still in the group")
    ann.it.leave_group(GROUP)
    expect(not service.group_exists(GROUP), "no connection in the group")


def stop():
    bob.it.close()
    bob.next(CallbackType.DISCONNECTED)
    bob.next(CallbackType.STOPPED)
    deadline = time.monotonic() + PATIENCE
    while service.user_exists("bob"):
        expect(time.monotonic() < deadline, "no connection of bob's")


def url(**options):
    return service.get_client_access_token(**options)["url"]


class Seen(queue.Queue):
    """What the callbacks of a client received, of one kind after the other."""

    def __init__(self, client, *kinds):
        super().__init__()
        for kind in kinds:
            client.subscribe(kind, lambda *args: self.put(args[0] if args else None))

    def next(self):
        try:
            return self.get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError("not seen: a call of a callback") from None


def connect_with_url():
    client = WebPubSubClient(url(), start_timeout=3)
    connected = Seen(client, CallbackType.CONNECTED)
    with client:
        expect(service.connection_exists(connected.next().connection_id), "the connection")


def callbacks():
    # The README's `auto_reconnect` does not exist.
    client = WebPubSubClient(url(), reconnect_retry_total=0, start_timeout=3)
    kinds = [CallbackType.CONNECTED, CallbackType.DISCONNECTED, CallbackType.STOPPED]
    connected, disconnected, stopped = (Seen(client, kind) for kind in kinds)
    client.open()
    service.close_connection(connected.next().connection_id, reason="enough")
    expect(disconnected.next().message == "enough", "the reason")
    stopped.next()


def rejoin_failure():
    allowed = [ROLES]
    credential = WebPubSubClientCredential(lambda: url(roles=allowed.pop() if allowed else []))
    options = {"auto_rejoin_groups": True, "message_retry_total": 0, "ack_timeout": 3, "start_timeout": 3}
    client = WebPubSubClient(credential, **options)
    connected, failed = Seen(client, CallbackType.CONNECTED), Seen(client, CallbackType.REJOIN_GROUP_FAILED)
    with client:
        client.join_group("joined once")
        service.close_connection(connected.next().connection_id)
        failure = failed.next()
        expect(failure.group == "joined once" and isinstance(failure.error, SendMessageError), "the group, and why")


def retry():
    client = WebPubSubClient(url(), message_retry_total=0, ack_timeout=3, start_timeout=3)
    connected = Seen(client, CallbackType.CONNECTED)
    with client:
        try:
            client.join_group("later")
            failed = None
        except SendMessageError as error:
            failed = error
        expect(failed and failed.error_detail.name == "Forbidden", "the rejection")
        allowed = {"permission": "joinLeaveGroup", "target_name": "later"}
        service.grant_permission(connection_id=connected.next().connection_id, **allowed)
        client.join_group("later", ack_id=failed.ack_id)
        expect(service.group_exists("later"), "a member of the group")


def subprotocols():
    for protocol in [WebPubSubProtocolType.JSON, WebPubSubProtocolType.JSON_RELIABLE]:
        client = WebPubSubClient(url(user_id="carl"), protocol_type=protocol, start_timeout=3)
        messages = Seen(client, CallbackType.SERVER_MESSAGE)
        with client:
            service.send_to_user("carl", {"over": str(protocol)})
            expect(messages.next().data == {"over": str(protocol)}, f"a message over {protocol}")


def plain(message):
    return bytes(message.data).decode() if isinstance(message.data, (bytes, memoryview)) else message.data


HELLO = ["hello text", {"hello": "json"}, "hello text", "hello binary"]


def hello_world():
    credential = WebPubSubClientCredential(lambda: url(roles=ROLES))
    client = WebPubSubClient(credential, ack_timeout=3, start_timeout=3)
    messages = Seen(client, CallbackType.GROUP_MESSAGE)
    with client:
        group = "hello_world"
        client.join_group(group)
        client.send_to_group(group, "hello text", WebPubSubDataType.TEXT, no_echo=False, ack=False)
        client.send_to_group(group, {"hello": "json"}, WebPubSubDataType.JSON)
        client.send_to_group(group, "hello text", WebPubSubDataType.TEXT)
        client.send_to_group(group, memoryview(b"hello binary"), WebPubSubDataType.BINARY)
        # One thread per message: their order is not that of the group.
        received = [plain(messages.next()) for _ in HELLO]
        expect(sorted(map(str, received)) == sorted(map(str, HELLO)), f"the four messages, not {received}")


async def async_client():
    async def provider():
        return url(roles=ROLES)

    return aio.WebPubSubClient(credential=aio.WebPubSubClientCredential(client_access_url_provider=provider))


def hello_world_async():
    async def run():
        client, messages = await async_client(), asyncio.Queue()

        async def on_message(message):
            await messages.put(plain(message))

        async with client:
            await client.subscribe(CallbackType.GROUP_MESSAGE, on_message)
            group = "hello_world_async"
            await client.join_group(group)
            await client.send_to_group(group, "hello text", WebPubSubDataType.TEXT, no_echo=False, ack=False)
            await client.send_to_group(group, {"hello": "json"}, WebPubSubDataType.JSON)
            await client.send_to_group(group, "hello text", WebPubSubDataType.TEXT)
            await client.send_to_group(group, memoryview(b"hello binary"), WebPubSubDataType.BINARY)
            received = [await asyncio.wait_for(messages.get(), PATIENCE) for _ in HELLO]
            expect(sorted(map(str, received)) == sorted(map(str, HELLO)), f"the four messages, not {received}")

    asyncio.run(run())


def hello_world_exceptions():
    client = WebPubSubClient("ws://127.0.0.1:9/client/hubs/x", start_timeout=3)
    try:
        client.open()
        failed = None
    except OpenClientError as error:
        failed = error
    expect(failed, "OpenClientError without a service")
    client = WebPubSubClient(url(), message_retry_total=0, ack_timeout=3, start_timeout=3)
    try:
        client.join_group("hello_world_exceptions")
        failed = None
    except SendMessageError as error:
        failed = error
    expect(failed and failed.error_detail is None, "SendMessageError of a closed client")


def hundred_sends():
    client = Client("sync", CONNECTION_STRING).it
    with client:
        client.join_group("hundred")
        for _ in range(100):
            client.send_to_group("hundred", {"hello": "json"}, WebPubSubDataType.JSON)

    async def run():
        client = await async_client()
        async with client:
            await client.join_group("hundred")
            send = lambda: client.send_to_group("hundred", {"hello": "json"}, WebPubSubDataType.JSON)
            await asyncio.gather(*[send() for _ in range(100)])

    asyncio.run(run())


scenario("Connect", connect)
scenario(["JoinGroup", "README: 3. Join groups"], join)
scenario(["SendToGroup", "README: 4. Send messages to a group"], send)
scenario("SendToGroup, fire and forget", send_and_forget)
scenario("SendToGroup, same ack id again", send_twice)
scenario("300 sends in a loop, three runs", send_300_times)
scenario("SendEvent", send_event)
scenario("SendEvent without an event handler", send_unhandled_event)
scenario("Two subprotocols", two_subprotocols)
consumes = "README: A client consumes messages from the application server or joined groups"
scenario(["Receive from the server", consumes], receive_from_server)
scenario("Recover a dropped connection", recover)
scenario("Reconnect when it cannot be recovered", reconnect)
scenario("LeaveGroup", leave)
scenario("Stop", stop)
scenario("README: 2. Connect with your Web PubSub resource", connect_with_url)
scenario("README: Add callbacks for connected, disconnected and stopped events", callbacks)
scenario("README: Handle rejoin failure", rejoin_failure)
scenario("README: Operation and retry", retry)
scenario("README: Specify subprotocol", subprotocols)
scenario("samples/hello_world", hello_world)
scenario("samples/hello_world_async", hello_world_async)
scenario("samples/hello_world_exceptions", hello_world_exceptions)
scenario("samples/send_compare_between_async_sync", hundred_sends)
left_out("the SDK does not offer it", "InvokeEvent", "Group stream")
# The threads of the client would hold the program back.
sys.stdout.flush()
os._exit(0)
