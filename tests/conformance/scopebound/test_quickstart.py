"""The published pages' first steps, word for word where they can run."""

import httpx
import pytest
from scopebound import ScopeboundSDK

from codes import denied
from plane import fresh

INVOICE = {"invoice_id": "INV-12345", "amount": 1500.00, "env": "production"}


def test_quickstart_from_the_environment(plane, keys, monkeypatch):
    monkeypatch.setenv("SCOPEBOUND_BASE_URL", plane.url + "/")
    monkeypatch.setenv("SCOPEBOUND_API_KEY", keys.dev)
    with ScopeboundSDK() as sdk:
        role = sdk.create_role(fresh("vision-invoice-processor"), ["post_to_erp"])
        assert sdk.enforce(role_id=role["name"], tool_name="post_to_erp", call_args=INVOICE) is None
        assert sdk.enforce(role_id=role["id"], tool_name="post_to_erp") is None


def test_keys_look_like_the_published_ones(keys):
    assert all(key.startswith("sb-") for key in vars(keys).values())


def test_a_denial_says_code_severity_reason_and_guidance(sdk, make_role):
    role = make_role(["read_invoices"])
    error = denied("SCOPE_VIOLATION", sdk.enforce, role["id"], "delete_database", call_id="call-7")
    assert error.call_id == "call-7"
    assert role["name"] in error.reason
    assert str(error) == f"[SCOPE_VIOLATION] {error.reason} (retry: none)"


@pytest.mark.parametrize(
    "tool", ["Read_Invoices", "read_invoices ", "read_invoice", "read_invoices\n", "*", ""]
)
def test_tools_are_matched_exactly(sdk, make_role, tool):
    denied("SCOPE_VIOLATION", sdk.enforce, make_role(["read_invoices"])["id"], tool)


def test_an_empty_list_allows_nothing(sdk, make_role):
    denied("SCOPE_VIOLATION", sdk.enforce, make_role([])["id"], "read_invoices")


def test_an_answer_carries_decision_call_id_and_latency(sdk, http, make_role):
    jwt = sdk.provision(make_role()["id"])
    call = {
        "jwt": jwt,
        "tool_name": "read_invoices",
        "call_args": {},
        "call_id": "call-8",
        "action": "tool_call",
    }
    answer = http.post("/v1/enforce", json=call)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    body = answer.json()
    assert (body["decision"], body["call_id"]) == ("allow", "call-8")
    assert body["latency_ms"] >= 0


def test_optional_members_may_be_left_out(sdk, http, make_role):
    jwt = sdk.provision(make_role()["id"])
    assert (
        http.post("/v1/enforce", json={"jwt": jwt, "tool_name": "read_invoices"}).json()["decision"]
        == "allow"
    )


def test_long_call_ids_are_cut_not_refused(sdk, http, make_role):
    jwt = sdk.provision(make_role()["id"])
    answer = http.post("/v1/enforce", json={"jwt": jwt, "tool_name": "read_invoices", "call_id": "c" * 1000})
    assert (answer.status_code, answer.json()["decision"]) == (200, "allow")
    assert answer.json()["call_id"] == "c" * 128


def test_health_needs_no_key(plane):
    answer = httpx.get(f"{plane.url}/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
