"""One `scopegate serve` process on loopback, and the keys to it."""

import itertools
import os
import socket
import subprocess
import time
from pathlib import Path

import httpx
from scopebound import ScopeboundSDK

DEADLINE = 30.0


class Plane:
    """A plane over one data directory. It can be stopped and started again on the same address."""

    def __init__(self, data: Path, *flags: str):
        self.data = data
        self.flags = flags
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        self._log = data.parent / f"{data.name}.log"
        self._process = None

    def start(self) -> "Plane":
        command = ["serve", "--addr", self.address, "--data", str(self.data), *self.flags]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([binary(), *command], stdout=log, stderr=log)
        wait_for(self._is_healthy, "the plane to answer /healthz", self._words)
        return self

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(DEADLINE)

    def tenant(self, name: str) -> None:
        self._run("tenants", "create", name)

    def key(self, kind: str, tenant: str = "default") -> str:
        """The secret of a new key."""
        return self._run("keys", "create", "--tenant", tenant, "--kind", kind)

    def sdk(self, key: str, **options) -> ScopeboundSDK:
        return ScopeboundSDK(base_url=self.url, api_key=key, **options)

    def http(self, key: str | None) -> httpx.Client:
        """For what the package never sends."""
        headers = {"X-Scopebound-API-Key": key} if key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=10)

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            [binary(), *command, "--data", str(self.data)], capture_output=True, text=True, timeout=DEADLINE
        )
        assert done.returncode == 0, f"scopegate {' '.join(command)}: {done.stderr}"
        return done.stdout.strip()

    def _is_healthy(self) -> bool:
        assert self._process.poll() is None, f"the plane ended: {self._words()}"
        try:
            return httpx.get(f"{self.url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def _words(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]


_numbers = itertools.count(1)


def fresh(name: str) -> str:
    """A name that no other test has."""
    return f"{name}-{next(_numbers)}"


def binary() -> str:
    return os.environ.get("SCOPEGATE_BIN") or "scopegate"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(holds, what: str, words=lambda: "", deadline: float = DEADLINE):
    """What `holds` returned, as soon as that is true."""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        if answer := holds():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"waited {deadline:.0f} s for {what}. {words()}")
