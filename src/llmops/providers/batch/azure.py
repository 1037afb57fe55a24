"""Azure OpenAI's batches: OpenAI's protocol beside the deployments, with files that take a while."""

import asyncio
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from llmops.domain.completion import Completion, Request
from llmops.errors import ProviderError
from llmops.providers.batch.base import Letter
from llmops.providers.batch.desk import Desk
from llmops.providers.batch.interpreter import Interpreter
from llmops.providers.batch.openai import OpenaiBatches
from llmops.providers.direct.certainty import sure

_TAIL = "/chat/completions"
_NOT_YET = frozenset({"pending", "notRunning", "running"})
_WAITS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between looks at a file that was uploaded, until it is given up."""


class AzureBatches(OpenaiBatches):
    """Batches of a resource; a deployment of the kind "global batch" is named in each request."""

    endpoint = _TAIL

    def __init__(self, desk: Desk, letter: Letter, interpreter: Interpreter) -> None:
        """Take the address from one of the requests.

        Raises:
            UncertainError: It is no address of chat completions.
        """
        super().__init__(desk, letter.call)
        parts = urlsplit(letter.call.url)
        sure(parts.path.endswith(_TAIL))
        place = parts.path.removesuffix(_TAIL).partition("/deployments/")[0]
        # litellm doubles the slash where api_base ends with one.
        place = place.replace("//", "/")
        self._base = f"{parts.scheme}://{parts.netloc}{place}"
        self._query = parts.query
        self._letter = letter
        self._interpreter = interpreter

    def _url(self, path: str) -> str:
        joint = "&" if "?" in path else "?"
        return f"{self._base}{path}{joint}{self._query}" if self._query else self._base + path

    async def _headers(self) -> Mapping[str, str]:
        """What logs in now: a token of Azure's directory holds for an hour only."""
        return (await self._interpreter.write(self._letter.request)).headers

    async def _wait_for(self, file: str) -> None:
        for seconds in _WAITS:
            said = await self._desk.ask(await self._call(f"/files/{quote(file, safe='')}"))
            if said.get("status") not in _NOT_YET:
                return
            await asyncio.sleep(seconds)
        raise ProviderError(
            "the file of requests was uploaded, but is not ready after a minute", kind="timeout"
        )

    async def _read(self, status: int, body: object, request: Request) -> Completion:
        return await self._interpreter.read(status, body, request)
