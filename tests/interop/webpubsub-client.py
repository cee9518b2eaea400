"""The official Python client for Web PubSub, against the emulator, over a relay that cuts its connections."""

import os
import queue
import re
import socket
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from azure.messaging.webpubsubclient import WebPubSubClient, WebPubSubClientCredential
from azure.messaging.webpubsubclient.models import CallbackType, SendMessageError, WebPubSubDataType
from azure.messaging.webpubsubservice import WebPubSubServiceClient
from websocket import create_connection

from report import expect, not_offered, operation

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


class Relay:
    """Forwards traffic until it is asked to cut all connections; while it is down, new clients wait."""

    def __init__(self):
        self.ends, self.up = set(), threading.Event()
        self.up.set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            self.up.wait()
            host, port = EMULATOR.split(":")
            far = socket.create_connection((host, int(port)))
            self.ends |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self.copy, args=(source, sink), daemon=True).start()

    def copy(self, source, sink):
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        self.end(source, sink)

    def cut(self):
        self.up.clear()
        self.end(*self.ends)

    def end(self, *ends):
        for end in ends:
            self.ends.discard(end)
            # The other thread sits in `recv`, which a mere close would not end.
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


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
relay = Relay()
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


operation("Connect", connect)
operation("JoinGroup", join)
operation("SendToGroup", send)
operation("SendToGroup, fire and forget", send_and_forget)
operation("SendToGroup, same ack id again", send_twice)
operation("300 sends in a loop, three runs", send_300_times)
operation("SendEvent", send_event)
operation("SendEvent without an event handler", send_unhandled_event)
operation("Two subprotocols", two_subprotocols)
not_offered("InvokeEvent", "InvokeEvent that fails or is canceled")
not_offered("Group stream", "Group stream that is aborted", "Group stream without the role", "Group stream over a recovery")
operation("Receive from the server", receive_from_server)
operation("Recover a dropped connection", recover)
operation("Reconnect when it cannot be recovered", reconnect)
operation("LeaveGroup", leave)
operation("Stop", stop)
# The threads of the client would hold the program back.
sys.stdout.flush()
os._exit(0)
