"""Sessions: provisioning, their time, their end, and what the client does about it."""

import time
from datetime import datetime
from types import SimpleNamespace

import httpx
import pytest
import scopebound.client
from scopebound import ScopeboundDenyError

from codes import denied, denied_body
from plane import wait_for


def provision(http, role, **fields):
    answer = http.post("/v1/provision", json={"role_id": role["id"], **fields})
    assert answer.is_success, answer.text
    return answer.json()


def ask(http, jwt, tool="read_invoices"):
    return http.post("/v1/enforce", json={"jwt": jwt, "tool_name": tool})


def seconds_left(session) -> float:
    return datetime.fromisoformat(session["expires_at"].replace("Z", "+00:00")).timestamp() - time.time()


def test_provision_with_everything_the_pages_show(sdk, make_role):
    role = make_role()
    jwt = sdk.provision(role["name"], requested_ttl=3600, task_type="invoice_audit", framework="langchain")
    assert jwt.count(".") == 2
    assert sdk._session_id
    assert sdk._jwt_valid()
    sdk.enforce(role["name"], "read_invoices")
    assert sdk._jwt == jwt, "a session that lives is used again"
    sdk.revoke(reason="task_completed")


@pytest.mark.parametrize(
    ("asked", "given"),
    [(0, 100), (50, 50), (100, 100), (5000, 100), (1, 1)],
    ids=["the role's", "shorter", "equal", "capped", "not rounded up"],
)
def test_time_to_live(http, make_role, asked, given):
    session = provision(http, make_role(default_ttl_seconds=100), requested_ttl=asked)
    assert given - 5 < seconds_left(session) <= given


def test_provision_by_name_and_by_id(http, make_role):
    role = make_role()
    for reference in (role["name"], role["id"]):
        answer = http.post("/v1/provision", json={"role_id": reference})
        assert answer.json()["session_id"]
        assert answer.headers["cache-control"] == "no-store"


def test_revoke_ends_the_session_at_once(sdk, http, make_role):
    jwt = sdk.provision(make_role()["id"])
    sdk.revoke()
    denied_body("SESSION_REVOKED", ask(http, jwt))


def test_a_reason_with_spaces_and_signs_still_revokes(sdk, http, make_role):
    jwt = sdk.provision(make_role()["id"])
    sdk.revoke(reason="task completed & archived; 100%")
    denied_body("SESSION_REVOKED", ask(http, jwt))


def test_revoking_twice_is_fine_and_unknown_sessions_are_404(http, make_role):
    session = provision(http, make_role())["session_id"]
    for _ in range(2):
        answer = http.delete(f"/v1/sessions/{session}", params={"reason": "MANUAL"})
        assert answer.status_code == 200
        assert (answer.json()["revoked"], answer.json()["session_id"]) == (True, session)
    for unknown in ("00000000-0000-4000-8000-000000000000", "nonsense"):
        assert http.delete(f"/v1/sessions/{unknown}").status_code == 404


def test_with_and_close_revoke(open_sdk, http, make_role):
    role = make_role()
    with open_sdk() as inside:
        first = inside.provision(role["id"])
    denied_body("SESSION_REVOKED", ask(http, first))
    closed = open_sdk()
    second = closed.provision(role["id"])
    closed.close()
    denied_body("SESSION_REVOKED", ask(http, second))


def test_a_session_revoked_by_an_admin_is_not_replaced(open_sdk, sdk, plane, keys, make_role):
    role = make_role()
    agent = open_sdk("agent")
    jwt = agent.provision(role["id"])
    agent.enforce(role["id"], "read_invoices")
    with plane.http(keys.admin) as admin:
        assert admin.delete(f"/v1/sessions/{agent._session_id}", params={"reason": "KILL"}).status_code == 200
    for _ in range(2):
        denied("SESSION_REVOKED", agent.enforce, role["id"], "read_invoices")
    assert agent._jwt == jwt, "the client did not open a new session"


def test_an_expired_token_is_replaced_without_a_word(sdk, http, make_role, monkeypatch):
    role = make_role()
    old = sdk.provision(role["name"], requested_ttl=1)
    body = wait_for(lambda: (b := ask(http, old).json())["decision"] == "deny" and b, "the token to expire")
    assert (body["deny_code"], body["severity"], body["retry_guidance"]) == (
        "JWT_EXPIRED",
        "low",
        "reprovision",
    )
    assert "SESSION_EXPIRED" in body["aliases"], "what the published pages call it"
    behind = SimpleNamespace(time=lambda: time.time() - 3600)
    monkeypatch.setattr(scopebound.client, "time", behind)
    sdk.enforce(role["name"], "read_invoices")
    assert sdk._jwt != old
    denied("SCOPE_VIOLATION", sdk.enforce, role["name"], "drop_tables")


def test_an_expired_token_of_a_revoked_session_stays_revoked(http, make_role):
    session = provision(http, make_role(), requested_ttl=1)
    http.delete(f"/v1/sessions/{session['session_id']}")
    wait_for(lambda: seconds_left(session) < -0.5, "the token to expire")
    denied_body("SESSION_REVOKED", ask(http, session["jwt"]))


def test_a_short_session_is_provisioned_anew_on_every_call(sdk, make_role):
    """The client counts a token as stale 30 s early; the old sessions are left behind."""
    role = make_role(default_ttl_seconds=20)
    sdk.enforce(role["id"], "read_invoices")
    first = sdk._jwt
    sdk.enforce(role["id"], "read_invoices")
    assert sdk._jwt != first


def test_the_session_of_a_deleted_role_is_over(http, make_role):
    role = make_role()
    jwt = provision(http, role)["jwt"]
    assert http.delete(f"/mgmt/v1/roles/{role['id']}").is_success
    denied_body("SESSION_EXPIRED", ask(http, jwt))


def test_one_client_holds_one_session_whatever_role_it_names(sdk, make_role):
    reader, poster = make_role(["read_invoices"]), make_role(["post_to_erp"])
    sdk.enforce(reader["id"], "read_invoices")
    denied("SCOPE_VIOLATION", sdk.enforce, poster["id"], "post_to_erp")


@pytest.mark.parametrize("jwt", ["", "nonsense", "a.b.c", "x" * 10_000, "\0", None, 7, {}, [], True])
def test_what_is_no_token_is_denied(http, jwt):
    denied_body("JWT_INVALID", ask(http, jwt))


def test_a_token_with_one_changed_letter_is_denied(http, make_role):
    jwt = provision(http, make_role())["jwt"]
    for at in range(0, len(jwt), 11):
        other = "A" if jwt[at] != "A" else "B"
        changed = jwt[:at] + other + jwt[at + 1 :]
        denied_body("JWT_INVALID", ask(http, changed))
    assert ask(http, jwt).json()["decision"] == "allow"


def test_a_missing_token_is_denied(http):
    denied_body("JWT_INVALID", http.post("/v1/enforce", json={"tool_name": "read_invoices"}))


def test_a_tightened_role_bites_running_sessions_at_once(sdk, make_role):
    role = make_role(["read_invoices", "post_to_erp"])
    sdk.enforce(role["id"], "post_to_erp")
    sdk.update_role(role["id"], allowed_tools=["read_invoices"])
    denied("SCOPE_VIOLATION", sdk.enforce, role["id"], "post_to_erp")


class TestSubAgents:
    """The package never sends `parent_session_id`; the interface it belongs to has it."""

    def test_a_child_narrows_and_falls_with_its_parent(self, http, make_role):
        parent = provision(http, make_role(["read_invoices", "post_to_erp"], max_delegation_depth=1))
        helper = make_role(["read_invoices", "delete_all"])
        child = provision(http, helper, parent_session_id=parent["session_id"])
        assert ask(http, child["jwt"]).json()["decision"] == "allow"
        for tool in ("post_to_erp", "delete_all"):
            denied_body("SCOPE_VIOLATION", ask(http, child["jwt"], tool))
        http.delete(f"/v1/sessions/{parent['session_id']}")
        denied_body("SESSION_REVOKED", ask(http, child["jwt"]))

    def test_no_depth_no_child(self, http, make_role):
        role = make_role()
        parent = provision(http, role)
        fields = {"role_id": role["id"], "parent_session_id": parent["session_id"]}
        assert http.post("/v1/provision", json=fields).status_code == 403

    def test_depth_taken_away_denies_the_child(self, sdk, http, make_role):
        role = make_role(max_delegation_depth=1)
        child = provision(http, role, parent_session_id=provision(http, role)["session_id"])
        sdk.update_role(role["id"], max_delegation_depth=0)
        denied_body("DELEGATION_DEPTH_EXCEEDED", ask(http, child["jwt"]))

    def test_a_child_never_outlives_its_parent(self, http, make_role):
        role = make_role(max_delegation_depth=1)
        parent = provision(http, role, requested_ttl=40)
        child = provision(http, role, parent_session_id=parent["session_id"], requested_ttl=3000)
        assert seconds_left(child) <= 40


def test_the_client_never_sees_a_role_that_is_not_there(sdk):
    with pytest.raises(
        scopebound.ScopeboundUnavailableError, match="provision failed: Client error '404 Not Found'"
    ):
        sdk.enforce("no-such-role", "read_invoices")


def test_a_denial_is_no_http_error(sdk, make_role):
    """Any other status would be `unavailable` to the client, and with fail_open a permission."""
    with pytest.raises(ScopeboundDenyError) as caught:
        sdk.enforce(make_role()["id"], "drop_tables")
    assert not isinstance(caught.value.__cause__, httpx.HTTPError)
