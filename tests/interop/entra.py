"""The official Python SDKs with tokens of Entra ID, which they send over TLS only. `DefaultAzureCredential` obtains them from
a managed identity, whose endpoint is in this process."""

import asyncio
import base64
import io
import json
import os
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridConsumerClient, EventGridPublisherClient, aio as eventgrid_aio
from azure.identity import DefaultAzureCredential
from azure.identity.aio import DefaultAzureCredential as AsyncCredential
from azure.messaging.webpubsubservice import WebPubSubServiceClient
from azure.messaging.webpubsubservice.aio import WebPubSubServiceClient as AsyncServiceClient
from websocket import create_connection

from relay import Relay
from report import expect, scenario, sdk

ENDPOINT = re.search(r"Endpoint=([^;]+)", os.environ["WEBPUBSUB_CONNECTION_STRING"]).group(1)
EVENTGRID = os.environ["EVENTGRID_NAMESPACES_ENDPOINT"]
EXPIRES = int(time.time()) + 3600
# The scopes that the SDKs request, as the resources of managed identities.
resources = []


def token_for(audience):
    """Signed by no one: the emulator checks audience and time only."""
    claims = {"aud": audience, "iss": "https://sts.windows.net/tenant/", "nbf": EXPIRES - 3700, "exp": EXPIRES}
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT", "kid": "k"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in [*parts, b"signature"])


class Identity(BaseHTTPRequestHandler):
    """The endpoint of a managed identity."""

    def do_GET(self):
        resource = parse_qs(urlsplit(self.path).query)["resource"][0]
        resources.append(resource)
        token = {"access_token": token_for(resource), "expires_on": str(EXPIRES), "resource": resource}
        body = json.dumps({**token, "token_type": "Bearer"}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Identity)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["IDENTITY_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}/token"
os.environ["IDENTITY_HEADER"] = "secret"


class Foreign:
    """A credential with tokens for another service."""

    def get_token(self, *scopes, **options):
        return AccessToken(token_for("https://management.azure.com"), EXPIRES)


def rejected(call):
    try:
        call()
        status = 200
    except HttpResponseError as error:
        status = error.status_code
    expect(status == 401, f"401, but {status}")


sdk("azure-messaging-webpubsubservice")
service = WebPubSubServiceClient(endpoint=ENDPOINT, hub="entra", credential=DefaultAzureCredential())
sockets = []


def connected(url):
    sockets.append(create_connection(url, subprotocols=["json.webpubsub.azure.v1"], timeout=20))
    return json.loads(sockets[-1].recv())


def next_data():
    return json.loads(sockets[0].recv())["data"]


def generate_token():
    frame = connected(service.get_client_access_token(user_id="ann", groups=["room"])["url"])
    expect(frame["event"] == "connected" and frame["userId"] == "ann", "ann's connection")


def generate_token_async():
    async def run():
        async with AsyncCredential() as credential:
            async with AsyncServiceClient(endpoint=ENDPOINT, hub="entra", credential=credential) as client:
                return await client.get_client_access_token(user_id="bob")

    expect(connected(asyncio.run(run())["url"])["userId"] == "bob", "bob's connection")


def send():
    service.send_to_group("room", {"a": 1})
    expect(next_data() == {"a": 1}, "the message")


def user_exists():
    expect(service.user_exists("ann") and not service.user_exists("zoe"), "ann, no zoe")
    expect("https://webpubsub.azure.com" in resources, f"the resource of the service, not {resources}")


def three_kinds(client):
    client.send_to_all(message={"Hello": "all"})
    client.send_to_all(message="hello, text!", content_type="text/plain")
    client.send_to_all(message=io.BytesIO(b'{ "hello": "world" }'), content_type="application/octet-stream")
    expect(next_data() == {"Hello": "all"} and next_data() == "hello, text!", "JSON and text")
    expect(base64.b64decode(next_data()) == b'{ "hello": "world" }', "bytes")


def through_proxy():
    relay = Relay(ENDPOINT.removeprefix("https://"))
    options = {"credential": DefaultAzureCredential(), "reverse_proxy_endpoint": f"https://{relay.address}"}
    three_kinds(WebPubSubServiceClient(endpoint=ENDPOINT, hub="entra", **options))
    expect(relay.accepted > 0, "a connection to the proxy")


scenario(["GenerateClientToken, with Entra ID", "samples/get_client_access_token, with Entra ID"], generate_token)
scenario("samples/get_client_access_token_async, with Entra ID", generate_token_async)
scenario("SendToGroup, with Entra ID", send)
authenticates = "README: 2. Create and authenticate a WebPubSubServiceClient, with Entra ID"
scenario(["UserExists, with Entra ID", authenticates], user_exists)
scenario("samples/send_messages_aad", lambda: three_kinds(service))
scenario("samples/send_messages_aad_apim_proxy", through_proxy)
foreign = WebPubSubServiceClient(endpoint=ENDPOINT, hub="entra", credential=Foreign())
scenario("A token for another audience", lambda: rejected(lambda: foreign.user_exists("ann")))

sdk("azure-eventgrid")
options = {"namespace_topic": "py-entra", "credential": DefaultAzureCredential()}


def publish_and_receive():
    consumer = EventGridConsumerClient(EVENTGRID, subscription="all", **options)
    consumer.acknowledge(lock_tokens=["none"])
    EventGridPublisherClient(EVENTGRID, **options).send(CloudEvent(source="/s", type="t", data="with a token"))
    expect([detail.event.data for detail in consumer.receive()] == ["with a token"], "the event")
    expect("https://eventgrid.azure.net" in resources, f"the resource of the service, not {resources}")


def publish_async():
    async def run():
        async with AsyncCredential() as credential:
            async with eventgrid_aio.EventGridPublisherClient(EVENTGRID, credential, namespace_topic="py-entra") as client:
                await client.send(CloudEvent(source="/s", type="t", data="async"))

    asyncio.run(run())


authenticates = "samples/namespace/sync_samples/sample_namespace_authentication"
scenario(["README: Using Azure Active Directory (AAD)", authenticates], publish_and_receive)
scenario("samples/namespace/async_samples/sample_namespace_authentication_async", publish_async)
stranger = EventGridPublisherClient(EVENTGRID, Foreign(), namespace_topic="py-entra")
scenario("A token for another audience", lambda: rejected(lambda: stranger.send(CloudEvent(source="/s", type="t"))))
