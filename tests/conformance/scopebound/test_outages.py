"""What the client does when the plane is gone or slow, closed and open."""

import pytest
from scopebound import ScopeboundSDK, ScopeboundTimeoutError, ScopeboundUnavailableError

from codes import denied, pending
from doors import SlowDoor
from plane import free_port

THREE_SECONDS = 3.0


@pytest.fixture
def nobody():
    """The address of a port where nothing listens."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def slow(plane):
    """A plane that answers after three seconds; the client waits for two."""
    with SlowDoor(plane.url, THREE_SECONDS) as door:
        yield door


def calls(sdk, role="invoice-processor"):
    return [
        lambda: sdk.enforce(role, "post_to_erp", {"amount": 1}),
        lambda: sdk.mcp_enforce(role, "post_to_erp", {"amount": 1}, mcp_server="erp"),
    ]


def test_nobody_there_and_closed(nobody):
    sdk = ScopeboundSDK(base_url=nobody, api_key="sb-any")
    for call in calls(sdk):
        with pytest.raises(ScopeboundUnavailableError, match="provision failed"):
            call()
    with pytest.raises(ScopeboundUnavailableError):
        sdk.provision("invoice-processor")
    sdk.close()


def test_nobody_there_and_open(nobody):
    sdk = ScopeboundSDK(base_url=nobody, api_key="sb-any", fail_open=True)
    assert [call() for call in calls(sdk)] == [None, None]
    with pytest.raises(ScopeboundUnavailableError):
        sdk.provision("invoice-processor")


def test_slow_and_closed(slow, keys, make_role):
    sdk = ScopeboundSDK(base_url=slow.url, api_key=keys.dev)
    role = make_role()["id"]
    with pytest.raises(ScopeboundTimeoutError, match="provision timed out"):
        sdk.enforce(role, "post_to_erp")
    slow.delay = 0
    sdk.enforce(role, "post_to_erp")
    slow.delay = THREE_SECONDS
    with pytest.raises(ScopeboundTimeoutError, match="enforce timed out"):
        sdk.enforce(role, "post_to_erp")
    with pytest.raises(ScopeboundTimeoutError, match="mcp_enforce timed out"):
        sdk.mcp_enforce(role, "post_to_erp")


def test_slow_and_open(slow, keys, make_role):
    sdk = ScopeboundSDK(base_url=slow.url, api_key=keys.dev, fail_open=True)
    role = make_role()["id"]
    assert sdk.enforce(role, "post_to_erp") is None
    slow.delay = 0
    sdk.provision(role)
    slow.delay = THREE_SECONDS
    assert sdk.enforce(role, "not-even-allowed") is None


def test_open_is_not_open_to_denials(open_sdk, make_role):
    sdk = open_sdk(fail_open=True)
    role = make_role(approval_required=["post_to_erp"])
    denied("SCOPE_VIOLATION", sdk.enforce, role["id"], "drop_tables")
    pending(sdk.enforce, role["id"], "post_to_erp")
    pending(sdk.mcp_enforce, role["id"], "post_to_erp")


def test_the_plane_stops_and_comes_back(plane, open_sdk, make_role):
    closed, opened = open_sdk(), open_sdk(fail_open=True)
    role = make_role(["post_to_erp"])["id"]
    for sdk in (closed, opened):
        sdk.enforce(role, "post_to_erp")
    plane.stop()
    try:
        with pytest.raises(ScopeboundUnavailableError, match="enforce failed"):
            closed.enforce(role, "post_to_erp")
        assert opened.enforce(role, "post_to_erp") is None
    finally:
        plane.start()
    before = closed._jwt
    closed.enforce(role, "post_to_erp")
    assert closed._jwt == before, "sessions outlive a restart"
    denied("SCOPE_VIOLATION", opened.enforce, role, "drop_tables")
