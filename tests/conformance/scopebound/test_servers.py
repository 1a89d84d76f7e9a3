"""What an operator registers about MCP servers: beyond the published package, which has no call for it."""

import pytest

from codes import denied, denied_body
from plane import fresh

BIN = {"type": "object", "properties": {"bin": {"type": "string"}}, "required": ["bin"]}
COUNT = {"name": "count", "title": "Count", "description": "Counts a bin.", "inputSchema": BIN}


def path(server):
    return f"/mgmt/v1/mcp/servers/{server}"


@pytest.fixture
def server(http):
    server = fresh("warehouse")
    answer = http.put(path(server), json={"tools": [COUNT, {"name": "burn"}]})
    assert answer.status_code == 201, answer.text
    return server


def test_a_catalogue_comes_back_as_it_was_written(http, server):
    shown = http.get(path(server)).json()
    assert (shown["name"], shown["tools"]) == (server, [COUNT, {"name": "burn"}])
    listed = {one["name"]: one["tools"] for one in http.get("/mgmt/v1/mcp/servers").json()["servers"]}
    assert listed[server] == ["count", "burn"]


def test_registering_again_replaces_all_of_it(sdk, http, make_role, server):
    role = make_role(["count", "burn"], allowed_mcp_servers=[server])
    sdk.mcp_enforce(role["id"], "burn", {}, mcp_server=server)
    before = http.get("/v1/epoch").json()
    assert http.put(path(server), json={"tools": [{"name": "count"}]}).status_code == 200
    assert http.get("/v1/epoch").json() != before
    denied("MCP_TOOL_NOT_FOUND", sdk.mcp_enforce, role["id"], "burn", {}, mcp_server=server)
    sdk.mcp_enforce(role["id"], "count", {"bin": 7}, mcp_server=server)


def test_a_deleted_one_is_not_described_any_more(sdk, http, make_role, server):
    role = make_role(["steal"], allowed_mcp_servers=[server])
    denied("MCP_TOOL_NOT_FOUND", sdk.mcp_enforce, role["id"], "steal", {}, mcp_server=server)
    assert http.delete(path(server)).status_code == 200
    for answer in (http.get(path(server)), http.delete(path(server))):
        assert answer.status_code == 404
    sdk.mcp_enforce(role["id"], "steal", {}, mcp_server=server)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"tools": None},
        {"tools": {}},
        {"tools": ["count"]},
        {"tools": [{}]},
        {"tools": [{"name": "a b"}]},
        {"tools": [{"name": "a"}, {"name": "a"}]},
        {"tools": [{"name": "a", "inputschema": {}}]},
        {"tools": [{"name": "a", "inputSchema": None}]},
        {"tools": [{"name": "a", "inputSchema": {"type": "objekt"}}]},
        {"tools": [{"name": "a", "inputSchema": {"$ref": "http://127.0.0.1:9/s"}}]},
        {"tools": [{"name": "a", "inputSchema": {"$ref": "#"}}]},
        {"tools": [], "nextCursor": "2"},
    ],
    ids=str,
)
def test_what_cannot_be_enforced_is_refused_and_changes_nothing(http, server, body):
    before = http.get(path(server)).json()
    answer = http.put(path(server), json=body)
    assert answer.status_code == 400 and answer.json()["error"]["message"], answer.text
    assert http.get(path(server)).json() == before


def test_a_name_that_no_role_can_list_is_refused(http):
    assert http.put(path("a%20b"), json={"tools": []}).status_code == 400


def test_who_may_write_and_who_may_read(plane, keys, server):
    for kind in ("agent", "approver", "auditor", "admin"):
        with plane.http(getattr(keys, kind)) as client:
            assert client.get(path(server)).status_code == 200
            writes = 200 if kind == "admin" else 403
            assert client.put(path(server), json={"tools": [COUNT, {"name": "burn"}]}).status_code == writes
            assert client.delete(path(fresh("none"))).status_code == (404 if kind == "admin" else 403)


def test_another_tenant_has_its_own(plane, http, server):
    name = fresh("tenant")
    plane.tenant(name)
    with plane.http(plane.key("dev", name)) as other:
        assert other.get(path(server)).status_code == 404
        assert other.delete(path(server)).status_code == 404
        assert other.put(path(server), json={"tools": []}).status_code == 201
        assert server in str(other.get("/mgmt/v1/mcp/servers").json())
    assert len(http.get(path(server)).json()["tools"]) == 2


def test_it_outlives_a_restart_and_so_does_what_was_counted(plane, sdk, http, make_role, server):
    role = make_role(["count"], allowed_mcp_servers=[server], mcp_server_rate_limits={server: 1})
    sdk.mcp_enforce(role["id"], "count", {"bin": "a"}, mcp_server=server)
    gone = fresh("gone")
    http.put(path(gone), json={"tools": []})
    http.delete(path(gone))
    plane.stop()
    plane.start()
    assert http.get(path(server)).json()["tools"] == [COUNT, {"name": "burn"}]
    assert http.get(path(gone)).status_code == 404
    call = dict(mcp_server=server)
    denied("MCP_ARGUMENT_SCHEMA_VIOLATION", sdk.mcp_enforce, role["id"], "count", {}, **call)
    denied("MCP_RATE_LIMIT_EXCEEDED", sdk.mcp_enforce, role["id"], "count", {"bin": "a"}, **call)


def test_the_other_route_is_no_way_around(sdk, http, make_role, server):
    """`/v1/enforce` judges what a call says of MCP like `/v1/mcp/enforce` does."""
    role = make_role(["count"], allowed_mcp_servers=[server], mcp_server_rate_limits={server: 1})
    jwt = sdk.provision(role["id"])

    def ask(**members):
        call = {"jwt": jwt, "tool_name": "count", "call_args": {"bin": "a"}} | members
        return http.post("/v1/enforce", json=call)

    denied_body("MCP_SERVER_UNAUTHORIZED", ask())
    denied_body("MCP_SERVER_UNAUTHORIZED", ask(mcp_server="github"))
    denied_body("MCP_SESSION_HIJACK", ask(mcp_server=server, mcp_session_id="session_abc"))
    denied_body("MCP_TOOL_NOT_FOUND", ask(mcp_server=server, tool_name="steal"))
    denied_body("MCP_ARGUMENT_SCHEMA_VIOLATION", ask(mcp_server=server, call_args={"bin": 7}))
    narrower = {"properties": {"bin": {"enum": ["b"]}}}
    denied_body("MCP_ARGUMENT_SCHEMA_VIOLATION", ask(mcp_server=server, mcp_tool_schema=narrower))
    assert ask(mcp_server=server, mcp_session_id=sdk._session_id).json()["decision"] == "allow"
    denied_body("MCP_RATE_LIMIT_EXCEEDED", ask(mcp_server=server))
