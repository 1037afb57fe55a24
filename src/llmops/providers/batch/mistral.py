"""Mistral's batches: jobs of one model, over files as OpenAI keeps them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from llmops.domain.completion import Completion, Request
from llmops.errors import ProviderError
from llmops.providers.batch.base import Letter, State, Tag
from llmops.providers.batch.desk import Desk, id_of
from llmops.providers.batch.interpreter import Interpreter
from llmops.providers.batch.openai import OpenaiBatches, is_marked, marks_of
from llmops.providers.direct.certainty import sure
from llmops.providers.failures import shorten

_TAIL = "/chat/completions"
_JOBS = "/batch/jobs"
_PAGES = 20
_ENDED = {"SUCCESS": "completed", "FAILED": "failed", "CANCELLED": "cancelled",
          "TIMEOUT_EXCEEDED": "expired"}  # fmt: skip


class MistralBatches(OpenaiBatches):
    """Jobs of one model."""

    def __init__(self, desk: Desk, letter: Letter, interpreter: Interpreter) -> None:
        """Take the address, the key and the model from one of the requests.

        Raises:
            UncertainError: It is no request for a chat completion of a model.
        """
        super().__init__(desk, letter.call)
        sure(letter.call.url.endswith(_TAIL))
        self._interpreter = interpreter
        self._model = json.loads(letter.call.body).get("model")
        sure(isinstance(self._model, str))

    async def send(self, letters: Sequence[Letter], tag: Tag) -> str:
        """Send requests as one job: its file first, which by itself starts nothing."""
        file = id_of(await self._desk.ask(await self._upload(letters)))
        wanted = {
            "input_files": [file],
            "endpoint": self.endpoint,
            "model": self._model,
            "timeout_hours": 24,
            "metadata": marks_of(tag),
        }
        return await self._made(_JOBS, wanted)

    async def find(self, tag: Tag) -> str | None:
        """Look through the newest jobs of the account for the mark."""
        for page in range(_PAGES):
            call = await self._call(f"{_JOBS}?page={page}&page_size=100")
            listed = (await self._desk.ask(call)).get("data")
            jobs = listed if isinstance(listed, list) else []
            found = [one for one in jobs if isinstance(one, Mapping)]
            for job in found:
                marks = job.get("metadata")
                if isinstance(marks, Mapping) and is_marked(marks, tag):
                    return id_of(job)
            if not found:
                return None
        return None

    async def look(self, batch: str) -> State:
        """Ask how far a job is."""
        said = await self._desk.ask(await self._call(f"{_JOBS}/{quote(batch, safe='')}"))
        status = str(said.get("status"))
        word = _ENDED.get(status, shorten(status))
        files = tuple(
            said[name]
            for name in ("output_file", "error_file")
            if isinstance(said.get(name), str) and said[name]
        )
        refusal = self._refusal_of(said) if word == "failed" and not files else None
        return State(word=word, ended=status in _ENDED, files=files, refusal=refusal)

    async def cancel(self, batch: str) -> None:
        """Ask for the end of a job."""
        await self._desk.ask(await self._call(f"{_JOBS}/{quote(batch, safe='')}/cancel", b"{}"))

    def _refusal_of(self, said: Mapping[str, Any]) -> ProviderError:
        errors = said.get("errors")
        first = errors[0] if isinstance(errors, list) and errors else {}
        message = first.get("message") if isinstance(first, Mapping) else None
        return self._desk.wrong(str(message or ""))

    def _line(self, letter: Letter) -> bytes:
        body = {key: value for key, value in json.loads(letter.call.body).items() if key != "model"}
        return json.dumps({"custom_id": letter.id, "body": body}).encode() + b"\n"

    async def _read(self, status: int, body: object, request: Request) -> Completion:
        return await self._interpreter.read(status, body, request)
