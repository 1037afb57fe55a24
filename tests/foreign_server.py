"""Programs of others that serve on loopback for as long as a test needs them."""

import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from loopback import nobody_at


@contextmanager
def serving(
    command: Callable[[int], Sequence[str]], *, healthy: str, log: Path, seconds: float
) -> Iterator[str]:
    """Start a server on a free port, and end it; gives the address.

    Args:
        command: What to run, by the port.
        healthy: A path that is answered once it serves.
        log: Its output is added to this file.
        seconds: In which it must serve.

    Raises:
        TimeoutError: It does not.
    """
    with nobody_at() as port:
        with log.open("ab") as said:
            running = subprocess.Popen(command(port), stdout=said, stderr=subprocess.STDOUT)
        try:
            _wait(f"http://127.0.0.1:{port}{healthy}", running, seconds)
            yield f"http://127.0.0.1:{port}"
        finally:
            running.terminate()
            running.wait(60)


def _wait(address: str, running: subprocess.Popen[bytes], seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and running.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(address)
