"""Calls that wait for a person."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import pytest
from scopebound import ScopeboundDenyError, ScopeboundPendingError

from codes import denied, pending
from plane import wait_for

CALL = {"invoice_id": "INV-12345", "amount": 50000.00}


@pytest.fixture
def role(make_role):
    return make_role(["read_invoices", "post_to_erp"], approval_required=["post_to_erp"])


def ask(sdk, role, args=CALL):
    sdk.enforce(role_id=role["name"], tool_name="post_to_erp", call_args=args)


def held(sdk, role, args=CALL) -> str:
    return pending(ask, sdk, role, args).approval_id


def refused(status, call, *args, **kwargs):
    with pytest.raises(httpx.HTTPStatusError) as caught:
        call(*args, **kwargs)
    assert caught.value.response.status_code == status, caught.value.response.text


def seconds_until(moment: str) -> float:
    return (datetime.fromisoformat(moment.replace("Z", "+00:00")) - datetime.now(UTC)).total_seconds()


def test_as_the_pages_do(sdk, role):
    approval_id = held(sdk, role)
    assert sdk.get_approval(approval_id)["status"] == "pending"
    sdk.approve(approval_id=approval_id, approved_by="reviewer@example.com")
    ask(sdk, role)


def test_the_error_says_what_waits_and_for_how_long(sdk, role):
    error = pending(ask, sdk, role)
    assert error.approval_id
    assert error.tool_name == "post_to_erp"
    assert 890 < seconds_until(error.expires_at) <= 900, "the default"
    assert "approval" in error.message


def test_the_role_says_how_long(sdk, make_role):
    role = make_role(["post_to_erp"], approval_required=["post_to_erp"], approval_ttl_seconds=120)
    assert 110 < seconds_until(pending(ask, sdk, role).expires_at) <= 120


def test_the_answer_is_202_and_says_pending(sdk, http, role):
    jwt = sdk.provision(role["id"])
    answer = http.post("/v1/enforce", json={"jwt": jwt, "tool_name": "post_to_erp", "call_id": "c-1"})
    assert (answer.status_code, answer.headers["cache-control"]) == (202, "no-store")
    body = answer.json()
    shown = [body[member] for member in ("decision", "status", "tool_name", "call_id")]
    assert shown == ["pending", "pending", "post_to_erp", "c-1"]


def test_a_reviewer_sees_the_whole_call(sdk, role):
    approval_id = held(sdk, role)
    shown = sdk.get_approval(approval_id)
    assert shown in sdk.list_approvals()
    assert shown["id"] == shown["approval_id"] == approval_id
    assert (shown["status"], shown["tool_name"], shown["call_args"]) == ("pending", "post_to_erp", CALL)
    assert (shown["role_id"], shown["role_name"]) == (role["id"], role["name"])
    assert shown["session_id"] == sdk._session_id
    assert shown["created_at"]
    assert shown["expires_at"]
    assert not shown["decided_at"]
    assert not shown["approved_by"]
    assert not shown["rejected_by"]


def test_the_same_call_waits_once(sdk, http, role):
    first = held(sdk, role, {"a": 1, "b": {"c": 2.0}})
    assert held(sdk, role, {"b": {"c": 2}, "a": 1.0}) == first, "spelled otherwise"
    assert held(sdk, role, {"a": 1, "b": {"c": 3}}) != first, "another call"
    assert sum(one["id"] == first for one in sdk.list_approvals()) == 1


def test_an_approval_works_once(sdk, role):
    first = held(sdk, role)
    sdk.approve(first)
    assert held(sdk, role, CALL | {"amount": 50001}) != first, "other arguments"
    ask(sdk, role)
    assert held(sdk, role) != first


def test_an_approval_is_for_one_tool_and_one_role(sdk, make_role):
    tools = ["post_to_erp", "post_to_bank"]
    role, other = (make_role(tools, approval_required=tools) for _ in range(2))
    sdk.approve(held(sdk, role))
    pending(sdk.enforce, role["name"], "post_to_bank", CALL)
    sdk.provision(other["id"])
    held(sdk, other)


def test_an_approval_survives_a_new_session_of_the_same_key(sdk, role):
    approval_id = held(sdk, role)
    sdk.revoke()
    sdk.approve(approval_id)
    ask(sdk, role)


def test_an_approval_is_for_one_key(open_sdk, plane, role):
    sdk = open_sdk("agent")
    sdk_of_another = plane.sdk(plane.key("agent"))
    first = held(sdk, role)
    open_sdk("approver").approve(first)
    assert held(sdk_of_another, role) != first
    sdk_of_another.close()
    ask(sdk, role)


def test_of_many_callers_one_gets_through(open_sdk, role):
    callers = [open_sdk("agent") for _ in range(8)]
    approval_id = held(callers[0], role)
    open_sdk("approver").approve(approval_id)

    def gets_through(sdk):
        try:
            ask(sdk, role)
        except ScopeboundPendingError:
            return False
        return True

    with ThreadPoolExecutor(len(callers)) as pool:
        assert sum(pool.map(gets_through, callers)) == 1


def test_the_policy_is_asked_again(sdk, role):
    sdk.approve(held(sdk, role))
    below = {"post_to_erp": [{"field": "amount", "operator": "lt", "value": 1000}]}
    sdk.update_role(role["id"], parameter_constraints=below)
    denied("PARAMETER_VIOLATION", ask, sdk, role)


def test_rejected(sdk, role):
    approval_id = held(sdk, role)
    rejected = sdk.reject(approval_id, approved_by="reviewer@example.com")
    assert (rejected["id"], rejected["status"]) == (approval_id, "rejected")
    assert rejected["rejected_by"]
    assert not rejected["approved_by"]
    assert rejected["decided_at"]
    for _ in range(2):
        denied("APPROVAL_REJECTED", ask, sdk, role)
    held(sdk, role, {"invoice_id": "INV-2"})


def test_a_rejection_ends_with_its_time(sdk, make_role):
    role = make_role(["post_to_erp"], approval_required=["post_to_erp"], approval_ttl_seconds=2)
    first = held(sdk, role)
    sdk.reject(first)
    denied("APPROVAL_REJECTED", ask, sdk, role)

    def asked_anew():
        try:
            ask(sdk, role)
        except ScopeboundDenyError:
            return None
        except ScopeboundPendingError as error:
            return error.approval_id

    assert wait_for(asked_anew, "the refusal to end") != first


def test_expired(sdk, make_role):
    role = make_role(["post_to_erp"], approval_required=["post_to_erp"], approval_ttl_seconds=1)
    approval_id = held(sdk, role)
    wait_for(lambda: sdk.get_approval(approval_id)["status"] == "expired", "the approval to expire")
    assert approval_id not in [one["id"] for one in sdk.list_approvals()]
    refused(409, sdk.approve, approval_id)
    refused(409, sdk.reject, approval_id)
    assert held(sdk, role) != approval_id


def test_an_approval_that_is_not_used_in_time_is_over(sdk, make_role):
    role = make_role(["post_to_erp"], approval_required=["post_to_erp"], approval_ttl_seconds=1)
    first = held(sdk, role)
    sdk.approve(first)
    wait_for(lambda: seconds_until(sdk.get_approval(first)["expires_at"]) < -0.1, "its time to pass")
    assert held(sdk, role) != first


@pytest.mark.parametrize("first", ["approve", "reject"])
@pytest.mark.parametrize("second", ["approve", "reject"])
def test_what_is_settled_stays_settled(sdk, role, first, second):
    approval_id = held(sdk, role)
    getattr(sdk, first)(approval_id)
    refused(409, getattr(sdk, second), approval_id)
    assert sdk.get_approval(approval_id)["status"] == {"approve": "approved", "reject": "rejected"}[first]
    assert approval_id not in [one["id"] for one in sdk.list_approvals()]


@pytest.mark.parametrize("unknown", ["00000000-0000-4000-8000-000000000000", "nonsense"])
def test_unknown(sdk, unknown):
    for call in (sdk.get_approval, sdk.approve, sdk.reject):
        refused(404, call, unknown)


def test_the_reviewer_is_who_holds_the_key(open_sdk, role):
    approval_id = held(open_sdk("agent"), role)
    decided = open_sdk("approver").approve(approval_id, approved_by="the-ceo")
    assert decided["status"] == "approved"
    assert decided["approved_by"]
    assert decided["approved_by"] != "the-ceo"


def test_a_decision_without_a_body(http, sdk, role):
    approval_id = held(sdk, role)
    assert http.post(f"/v1/approvals/{approval_id}/approve").json()["status"] == "approved"


def test_everything_stays_over_a_restart(plane, open_sdk, make_role):
    sdk = open_sdk("dev")
    role = make_role(["post_to_erp", "read"], approval_required=["post_to_erp"], rate_limit_per_hour=2)
    open_one = held(sdk, role, {"n": 1})
    approved = held(sdk, role, {"n": 2})
    sdk.approve(approved)
    sdk.enforce(role["id"], "read")
    plane.stop()
    plane.start()
    assert sdk.get_approval(open_one)["status"] == "pending"
    ask(sdk, role, {"n": 2})
    denied("RATE_LIMIT_EXCEEDED/hour", sdk.enforce, role["id"], "read")
    assert sdk.get_role(role["name"])["id"] == role["id"]
