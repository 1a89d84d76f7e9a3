"""Everything is asynchronous, on asyncio."""

import pytest

from gate import ALL, write


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def all_granted(tmp_path):
    return write(tmp_path, ALL)
