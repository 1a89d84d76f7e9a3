"""Actions, batches, messages and decisions, through the unmodified package."""

import uuid

import pytest
import requests
from xybern import Xybern
from xybern.client import XybernClient
from xybern.config import Config
from xybern.exceptions import PolicyBlocked
from xybern.telemetry import Telemetry


@pytest.fixture
def xybern(base_url, keys):
    return lambda kind="dev", **more: Xybern(api_key=keys[kind], base_url=base_url, **more)


@pytest.fixture
def wire(base_url, keys):
    """What the package does not call yet, with its key."""
    session = requests.Session()
    session.headers["X-API-Key"] = keys["dev"]

    def ask(method, path, body=None, status=200):
        answer = session.request(method, f"{base_url}/enforce{path}", json=body, timeout=10)
        assert answer.status_code == status, answer.text
        assert "null" not in answer.text
        return answer.json()

    return ask


def fresh(name):
    return f"{name}-{uuid.uuid4()}"


def agent_of(client, **more):
    return client.enforce.register_agent(name=fresh("bot"), framework="langchain", **more)["agent"]["agent_id"]


def test_an_action_is_allowed_and_one_that_is_denied_is_blocked(xybern, wire):
    client = xybern()
    agent = agent_of(client)
    wire("PUT", f"/agents/{agent}", {"permissions": {"denied_action_types": ["drop_*"]}})
    result = client.enforce.intercept(
        action_type="execute_trade",
        action_content="Buy 500 AAPL @ market",
        agent_id=agent,
        metadata={"symbol": "AAPL", "qty": 500},
    )
    assert result["decision"] == "allow" and result.allowed and not result.blocked
    decided = client.authorize("drop_table", resource="users", agent_id=agent)
    assert decided.decision == "block" and decided.blocked
    with pytest.raises(PolicyBlocked):
        decided.raise_for_decision()

    ran = []

    @client.protected("drop_everything", agent_id=agent)
    def drop():
        ran.append("dropped")

    @client.protected("read_file", agent_id=agent)
    def read():
        ran.append("read")

    with pytest.raises(PolicyBlocked):
        drop()
    read()
    assert ran == ["read"]


def test_what_is_withheld_is_judged_without_it(base_url, keys):
    client = XybernClient(Config(api_key=keys["agent"], base_url=base_url, redact=True))
    told = client.intercept("send_email", "secret", metadata={"to": "ann"})
    assert told["decision"] == "allow" and told["trust_score"] >= 50


def test_a_batch_and_what_telemetry_tells(base_url, keys, xybern, wire):
    agent = agent_of(xybern())
    wire("PUT", f"/agents/{agent}", {"permissions": {"denied_action_types": ["execute_trade"]}})
    config = Config(api_key=keys["dev"], base_url=base_url)
    client = XybernClient(config)
    batch = client.batch_intercept([
        {"ref": "step-1", "action_type": "read_file", "action_content": "Read config.json", "agent_id": agent},
        {"ref": "step-2", "action_type": "execute_trade", "action_content": "Buy 500 AAPL", "agent_id": agent},
        {"ref": "step-3", "action_type": "send_email", "action_content": "Notify compliance", "agent_id": agent},
    ])
    assert [one["decision"] for one in batch["results"]] == ["allow", "block", "allow"]
    assert [one["ref"] for one in batch["results"]] == ["step-1", "step-2", "step-3"]
    assert (batch["allowed"], batch["blocked"], batch["escalated"], batch["total"]) == (2, 1, 0, 3)
    trust = wire("GET", f"/agents/{agent}")["agent"]["trust_level"]
    events = [
        {"action_type": "execute_trade", "agent_id": agent,
         "metadata": {"framework": "crewai", "content_sha256": "00" * 32}}
    ] * 50
    Telemetry(client, config)._flush(events)
    shown = wire("GET", f"/agents/{agent}")["agent"]
    assert (shown["total_actions"], shown["trust_level"]) == (53, trust)


def test_agents_hand_work_on(wire, xybern):
    client = xybern()
    source, target = agent_of(client), agent_of(client)
    told = wire("POST", "/agent-comm",
                {"source_agent_id": source, "target_agent_id": target, "instruction": "file it", "metadata": {}})
    assert told["decision"] == "allow"
    said = wire("GET", f"/agents/{target}/communications")["communications"]
    assert [(one["source_agent_id"], one["target_agent_id"]) for one in said] == [(source, target)]


def test_decisions_are_found_again(wire, xybern):
    client = xybern()
    agent = agent_of(client)
    decided = client.authorize("read_file", resource="/etc/hosts", agent_id=agent)
    page = wire("GET", f"/decisions?per_page=5&page=1&agent_id={agent}")
    (row,) = page["decisions"]
    assert (row["decision_id"], row["decision"], page["total"]) == (decided.decision_id, "allow", 1)
    for member in ("action_type", "trust_score", "agent_id", "created_at", "reasoning"):
        assert member in row
    one = wire("GET", f"/decisions/{decided.decision_id}")["decision"]
    assert one == row and isinstance(one["policies_triggered"], list)
    assert "decision" not in wire("GET", "/decisions/enf_nobody", status=404)


def test_roles_as_the_published_pages_do_it(wire, xybern):
    client = xybern()
    agent = agent_of(client)
    role = wire("POST", "/roles", {
        "name": fresh("read-only-agent"),
        "allowed_action_types": ["query_database", "read_file"],
        "denied_action_types": ["execute_trade", "send_email"],
        "min_trust_level": 40,
    }, status=201)
    wire("POST", f"/roles/{role['role']['role_id']}/assign", {"agent_id": agent})
    assert client.authorize("read_file", agent_id=agent).allowed
    assert client.authorize("send_email", agent_id=agent).blocked
    wire("POST", f"/roles/{role['role']['role_id']}/unassign", {"agent_id": agent})
    assert client.authorize("send_email", agent_id=agent).allowed


def test_the_zero_code_client_finds_no_red_lines(wire):
    assert wire("GET", "/red-lines?agent_id=agent_nobody")["red_lines"] == []
