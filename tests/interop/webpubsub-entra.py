"""The official Python SDK for Web PubSub services with tokens of Entra ID, which it sends over TLS only."""

import base64
import json
import os
import re
import time

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.messaging.webpubsubservice import WebPubSubServiceClient
from websocket import create_connection

from report import expect, operation

ENDPOINT = re.search(r"Endpoint=([^;]+)", os.environ["WEBPUBSUB_CONNECTION_STRING"]).group(1)
EXPIRES = int(time.time()) + 3600


class Credential:
    """Its tokens are signed by no one: the emulator checks audience and time only."""

    def __init__(self, audience):
        claims = {"aud": audience, "iss": "https://sts.windows.net/tenant/", "nbf": EXPIRES - 3700, "exp": EXPIRES}
        parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT", "kid": "k"}, claims)]
        parts.append(b"signature")
        self.token = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)

    def get_token(self, *scopes, **options):
        return AccessToken(self.token, EXPIRES)


def client(audience="https://webpubsub.azure.com"):
    return WebPubSubServiceClient(endpoint=ENDPOINT, hub="entra", credential=Credential(audience))


service, sockets = client(), []


def generate_token():
    url = service.get_client_access_token(user_id="ann", groups=["room"])["url"]
    sockets.append(create_connection(url, subprotocols=["json.webpubsub.azure.v1"], timeout=20))
    connected = json.loads(sockets[0].recv())
    expect(connected["event"] == "connected" and connected["userId"] == "ann", "ann's connection")


def send():
    service.send_to_group("room", {"a": 1})
    expect(json.loads(sockets[0].recv())["data"] == {"a": 1}, "the message")


def other_audience():
    try:
        client("https://management.azure.com").user_exists("ann")
        status = 200
    except HttpResponseError as error:
        status = error.status_code
    expect(status == 401, f"401, but {status}")


operation("GenerateClientToken", generate_token)
operation("SendToGroup", send)
operation("UserExists", lambda: expect(service.user_exists("ann") and not service.user_exists("zoe"), "ann, no zoe"))
operation("A token for another audience", other_audience)
