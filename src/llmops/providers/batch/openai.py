"""OpenAI's batches: a file of requests up, a file of answers and one of errors down."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeGuard
from urllib.parse import quote

from llmops.domain.completion import Completion, Request
from llmops.domain.config import Model
from llmops.errors import ProviderError
from llmops.providers.batch.base import Letter, Reply, State, Tag, lost
from llmops.providers.batch.desk import Desk, id_of, unless_sure
from llmops.providers.direct.certainty import Call
from llmops.providers.direct.openai import read_answer
from llmops.providers.failures import shorten

ENDPOINT = "/v1/chat/completions"
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_BOUNDARY = b"llmops-requests"
_PAGES = 20
_LOST = {"batch_expired": "expired", "batch_cancelled": "cancelled"}


class OpenaiBatches:
    """Batches of chat completions, by OpenAI's protocol, at whatever host speaks it.

    What is said another way elsewhere stands in methods of its own, below.
    """

    endpoint = ENDPOINT

    def __init__(self, desk: Desk, call: Call) -> None:
        """Take the address and the key from one of the requests."""
        self._desk = desk
        self._base = call.url.removesuffix("/chat/completions")
        self._login = dict(call.headers)

    async def send(self, letters: Sequence[Letter], tag: Tag) -> str:
        """Send requests as one batch: its file first, which by itself starts nothing."""
        file = id_of(await self._desk.ask(await self._upload(letters)))
        await self._wait_for(file)
        wanted = {
            "input_file_id": file,
            "endpoint": self.endpoint,
            "completion_window": "24h",
            "metadata": marks_of(tag),
        }
        return await self._made("/batches", wanted)

    async def find(self, tag: Tag) -> str | None:
        """Look through the newest batches of the account for the mark."""
        after = ""
        for _ in range(_PAGES):
            page = await self._desk.ask(await self._call(f"/batches?limit=100{after}"))
            listed = page.get("data")
            found = [one for one in listed if isinstance(one, Mapping)] if _many(listed) else []
            for batch in found:
                marks = batch.get("metadata")
                if isinstance(marks, Mapping) and is_marked(marks, tag):
                    return id_of(batch)
            if not found or not page.get("has_more"):
                return None
            after = f"&after={quote(str(found[-1].get('id')), safe='')}"
        return None

    async def look(self, batch: str) -> State:
        """Ask how far a batch is."""
        said = await self._desk.ask(await self._call(f"/batches/{quote(batch, safe='')}"))
        word = shorten(str(said.get("status")))
        files = tuple(
            said[name]
            for name in ("output_file_id", "error_file_id")
            if isinstance(said.get(name), str) and said[name]
        )
        refusal = self._refusal(said) if word == "failed" and not files else None
        return State(word=word, ended=word in _ENDED, files=files, refusal=refusal)

    async def fetch(
        self, batch: str, state: State, asked: Mapping[str, Request]
    ) -> AsyncGenerator[Reply]:
        """Read the file of answers, then that of errors."""
        del batch
        for file in state.files:
            call = await self._call(f"/files/{quote(file, safe='')}/content")
            async with aclosing(self._desk.lines(call)) as lines:
                async for line in lines:
                    request = asked.get(str(line.get("custom_id")))
                    if request is not None:
                        answer = await self._answer(line, request, state)
                        yield Reply(id=str(line["custom_id"]), answer=answer)

    async def cancel(self, batch: str) -> None:
        """Ask for the end of a batch."""
        await self._desk.ask(await self._call(f"/batches/{quote(batch, safe='')}/cancel", b"{}"))

    async def _made(self, path: str, wanted: Mapping[str, Any]) -> str:
        """Make a batch and return its id."""
        call = await self._call(path, json.dumps(wanted).encode())
        try:
            return id_of(await self._desk.ask(call))
        except ProviderError as error:
            raise unless_sure(error) from None

    async def _answer(
        self, line: Mapping[str, Any], request: Request, state: State
    ) -> Completion | ProviderError:
        response, error = line.get("response"), line.get("error")
        if isinstance(response, Mapping):
            status = response.get("status_code")
            status = status if isinstance(status, int) and status >= 400 else 200
            try:
                return await self._read(status, response.get("body"), request)
            except ProviderError as wrong:
                return wrong
        if isinstance(error, Mapping):
            code = str(error.get("code") or "")
            if code in _LOST:
                return lost(_LOST[code])
            return self._desk.wrong(str(error.get("message") or ""), code)
        return lost(state.word)

    def _refusal(self, said: Mapping[str, Any]) -> ProviderError:
        errors = said.get("errors")
        listed = errors.get("data") if isinstance(errors, Mapping) else None
        first = listed[0] if _many(listed) and listed else {}
        first = first if isinstance(first, Mapping) else {}
        return self._desk.wrong(str(first.get("message") or ""), str(first.get("code") or ""))

    async def _upload(self, letters: Sequence[Letter]) -> Call:
        """The requests as a form with a file in it.

        No line of the file begins as the boundary does: each is a JSON object.
        """
        lines = b"".join(self._line(letter) for letter in letters)
        dashes = b"--" + _BOUNDARY
        body = b"\r\n".join(
            (
                dashes,
                b'Content-Disposition: form-data; name="purpose"',
                b"",
                b"batch",
                dashes,
                b'Content-Disposition: form-data; name="file"; filename="requests.jsonl"',
                b"Content-Type: application/jsonl",
                b"",
                lines,
                dashes + b"--",
                b"",
            )
        )
        form = f"multipart/form-data; boundary={_BOUNDARY.decode()}"
        call = await self._call("/files", body)
        return Call(url=call.url, headers={**call.headers, "content-type": form}, body=body)

    async def _call(self, path: str, body: bytes | None = None) -> Call:
        return Call(
            url=self._url(path),
            headers=await self._headers(),
            body=body or b"",
            method="GET" if body is None else "POST",
        )

    def _url(self, path: str) -> str:
        return self._base + path

    async def _headers(self) -> Mapping[str, str]:
        """What logs in."""
        return self._login

    async def _wait_for(self, file: str) -> None:
        """Wait until a file can be used, which is at once."""

    async def _read(self, status: int, body: object, request: Request) -> Completion:
        """Read an answer, or raise what it means."""
        if status >= 400:
            raise self._desk.refused(status, body)
        return self._desk.understood(_read_half_price, body, request)

    def _line(self, letter: Letter) -> bytes:
        """A request as a line of the file."""
        head = json.dumps({"custom_id": letter.id, "method": "POST", "url": self.endpoint})[:-1]
        return head.encode() + b', "body": ' + letter.call.body + b"}\n"


def marks_of(tag: Tag) -> dict[str, str]:
    """What a batch is marked with."""
    return {"llmops_run": tag.run, "llmops_batch": tag.name}


def _read_half_price(answer: Mapping[str, Any], request: Request, model: Model) -> Completion:
    return read_answer({**answer, "service_tier": "batch"}, request, model)


def _many(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def is_marked(marks: Mapping[str, Any], tag: Tag) -> bool:
    """Whether a batch has the marks of a tag, perhaps among others."""
    return marks.items() >= marks_of(tag).items()
