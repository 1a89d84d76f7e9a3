"""What each guard of a role refuses, under which code, and which code comes first."""

from datetime import UTC, datetime, timedelta

import pytest

from codes import denied, pending
from plane import fresh


def constrained(*constraints):
    terms = [
        dict(zip(("field", "operator", "value"), constraint, strict=False)) for constraint in constraints
    ]
    return {"parameter_constraints": {"pay": terms}}


class TestConstraints:
    @pytest.mark.parametrize(
        ("constraint", "passes", "fails"),
        [
            (("country", "eq", "DE"), ["DE"], ["de", "DE ", "", 7, ["DE"]]),
            (("amount", "eq", 10), [10, 10.0], [11, "10", [10], True]),
            (("amount", "lt", 10), [9, 9.5, -1], [10, 10.0, 11, "9", [9], True]),
            (("amount", "gt", 10), [11, 10.5], [10, 10.0, 9, "11", True]),
            (
                ("to", "contains", "@company.com"),
                ["a@company.com", ["@company.com"]],
                ["a@company.org", ["a@company.com"], 7],
            ),
            (("to", "in", ["ann", "bob", 7]), ["ann", "bob", 7], ["Ann", "annbob", "7", ["ann"]]),
            (
                ("to", "regex", ".*@company.com$"),
                ["a@company.com"],
                ["a@company.com.evil", "a@company.com\n", 7, ["a@company.com"]],
            ),
            (("to", "regex", "inv-[0-9]+"), ["inv-1"], ["xinv-1", "inv-1x", "inv-", "INV-1"]),
        ],
        ids=lambda value: "-".join(map(str, value)) if isinstance(value, tuple) else "",
    )
    def test_operators(self, sdk, make_role, constraint, passes, fails):
        role, field = make_role(["pay"], **constrained(constraint)), constraint[0]
        for value in passes:
            sdk.enforce(role["id"], "pay", {field: value})
        for value in [*fails, None]:
            denied("PARAMETER_VIOLATION", sdk.enforce, role["id"], "pay", {field: value})
        denied("PARAMETER_VIOLATION", sdk.enforce, role["id"], "pay", {})

    def test_all_terms_must_hold(self, sdk, make_role):
        role = make_role(
            ["pay"], **constrained(("amount", "gt", 1), ("amount", "lt", 10), ("to", "eq", "ann"))
        )
        sdk.enforce(role["id"], "pay", {"amount": 5, "to": "ann"})
        for args in (
            {"amount": 1, "to": "ann"},
            {"amount": 10, "to": "ann"},
            {"amount": 5, "to": "bob"},
            {"amount": 5},
        ):
            denied("PARAMETER_VIOLATION", sdk.enforce, role["id"], "pay", args)

    @pytest.mark.parametrize("operator", ["regex", "eq"])
    def test_several_on_one_field_are_alternatives(self, sdk, make_role, operator):
        role = make_role(["pay"], **constrained(("to", operator, "ann"), ("to", operator, "bob")))
        sdk.enforce(role["id"], "pay", {"to": "ann"})
        sdk.enforce(role["id"], "pay", {"to": "bob"})
        denied("PARAMETER_VIOLATION", sdk.enforce, role["id"], "pay", {"to": "cat"})

    def test_a_regex_and_an_eq_are_not_alternatives(self, sdk, make_role):
        role = make_role(["pay"], **constrained(("to", "regex", "a.*"), ("to", "eq", "bob")))
        for to in ("ann", "bob"):
            denied("PARAMETER_VIOLATION", sdk.enforce, role["id"], "pay", {"to": to})

    def test_look_alike_names_do_not_hide_a_field(self, sdk, make_role):
        role = make_role(["pay"], **constrained(("amount", "lt", 10)))
        denied("PARAMETER_VIOLATION", sdk.enforce, role["id"], "pay", {"amount": 5, "Amount": 5000})

    def test_an_argument_may_be_optional_if_the_role_says_so(self, sdk, make_role):
        """Not a published member: without it a missing field is a violation."""
        optional = {"field": "table", "operator": "in", "value": ["invoices"], "when_absent": "allow"}
        role = make_role(["query"], parameter_constraints={"query": [optional]})
        sdk.enforce(role["id"], "query", {"sql": "SELECT 1"})
        denied("PARAMETER_VIOLATION", sdk.enforce, role["id"], "query", {"table": "salaries"})

    def test_fields_further_in(self, sdk, make_role):
        role = make_role(["pay"], **constrained(("to.country", "eq", "DE"), ("items[*].price", "lt", 10)))
        sdk.enforce(role["id"], "pay", {"to": {"country": "DE"}, "items": [{"price": 1}, {"price": 2}]})
        for args in (
            {"to": {"country": "FR"}, "items": [{"price": 1}]},
            {"to": {"country": "DE"}, "items": [{"price": 1}, {"price": 20}]},
            {"to": {"country": "DE"}, "items": []},
            {"to.country": "DE", "items": [{"price": 1}]},
        ):
            denied("PARAMETER_VIOLATION", sdk.enforce, role["id"], "pay", args)

    def test_a_constraint_of_one_tool_leaves_the_others_alone(self, sdk, make_role):
        role = make_role(["pay", "read"], **constrained(("amount", "lt", 10)))
        sdk.enforce(role["id"], "read", {"amount": 1000})


class TestDataScope:
    def test_environments(self, sdk, make_role):
        role = make_role(["pay"], allowed_envs=["staging", "production"])
        sdk.enforce(role["id"], "pay", {"env": "staging"})
        sdk.enforce(role["id"], "pay", {})
        for env in ("development", "Staging", "", 7, ["staging"]):
            denied("ENV_VIOLATION", sdk.enforce, role["id"], "pay", {"env": env})

    def test_rows(self, sdk, make_role):
        role = make_role(["pay"], max_rows=10)
        for args in ({"limit": 10}, {"limit": 0}, {}):
            sdk.enforce(role["id"], "pay", args)
        for limit in (11, 10.5, "10", "all", -1, [5], True):
            denied("DATA_LIMIT_EXCEEDED", sdk.enforce, role["id"], "pay", {"limit": limit})


class TestTime:
    """Windows at least an hour away from now on both sides, whenever this runs."""

    def test_hours(self, sdk, make_role):
        hour = datetime.now(UTC).hour
        open_now = make_role(["pay"], allowed_hours_start=(hour - 2) % 24, allowed_hours_end=(hour + 3) % 24)
        shut_now = make_role(
            ["pay"], allowed_hours_start=(hour + 10) % 24 or 1, allowed_hours_end=(hour + 14) % 24 or 1
        )
        sdk.provision(open_now["id"])
        sdk.enforce(open_now["id"], "pay")
        sdk.provision(shut_now["id"])
        denied("TIME_VIOLATION", sdk.enforce, shut_now["id"], "pay")

    def test_days(self, sdk, make_role):
        now = datetime.now(UTC)
        near = {(now + timedelta(hours=h)).weekday() for h in (0, 1)}
        open_now = make_role(["pay"], allowed_days=sorted(near))
        shut_now = make_role(["pay"], allowed_days=sorted(set(range(7)) - near))
        sdk.provision(open_now["id"])
        sdk.enforce(open_now["id"], "pay")
        sdk.provision(shut_now["id"])
        denied("TIME_VIOLATION", sdk.enforce, shut_now["id"], "pay")


class TestRates:
    def test_a_minute(self, sdk, make_role):
        role = make_role(["pay"], rate_limit_per_minute=2)
        for _ in range(2):
            sdk.enforce(role["id"], "pay")
        denied("RATE_LIMIT_EXCEEDED/minute", sdk.enforce, role["id"], "pay")

    def test_an_hour(self, sdk, make_role):
        role = make_role(["pay"], rate_limit_per_hour=2)
        for _ in range(2):
            sdk.enforce(role["id"], "pay")
        denied("RATE_LIMIT_EXCEEDED/hour", sdk.enforce, role["id"], "pay")

    def test_a_denied_call_costs_nothing(self, sdk, make_role):
        role = make_role(["pay"], rate_limit_per_minute=1)
        for _ in range(3):
            denied("SCOPE_VIOLATION", sdk.enforce, role["id"], "steal")
        sdk.enforce(role["id"], "pay")

    def test_each_session_counts_for_itself(self, sdk, make_role):
        role = make_role(["pay"], rate_limit_per_minute=1)
        for _ in range(2):
            sdk.provision(role["id"])
            sdk.enforce(role["id"], "pay")
            denied("RATE_LIMIT_EXCEEDED/minute", sdk.enforce, role["id"], "pay")

    def test_new_sessions_do_not_lift_the_limit_for_ever(self, sdk, make_role):
        role = make_role(["pay"], rate_limit_per_hour=1)
        for _ in range(10):
            sdk.provision(role["id"])
            sdk.enforce(role["id"], "pay")
        sdk.provision(role["id"])
        denied("RATE_LIMIT_EXCEEDED/hour", sdk.enforce, role["id"], "pay")


def test_forbidden_actions_beat_every_grant(sdk, http):
    role = http.post(
        "/mgmt/v1/roles",
        json={
            "name": fresh("forbidden"),
            "allowed_tools": ["pay", "pay_abroad"],
            "denied_actions": ["pay_a*"],
        },
    ).json()
    sdk.enforce(role["id"], "pay")
    denied("ACTION_FORBIDDEN", sdk.enforce, role["id"], "pay_abroad")


EVERYTHING_WRONG = {"env": "nowhere", "amount": 99, "limit": 99}
AMOUNT = constrained(("amount", "lt", 10))


@pytest.mark.parametrize(
    ("code", "tool", "fields", "args"),
    [
        ("SCOPE_VIOLATION", "steal", {"allowed_days": "never"}, {}),
        (
            "TIME_VIOLATION",
            "pay",
            {"allowed_days": "never", "allowed_envs": ["here"], **AMOUNT},
            EVERYTHING_WRONG,
        ),
        ("ENV_VIOLATION", "pay", {"allowed_envs": ["here"], "max_rows": 5, **AMOUNT}, EVERYTHING_WRONG),
        (
            "PARAMETER_VIOLATION",
            "pay",
            {"max_rows": 5, "approval_required": ["pay"], **AMOUNT},
            EVERYTHING_WRONG,
        ),
        ("DATA_LIMIT_EXCEEDED", "pay", {"max_rows": 5, "approval_required": ["pay"]}, EVERYTHING_WRONG),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isupper() else "",
)
def test_the_first_of_several_reasons_is_named(sdk, make_role, code, tool, fields, args):
    """Rules that read no arguments come first, and a person is asked last."""
    today = datetime.now(UTC).weekday()
    if fields.get("allowed_days") == "never":
        fields = fields | {"allowed_days": [(today + 3) % 7]}
    denied(code, sdk.enforce, make_role(["pay"], **fields)["id"], tool, args)


def test_a_call_beyond_the_rate_opens_no_approval(sdk, make_role):
    role = make_role(["read", "pay"], approval_required=["pay"], rate_limit_per_minute=1)
    pending(sdk.enforce, role["id"], "pay")
    sdk.enforce(role["id"], "read")
    denied("RATE_LIMIT_EXCEEDED/minute", sdk.enforce, role["id"], "pay", {"another": 1})
