"""The decorator for LangChain, with LangChain's own tools."""

import asyncio

import pytest
from langchain_core.tools import BaseTool
from scopebound import ScopeboundDenyError, ScopeboundPendingError, enforce

from codes import denied

RAN = []


@pytest.fixture
def tool(sdk, make_role):
    """The page's tool, with the annotations that pydantic asks for, allowed below 10,000."""
    role = make_role(
        ["post_to_erp"],
        parameter_constraints={"post_to_erp": [{"field": "amount", "operator": "lt", "value": 10_000}]},
    )

    @enforce(sdk, role=role["name"])
    class PostToErpTool(BaseTool):
        name: str = "post_to_erp"
        description: str = "Post an invoice to the ERP system"

        def _run(self, invoice_id: str, amount: float) -> str:
            RAN.append(invoice_id)
            return f"posted {invoice_id}"

    RAN.clear()
    return PostToErpTool()


def test_an_allowed_call_runs(tool):
    assert tool.invoke({"invoice_id": "INV-1", "amount": 1500.0}) == "posted INV-1"
    assert tool.run({"invoice_id": "INV-2", "amount": 1500.0}) == "posted INV-2"
    assert RAN == ["INV-1", "INV-2"]


def test_a_denied_call_does_not(tool):
    denied("PARAMETER_VIOLATION", tool.invoke, {"invoice_id": "INV-1", "amount": 50_000.0})
    with pytest.raises(ScopeboundDenyError):
        asyncio.run(tool.ainvoke({"invoice_id": "INV-1", "amount": 50_000.0}))
    assert RAN == []


def test_async(tool):
    assert asyncio.run(tool.ainvoke({"invoice_id": "INV-3", "amount": 1.0})) == "posted INV-3"
    assert RAN == ["INV-3"]


def test_positional_arguments_do_not_slip_past_a_constraint(tool):
    """They arrive as `args`; the constrained field is then missing."""
    denied("PARAMETER_VIOLATION", tool._run, "INV-1", 50_000.0)
    assert RAN == []


def test_a_tool_of_another_name(sdk, make_role):
    @enforce(sdk, role=make_role(["post_to_erp"])["name"])
    class DropTables(BaseTool):
        name: str = "drop_tables"
        description: str = "Drops all tables"

        def _run(self) -> str:
            RAN.append("dropped")
            return "gone"

    denied("SCOPE_VIOLATION", DropTables().invoke, {})
    assert "dropped" not in RAN


def test_a_call_that_waits(sdk, make_role):
    @enforce(sdk, role=make_role(["pay"], approval_required=["pay"])["name"])
    class Pay(BaseTool):
        name: str = "pay"
        description: str = "Pays"

        def _run(self, to: str) -> str:
            return f"paid {to}"

    with pytest.raises(ScopeboundPendingError) as caught:
        Pay().invoke({"to": "ann"})
    sdk.approve(caught.value.approval_id)
    assert Pay().invoke({"to": "ann"}) == "paid ann"
    with pytest.raises(ScopeboundPendingError):
        Pay().invoke({"to": "ann"})
