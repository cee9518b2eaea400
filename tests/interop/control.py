"""The control API of the emulator, with the standard library only. Usage: control.py http://127.0.0.1:8080

`Control` is what a test suite in Python needs. The rest of this file uses each operation once and checks its effect.
"""

import itertools
import json
import sys
import urllib.error
import urllib.request


class Control:
    """Calls the control API of an emulator. `token` is required if the emulator has a control token."""

    def __init__(self, url, token=None):
        self.url = url.rstrip("/")
        self.headers = {"Content-Type": "application/json"}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    def call(self, method, path, body=None):
        """Returns the JSON of the response, or None if there is none."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/_emulator/{path}", data=data, method=method, headers=self.headers
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            text = response.read()
        return json.loads(text) if text else None

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body=None):
        return self.call("POST", path, {} if body is None else body)

    def put(self, path, body=None):
        return self.call("PUT", path, {} if body is None else body)

    def delete(self, path):
        return self.call("DELETE", path)

    def events(self, after=0):
        """Yields the lines of the request log, and waits for further ones."""
        request = urllib.request.Request(f"{self.url}/_emulator/events?after={after}", headers=self.headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            for line in response:
                if line.startswith(b"data: "):
                    yield json.loads(line[len(b"data: "):])


def status_of(action):
    """The status with which an action is rejected, or 200."""
    try:
        action()
        return 200
    except urllib.error.HTTPError as error:
        return error.code


def check(holds, what):
    if not holds:
        sys.exit(f"control.py: {what}")


def check_emulator(control):
    check(control.get("health")["status"] == "ok", "health")
    described = control.get("openapi.json")["paths"]
    check("/_emulator/reset" in described, "the description")
    before = control.get("clock")["unix_seconds"]
    after = control.post("clock/advance", {"seconds": 3600})["unix_seconds"]
    check(after >= before + 3600, "the clock")


def check_faults(control):
    probe = f"{control.url}/api/health"
    first = control.post("faults", {"kind": "status", "status": 503, "times": 2})["id"]
    control.post("faults", {"sockets": True, "kind": "drop", "hub": "chat"})
    check(status_of(lambda: urllib.request.urlopen(probe)) == 503, "a fault")
    check([fault["times"] for fault in control.get("faults")["faults"]] == [1, 1], "the faults")
    control.delete(f"faults/{first}")
    check(status_of(lambda: urllib.request.urlopen(probe)) == 200, "no fault")
    control.delete("faults")
    check(control.get("faults")["faults"] == [], "no faults")
    outcomes = [event["outcome"] for event in itertools.islice(control.events(), 2)]
    check(outcomes == ["503", "200"], f"the events, which are {outcomes}")


def check_eventgrid(control):
    control.put("eventgrid/topics/orders")
    control.put("eventgrid/topics/orders/subscriptions/billing", {"max_delivery_count": 3})
    control.put("eventgrid/topics/orders/subscriptions/audit", {"push": {"url": "http://127.0.0.1:9/"}})
    topic = control.get("eventgrid/topics")["topics"][0]
    check([one["name"] for one in topic["subscriptions"]] == ["audit", "billing"], "the subscriptions")
    letters = "eventgrid/topics/orders/subscriptions/billing/dead-letters"
    check(control.get(letters) == {"dead_letters": []}, "no dead letters")
    check(control.post(f"{letters}/resubmit") == {"resubmitted": 0}, "nothing to publish again")
    control.delete("eventgrid/topics/orders/subscriptions/audit")
    control.delete("eventgrid/topics/orders")
    check(control.get("eventgrid/topics")["topics"] == [], "no topics")


def check_webpubsub(control):
    handler = {"url": "http://127.0.0.1:9/{event}", "system_events": ["connected"]}
    control.put("webpubsub/hubs/chat", {"allow_anonymous": True, "event_handlers": [handler]})
    hub = control.get("webpubsub/hubs")["hubs"][0]
    check(hub["event_handlers"] == [{**handler, "user_events": "all"}], "the hub")
    check(control.get("webpubsub/hubs/chat/connections") == {"connections": []}, "no connections")
    for action in ["drop", "stall"]:
        missing = f"webpubsub/hubs/chat/connections/none/{action}"
        check(status_of(lambda: control.post(missing)) == 404, "no socket")
    control.delete("webpubsub/hubs/chat")
    check(control.get("webpubsub/hubs")["hubs"] == [], "no hubs")


def check_hulft(control):
    before = len(control.get("hulft/agents")["agents"])
    control.post("hulft/agents", {"id": "osaka", "direction": "send", "connection_ids": ["hq"]})
    transfer = control.post("hulft/agents/osaka/transfers")["processing_id"]
    control.post(f"hulft/transfers/{transfer}/finish")
    check(control.get("hulft/transfers")["transfers"][-1]["state"] == "ended_normally", "the transfer")
    control.delete("hulft/agents/osaka")
    check(len(control.get("hulft/agents")["agents"]) == before, "the Agents")


def main():
    control = Control(sys.argv[1])
    control.post("reset")
    for part in [check_emulator, check_faults, check_eventgrid, check_webpubsub, check_hulft]:
        part(control)
        print(part.__name__)
    control.post("reset/eventgrid")
    control.put("eventgrid/topics/orders")
    control.post("reset")
    check(control.get("state")["topics"]["total"] == 0, "the reset")
    foreign = urllib.request.Request(f"{control.url}/_emulator/state", headers={"Origin": "http://evil.test"})
    check(status_of(lambda: urllib.request.urlopen(foreign)) == 403, "a foreign origin")


main()
