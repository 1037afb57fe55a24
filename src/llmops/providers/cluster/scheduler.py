"""The one module that knows Dask: a scheduler's workers, and an office opened on each."""

import logging
import re
import warnings
from importlib.metadata import version
from typing import Any

from llmops.errors import InvalidInputError, UnavailableError
from llmops.location import COMMAND_LINE
from llmops.providers.cluster.office import Office

_ADDRESS = re.compile(r"(tcp|tls|ws|wss|ucx)://[^\s/]+:\d{1,5}")
_CONNECT = 5
"""Seconds for a scheduler to answer in."""


class Scheduler:
    """A connection to a cluster's scheduler; belongs to one event loop."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - Dask is known to this module only
        """Take a connected client; `connect` makes one."""
        self._client = client

    async def workers(self) -> set[str]:
        """The addresses of all workers as of now."""
        return set(await self._client.nthreads())

    async def refusal(self, worker: str) -> str | None:
        """Why a worker cannot ask for this llmops; None when its version is the same.

        Raises:
            OSError: The worker is gone.
        """
        ran = await self._client.run(version, "llmops", workers=[worker], on_error="return")
        there, here = ran.get(worker), version("llmops")
        if isinstance(there, ImportError):
            return "llmops is not installed there"
        if isinstance(there, Exception):
            raise there
        return None if there == here else f"it has llmops {there}, and this is {here}"

    async def hire(self, worker: str) -> Any:  # noqa: ANN401 - an actor of Dask, used as an `Office`
        """Open an office on a worker; it is there until it is closed or the driver is gone."""
        return await self._client.submit(
            Office, actor=True, pure=False, workers=[worker], allow_other_workers=False
        )

    async def close(self) -> None:
        """Let go of the connection."""
        await self._client.close()


async def connect(address: str) -> Scheduler:
    """Connect to a scheduler.

    Raises:
        InvalidInputError: It is no address, or Dask is not installed.
        UnavailableError: Nobody answers there.
    """
    if not _ADDRESS.fullmatch(address):
        raise InvalidInputError(
            f"--on '{address}' is no address of a scheduler",
            at=COMMAND_LINE,
            code="usage",
            hint="write --on tcp://HOST:8786",
        )
    try:
        from distributed import Client
    except ImportError:
        raise InvalidInputError(
            "--on needs the package 'distributed', which is not installed",
            at=COMMAND_LINE,
            code="missing-extra",
            hint="pip install 'llmops[dask]'",
        ) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is said by us
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # of versions that differ: those that matter are compared
            return Scheduler(await Client(address, asynchronous=True, timeout=_CONNECT))
    except (OSError, TimeoutError, ValueError) as error:
        raise UnavailableError(
            f"no Dask scheduler answers at {address}: {error}"[:300],
            at=COMMAND_LINE,
            code="no-cluster",
            hint="look whether it runs, and whether this machine can reach it",
        ) from None
