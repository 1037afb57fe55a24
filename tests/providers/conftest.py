from collections.abc import Iterator

import pytest

from loopback import Loopback, listening


@pytest.fixture
def server() -> Iterator[Loopback]:
    with listening() as server:
        yield server
