"""Every operation of the official Python SDK for Web PubSub services, against the emulator and live connections."""

import json
import os

from azure.messaging.webpubsubservice import WebPubSubServiceClient
from websocket import WebSocketConnectionClosedException, create_connection

from report import expect, not_offered, operation

GROUP = "g 1/ü"
service = WebPubSubServiceClient.from_connection_string(os.environ["WEBPUBSUB_CONNECTION_STRING"], hub="py")


class Connection:
    def __init__(self, user, groups=()):
        token = service.get_client_access_token(user_id=user, groups=list(groups))
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


operation("ConnectionExists", exists)
operation("UserExists", lambda: expect(service.user_exists("ann") and not service.user_exists("zoe"), "ann, no zoe"))
operation("GroupExists", lambda: expect(service.group_exists(GROUP) and not service.group_exists("o"), "one group"))
send_to_all = lambda: service.send_to_all("to all", content_type="text/plain", filter="userId eq 'ann'")
operation("SendToAll", then(send_to_all, lambda: ann.got("to all")))
operation("SendToGroup", then(lambda: service.send_to_group(GROUP, {"to": "group"}), lambda: bob.got({"to": "group"})))
operation("SendToUser", then(lambda: service.send_to_user("ann", {"a": None}), lambda: ann.got({"a": None})))
send_to_connection = lambda: service.send_to_connection(bob.id, "x", content_type="text/plain")
operation("SendToConnection", then(send_to_connection, lambda: bob.got("x")))
inside, outside = lambda: is_in(ann, True), lambda: is_in(ann, False)
add = lambda: service.add_connection_to_group(GROUP, ann.id)
operation("AddConnectionToGroup", then(add, inside))
operation("RemoveConnectionFromGroup", then(lambda: service.remove_connection_from_group(GROUP, ann.id), outside))
operation("ListConnectionsInGroup", lambda: is_in(bob, True))
operation("AddUserToGroup", then(lambda: service.add_user_to_group(GROUP, "ann"), inside))
operation("RemoveUserFromGroup", then(lambda: service.remove_user_from_group(GROUP, "ann"), outside))
leave_all = lambda: service.remove_connection_from_all_groups(ann.id)
operation("RemoveConnectionFromAllGroups", then(add, leave_all, outside))
operation("RemoveUserFromAllGroups", then(add, lambda: service.remove_user_from_all_groups("ann"), outside))
operation("GrantPermission", lambda: service.grant_permission(**permission))
operation("CheckPermission", lambda: expect(service.has_permission(**permission), "the permission"))
revoked = lambda: expect(not service.has_permission(**permission), "no permission any more")
operation("RevokePermission", then(lambda: service.revoke_permission(**permission), revoked))
close_group = lambda: service.close_group_connections(GROUP, reason="bye")
operation("CloseGroupConnections", then(close_group, lambda: bob.closed("bye")))
operation("CloseConnection", then(lambda: service.close_connection(ann.id, reason="bye"), lambda: ann.closed("bye")))
operation("CloseUserConnections", closing(lambda: service.close_user_connections("cid"), "cid"))
operation("CloseAllConnections", closing(service.close_all_connections, "cid"))
# With an access key the SDK signs client tokens itself; the connections above used them.
not_offered("AddConnectionsToGroups", "RemoveConnectionsFromGroups", "GenerateClientToken", "GetServiceStatus")
