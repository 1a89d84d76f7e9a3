"""A running plane, one key of each kind, and roles with fresh names."""

from types import SimpleNamespace

import pytest

from plane import Plane, fresh


KINDS = ("agent", "admin", "approver", "auditor", "dev")


@pytest.fixture(scope="session")
def plane(tmp_path_factory):
    plane = Plane(tmp_path_factory.mktemp("plane") / "data", "--allow-private-webhooks").start()
    yield plane
    plane.stop()


@pytest.fixture(scope="session")
def keys(plane):
    """The secret of one key of each kind."""
    return SimpleNamespace(**{kind: plane.key(kind) for kind in KINDS})


@pytest.fixture
def open_sdk(plane, keys):
    """Makes SDK objects by kind of key; all are closed after the test."""
    opened = []

    def open_sdk(kind: str = "dev", **options):
        opened.append(plane.sdk(getattr(keys, kind), **options))
        return opened[-1]

    yield open_sdk
    for sdk in opened:
        sdk.close()


@pytest.fixture
def sdk(open_sdk):
    """One key for everything, as the published pages show it."""
    return open_sdk("dev")


@pytest.fixture
def http(plane, keys):
    """Plain requests with the same key as `sdk`."""
    with plane.http(keys.dev) as client:
        yield client


@pytest.fixture
def make_role(sdk):
    """Creates a role under a name of its own, so that no two tests share a rate limit."""

    def make_role(allowed_tools=("read_invoices", "post_to_erp"), **fields):
        return sdk.create_role(fresh("invoices"), list(allowed_tools), **fields)

    return make_role
