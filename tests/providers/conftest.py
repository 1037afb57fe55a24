import threading
from collections.abc import Iterator

import pytest
from loopback import Loopback


@pytest.fixture
def server() -> Iterator[Loopback]:
    loopback = Loopback()
    ready = threading.Event()
    thread = threading.Thread(target=loopback.serve, args=(ready,))
    thread.start()
    ready.wait()
    yield loopback
    loopback.stop()
    thread.join()
