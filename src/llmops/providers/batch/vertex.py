"""Vertex AI's batches of Gemini: jobs over files in a bucket of the project's."""

import hashlib
import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import quote, urlsplit

from llmops.domain.completion import Completion, Request
from llmops.errors import ProviderError
from llmops.providers.batch.base import Letter, Reply, State, Tag, lost
from llmops.providers.batch.bucket import Bucket
from llmops.providers.batch.desk import Desk, id_of, unless_sure
from llmops.providers.batch.interpreter import Interpreter
from llmops.providers.direct.certainty import Call, sure
from llmops.providers.failures import shorten

_STORAGE = "https://storage.googleapis.com"
_PATH = re.compile(
    r"(?P<before>.*)/(?P<version>v1|v1beta1)/(?P<place>projects/[^/]+/locations/[^/]+)"
    r"/(?P<model>publishers/google/models/[^/:]+):generateContent"
)
_STATUS = re.compile(r"\"code\":\s*([45]\d\d)")
_LABEL = "llmops"
_ENDED = {
    "JOB_STATE_SUCCEEDED": "completed",
    "JOB_STATE_PARTIALLY_SUCCEEDED": "completed",
    "JOB_STATE_FAILED": "failed",
    "JOB_STATE_CANCELLED": "cancelled",
    "JOB_STATE_EXPIRED": "expired",
}


class VertexBatches:
    """Jobs of one model in one project and place."""

    def __init__(self, desk: Desk, letter: Letter, interpreter: Interpreter) -> None:
        """Take the project, the place and the model from one of the requests.

        Raises:
            UncertainError: They cannot be told from it.
        """
        store, parts = desk.model.batch, urlsplit(letter.call.url)
        path = _PATH.fullmatch(parts.path)
        sure(path and store)
        self._desk = desk
        self._letter = letter
        self._interpreter = interpreter
        if path is not None and store is not None:
            jobs = f"{path['before']}/v1/{path['place']}/batchPredictionJobs"
            self._base = f"{parts.scheme}://{parts.netloc}{jobs}"
            self._model = path["model"]
            self._bucket = Bucket(desk, store, _STORAGE, self._logged_in)

    async def send(self, letters: Sequence[Letter], tag: Tag) -> str:
        """Put the requests into the bucket, which by itself starts nothing, and begin a job."""
        place = self._bucket.place_of(tag)
        file = f"{place}requests.jsonl"
        await self._bucket.put(file, b"".join(_line(letter) for letter in letters))
        wanted = {
            "displayName": _name(tag),
            "model": self._model,
            "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": [file]}},
            "outputConfig": {
                "predictionsFormat": "jsonl",
                "gcsDestination": {"outputUriPrefix": f"{place}answers"},
            },
        }
        call = await self._call("POST", "", json.dumps(wanted).encode())
        try:
            return _job(await self._desk.ask(call))
        except ProviderError as error:
            raise unless_sure(error) from None

    async def find(self, tag: Tag) -> str | None:
        """Look for the job by its name."""
        wanted = quote(f'displayName="{_name(tag)}"', safe="")
        listed = (await self._desk.ask(await self._call("GET", f"?filter={wanted}"))).get(
            "batchPredictionJobs"
        )
        for job in listed if isinstance(listed, list) else []:
            if isinstance(job, Mapping) and job.get("displayName") == _name(tag):
                return _job(job)
        return None

    async def look(self, batch: str) -> State:
        """Ask how far a job is."""
        said = await self._desk.ask(await self._call("GET", f"/{quote(batch, safe='')}"))
        status = str(said.get("state"))
        word = _ENDED.get(status, shorten(status))
        info = said.get("outputInfo")
        folder = info.get("gcsOutputDirectory") if isinstance(info, Mapping) else None
        files = (f"{str(folder).rstrip('/')}/predictions.jsonl",) if folder else ()
        refusal = self._refusal(said.get("error")) if word == "failed" and not files else None
        return State(word=word, ended=status in _ENDED, files=files, refusal=refusal)

    async def fetch(
        self, batch: str, state: State, asked: Mapping[str, Request]
    ) -> AsyncGenerator[Reply]:
        """Read the file of answers; each repeats its request, and with it the label."""
        del batch
        labelled = {_label(identity): identity for identity in asked}
        for file in state.files:
            async with aclosing(self._bucket.lines(file)) as lines:
                async for line in lines:
                    identity = labelled.get(_label_in(line))
                    if identity is not None:
                        answer = await self._answer(line, asked[identity], state)
                        yield Reply(id=identity, answer=answer)

    async def cancel(self, batch: str) -> None:
        """Ask for the end of a job."""
        await self._desk.tell(await self._call("POST", f"/{quote(batch, safe='')}:cancel", b"{}"))

    async def _answer(
        self, line: Mapping[str, Any], request: Request, state: State
    ) -> Completion | ProviderError:
        status = line.get("status")
        if isinstance(status, str) and status:
            code = _STATUS.search(status)
            body = {"error": {"message": status}}
            return self._desk.refused(int(code[1]), body) if code else self._desk.wrong(status)
        if not line.get("response"):
            return lost(state.word)
        try:
            return await self._interpreter.read(200, line["response"], request)
        except ProviderError as wrong:
            return wrong

    def _refusal(self, error: object) -> ProviderError:
        message = error.get("message") if isinstance(error, Mapping) else None
        return self._desk.wrong(str(message or ""))

    async def _call(self, method: str, path: str, body: bytes = b"") -> Call:
        return await self._logged_in(
            Call(url=self._base + path, headers={}, body=body, method=method)
        )

    async def _logged_in(self, call: Call) -> Call:
        """A call with a token that holds now: one holds for an hour, a batch takes many."""
        login = (await self._interpreter.write(self._letter.request)).headers
        self._desk.hide(login.get("authorization", "").removeprefix("Bearer "))
        headers = {**login, **call.headers}
        return Call(url=call.url, headers=headers, body=call.body, method=call.method)


def _name(tag: Tag) -> str:
    return f"llmops-{tag.run}-{tag.name}"


def _job(said: Mapping[str, Any]) -> str:
    """The id at the end of a job's name."""
    return id_of({"id": str(said.get("name") or "").rpartition("/")[2]})


def _label(identity: str) -> str:
    """An id as a label: labels are shorter than ids, and have no capital letters."""
    return hashlib.sha256(identity.encode()).hexdigest()[:40]


def _label_in(line: Mapping[str, Any]) -> str:
    request = line.get("request")
    labels = request.get("labels") if isinstance(request, Mapping) else None
    return str(labels.get(_LABEL)) if isinstance(labels, Mapping) else ""


def _line(letter: Letter) -> bytes:
    body = json.loads(letter.call.body)
    labels = body.get("labels") or {}
    labelled = {**body, "labels": {**labels, _LABEL: _label(letter.id)}}
    return json.dumps({"request": labelled}).encode() + b"\n"
