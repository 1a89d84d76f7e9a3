"""Agents and their credentials, through the unmodified package."""

import time
import uuid

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from xybern import Xybern, auto
from xybern.client import XybernClient
from xybern.config import Config


@pytest.fixture
def xybern(base_url, keys):
    return lambda kind="dev": Xybern(api_key=keys[kind], base_url=base_url)


def fresh(name):
    return f"{name}-{uuid.uuid4()}"


def test_an_agent_is_registered_as_the_published_pages_do_it(xybern):
    client, name = xybern(), fresh("TradeBot")
    made = client.enforce.register_agent(
        name=name, framework="langchain", scopes=["execute_trade", "query_database"]
    )
    assert made["ok"] is True
    assert made["credential"]["private_key"].startswith("-----BEGIN PRIVATE KEY-----")
    agent = made["agent"]
    assert (agent["name"], agent["framework"], agent["is_active"]) == (name, "langchain", True)
    assert None not in agent.values() and None not in made["credential"].values()

    again = client.enforce.register_agent(name=name, framework="langchain")
    assert again["agent"]["agent_id"] == agent["agent_id"]
    assert "private_key" not in again["credential"]
    listed = client.client.list_agents()["agents"]
    assert [one for one in listed if one["agent_id"] == agent["agent_id"]] == [agent]


def test_an_agents_own_key_finds_its_agent_and_makes_none(xybern):
    name = fresh("bot")
    made = xybern("admin").register_agent(name)
    assert xybern("agent").register_agent(name)["agent"]["agent_id"] == made["agent"]["agent_id"]
    with pytest.raises(requests.HTTPError) as refused:
        xybern("agent").register_agent(fresh("another"))
    assert refused.value.response.status_code == 403
    assert refused.value.response.json() == {
        "ok": False,
        "error": "a new agent is registered with a key of kind admin",
    }


def test_errors_are_those_that_the_client_reads(base_url, keys):
    stranger = XybernClient(Config(api_key="xb_nobody", base_url=base_url))
    with pytest.raises(requests.HTTPError) as refused:
        stranger.list_agents()
    assert refused.value.response.status_code == 401
    assert refused.value.response.json()["ok"] is False
    headers = {"Authorization": f"Bearer {keys['dev']}"}
    unknown = requests.get(f"{base_url}/enforce/agents/agent_nobody", headers=headers, timeout=10)
    assert (unknown.status_code, unknown.json()) == (404, {"ok": False, "error": "no such agent"})
    nowhere = requests.get(f"{base_url}/enforce/nothing", headers=headers, timeout=10)
    assert (nowhere.status_code, nowhere.json()) == (404, {"ok": False, "error": "no such route"})


def test_what_the_zero_code_client_finds_is_registered_once(base_url, keys):
    config = Config(api_key=keys["dev"], base_url=base_url)
    found = type("Found", (), dict(name=fresh("crew"), framework="crewai", kind="agent", capabilities=["x"]))
    ids = {auto._Registrar(XybernClient(config), config).ensure(found) for _ in range(3)}
    assert len(ids) == 1 and None not in ids


def test_an_agent_proves_itself_with_its_private_key(base_url, xybern, plane):
    made = xybern().register_agent(fresh("signer"))
    credential = made["credential"]
    public = serialization.load_pem_public_key(credential["public_key"].encode())

    def assertion(**other):
        claims = {"iss": made["agent"]["agent_id"], "aud": credential["audience"], "iat": int(time.time())}
        claims |= {"jti": str(uuid.uuid4())} | other
        headers = {"kid": credential["credential_id"], "typ": "sg-assertion+jwt"}
        return jwt.encode(claims, credential["private_key"], algorithm="EdDSA", headers=headers)

    token = assertion()
    assert jwt.decode(token, public, algorithms=["EdDSA"], audience=credential["audience"])

    def ask(token, header="Authorization"):
        value = f"Bearer {token}" if header == "Authorization" else token
        answer = requests.get(f"{base_url}/enforce/agents/{made['agent']['agent_id']}/history",
                              headers={header: value}, timeout=10)
        return answer.status_code, answer.json()

    status, told = ask(token)
    assert (status, told["history"], told["trust_history"]) == (200, [], [])
    status, told = ask(token)
    assert status == 401 and "used before" in told["error"]
    assert ask(assertion(), "X-API-Key")[0] == 200
    status, told = ask(assertion(exp=int(time.time()) + 60))
    assert status == 401 and "exactly" in told["error"]
    dev = {"X-API-Key": plane.key("dev")}
    revoke = f"{base_url}/enforce/credentials/{credential['credential_id']}/revoke"
    assert requests.post(revoke, headers=dev, timeout=10).json()["credential"]["status"] == "revoked"
    status, told = ask(assertion())
    assert status == 401 and "revoked" in told["error"]
