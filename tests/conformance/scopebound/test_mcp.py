"""MCP enforcement: the five codes of its own, and which of them comes first."""

import asyncio

import pytest
from scopebound import MCPHook, mcp_hook

from codes import denied, denied_body, pending
from plane import fresh

SCHEMA = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "depth": {"type": "integer"}},
    "required": ["path"],
}
PATH = {"path": "/invoices/2026-Q1/"}


@pytest.fixture
def role(make_role):
    return make_role(["read_file", "post_invoice"], allowed_mcp_servers=["filesystem", "erp"])


def test_as_the_pages_do_without_a_session_of_another(sdk, role):
    """The page's `mcp_session_id="session_abc"` is not the token's session: that is a hijack."""
    call = dict(
        role_id=role["name"],
        tool_name="read_file",
        arguments=PATH,
        mcp_server="filesystem",
        mcp_tool_schema=SCHEMA,
    )
    assert sdk.mcp_enforce(**call) is None
    assert sdk.mcp_enforce(**call, mcp_session_id=sdk._session_id, call_id="c-1") is None
    error = denied("MCP_SESSION_HIJACK", sdk.mcp_enforce, **call, mcp_session_id="session_abc", call_id="c-2")
    assert error.call_id == "c-2"


class TestServers:
    def test_not_listed(self, sdk, role):
        for server in ("github", "Filesystem", "filesystem ", "*"):
            denied(
                "MCP_SERVER_UNAUTHORIZED", sdk.mcp_enforce, role["id"], "read_file", PATH, mcp_server=server
            )

    def test_an_empty_list_lists_none(self, sdk, make_role):
        role = make_role(["read_file"])
        denied(
            "MCP_SERVER_UNAUTHORIZED", sdk.mcp_enforce, role["id"], "read_file", PATH, mcp_server="filesystem"
        )
        sdk.mcp_enforce(role["id"], "read_file", PATH)

    def test_leaving_the_server_out_does_not_get_around_the_list(self, sdk, role):
        denied("MCP_SERVER_UNAUTHORIZED", sdk.mcp_enforce, role["id"], "read_file", PATH)
        denied("MCP_SERVER_UNAUTHORIZED", sdk.enforce, role["id"], "read_file", PATH)


class TestTools:
    def test_a_tool_that_the_server_does_not_have(self, sdk, role):
        denied("MCP_TOOL_NOT_FOUND", sdk.mcp_enforce, role["id"], "format_disk", {}, mcp_server="filesystem")

    def test_a_tool_it_has_and_the_role_does_not_allow(self, sdk, role):
        denied("SCOPE_VIOLATION", sdk.mcp_enforce, role["id"], "delete_file", PATH, mcp_server="filesystem")

    def test_a_server_that_nobody_described(self, sdk, role):
        sdk.mcp_enforce(role["id"], "post_invoice", {}, mcp_server="erp")
        denied("SCOPE_VIOLATION", sdk.mcp_enforce, role["id"], "drop_tables", {}, mcp_server="erp")

    def test_a_tool_that_only_the_role_knows(self, sdk, make_role):
        role = make_role(["summarise"], allowed_mcp_servers=["filesystem"])
        sdk.mcp_enforce(role["id"], "summarise", {}, mcp_server="filesystem")


class TestSchemas:
    @pytest.mark.parametrize(
        "arguments", [{}, {"path": 7}, {"path": None}, PATH | {"depth": "deep"}, PATH | {"depth": 1.5}]
    )
    def test_arguments_that_do_not_fit(self, sdk, role, arguments):
        call = dict(mcp_server="filesystem", mcp_tool_schema=SCHEMA)
        denied("MCP_ARGUMENT_SCHEMA_VIOLATION", sdk.mcp_enforce, role["id"], "read_file", arguments, **call)

    @pytest.mark.parametrize(
        "schema",
        [{"type": 7}, {"type": "objekt"}, {"$ref": "http://127.0.0.1:9/schema"}, {"required": "path"}],
    )
    def test_a_schema_that_is_none(self, sdk, role, schema):
        call = dict(mcp_server="filesystem", mcp_tool_schema=schema)
        denied("MCP_ARGUMENT_SCHEMA_VIOLATION", sdk.mcp_enforce, role["id"], "read_file", PATH, **call)

    def test_an_empty_schema_asks_for_nothing(self, sdk, role):
        sdk.mcp_enforce(role["id"], "read_file", PATH, mcp_server="filesystem", mcp_tool_schema={})


class TestCatalogues:
    """An operator registers what a server offers; then the caller's word alone is not enough."""

    @pytest.fixture
    def server(self, http):
        server = fresh("warehouse")
        tools = [
            {
                "name": "count",
                "inputSchema": {
                    "type": "object",
                    "properties": {"bin": {"type": "string"}},
                    "required": ["bin"],
                },
            },
            {"name": "burn"},
        ]
        answer = http.put(f"/mgmt/v1/mcp/servers/{server}", json={"tools": tools})
        assert answer.is_success, answer.text
        assert [tool["name"] for tool in http.get(f"/mgmt/v1/mcp/servers/{server}").json()["tools"]] == [
            "count",
            "burn",
        ]
        return server

    def test_both_schemas_must_pass(self, sdk, make_role, server):
        role = make_role(["count"], allowed_mcp_servers=[server])
        sdk.mcp_enforce(role["id"], "count", {"bin": "a"}, mcp_server=server)
        sdk.mcp_enforce(
            role["id"], "count", {"bin": "a"}, mcp_server=server, mcp_tool_schema={"type": "object"}
        )
        for schema in (None, {}, {"type": "object"}):
            denied(
                "MCP_ARGUMENT_SCHEMA_VIOLATION",
                sdk.mcp_enforce,
                role["id"],
                "count",
                {"bin": 7},
                mcp_server=server,
                mcp_tool_schema=schema,
            )
        stricter = {"properties": {"bin": {"enum": ["b"]}}}
        denied(
            "MCP_ARGUMENT_SCHEMA_VIOLATION",
            sdk.mcp_enforce,
            role["id"],
            "count",
            {"bin": "a"},
            mcp_server=server,
            mcp_tool_schema=stricter,
        )

    def test_what_is_not_registered_is_not_found(self, sdk, make_role, server):
        role = make_role(["count", "steal"], allowed_mcp_servers=[server])
        denied("SCOPE_VIOLATION", sdk.mcp_enforce, role["id"], "burn", {}, mcp_server=server)
        for tool in ("steal", "other"):
            denied("MCP_TOOL_NOT_FOUND", sdk.mcp_enforce, role["id"], tool, {}, mcp_server=server)

    def test_an_unknown_server_is_404(self, http):
        assert http.get("/mgmt/v1/mcp/servers/no-such-server").status_code == 404


def test_the_rate_of_one_server(sdk, make_role):
    limits = {"filesystem": 2, "erp": 1}
    role = make_role(
        ["read_file", "post_invoice"], allowed_mcp_servers=list(limits), mcp_server_rate_limits=limits
    )
    for _ in range(2):
        sdk.mcp_enforce(role["id"], "read_file", PATH, mcp_server="filesystem")
    denied("MCP_RATE_LIMIT_EXCEEDED", sdk.mcp_enforce, role["id"], "read_file", PATH, mcp_server="filesystem")
    sdk.mcp_enforce(role["id"], "post_invoice", {}, mcp_server="erp")


@pytest.mark.parametrize(
    ("code", "tool", "arguments", "server", "session"),
    [
        ("MCP_SESSION_HIJACK", "format_disk", {}, "github", "session_abc"),
        ("MCP_SERVER_UNAUTHORIZED", "format_disk", {}, "github", ""),
        ("MCP_TOOL_NOT_FOUND", "format_disk", {}, "filesystem", ""),
        ("SCOPE_VIOLATION", "delete_file", {}, "filesystem", ""),
        ("ENV_VIOLATION", "read_file", {"env": "nowhere"}, "filesystem", ""),
        ("MCP_ARGUMENT_SCHEMA_VIOLATION", "read_file", {"path": 7}, "filesystem", ""),
        ("PARAMETER_VIOLATION", "read_file", {"path": "/etc"}, "filesystem", ""),
    ],
)
def test_the_first_of_several_reasons_is_named(sdk, make_role, code, tool, arguments, server, session):
    role = make_role(
        ["read_file"],
        allowed_mcp_servers=["filesystem"],
        allowed_envs=["here"],
        approval_required=["read_file"],
        parameter_constraints={"read_file": [{"field": "path", "operator": "regex", "value": "/data/.*"}]},
    )
    call = dict(mcp_server=server, mcp_session_id=session, mcp_tool_schema=SCHEMA)
    denied(code, sdk.mcp_enforce, role["id"], tool, arguments, **call)


def test_a_person_is_asked_here_too(sdk, make_role):
    role = make_role(["write_file"], allowed_mcp_servers=["filesystem"], approval_required=["write_file"])
    call = dict(role_id=role["id"], tool_name="write_file", arguments=PATH, mcp_server="filesystem")
    approval_id = pending(sdk.mcp_enforce, **call).approval_id
    sdk.approve(approval_id)
    sdk.mcp_enforce(**call)
    assert pending(sdk.mcp_enforce, **call).approval_id != approval_id


def test_an_approval_for_one_server_is_not_for_another(sdk, make_role):
    role = make_role(
        ["write_file"], allowed_mcp_servers=["filesystem", "archive"], approval_required=["write_file"]
    )
    call = dict(role_id=role["id"], tool_name="write_file", arguments=PATH)
    sdk.approve(pending(sdk.mcp_enforce, **call, mcp_server="filesystem").approval_id)
    pending(sdk.mcp_enforce, **call, mcp_server="archive")


class TestHook:
    def test_sync_and_async(self, sdk, role):
        hook = mcp_hook(sdk, role["name"], mcp_server="filesystem")
        assert isinstance(hook, MCPHook)
        hook("read_file", PATH, mcp_tool_schema=SCHEMA)
        asyncio.run(hook.async_call("read_file", PATH, mcp_tool_schema=SCHEMA))
        asyncio.run(hook.as_async()("read_file", PATH))
        denied("SCOPE_VIOLATION", hook, "write_file", PATH)
        denied(
            "MCP_ARGUMENT_SCHEMA_VIOLATION",
            lambda: asyncio.run(hook.async_call("read_file", {}, mcp_tool_schema=SCHEMA)),
        )

    def test_it_asserts_its_session(self, sdk, role):
        sdk.provision(role["id"])
        mcp_hook(sdk, role["id"], mcp_server="filesystem", session_id=sdk._session_id)("read_file", PATH)
        hook = mcp_hook(sdk, role["id"], mcp_server="filesystem", session_id="of-another-session")
        denied("MCP_SESSION_HIJACK", hook, "read_file", PATH)


@pytest.mark.parametrize(
    "members",
    [
        {"mcp_server": 7},
        {"mcp_server": None, "mcp_session_id": ["x"]},
        {"mcp_tool_schema": "none"},
        {"mcp_tool_schema": []},
        {"arguments": [1]},
        {"arguments": "path"},
        {"arguments": 7},
        {"call_id": 7, "mcp_server": {}},
    ],
    ids=str,
)
def test_members_of_the_wrong_kind_are_denied(sdk, http, role, members):
    call = {"jwt": sdk.provision(role["id"]), "tool_name": "read_file", "arguments": PATH} | members
    answer = http.post("/v1/mcp/enforce", json=call)
    assert (answer.status_code, answer.json()["decision"]) == (200, "deny")


def test_an_invalid_token_is_denied(http):
    denied_body(
        "JWT_INVALID", http.post("/v1/mcp/enforce", json={"jwt": "x", "tool_name": "t", "arguments": {}})
    )
