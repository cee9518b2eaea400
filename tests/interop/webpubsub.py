"""Every operation of the official Python SDK for Web PubSub services, and what its documentation shows, against the
emulator and live connections."""

import asyncio
import base64
import io
import json
import os
import re

from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.messaging.webpubsubservice import WebPubSubServiceClient
from azure.messaging.webpubsubservice.aio import WebPubSubServiceClient as AsyncServiceClient
from websocket import WebSocketConnectionClosedException, create_connection

from relay import Relay
from report import expect, left_out, logged, scenario, sdk

sdk("azure-messaging-webpubsubservice")
GROUP = "g 1/ü"
CONNECTION_STRING = os.environ["WEBPUBSUB_CONNECTION_STRING"]
ENDPOINT, KEY = re.search(r"Endpoint=([^;]+);AccessKey=([^;]+)", CONNECTION_STRING).groups()
service = WebPubSubServiceClient.from_connection_string(CONNECTION_STRING, hub="py")


class Connection:
    def __init__(self, user, groups=(), token=None):
        token = token or service.get_client_access_token(user_id=user, groups=list(groups))
        self.socket = create_connection(token["url"], subprotocols=["json.webpubsub.azure.v1"], timeout=20)
        self.id = self.next()["connectionId"]

    def next(self):
        return json.loads(self.socket.recv())

    def got(self, data):
        frame = self.next()
        expect(frame.get("data") == data, f"{data}, not {frame}")

    def closed(self, reason=None):
        try:
            frame = self.next()
            expect(frame["event"] == "disconnected" and frame.get("message") == reason, f"{reason}, not {frame}")
            expect(self.socket.recv() == "", "the end")
        except WebSocketConnectionClosedException:
            pass


ann, bob = Connection("ann"), Connection("bob", [GROUP])
permission = {"permission": "joinLeaveGroup", "connection_id": ann.id, "target_name": "g"}


def is_in(connection, expected):
    ids = [member.connection_id for member in service.list_connections(group=GROUP)]
    expect((connection.id in ids) == expected, f"{'' if expected else 'not '}in the group")


def then(work, *checks):
    def run():
        work()
        for check in checks:
            check()

    return run


def closing(work, user):
    def run():
        connection = Connection(user)
        work()
        connection.closed()

    return run


def exists():
    expect(service.connection_exists(ann.id) and not service.connection_exists("unknown"), "one connection")


scenario("ConnectionExists", exists)
scenario("UserExists", lambda: expect(service.user_exists("ann") and not service.user_exists("zoe"), "ann, no zoe"))
scenario("GroupExists", lambda: expect(service.group_exists(GROUP) and not service.group_exists("o"), "one group"))
send_to_all = lambda: service.send_to_all("to all", content_type="text/plain", filter="userId eq 'ann'")
scenario("SendToAll", then(send_to_all, lambda: ann.got("to all")))
scenario("SendToGroup", then(lambda: service.send_to_group(GROUP, {"to": "group"}), lambda: bob.got({"to": "group"})))
scenario("SendToUser", then(lambda: service.send_to_user("ann", {"a": None}), lambda: ann.got({"a": None})))
send_to_connection = lambda: service.send_to_connection(bob.id, "x", content_type="text/plain")
scenario("SendToConnection", then(send_to_connection, lambda: bob.got("x")))
inside, outside = lambda: is_in(ann, True), lambda: is_in(ann, False)
add = lambda: service.add_connection_to_group(GROUP, ann.id)
scenario("AddConnectionToGroup", then(add, inside))
scenario("RemoveConnectionFromGroup", then(lambda: service.remove_connection_from_group(GROUP, ann.id), outside))
scenario("ListConnectionsInGroup", lambda: is_in(bob, True))
scenario("AddUserToGroup", then(lambda: service.add_user_to_group(GROUP, "ann"), inside))
scenario("RemoveUserFromGroup", then(lambda: service.remove_user_from_group(GROUP, "ann"), outside))
leave_all = lambda: service.remove_connection_from_all_groups(ann.id)
scenario("RemoveConnectionFromAllGroups", then(add, leave_all, outside))
scenario("RemoveUserFromAllGroups", then(add, lambda: service.remove_user_from_all_groups("ann"), outside))
scenario("GrantPermission", lambda: service.grant_permission(**permission))
scenario("CheckPermission", lambda: expect(service.has_permission(**permission), "the permission"))
revoked = lambda: expect(not service.has_permission(**permission), "no permission any more")
scenario("RevokePermission", then(lambda: service.revoke_permission(**permission), revoked))
close_group = lambda: service.close_group_connections(GROUP, reason="bye")
scenario("CloseGroupConnections", then(close_group, lambda: bob.closed("bye")))
scenario("CloseConnection", then(lambda: service.close_connection(ann.id, reason="bye"), lambda: ann.closed("bye")))
scenario("CloseUserConnections", closing(lambda: service.close_user_connections("cid"), "cid"))
scenario("CloseAllConnections", closing(service.close_all_connections, "cid"))


def authenticate():
    keyed = WebPubSubServiceClient(endpoint=ENDPOINT, hub="py", credential=AzureKeyCredential(KEY))
    expect(not keyed.user_exists("zoe"), "a response")
    try:
        WebPubSubServiceClient(endpoint=ENDPOINT, hub="py", credential=AzureKeyCredential("w" * 44)).user_exists("zoe")
        status = 200
    except HttpResponseError as error:
        status = error.status_code
    expect(status == 401, f"401 for another key, but {status}")


def broadcast(message, expected, binary=False, through=service, **options):
    def run():
        connections = [Connection("user1"), Connection(None)]
        through.send_to_all(message=message() if binary else message, **options)
        for connection in connections:
            if binary:
                frame = connection.next()
                data = base64.b64decode(frame["data"])
                expect(frame["dataType"] == "binary" and data == expected, f"{expected}, not {frame}")
            else:
                connection.got(expected)
            connection.socket.close()

    return run


def all_three(*args, **options):
    client = WebPubSubServiceClient.from_connection_string(CONNECTION_STRING, hub="py", **options)
    octets = {"binary": True, "content_type": "application/octet-stream"}
    broadcast({"Hello": "all!"}, {"Hello": "all!"}, through=client)()
    broadcast("hello, text!", "hello, text!", through=client, content_type="text/plain")()
    broadcast(lambda: io.BytesIO(b'{ "hello": "world" }'), b'{ "hello": "world" }', through=client, **octets)()


def through_proxy():
    relay = Relay(ENDPOINT.removeprefix("http://"))
    all_three(reverse_proxy_endpoint=f"http://{relay.address}")
    expect(relay.accepted > 0, "a connection to the proxy")


def access_token():
    connection = Connection(None, token=service.get_client_access_token())
    expect(service.connection_exists(connection.id), "the connection")
    connection.socket.close()


def access_token_async():
    async def run():
        async with AsyncServiceClient.from_connection_string(CONNECTION_STRING, hub="py") as client:
            connection = Connection(None, token=await client.get_client_access_token(user_id="ann"))
            await client.send_to_user("ann", {"from": "async"})
            connection.got({"from": "async"})
            connection.socket.close()

    asyncio.run(run())


def integration():
    connections = [Connection(f"User{number}", ["InitGroup"]) for number in range(5)]
    service.send_to_all(message="Message_For_All", content_type="text/plain")
    service.send_to_group(group="InitGroup", message="Message_For_InitGroup", content_type="text/plain")
    service.send_to_all("Message_Not_For_User0", filter="userId ne 'User0'", content_type="text/plain")
    groups = [f"Group{number}" for number in range(3)]
    for group in groups:
        service.add_connection_to_group(group, connections[0].id)
        service.send_to_group(group, "Message_For_RemoveFromAll", content_type="text/plain")
    service.remove_connection_from_all_groups(connections[0].id)
    for group in groups:
        service.send_to_group(group, "Message_For_RemoveFromAll", content_type="text/plain")
    service.send_to_user("User0", message="Message_For_User0", content_type="text/plain")
    expect(service.group_exists("InitGroup"), "the group of the tokens")
    service.send_to_all("end", content_type="text/plain")
    for connection in connections:
        connection.got("Message_For_All")
        connection.got("Message_For_InitGroup")
        first = ["Message_For_RemoveFromAll"] * 3 + ["Message_For_User0"]
        for data in first if connection is connections[0] else ["Message_Not_For_User0"]:
            connection.got(data)
        connection.got("end")
        connection.socket.close()


scenario("README: 2. Create and authenticate a WebPubSubServiceClient", authenticate)
json_message = {"from": "user1", "data": "Hello world"}
scenario("README: Broadcast messages in JSON format", broadcast(json_message, json_message))
plain_text = broadcast("Hello world", "Hello world", content_type="text/plain")
scenario("README: Broadcast messages in plain-text format", plain_text)
binary = {"binary": True, "content_type": "application/octet-stream"}
scenario(
    "README: Broadcast messages in binary format", broadcast(lambda: io.StringIO("Hello World"), b"Hello World", **binary)
)
scenario(
    "README: Logging", logged("azure", KEY, lambda: service.send_to_all({"a": 1}, logging_enable=True))
)
scenario("samples/get_client_access_token", access_token)
scenario("samples/get_client_access_token_async", access_token_async)
scenario("samples/integration_sample", integration)
scenario("samples/send_messages_connection_string", all_three)
scenario("samples/send_messages_connection_string_apim_proxy", through_proxy)
left_out("with an access key, the SDK signs client tokens itself; entra has it", "GenerateClientToken")
left_out("the SDK does not offer it", "AddConnectionsToGroups", "RemoveConnectionsFromGroups", "GetServiceStatus")
