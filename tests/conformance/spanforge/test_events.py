"""Format B: SpanForge's command line verifies our events."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import KEY, run


@pytest.fixture
def events(process, tmp_path):
    out = tmp_path / "events.jsonl"
    done = run("audit", "export", "--format", "spanforge-events", "--records", process / "records", "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def spanforge(*command):
    program = Path(sys.executable).with_name("spanforge")
    environment = {**os.environ, "SPANFORGE_SIGNING_KEY": KEY}
    return subprocess.run([program, *map(str, command)], capture_output=True, text=True, env=environment, timeout=60)


def test_events_verify(events):
    for command in (("audit", "verify", "--input"), ("audit-chain",)):
        done = spanforge(*command, events)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert "Parse error" not in done.stdout.replace("Parse errors : 0", "")


def test_a_flipped_field_does_not(events):
    lines = events.read_text(encoding="utf-8").split("\n")[:-1]
    for index, line in enumerate(lines):
        event = json.loads(line)
        event["payload"]["allowed"] = not event["payload"]["allowed"]
        events.write_text("\n".join([*lines[:index], json.dumps(event), *lines[index + 1 :], ""]), encoding="utf-8")
        assert spanforge("audit-chain", events).returncode != 0
    events.write_text("\n".join([lines[0], *lines[2:], ""]), encoding="utf-8")
    assert spanforge("audit-chain", events).returncode != 0, "one is missing"
