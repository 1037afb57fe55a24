"""A command as the application under test: inputs as JSON on its input, the output on its output."""

import asyncio
import contextlib
import json
import os
import re
import signal
import time
from asyncio.subprocess import Process, SubprocessStreamProtocol
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import cast

from llmops.domain.completion import Completion
from llmops.domain.node import Text
from llmops.errors import ProviderError
from llmops.providers.bodies import read_capped
from llmops.providers.failures import shorten
from llmops.providers.outcome import ENVELOPE, completion_of, parse_json

_SECRET = re.compile(r"_API_KEY|_TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL")
_CHUNK = 65_536
_KEPT_STDERR = 4_000
_SHOWN_LINES = 3


class ExecTarget:
    """Runs a command once a call, without a shell and without the environment's keys."""

    def __init__(
        self,
        command: Sequence[Text],
        root: str,
        environment: Mapping[str, str],
        *,
        passed: Iterable[str] = (),
        timeout: float = 60.0,
    ) -> None:
        """Remember the command.

        Args:
            command: The program and its arguments.
            root: The project's folder, where it runs.
            environment: What it sees, but for names that look like keys.
            passed: Names it sees although they look like keys.
            timeout: Seconds for one call; then it and all that it started are killed.
        """
        self._command = tuple(command)
        self._root = root
        kept = frozenset(passed)
        self._environment = {
            name: value
            for name, value in environment.items()
            if name in kept or not _SECRET.search(name.upper())
        }
        self._timeout = timeout

    async def call(self, inputs: Mapping[str, object]) -> Completion:
        """Run the command once.

        Raises:
            ProviderError: It cannot be started (`bad_request`), ended with an exit code other
                than 0 (`server`), took too long, or wrote too much or no UTF-8.
        """
        started = time.perf_counter()
        transport, process = await self._start()
        clock = asyncio.timeout(self._timeout)
        try:
            async with clock:
                output, errors = await _talk(process, inputs)
                code = await process.wait()
        except TimeoutError:
            raise ProviderError(
                f"'{self._command[0]}' did not end within {self._timeout:g} s",
                kind="timeout",
                at=self._command[0].at,
            ) from None
        finally:
            await _end(transport, process)
        if code != 0:
            raise self._failed(code, errors)
        return _completion(output, time.perf_counter() - started)

    async def close(self) -> None:
        """Nothing is open: every call ends its own process."""

    async def _start(self) -> tuple[asyncio.SubprocessTransport, Process]:
        """Start the command; one that is cancelled while it starts is ended with its children."""
        starting = asyncio.ensure_future(self._started())
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            with contextlib.suppress(ProviderError):
                await _end(*await starting)
            raise

    async def _started(self) -> tuple[asyncio.SubprocessTransport, Process]:
        loop = asyncio.get_running_loop()
        try:
            transport, protocol = await loop.subprocess_exec(
                lambda: SubprocessStreamProtocol(limit=_CHUNK, loop=loop),
                *(str(part) for part in self._command),
                cwd=self._root,
                env=self._environment,
                start_new_session=True,
            )
            return transport, Process(transport, protocol, loop)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise ProviderError(
                shorten(f"'{self._command[0]}' cannot be started: {reason}"),
                kind="bad_request",
                at=self._command[0].at,
                hint="commands run in the project's folder, without a shell",
            ) from None

    def _failed(self, code: int, errors: bytes) -> ProviderError:
        lines = errors.decode("utf-8", "replace").strip().splitlines()[-_SHOWN_LINES:]
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        said = f": {' / '.join(lines)}" if lines else ""
        return ProviderError(
            shorten(f"'{self._command[0]}' {how}{said}"), kind="server", at=self._command[0].at
        )


async def _talk(process: Process, inputs: Mapping[str, object]) -> tuple[bytes, bytes]:
    """Write the inputs while both outputs are read, so that no pipe runs full."""
    _written, errors, output = await asyncio.gather(
        _write(cast("asyncio.StreamWriter", process.stdin), inputs),
        _tail(cast("asyncio.StreamReader", process.stderr)),
        read_capped(_chunks(cast("asyncio.StreamReader", process.stdout)), ""),
    )
    return output, errors


async def _write(stream: asyncio.StreamWriter, inputs: Mapping[str, object]) -> None:
    with contextlib.suppress(ConnectionError):  # it need not read its input
        stream.write(json.dumps(dict(inputs), ensure_ascii=False).encode())
        await stream.drain()
    stream.close()
    with contextlib.suppress(ConnectionError):
        await stream.wait_closed()


async def _chunks(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while chunk := await stream.read(_CHUNK):
        yield chunk


async def _tail(stream: asyncio.StreamReader) -> bytes:
    kept = b""
    async for chunk in _chunks(stream):
        kept = (kept + chunk)[-_KEPT_STDERR:]
    return kept


async def _end(transport: asyncio.SubprocessTransport, process: Process) -> None:
    """End the command and all that it started, if it has not ended by itself."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        # A pipe that nobody reads any more would never be found empty, and waited for always.
        for number in range(3):
            pipe = transport.get_pipe_transport(number)
            if pipe is not None:
                pipe.close()
        await process.wait()
    # Not before its end is known: closing looks for itself, and then nobody else finds it.
    transport.close()


def _completion(output: bytes, latency: float) -> Completion:
    try:
        text = output.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ProviderError("the output is not UTF-8", kind="bad_response") from None
    value = _json_of(text)
    if isinstance(value, dict) and "output" in value and ENVELOPE.issuperset(value):
        return completion_of(value, latency)
    return Completion(text=text, output=value, latency=latency)


def _json_of(text: str) -> object:
    """The output's value if it is a JSON object or list; numbers and the like stay text."""
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        return parse_json(text)
    except ValueError:
        return None
