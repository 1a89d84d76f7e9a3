"""What a model can put into a call. A client that fails open runs the tool on any 4xx, so each must be denied."""

import pytest

from codes import denied, denied_body

KIB = 1024


@pytest.fixture
def fail_open(open_sdk):
    return open_sdk("agent", fail_open=True)


def nested(depth):
    value = 1
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "args",
    [
        nested(40),
        nested(500),
        {"n": 10**400},
        {"n": 2**63 + 1},
        {str(n): n for n in range(5000)},
        {"pad": "x" * 300 * KIB},
        {"pad": "x" * KIB * KIB},
    ],
    ids=["depth 40", "depth 500", "10^400", "2^63+1", "many members", "300 KiB", "1 MiB"],
)
def test_through_a_client_that_fails_open(fail_open, make_role, args):
    below = {"pay": [{"field": "amount", "operator": "lt", "value": 10}]}
    role = make_role(["pay"], parameter_constraints=below)["id"]
    for enforce in (fail_open.enforce, fail_open.mcp_enforce):
        denied("INVALID_ARGUMENTS", enforce, role, "pay", args)


RAW_ARGUMENTS = {
    "a member twice": b'{"amount": 1, "amount": 5000}',
    "twice once unescaped": b'{"amount": 1, "amoun\\u0074": 5000}',
    "twice further in": b'{"a": {"b": 1, "b": 2}}',
    "too large a number": b'{"amount": 1e400}',
    "more digits than a double has": b'{"amount": 0.12345678901234567890123}',
    "negative zero": b'{"amount": -0}',
    "a lone surrogate": b'{"amount": "\\ud800"}',
    "not UTF-8": b'{"amount": "\xff\xfe"}',
    "overlong UTF-8": b'{"amount": "\xc0\xaf"}',
    "NaN": b'{"amount": NaN}',
    "a comment": b'{"amount": 1 /* 5000 */}',
    "a trailing comma": b'{"amount": 1,}',
    "depth 40": b'{"a":' * 40 + b"1" + b"}" * 40,
    "depth 100,000": b"[" * 100_000 + b"]" * 100_000,
    "a list": b"[1]",
    "a text": b'"amount"',
    "a number": b"7",
}


@pytest.mark.parametrize("path", ["/v1/enforce", "/v1/mcp/enforce"])
@pytest.mark.parametrize("args", RAW_ARGUMENTS.values(), ids=RAW_ARGUMENTS)
def test_byte_by_byte(sdk, http, make_role, path, args):
    member = b"call_args" if path == "/v1/enforce" else b"arguments"
    jwt = sdk.provision(make_role(["pay"])["id"]).encode()
    body = b'{"jwt":"%b","tool_name":"pay","%b":%b}' % (jwt, member, args)
    answer = http.post(path, content=body, headers={"Content-Type": "application/json"})
    denied_body("INVALID_ARGUMENTS", answer)


@pytest.mark.parametrize("empty", [b"{}", b"null", b""])
def test_no_arguments_are_no_crime(sdk, http, make_role, empty):
    jwt = sdk.provision(make_role(["pay"])["id"]).encode()
    member = b',"call_args":%b' % empty if empty else b""
    body = b'{"jwt":"%b","tool_name":"pay"%b}' % (jwt, member)
    answer = http.post("/v1/enforce", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["decision"]) == (200, "allow")


@pytest.mark.parametrize(
    "tool", ["", " ", "p" * 5000, "pay\0", "pay\n", "pаy", "p\u202eay", "../pay", "pay pay", "🙂", "*", "p*"]
)
def test_tool_names_are_the_models_word(fail_open, sdk, make_role, tool):
    role = make_role(["pay"])["id"]
    for enforce in (fail_open.enforce, fail_open.mcp_enforce):
        denied("SCOPE_VIOLATION", enforce, role, tool)


@pytest.mark.parametrize(
    "members",
    [
        {"tool_name": None},
        {"tool_name": 7},
        {"tool_name": ["pay"]},
        {"call_id": 7},
        {"action": 7},
        {"call_args": [1]},
    ],
    ids=str,
)
def test_members_of_the_wrong_kind_are_denied(sdk, http, make_role, members):
    jwt = sdk.provision(make_role(["pay"])["id"])
    answer = http.post("/v1/enforce", json={"jwt": jwt, "tool_name": "pay"} | members)
    assert (answer.status_code, answer.json()["decision"]) == (200, "deny")


def test_a_hostile_call_is_not_remembered_as_an_approval(fail_open, sdk, make_role):
    role = make_role(["pay"], approval_required=["pay"])["id"]
    denied("INVALID_ARGUMENTS", fail_open.enforce, role, "pay", nested(40))
    assert role not in [one["role_id"] for one in sdk.list_approvals()]


@pytest.mark.parametrize(
    ("content", "kind", "statuses"),
    [
        (b"not json", "application/json", (400,)),
        (b'{"role_id":', "application/json", (400,)),
        (b"[]", "application/json", (400, 422)),
        (b"{}", "application/json", (400, 422)),
        (b'{"role_id": "a", "role_id": "b"}', "application/json", (400,)),
        (b"role_id=a", "application/x-www-form-urlencoded", (400, 415)),
        (b'{"role_id": "' + b"x" * 300 * KIB + b'"}', "application/json", (413,)),
    ],
    ids=["text", "cut short", "a list", "empty", "twice", "a form", "300 KiB"],
)
def test_broken_requests_elsewhere_are_errors_in_json(http, content, kind, statuses):
    answer = http.post("/v1/provision", content=content, headers={"Content-Type": kind})
    assert answer.status_code in statuses
    assert answer.json()["error"]["message"]
