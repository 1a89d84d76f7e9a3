"""The audit export, as JSON and as CSV."""

import csv
import io
import json

import httpx
import pytest

from codes import denied, pending
from plane import wait_for

COLUMNS = [
    "seq",
    "timestamp",
    "event",
    "decision",
    "deny_code",
    "severity",
    "reason",
    "role_id",
    "role_name",
    "session_id",
    "tool_name",
    "action",
    "mcp_server",
    "call_id",
    "approval_id",
    "latency_ms",
    "prev_hash",
    "hash",
]
FORMULAS = ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]


def exported(sdk, **window):
    return json.loads(sdk.export_audit_log(**window))


def of_session(sdk, count=1):
    """The records of the session's decisions. That of a denial may follow its answer."""

    def found():
        events = exported(sdk)["events"]
        events = [event for event in events if event["session_id"] == sdk._session_id and event["decision"]]
        return events if len(events) >= count else None

    return wait_for(found, f"{count} records")


def rows(sdk):
    text = sdk.export_audit_log(format="csv").decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_decision_is_there(sdk, make_role):
    role = make_role(["read_invoices", "post_to_erp"], approval_required=["post_to_erp"])
    sdk.enforce(role["id"], "read_invoices", call_id="c-1")
    denied("SCOPE_VIOLATION", sdk.enforce, role["id"], "drop_tables", call_id="c-2")
    approval_id = pending(sdk.enforce, role["id"], "post_to_erp", call_id="c-3").approval_id
    allow, deny, hold = of_session(sdk, 3)
    for event in (allow, deny, hold):
        assert set(COLUMNS) <= set(event)
        assert (event["role_id"], event["role_name"]) == (role["id"], role["name"])
    assert (allow["decision"], allow["tool_name"], allow["call_id"]) == ("allow", "read_invoices", "c-1")
    assert not allow["deny_code"]
    assert (deny["decision"], deny["deny_code"], deny["severity"]) == ("deny", "SCOPE_VIOLATION", "medium")
    assert (deny["tool_name"], deny["call_id"]) == ("drop_tables", "c-2")
    assert deny["reason"]
    assert (hold["decision"], hold["approval_id"], hold["call_id"]) == ("pending", approval_id, "c-3")


def test_the_server_is_there(sdk, make_role):
    role = make_role(allowed_mcp_servers=["erp"])
    sdk.mcp_enforce(role["id"], "read_invoices", mcp_server="erp")
    assert of_session(sdk)[0]["mcp_server"] == "erp"


def test_the_document_says_what_it_is(sdk, http, make_role):
    sdk.enforce(make_role()["id"], "read_invoices")
    answer = http.get("/mgmt/v1/audit/export", params={"format": "json", "window_hours": 168})
    assert answer.headers["content-type"].startswith("application/json")
    document = answer.json()
    assert (document["format"], document["window_hours"]) == ("json", 168)
    assert document["generated_at"]
    assert document["count"] == len(document["events"]) > 0
    assert exported(sdk)["window_hours"] == 168, "the default"
    assert http.get("/mgmt/v1/audit/export").json()["format"] == "json", "the default"


def test_records_are_chained(sdk, make_role):
    role = make_role()
    for _ in range(5):
        sdk.enforce(role["id"], "read_invoices")
    events = exported(sdk)["events"]
    numbers = [event["seq"] for event in events]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    hashes = [event["hash"] for event in events]
    assert len(set(hashes)) == len(hashes)
    assert [event["prev_hash"] for event in events[1:]] == hashes[:-1]
    assert all(len(bytes.fromhex(text)) == 32 for text in hashes)


def test_csv_has_the_same_records(sdk, http, make_role):
    sdk.enforce(make_role()["id"], "read_invoices", call_id='with "quotes", and\nlines')
    answer = http.get("/mgmt/v1/audit/export", params={"format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.splitlines()[0].split(",") == COLUMNS
    table, events = rows(sdk), exported(sdk)["events"]
    assert [row["hash"] for row in table] == [event["hash"] for event in events]
    assert table[-1]["call_id"] == 'with "quotes", and\nlines'


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_is_a_formula(sdk, make_role, formula):
    denied("SCOPE_VIOLATION", sdk.enforce, make_role()["id"], formula, call_id=formula)
    assert of_session(sdk)[-1]["tool_name"] == formula, "JSON tells it as it was"
    (row,) = [row for row in rows(sdk) if row["session_id"] == sdk._session_id]
    assert row["tool_name"].endswith(formula.strip())
    assert row["call_id"].endswith(formula.strip())
    assert not [cell for cell in row.values() if cell and cell[0] in "=+-@\t\r"]


@pytest.mark.parametrize("window", [1, 168, 720])
def test_windows(sdk, make_role, window):
    sdk.enforce(make_role()["id"], "read_invoices")
    assert exported(sdk, window_hours=window)["window_hours"] == window
    assert of_session(sdk)


@pytest.mark.parametrize(
    "query",
    [
        {"window_hours": 721},
        {"window_hours": 10**30},
        {"window_hours": 0},
        {"window_hours": -1},
        {"window_hours": "week"},
        {"format": "xml"},
        {"format": ""},
    ],
    ids=str,
)
def test_what_cannot_be_exported(http, query):
    assert http.get("/mgmt/v1/audit/export", params=query).status_code == 400


def test_the_package_shows_a_refused_export(sdk):
    with pytest.raises(httpx.HTTPStatusError, match="400 Bad Request"):
        sdk.export_audit_log(format="pdf")


def test_argument_values_stay_out_of_the_log(sdk, make_role):
    sdk.enforce(make_role()["id"], "read_invoices", {"note": "a-very-private-word"})
    assert b"a-very-private-word" not in sdk.export_audit_log()
