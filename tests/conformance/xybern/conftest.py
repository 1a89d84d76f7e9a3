"""A running plane, keys to it, and the published client."""

import os
import socket
import subprocess
import time

import pytest
import requests

# Before the package reads where it lives: a developer's own settings must not reach the tests.
os.environ["XYBERN_HOME"] = os.devnull
for name in ("XYBERN_API_KEY", "XYBERN_BASE_URL", "XYBERN_MODE"):
    os.environ.pop(name, None)

DEADLINE = 30.0


class Plane:
    def __init__(self, folder):
        self.data = folder / "data"
        self.log = folder / "log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        command = ["serve", "--addr", self.url.removeprefix("http://"), "--data", str(self.data)]
        command += ["--dialect", "xybern"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([os.environ["SCOPEGATE_BIN"], *command], stdout=log, stderr=log)
        end = time.monotonic() + DEADLINE
        while not self.is_there():
            assert self.process.poll() is None and time.monotonic() < end, self.log.read_text(errors="replace")
            time.sleep(0.05)

    def is_there(self):
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def key(self, kind):
        """A key in the clothes that this package looks for."""
        command = ["keys", "create", "--kind", kind, "--prefix", "xb_", "--data", str(self.data)]
        done = subprocess.run(
            [os.environ["SCOPEGATE_BIN"], *command], capture_output=True, text=True, timeout=DEADLINE, check=True
        )
        return done.stdout.strip()

    def stop(self):
        self.process.terminate()
        self.process.wait(DEADLINE)


@pytest.fixture(scope="session")
def plane(tmp_path_factory):
    plane = Plane(tmp_path_factory.mktemp("plane"))
    yield plane
    plane.stop()


@pytest.fixture(params=["/api/v1", "/v1"])
def base_url(plane, request):
    """Both trees of the API."""
    return plane.url + request.param


@pytest.fixture(scope="session")
def keys(plane):
    return {kind: plane.key(kind) for kind in ("dev", "admin", "agent", "approver")}
