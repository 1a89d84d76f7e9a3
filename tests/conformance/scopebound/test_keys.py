"""Who may do what: missing and wrong keys, kinds of keys, and two tenants that never meet."""

import httpx
import pytest
from scopebound import ScopeboundSDK, ScopeboundUnavailableError

from codes import denied, denied_body, pending
from plane import fresh

NOBODY = "00000000-0000-4000-8000-000000000000"
UNAUTHORIZED = "provision failed: Client error '401 Unauthorized'"


class TestWithoutAKey:
    @pytest.mark.parametrize(
        "key", ["", "sb-your-key", "sb-agt-000000000000-" + "x" * 43, "nonsense", "x" * 5000]
    )
    def test_provision_says_401(self, plane, monkeypatch, key):
        monkeypatch.delenv("SCOPEBOUND_API_KEY", raising=False)
        sdk = ScopeboundSDK(base_url=plane.url, api_key=key)
        with pytest.raises(ScopeboundUnavailableError, match=UNAUTHORIZED):
            sdk.enforce("invoice-processor", "post_to_erp")

    def test_a_changed_secret_is_another_secret(self, plane, keys):
        last = "A" if keys.dev[-1] != "A" else "B"
        for key in (keys.dev[:-1] + last, keys.dev + "A", keys.dev[:-1], keys.dev.upper()):
            with plane.http(key) as http:
                assert http.get("/mgmt/v1/roles").status_code == 401

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/v1/provision"),
            ("POST", "/v1/enforce"),
            ("POST", "/v1/mcp/enforce"),
            ("DELETE", f"/v1/sessions/{NOBODY}"),
            ("GET", "/mgmt/v1/roles"),
            ("POST", "/mgmt/v1/roles"),
            ("GET", "/v1/approvals"),
            ("GET", "/mgmt/v1/audit/export"),
            ("PUT", "/mgmt/v1/mcp/servers/erp"),
            ("POST", f"/v1/approvals/{NOBODY}/approve"),
        ],
    )
    def test_every_route_says_401(self, plane, method, path):
        with plane.http(None) as http:
            answer = http.request(method, path, json={} if method in ("POST", "PUT") else None)
        assert (answer.status_code, answer.reason_phrase) == (401, "Unauthorized")
        assert answer.json()["error"]["message"]

    def test_a_bearer_token_does_too_but_not_both(self, plane, keys):
        bearer = {"Authorization": f"Bearer {keys.admin}"}
        assert httpx.get(f"{plane.url}/mgmt/v1/roles", headers=bearer).status_code == 200
        both = bearer | {"X-Scopebound-API-Key": keys.admin}
        assert httpx.get(f"{plane.url}/mgmt/v1/roles", headers=both).status_code == 400


class TestKinds:
    """An agent asks, an admin writes roles, an approver decides, an auditor reads; `dev` does all of it."""

    CAN = {
        "provision": {"agent", "dev"},
        "create a role": {"admin", "dev"},
        "change a role": {"admin", "dev"},
        "decide an approval": {"approver", "dev"},
        "export the audit log": {"auditor", "dev"},
    }

    @pytest.mark.parametrize("kind", ["agent", "admin", "approver", "auditor", "dev"])
    @pytest.mark.parametrize("act", CAN)
    def test_what_a_kind_may_do(self, plane, open_sdk, make_role, act, kind):
        role = make_role(approval_required=["post_to_erp"])
        asker = plane.sdk(plane.key("agent"))
        approval_id = pending(asker.enforce, role["id"], "post_to_erp").approval_id
        asker.close()
        sdk = open_sdk(kind)
        acts = {
            "provision": lambda: sdk.provision(role["id"]),
            "create a role": lambda: sdk.create_role(fresh("kind"), ["read_invoices"]),
            "change a role": lambda: sdk.update_role(role["id"], description="changed"),
            "decide an approval": lambda: sdk.approve(approval_id),
            "export the audit log": lambda: sdk.export_audit_log(),
        }
        if kind in self.CAN[act]:
            assert acts[act]()
        else:
            with pytest.raises((httpx.HTTPStatusError, ScopeboundUnavailableError), match="403 Forbidden"):
                acts[act]()

    def test_an_agent_works_without_reading_roles(self, open_sdk, make_role):
        """The client cannot look the name up then, and sends it as it is."""
        role = make_role(["read_invoices"])
        agent = open_sdk("agent")
        agent.enforce(role["name"], "read_invoices")
        denied("SCOPE_VIOLATION", agent.enforce, role["name"], "drop_tables")

    def test_an_agent_reads_its_own_approvals_alone(self, plane, open_sdk, make_role):
        role = make_role(approval_required=["post_to_erp"])
        agent, other = open_sdk("agent"), plane.sdk(plane.key("agent"))
        approval_id = pending(agent.enforce, role["id"], "post_to_erp").approval_id
        assert agent.get_approval(approval_id)["status"] == "pending"
        with pytest.raises(httpx.HTTPStatusError, match="404 Not Found"):
            other.get_approval(approval_id)
        other.close()

    def test_an_agent_ends_its_own_sessions_alone(self, plane, keys, make_role):
        role = make_role()
        with plane.http(keys.agent) as http, plane.http(plane.key("agent")) as other:
            session = http.post("/v1/provision", json={"role_id": role["id"]}).json()
            assert other.delete(f"/v1/sessions/{session['session_id']}").status_code == 404
            call = {"jwt": session["jwt"], "tool_name": "read_invoices"}
            assert http.post("/v1/enforce", json=call).json()["decision"] == "allow"
            denied_body("JWT_INVALID", other.post("/v1/enforce", json=call))


@pytest.fixture(scope="module")
def other(plane):
    """The client of another tenant."""
    name = fresh("tenant")
    plane.tenant(name)
    sdk = plane.sdk(plane.key("dev", name))
    yield sdk
    sdk.close()


class TestTenants:
    def test_names_are_free_in_each(self, sdk, other):
        name = fresh("shared")
        here, there = (one.create_role(name, ["read_invoices"]) for one in (sdk, other))
        assert here["id"] != there["id"]
        assert other.get_role(name) == there
        assert sdk.get_role(name) == here

    def test_foreign_roles_look_like_unknown_ones(self, sdk, other, make_role):
        role = make_role()
        for reference in (role["id"], role["name"]):
            for call in (other.get_role, lambda r: other.update_role(r, description="taken")):
                assert_same_404(call, reference, NOBODY)
            with pytest.raises(ScopeboundUnavailableError, match="404 Not Found"):
                other.provision(reference)
            with pytest.raises(httpx.HTTPStatusError, match="400 Bad Request"):
                other.create_role(fresh("thief"), [], parent_role_id=reference)
        assert sdk.get_role(role["id"]) == role
        assert role["id"] not in str(other.list_roles())

    def test_foreign_approvals_look_like_unknown_ones(self, sdk, other, make_role):
        role = make_role(approval_required=["post_to_erp"])
        approval_id = pending(sdk.enforce, role["id"], "post_to_erp").approval_id
        for call in (other.get_approval, other.approve, other.reject):
            assert_same_404(call, approval_id, NOBODY)
        assert approval_id not in str(other.list_approvals())
        assert sdk.get_approval(approval_id)["status"] == "pending"

    def test_foreign_sessions_look_like_unknown_ones(self, sdk, other, plane, make_role):
        jwt = sdk.provision(make_role()["id"])
        there = other._client
        assert there.delete(f"/v1/sessions/{sdk._session_id}").status_code == 404
        foreign = there.post("/v1/enforce", json={"jwt": jwt, "tool_name": "read_invoices"})
        denied_body("JWT_INVALID", foreign)
        fields = {
            "role_id": other.create_role(fresh("child"), [])["id"],
            "parent_session_id": sdk._session_id,
        }
        assert there.post("/v1/provision", json=fields).status_code == 404
        sdk.enforce("any", "read_invoices")

    def test_foreign_records_are_not_exported(self, sdk, other, make_role):
        sdk.enforce(make_role(["only_here"])["id"], "only_here")
        assert b"only_here" in sdk.export_audit_log()
        assert b"only_here" not in other.export_audit_log()
        assert b"only_here" not in other.export_audit_log(format="csv")


def assert_same_404(call, foreign, unknown):
    bodies = []
    for reference in (foreign, unknown):
        with pytest.raises(httpx.HTTPStatusError) as caught:
            call(reference)
        assert caught.value.response.status_code == 404
        bodies.append(caught.value.response.text.replace(reference, "ID"))
    assert bodies[0] == bodies[1]
