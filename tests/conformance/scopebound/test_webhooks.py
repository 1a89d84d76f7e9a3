"""Announcements of denials: signed, tried twice, and not sent to the inside of the network."""

import base64
import hashlib
import hmac
import json

import httpx
import pytest

from codes import denied
from doors import Receiver
from plane import Plane, fresh, wait_for

SECRET = "webhook-secret"


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


def delivered(receiver, count=1):
    wait_for(lambda: len(receiver.deliveries) >= count, f"{count} deliveries")
    return receiver.deliveries[count - 1]


def steal(sdk, role, **call):
    denied("SCOPE_VIOLATION", sdk.enforce, role["id"], "steal", **call)


def test_a_denial_is_announced_and_signed(sdk, make_role, receiver):
    role = make_role(webhook_url=receiver.url + "/hook", webhook_secret=SECRET)
    steal(sdk, role, call_args={"note": "a-very-private-word"}, call_id="c-9")
    headers, body = delivered(receiver)
    headers = {name.lower(): value for name, value in headers.items()}
    assert headers["content-type"].startswith("application/json")
    assert headers["x-scopebound-signature"] == hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    event = json.loads(body)
    told = [
        event[member] for member in ("event", "role_id", "role_name", "session_id", "tool_name", "call_id")
    ]
    assert told == ["deny", role["id"], role["name"], sdk._session_id, "steal", "c-9"]
    told = [event[member] for member in ("deny_code", "severity", "retry_guidance")]
    assert told == ["SCOPE_VIOLATION", "medium", "none"]
    assert event["reason"]
    assert event["timestamp"]
    assert b"a-very-private-word" not in body


def test_the_standard_signature_is_there_too(sdk, make_role, receiver):
    """Standard Webhooks 1.0: a secret that begins with `whsec_` is base64."""
    secret = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
    steal(sdk, make_role(webhook_url=receiver.url, webhook_secret=secret))
    headers, body = delivered(receiver)
    headers = {name.lower(): value for name, value in headers.items()}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = hmac.new(b"0123456789abcdef0123456789abcdef", signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(mac).decode()
    assert headers["x-scopebound-signature"] == hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_each_denial_once_and_permits_never(sdk, make_role, receiver):
    role = make_role(webhook_url=receiver.url, webhook_secret=SECRET)
    sdk.enforce(role["id"], "read_invoices")
    steal(sdk, role, call_id="first")
    steal(sdk, role, call_id="second")
    delivered(receiver, 2)
    ids = [json.loads(delivery.body)["call_id"] for delivery in receiver.deliveries]
    assert sorted(ids) == ["first", "second"]


def test_a_failed_delivery_is_tried_once_more(sdk, make_role):
    with Receiver(500) as receiver:
        role = make_role(webhook_url=receiver.url, webhook_secret=SECRET)
        steal(sdk, role)
        first, second = delivered(receiver, 1), delivered(receiver, 2)
        assert first.body == second.body


def test_then_it_is_parked(sdk, http, make_role):
    with Receiver(500, 302, 500) as receiver:
        role = make_role(webhook_url=receiver.url, webhook_secret=SECRET)
        steal(sdk, role, call_id=fresh("parked"))
        delivered(receiver, 2)
        event = json.loads(receiver.deliveries[0].body)
        parked = wait_for(lambda: deliveries(http, role), "the delivery to be parked")
        assert len(parked) == 1
        assert parked[0]["attempts"] == 2
        assert SECRET not in json.dumps(parked)
        assert event["deny_code"] == "SCOPE_VIOLATION"
        # Whatever is announced next goes out; the parked one does not come again before it.
        steal(sdk, role, call_id="after")
        assert json.loads(delivered(receiver, 3).body)["call_id"] == "after"


def deliveries(http, role):
    answer = http.get("/mgmt/v1/webhooks/deliveries", params={"status": "parked"})
    assert answer.is_success, answer.text
    return [one for one in answer.json()["deliveries"] if one["role_id"] == role["id"]]


def test_a_receiver_that_is_gone_does_not_delay_answers(sdk, make_role):
    role = make_role(webhook_url="http://127.0.0.1:9/nobody", webhook_secret=SECRET)
    for _ in range(5):
        steal(sdk, role)  # The client would give up after two seconds.


def test_without_a_secret_there_is_no_signature(sdk, make_role, receiver):
    steal(sdk, make_role(webhook_url=receiver.url))
    assert "x-scopebound-signature" not in {name.lower() for name in delivered(receiver).headers}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A client of a plane without the flag that allows private targets."""
    plane = Plane(tmp_path_factory.mktemp("guarded") / "data").start()
    sdk = plane.sdk(plane.key("dev"))
    yield sdk
    sdk.close()
    plane.stop()


class TestPrivateTargets:
    @pytest.mark.parametrize(
        "url",
        [
            "https://127.0.0.1/x",
            "https://localhost/x",
            "https://10.0.0.1/x",
            "https://192.168.1.1/x",
            "https://172.16.0.1/x",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/x",
            "https://[::ffff:127.0.0.1]/x",
            "https://0.0.0.0/x",
            "https://2130706433/x",
            "https://0x7f.1/x",
            "https://[fd00::1]/x",
            "http://example.com/x",
            "ftp://example.com/x",
            "file:///etc/passwd",
            "https://user:pass@example.com/x",
            "nonsense",
        ],
    )
    def test_are_refused_when_the_role_is_written(self, guarded, url):
        with pytest.raises(httpx.HTTPStatusError) as caught:
            guarded.create_role(fresh("ssrf"), ["read_invoices"], webhook_url=url)
        assert caught.value.response.status_code in (400, 422)

    def test_public_ones_are_not(self, guarded):
        url = "https://hooks.example.com/scopegate"
        assert guarded.create_role(fresh("public"), ["read"], webhook_url=url)["webhook_url"] == url
