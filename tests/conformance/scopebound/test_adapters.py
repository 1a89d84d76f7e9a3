"""The adapters that import nothing of the framework they are for.

The Claude, AutoGen, Semantic Kernel and Assistants adapters take plain callables and objects, and the
CrewAI one looks for its framework only to pick an exception. They are driven as their own documentation
says; installing hundreds of megabytes of frameworks would run no further line of the package.
"""

import asyncio
import json
from types import SimpleNamespace

import pytest
from scopebound import (
    AutoGenSession,
    CrewEnforcer,
    ScopeboundDenyError,
    ScopeboundHook,
    ScopeboundPendingError,
    ScopeboundSession,
    enforce_autogen,
    enforce_claude,
    enforce_sk,
)

from codes import denied, denied_body


@pytest.fixture
def role(make_role):
    return make_role(["read_invoices", "post_to_erp"], approval_required=["post_to_erp"])


def session_is_over(sdk, jwt):
    answer = sdk._client.post("/v1/enforce", json={"jwt": jwt, "tool_name": "read_invoices"})
    return denied_body("SESSION_REVOKED", answer)


class TestClaude:
    def test_the_hook(self, sdk, role):
        hook = ScopeboundHook(sdk, role=role["name"])
        assert hook.pre_tool_use("read_invoices", {"limit": 5}) is None
        assert hook("read_invoices", {}) is None
        with pytest.raises(PermissionError, match=r"\[Scopebound\] SCOPE_VIOLATION: .+") as caught:
            hook("Bash", {"command": "rm -rf /"})
        assert isinstance(caught.value.__cause__, ScopeboundDenyError)

    def test_the_options(self, sdk, role):
        options = enforce_claude(sdk, role=role["name"])
        assert list(options) == ["PreToolUse"]
        assert options["PreToolUse"]("read_invoices", {}) is None

    def test_a_call_that_waits(self, sdk, role):
        hook = ScopeboundHook(sdk, role=role["name"])
        with pytest.raises(ScopeboundPendingError) as caught:
            hook("post_to_erp", {"amount": 5})
        sdk.approve(caught.value.approval_id)
        hook("post_to_erp", {"amount": 5})


class TestAutoGen:
    def test_the_decorator(self, sdk, role):
        @enforce_autogen(sdk, role=role["name"])
        def read_invoices(limit: int = 10) -> str:
            """Reads."""
            return f"found {limit}"

        @enforce_autogen(sdk, role=role["name"])
        def drop_tables() -> str:
            raise AssertionError("ran")

        assert (read_invoices(limit=3), read_invoices.__name__, read_invoices.__doc__) == (
            "found 3",
            "read_invoices",
            "Reads.",
        )
        answer = drop_tables()
        assert (answer["error"], answer["retry_guidance"]) == ("SCOPE_VIOLATION", "none")
        assert answer["reason"]

    def test_the_session(self, sdk, role):
        with AutoGenSession(sdk, roles={"reader": role["name"]}) as session:
            jwt = sdk._jwt
            read_invoices = session.enforce_tool("reader")(named("read_invoices"))
            assert read_invoices() == "read_invoices ran"
        session_is_over(sdk, jwt)
        with session.conversation():
            assert read_invoices() == "read_invoices ran"
        with pytest.raises(ValueError, match="not found in roles"):
            session.enforce_tool("writer")


class TestSemanticKernel:
    def test_sync_and_async(self, sdk, role):
        class Invoices:
            @enforce_sk(sdk, role=role["name"])
            def read_invoices(self, limit=10):
                return f"found {limit}"

            @enforce_sk(sdk, role=role["name"])
            async def drop_tables(self):
                raise AssertionError("ran")

        assert Invoices().read_invoices(limit=2) == "found 2"
        assert Invoices().read_invoices(2) == "found 2"
        denied("SCOPE_VIOLATION", lambda: asyncio.run(Invoices().drop_tables()))


class TestCrewAi:
    def test_tools_and_session(self, sdk, role):
        enforcer = CrewEnforcer(sdk, roles={"researcher": role["name"]})

        @enforcer.enforce_tool(agent_role="researcher")
        class Reader:
            name = "read_invoices"

            def _run(self, query=""):
                return f"results for {query}"

        @enforcer.enforce_tool(agent_role="researcher")
        class Dropper:
            name = "drop_tables"

            def _run(self):
                raise AssertionError("ran")

            async def _arun(self):
                raise AssertionError("ran")

        with enforcer.crew_session():
            jwt = sdk._jwt
            assert Reader()._run(query="q3") == "results for q3"
            denied("SCOPE_VIOLATION", Dropper()._run)
            denied("SCOPE_VIOLATION", lambda: asyncio.run(Dropper()._arun()))
        session_is_over(sdk, jwt)
        with pytest.raises(ValueError, match="not found in roles"):
            enforcer.enforce_tool(agent_role="writer")


class TestAssistants:
    def test_calls_of_a_run(self, sdk, role):
        handlers = {
            "read_invoices": lambda name, arguments: f"found {arguments['limit']}",
            "drop_tables": lambda name, arguments: pytest.fail("ran"),
            "post_to_erp": lambda name, arguments: pytest.fail("ran"),
        }
        calls = [
            tool_call("call_1", "read_invoices", '{"limit": 4}'),
            tool_call("call_2", "drop_tables", ""),
            tool_call("call_3", "post_to_erp", "not json"),
            tool_call("c" * 200, "read_invoices", '{"limit": 5}'),
        ]
        with ScopeboundSession(sdk, role=role["name"]) as session:
            outputs = session.execute_tool_calls(calls, handlers)
            jwt = sdk._jwt
        assert [output["tool_call_id"] for output in outputs] == [call.id for call in calls]
        allowed, refused, waits, long_id = [output["output"] for output in outputs]
        assert (allowed, long_id) == ("found 4", "found 5")
        assert json.loads(refused)["error"] == "SCOPE_VIOLATION"
        assert json.loads(waits)["error"] == "ENFORCEMENT_ERROR"
        assert "requires human approval" in json.loads(waits)["reason"]
        session_is_over(sdk, jwt)


def named(name):
    def tool():
        return f"{name} ran"

    tool.__name__ = name
    return tool


def tool_call(call_id, name, arguments):
    return SimpleNamespace(id=call_id, function=SimpleNamespace(name=name, arguments=arguments))
