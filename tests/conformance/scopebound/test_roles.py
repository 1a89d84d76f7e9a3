"""Roles: both shapes, partial merges, names or ids, and what is refused."""

import uuid

import httpx
import pytest

from codes import denied
from plane import fresh

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def refused(status, call, *args, **kwargs) -> str:
    """The body of a call that has to fail with `status`, or one of several."""
    with pytest.raises(httpx.HTTPStatusError) as caught:
        call(*args, **kwargs)
    response = caught.value.response
    allowed = status if isinstance(status, tuple) else (status,)
    assert response.status_code in allowed, response.text
    assert response.json()["error"]["message"]
    return response.text


def test_create_as_the_pages_do(sdk):
    role = sdk.create_role(
        name=fresh("invoice-processor"),
        allowed_tools=["read_invoices", "post_to_erp", "request_approval"],
        description="Reads invoices and posts to ERP after approval",
        default_ttl_seconds=3600,
        max_delegation_depth=0,
        rate_limit_per_minute=60,
        allowed_envs=["staging", "production"],
        approval_required=["post_to_erp"],
    )
    assert uuid.UUID(role["id"])
    role = sdk.update_role(role_id=role["id"], allowed_tools=role["allowed_tools"] + ["emit_audit_event"])
    assert role["allowed_tools"] == ["read_invoices", "post_to_erp", "request_approval", "emit_audit_event"]
    assert role["allowed_envs"] == role["data_scope"]["allowed_envs"] == ["staging", "production"]
    assert sdk.get_role(role_id=role["id"]) == role
    assert role in sdk.list_roles()


EVERYTHING = {
    "description": "all of it",
    "default_ttl_seconds": 600,
    "max_delegation_depth": 2,
    "rate_limit_per_minute": 5,
    "rate_limit_per_hour": 50,
    "parameter_constraints": {"post_to_erp": [{"field": "amount", "operator": "lt", "value": 1000}]},
    "allowed_hours_start": 8,
    "allowed_hours_end": 18,
    "allowed_days": [0, 1, 2, 3, 4],
    "webhook_url": "http://127.0.0.1:9/hook",
    "approval_required": ["post_to_erp"],
    "approval_ttl_seconds": 300,
}


def test_every_field_comes_back_as_it_was_written(sdk, make_role):
    parent = make_role(["base_tool"])
    role = make_role(
        parent_role_id=parent["id"],
        webhook_secret="s3cret",
        allowed_envs=["staging"],
        max_rows=10,
        **EVERYTHING,
    )
    for shown in (role, sdk.get_role(role["id"]), sdk.get_role(role["name"])):
        assert {field: shown[field] for field in EVERYTHING} == EVERYTHING
        assert shown["data_scope"] == {"allowed_envs": ["staging"], "max_rows": 10}
        assert (shown["allowed_envs"], shown["max_rows"]) == (["staging"], 10)
        assert shown["parent_role_id"] in (parent["id"], parent["name"])


def test_mcp_fields_come_back_as_they_were_written(sdk, make_role):
    fields = {"allowed_mcp_servers": ["erp"], "mcp_server_rate_limits": {"erp": 60}}
    shown = sdk.get_role(make_role(**fields)["id"])
    assert {field: shown[field] for field in fields} == fields


def test_lists_that_were_not_set_are_empty(make_role):
    role = make_role()
    for field in ("allowed_envs", "allowed_days", "approval_required", "allowed_mcp_servers"):
        assert role[field] == []
    for field in ("max_rows", "rate_limit_per_minute", "rate_limit_per_hour", "allowed_hours_start"):
        assert role[field] == 0


def test_the_webhook_secret_is_never_shown(sdk, http, make_role):
    secret = "whsec-never-shown"
    role = make_role(webhook_url="http://127.0.0.1:9/hook", webhook_secret=secret)
    answers = [
        http.get("/mgmt/v1/roles"),
        http.get("/mgmt/v1/roles", params={"name": role["name"]}),
        http.get(f"/mgmt/v1/roles/{role['id']}"),
        http.put(f"/mgmt/v1/roles/{role['id']}", json={"description": "touched"}),
        http.get("/mgmt/v1/audit/export"),
    ]
    assert all(answer.is_success and secret not in answer.text for answer in answers)
    assert secret not in str(role)


class TestFindingRoles:
    def test_list_is_an_object_with_roles(self, http, make_role):
        role = make_role()
        assert role["id"] in [one["id"] for one in http.get("/mgmt/v1/roles").json()["roles"]]

    def test_by_name_is_one_object(self, http, make_role):
        role = make_role()
        assert http.get("/mgmt/v1/roles", params={"name": role["name"]}).json() == role
        assert http.get(f"/mgmt/v1/roles/by-name/{role['name']}").json() == role
        assert http.get(f"/mgmt/v1/roles/{role['name']}").json() == role

    def test_names_are_case_sensitive(self, sdk, make_role):
        refused(404, sdk.get_role, make_role()["name"].upper())

    @pytest.mark.parametrize("reference", ["no-such-role", UNKNOWN])
    def test_unknown(self, sdk, http, reference):
        refused(404, sdk.get_role, reference)
        refused(404, sdk.update_role, reference, description="x")
        assert http.get(f"/mgmt/v1/roles/by-name/{reference}").status_code == 404


class TestUpdate:
    def test_by_name(self, sdk, make_role):
        role = make_role()
        assert sdk.update_role(role["name"], description="by name")["id"] == role["id"]

    def test_with_everything_that_came_back(self, sdk, make_role):
        role = make_role(allowed_envs=["staging"], max_rows=10, **EVERYTHING)
        same = sdk.update_role(role["id"], **role)
        changes = ("version", "updated_at")
        assert {f: v for f, v in same.items() if f not in changes} == {
            f: v for f, v in role.items() if f not in changes
        }

    def test_absent_fields_stay(self, sdk, make_role):
        role = make_role(webhook_secret="kept", allowed_envs=["staging"], max_rows=10, **EVERYTHING)
        changed = sdk.update_role(role["id"], description="only this")

        def same(shown):
            return {f: v for f, v in shown.items() if f in EVERYTHING and f != "description"}

        assert same(changed) == same(role)
        assert changed["data_scope"] == role["data_scope"]

    def test_flat_and_nested_are_the_same(self, sdk, make_role):
        role = make_role()
        flat = sdk.update_role(role["id"], allowed_envs=["staging"], max_rows=5)
        assert flat["data_scope"] == {"allowed_envs": ["staging"], "max_rows": 5}
        nested = sdk.update_role(role["id"], data_scope={"allowed_envs": ["production"]})
        assert (nested["allowed_envs"], nested["max_rows"]) == (["production"], 5)
        denied("ENV_VIOLATION", sdk.enforce, role["id"], "read_invoices", {"env": "staging"})
        sdk.enforce(role["id"], "read_invoices", {"env": "production", "limit": 5})

    @pytest.mark.parametrize(
        ("field", "value", "reset"),
        [
            ("description", "words", ""),
            ("rate_limit_per_minute", 5, 0),
            ("allowed_envs", ["staging"], []),
            ("max_rows", 10, 0),
            ("approval_required", ["post_to_erp"], []),
            ("allowed_days", [0], []),
            ("parameter_constraints", {"read_invoices": [{"field": "n", "operator": "lt", "value": 1}]}, {}),
            ("allowed_mcp_servers", ["erp"], []),
            ("mcp_server_rate_limits", {"erp": 5}, {}),
            ("max_delegation_depth", 2, 0),
        ],
    )
    def test_null_and_empty_reset(self, sdk, make_role, field, value, reset):
        role = make_role()
        for empty in (None, reset):
            assert sdk.update_role(role["id"], **{field: value})[field] == value
            assert sdk.update_role(role["id"], **{field: empty})[field] == reset
        sdk.enforce(role["id"], "read_invoices")

    def test_the_hours_reset_together(self, sdk, make_role):
        role = make_role(allowed_hours_start=8, allowed_hours_end=18)
        role = sdk.update_role(role["id"], allowed_hours_start=0, allowed_hours_end=0)
        assert (role["allowed_hours_start"], role["allowed_hours_end"]) == (0, 0)

    def test_emptied_tools_allow_nothing(self, sdk, make_role):
        role = make_role()
        assert sdk.update_role(role["id"], allowed_tools=[])["allowed_tools"] == []
        denied("SCOPE_VIOLATION", sdk.enforce, role["id"], "read_invoices")

    def test_a_refused_update_changes_nothing(self, sdk, make_role):
        role = make_role()
        refused((400, 422), sdk.update_role, role["id"], description="half", allowed_days=[9])
        assert sdk.get_role(role["id"]) == role


class TestRefused:
    def test_a_name_that_is_taken(self, sdk, make_role):
        refused(409, sdk.create_role, make_role()["name"], ["read_invoices"])

    def test_the_name_of_another(self, sdk, make_role):
        refused((400, 409, 422), sdk.update_role, make_role()["id"], name=make_role()["name"])

    @pytest.mark.parametrize(
        "name",
        [
            UNKNOWN,
            UNKNOWN.upper(),
            "9F8E7D6C-1234-4abc-9def-001122334455",
            "",
            "a\nb",
            "x" * 500,
        ],
    )
    def test_names(self, sdk, name):
        """One that looks like an id could never be found by its name."""
        refused((400, 422), sdk.create_role, name, ["read_invoices"])

    @pytest.mark.parametrize("parent", ["no-such-role", UNKNOWN])
    def test_an_unknown_parent(self, sdk, make_role, parent):
        refused(400, sdk.create_role, fresh("orphan"), [], parent_role_id=parent)
        refused(400, sdk.update_role, make_role()["id"], parent_role_id=parent)

    def test_a_cycle(self, sdk, make_role):
        top = make_role()
        middle = make_role(parent_role_id=top["id"])
        bottom = make_role(parent_role_id=middle["name"])
        refused((400, 422), sdk.update_role, top["id"], parent_role_id=bottom["id"])
        refused((400, 422), sdk.update_role, top["id"], parent_role_id=top["id"])

    @pytest.mark.parametrize(
        "fields",
        [
            {"allowed_hours_start": 9, "allowed_hours_end": 9},
            {"allowed_hours_start": 25, "allowed_hours_end": 26},
            {"allowed_days": [7]},
            {"allowed_days": ["monday"]},
            {"rate_limit_per_minute": -1},
            {"default_ttl_seconds": "an hour"},
            {"max_rows": -5},
            {"parameter_constraints": {"read_invoices": [{"field": "n", "operator": "about", "value": 1}]}},
            {"parameter_constraints": {"read_invoices": [{"field": "n", "operator": "lt", "value": "many"}]}},
            {"parameter_constraints": {"read_invoices": [{"field": "n", "operator": "regex", "value": "("}]}},
            {
                "parameter_constraints": {
                    "read_invoices": [{"field": "n", "operator": "regex", "value": r"(a)\1"}]
                }
            },
            {"parameter_constraints": {"read_invoices": [{"field": "n", "operator": "in", "value": "one"}]}},
            {"parameter_constraints": {"read_invoices": {"field": "n"}}},
            {"approval_required": "post_to_erp"},
            {"mcp_server_rate_limits": {"erp": "fast"}},
        ],
        ids=str,
    )
    def test_policies_that_cannot_be_enforced(self, sdk, make_role, fields):
        role = make_role()
        refused((400, 422), sdk.create_role, fresh("bad"), ["read_invoices"], **fields)
        refused((400, 422), sdk.update_role, role["id"], **fields)

    def test_tools_that_are_no_list(self, sdk, http):
        for tools in ("read_invoices", {"read_invoices": True}, [7]):
            answer = http.post("/mgmt/v1/roles", json={"name": fresh("bad"), "allowed_tools": tools})
            assert answer.status_code in (400, 422)


def test_unknown_fields_are_kept_and_given_back_and_never_read(sdk, http):
    extra = {"team": "finance", "x-cost-center": {"id": 7}, "allowed_tool": ["drop_tables"]}
    role = http.post(
        "/mgmt/v1/roles", json={"name": fresh("extra"), "allowed_tools": ["read_invoices"], **extra}
    ).json()
    assert {field: role[field] for field in extra} == extra
    changed = sdk.update_role(role["id"], description="touched", team="sales")
    assert changed["team"] == "sales"
    assert changed["x-cost-center"] == {"id": 7}
    denied("SCOPE_VIOLATION", sdk.enforce, role["id"], "drop_tables")


class TestParents:
    def test_tools_are_inherited_through_all_parents(self, sdk, make_role):
        top = make_role(["base_tool"])
        middle = make_role(["middle_tool"], parent_role_id=top["name"])
        bottom = make_role(["own_tool"], parent_role_id=middle["id"])
        for tool in ("base_tool", "middle_tool", "own_tool"):
            sdk.enforce(bottom["id"], tool)
        denied("SCOPE_VIOLATION", sdk.enforce, bottom["id"], "other_tool")

    def test_guards_come_with_the_tools(self, sdk, make_role):
        below_ten = {"pay": [{"field": "amount", "operator": "lt", "value": 10}]}
        parent = make_role(["pay"], parameter_constraints=below_ten)
        child = make_role(["pay", "read"], parent_role_id=parent["id"])
        sdk.enforce(child["id"], "pay", {"amount": 9})
        denied("PARAMETER_VIOLATION", sdk.enforce, child["id"], "pay", {"amount": 10})

    def test_a_parent_that_changes_changes_its_children(self, sdk, make_role):
        parent = make_role(["base_tool"])
        child = make_role([], parent_role_id=parent["id"])
        sdk.enforce(child["id"], "base_tool")
        sdk.update_role(parent["id"], allowed_tools=["other_tool"])
        denied("SCOPE_VIOLATION", sdk.enforce, child["id"], "base_tool")
        sdk.enforce(child["id"], "other_tool")
