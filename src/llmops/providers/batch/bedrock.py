"""Amazon Bedrock's batches: jobs over files in a bucket of the project's."""

import hashlib
import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import unquote, urlsplit

from llmops.domain.completion import Completion, Request
from llmops.errors import ProviderError
from llmops.providers.batch.base import Letter, Reply, State, Tag, lost
from llmops.providers.batch.bucket import Bucket
from llmops.providers.batch.desk import Desk, id_of, unless_sure
from llmops.providers.batch.interpreter import Interpreter
from llmops.providers.batch.signing import signed
from llmops.providers.direct.certainty import Call, sure
from llmops.providers.failures import shorten

FEWEST = 100
"""Bedrock takes no batch of fewer requests."""

_PATH = re.compile(r".*/model/(?P<model>[^/]+)/(?P<way>converse|invoke)")
_HOST = re.compile(r"bedrock-runtime(?P<fips>-fips)?\.(?P<region>[a-z0-9-]+)\.(?P<rest>[a-z.]+)")
_WAYS = {"converse": "Converse", "invoke": "InvokeModel"}
_REGION = "us-east-1"
_ENDED = {
    "Completed": "completed",
    "PartiallyCompleted": "expired",
    "Failed": "failed",
    "Stopped": "cancelled",
    "Expired": "expired",
}


class BedrockBatches:
    """Jobs of one model in one region."""

    def __init__(self, desk: Desk, letter: Letter, interpreter: Interpreter) -> None:
        """Take the region and the model from one of the requests.

        Raises:
            UncertainError: They cannot be told from it.
        """
        model, parts = desk.model, urlsplit(letter.call.url)
        path, host = _PATH.fullmatch(parts.path), _HOST.fullmatch(parts.netloc)
        sure(path and model.batch and (host or model.api_base))
        self._model = unquote(path["model"]) if path else ""
        self._way = _WAYS[path["way"]] if path else ""
        self._region = (
            host["region"] if host else str(model.options.get("aws_region_name", _REGION))
        )
        rest, fips = (host["rest"], host["fips"] or "") if host else ("", "")
        self._base = (model.api_base or f"https://bedrock{fips}.{self._region}.{rest}").rstrip("/")
        self._desk = desk
        self._letter = letter
        self._interpreter = interpreter
        self._role = model.batch.role if model.batch else None
        if model.batch is not None:
            storage = f"https://s3.{self._region}.{rest}"
            self._bucket = Bucket(desk, model.batch, storage, self._for_bucket)

    async def send(self, letters: Sequence[Letter], tag: Tag) -> str:
        """Put the requests into the bucket, which by itself starts nothing, and begin a job."""
        if len(letters) < FEWEST:
            raise ProviderError(
                f"Bedrock takes batches of {FEWEST} requests or more, and these are {len(letters)}",
                kind="bad_request",
                hint="ask without --batch, or more cases or samples at once",
            )
        place = self._bucket.place_of(tag)
        file = f"{place}requests.jsonl"
        await self._bucket.put(file, b"".join(_line(letter) for letter in letters))
        wanted = {
            "jobName": _name(tag),
            "clientRequestToken": _name(tag),
            "modelId": self._model,
            "modelInvocationType": self._way,
            "roleArn": self._role,
            "timeoutDurationInHours": 24,
            "inputDataConfig": {"s3InputDataConfig": {"s3Uri": file}},
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"{place}answers/"}},
        }
        call = await self._call("POST", "/model-invocation-job", json.dumps(wanted).encode())
        try:
            return _job(await self._desk.ask(call))
        except ProviderError as error:
            raise unless_sure(error) from None

    async def find(self, tag: Tag) -> str | None:
        """Look for the job by its name."""
        call = await self._call("GET", f"/model-invocation-jobs?nameContains={_name(tag)}")
        listed = (await self._desk.ask(call)).get("invocationJobSummaries")
        for job in listed if isinstance(listed, list) else []:
            if isinstance(job, Mapping) and job.get("jobName") == _name(tag):
                return _job(job)
        return None

    async def look(self, batch: str) -> State:
        """Ask how far a job is."""
        said = await self._desk.ask(await self._call("GET", f"/model-invocation-job/{batch}"))
        status = str(said.get("status"))
        word = _ENDED.get(status, shorten(status))
        failed = word == "failed" and not said.get("processedRecordCount")
        refusal = self._desk.wrong(str(said.get("message") or "")) if failed else None
        files = (_answers(said, batch),) if status in _ENDED else ()
        return State(word=word, ended=status in _ENDED, files=files, refusal=refusal)

    async def fetch(
        self, batch: str, state: State, asked: Mapping[str, Request]
    ) -> AsyncGenerator[Reply]:
        """Read the file of answers."""
        del batch
        for file in state.files:
            async with aclosing(self._bucket.lines(file)) as lines:
                async for line in lines:
                    identity = str(line.get("recordId"))
                    if identity in asked:
                        answer = await self._answer(line, asked[identity], state)
                        yield Reply(id=identity, answer=answer)

    async def cancel(self, batch: str) -> None:
        """Ask for the end of a job."""
        await self._desk.tell(await self._call("POST", f"/model-invocation-job/{batch}/stop"))

    async def _answer(
        self, line: Mapping[str, Any], request: Request, state: State
    ) -> Completion | ProviderError:
        said, error = line.get("modelOutput"), line.get("error")
        if isinstance(error, Mapping):
            code = error.get("errorCode")
            status = code if isinstance(code, int) and code >= 400 else 500
            return self._desk.refused(status, {"message": str(error.get("errorMessage") or "")})
        if said is None:
            return lost(state.word)
        try:
            return await self._interpreter.read(200, said, request)
        except ProviderError as wrong:
            return wrong

    async def _call(self, method: str, path: str, body: bytes = b"") -> Call:
        call = Call(
            url=self._base + path,
            headers={"content-type": "application/json"},
            body=body,
            method=method,
        )
        return await self._signed(call, "bedrock")

    async def _for_bucket(self, call: Call) -> Call:
        return await self._signed(call, "s3")

    async def _signed(self, call: Call, service: str) -> Call:
        key = self._desk.key_here
        if key is not None:
            headers = {**call.headers, "authorization": f"Bearer {key}"}
            return Call(url=call.url, headers=headers, body=call.body, method=call.method)
        login = await self._interpreter.amazon_login(self._letter.request)
        return signed(call, login, service, self._region)


def _name(tag: Tag) -> str:
    return "llmops-" + hashlib.sha256(f"{tag.run} {tag.name}".encode()).hexdigest()[:40]


def _job(said: Mapping[str, Any]) -> str:
    """The id at the end of a job's ARN, which stands in addresses as it is."""
    return id_of({"id": str(said.get("jobArn") or "").rpartition("/")[2]})


def _answers(said: Mapping[str, Any], job: str) -> str:
    """Where the answers are: the folder that was asked for, the job's id, the file's name."""
    read = _uri(said, "inputDataConfig", "s3InputDataConfig")
    written = _uri(said, "outputDataConfig", "s3OutputDataConfig")
    return f"{written.rstrip('/')}/{job}/{read.rpartition('/')[2]}.out"


def _uri(said: Mapping[str, Any], outer: str, inner: str) -> str:
    found = said.get(outer)
    found = found.get(inner) if isinstance(found, Mapping) else None
    return str(found.get("s3Uri") or "") if isinstance(found, Mapping) else ""


def _line(letter: Letter) -> bytes:
    head = json.dumps({"recordId": letter.id})[:-1]
    return head.encode() + b', "modelInput": ' + letter.call.body + b"}\n"
