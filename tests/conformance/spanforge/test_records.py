"""SpanForge's own verifier accepts our records, and rejects what was changed."""

import json

import pytest
from spanforge.namespaces.runtime_governance import ScopeDecisionPayload
from spanforge.sdk._base import SFClientConfig
from spanforge.sdk.audit import SFAuditClient

from conftest import KEY, rows, run


def verify(records, key=KEY):
    return SFAuditClient(SFClientConfig(signing_key=key)).verify_chain(records)


def changed(value):
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return value + "x"


def test_the_chain_is_valid(chain):
    records = rows(chain)
    verdict = verify(records)
    assert verdict["valid"] is True
    assert verdict["verified_count"] == len(records) >= 4
    assert (verdict["tampered_count"], verdict["gaps"]) == (0, [])
    assert {record["allowed"] for record in records} == {True, False}


def test_every_flipped_field_is_rejected(chain):
    for index, record in enumerate(rows(chain)):
        for field in record.keys() - {"chain_position"}:
            records = rows(chain)
            records[index][field] = changed(record[field])
            verdict = verify(records)
            assert verdict["valid"] is False, field
            assert verdict["first_tampered"] is not None and verdict["tampered_count"] == 1, field


def test_a_missing_record_is_a_gap(chain):
    records = rows(chain)
    del records[1]
    assert verify(records)["valid"] is False


def test_another_key_does_not_verify(chain):
    assert verify(rows(chain), "another-key-of-thirty-two-characters")["valid"] is False


def test_each_record_is_a_payload(chain):
    for record in rows(chain):
        payload = ScopeDecisionPayload.from_dict(record)
        assert (payload.allowed, payload.outcome) == (record["allowed"], record["outcome"])
        assert record["schema_key"] == "spanforge.scope.v1"


def test_our_verifier_follows_the_links_too(chain, tmp_path):
    done = run("audit", "verify", chain)
    assert done.returncode == 0, done.stderr
    lines = chain.read_text(encoding="utf-8").split("\n")
    head = done.stdout.decode().split()[-1]
    assert run("audit", "verify", chain, "--expect-head", head).returncode == 0
    cut = tmp_path / "cut.jsonl"
    cut.write_text("\n".join(lines[:-2]) + "\n", encoding="utf-8")
    assert run("audit", "verify", cut).returncode == 0
    assert run("audit", "verify", cut, "--expect-head", head).returncode == 1
    # Dropped and numbered anew: SpanForge has nothing to say, the links do.
    records = rows(chain)
    del records[1]
    for position, record in enumerate(records):
        record["chain_position"] = position
    assert verify(records)["valid"] is True
    cut.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    assert run("audit", "verify", cut).returncode == 1
    assert run("audit", "verify", chain, key="another-key-of-thirty-two-characters").returncode == 1


def test_records_say_what_was_decided(exported, plane):
    assert [record["outcome"] for record in rows(exported)] == ["allow", "block", "human_review", "block"]
    assert [record["outcome"] for record in rows(plane)] == ["allow", "block", "human_review", "allow"]
    for record in rows(plane):
        assert (record["project_id"], record["resource"]) == ("p", record["action_name"])
    # On a plane an agent is known by its key, and not by what it says.
    assert len({record["agent_id"] for record in rows(plane)}) == 1


def test_an_export_is_the_same_again(process, exported, tmp_path):
    again = tmp_path / "again.jsonl"
    assert run("audit", "export", "--format", "spanforge", "--records", process / "records", "--out", again).returncode == 0
    assert again.read_bytes() == exported.read_bytes()
    told = run("audit", "export", "--format", "spanforge", "--records", process / "records")
    assert told.stdout == exported.read_bytes()


@pytest.mark.parametrize(
    "key, told",
    [
        (None, "SPANFORGE_SIGNING_KEY is not set"),
        ("", "the signing key is empty"),
        ("short", "the signing key has 5 characters; it needs at least 32"),
        ("spanforge-audit-local-insecure-dev-key", "anybody could guess"),
    ],
)
def test_no_key_no_export(process, tmp_path, key, told):
    out = tmp_path / "out.jsonl"
    done = run("audit", "export", "--format", "spanforge", "--records", process / "records", "--out", out, key=key)
    assert done.returncode == 2 and told in done.stderr.decode()
    assert done.stdout == b"" and not out.exists()


def test_what_does_not_hold_is_not_signed(process, tmp_path):
    text = (process / "records" / "records.jsonl").read_text(encoding="utf-8")
    broken = tmp_path / "records.jsonl"
    broken.write_text(text.replace('"permit"', '"hold"', 1), encoding="utf-8")
    done = run("audit", "export", "--format", "spanforge", "--records", broken)
    assert done.returncode == 2 and done.stdout == b""
