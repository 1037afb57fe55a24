"""Recordings: a file of requests with the completions they once got, and a provider made of it."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from msgspec import Struct

from llmops.domain.completion import Completion, Request, escape_surrogates
from llmops.domain.config import Model
from llmops.domain.record import completion_from_json, completion_to_json, request_from_json
from llmops.errors import Fault, InvalidInputError, ProviderError, did_you_mean
from llmops.location import Location
from llmops.providers.nearest import Nearest, RequestIndex

FORMAT = "recordings/1"
_KEYS = ("digest", "sample", "model", "request", "completion")


class RecordedEntry(Struct, frozen=True, kw_only=True):
    """One recorded completion.

    Attributes:
        request: What was asked.
        sample: The sample's number, from 0.
        completion: What came back.
    """

    request: Request
    sample: int
    completion: Completion

    @property
    def digest(self) -> str:
        """Under which it is found."""
        return self.request.digest(self.sample)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordings:
    """The recordings of one suite.

    Attributes:
        path: The file, for complaints.
        entries: By digest.
        header: The first line, but for its format: who made the recordings and how.
    """

    path: str
    entries: Mapping[str, RecordedEntry] = field(default_factory=dict)
    header: Mapping[str, object] = field(default_factory=dict)
    _index: list[RequestIndex] = field(default_factory=list, init=False, repr=False, compare=False)

    @classmethod
    def parse(cls, data: bytes, path: str) -> "Recordings":
        """Read a file of recordings.

        Raises:
            InvalidInputError: All its wrong lines: no JSON, a digest twice, or a digest that does
                not belong to its request.
        """
        faults: list[Fault] = []
        lines = _lines(data, path, faults)
        header = _header(next(lines, None), path, faults)
        entries: dict[str, RecordedEntry] = {}
        places: dict[str, Location] = {}
        for at, value in lines:
            try:
                digest, entry = _entry(value, at)
            except InvalidInputError as error:
                faults += error.faults
                continue
            if digest in entries:
                faults.append(_twice(digest, at, places[digest]))
            entries[digest], places[digest] = entry, at
        if faults:
            raise InvalidInputError.of(
                sorted(faults, key=lambda fault: fault.at.line if fault.at else 0)
            )
        return cls(path=path, entries=entries, header=header)

    def find(self, digest: str) -> Completion | None:
        """The completion recorded for a request's digest, or None."""
        entry = self.entries.get(digest)
        return entry.completion if entry is not None else None

    def nearest(self, request: Request, sample: int) -> Nearest | None:
        """The recorded request that differs least from one that is not recorded.

        Returns:
            It and the first difference in words; None when nothing is recorded.
        """
        if not self._index:
            self._index.append(RequestIndex([(e.request, e.sample) for e in self.entries.values()]))
        return self._index[0].nearest(request, sample)

    def merge(self, entries: Iterable[RecordedEntry]) -> "Recordings":
        """The same recordings with more of them; of two for one request the new one holds."""
        added = {entry.digest: entry for entry in entries}
        return Recordings(path=self.path, entries={**self.entries, **added}, header=self.header)

    def keep(self, digests: Iterable[str]) -> "Recordings":
        """Only the recordings with these digests."""
        wanted = frozenset(digests)
        kept = {digest: entry for digest, entry in self.entries.items() if digest in wanted}
        return Recordings(path=self.path, entries=kept, header=self.header)

    def dump(self, clean: Callable[[str], str] = str) -> str:
        """The file's text: sorted by digest and a line an entry, so that git can merge it.

        Args:
            clean: Called with the texts of each completion and request, such as `redact` with
                the secrets of the environment. What it changes in a request is not found again.
        """
        # Of two requests that differ in a secret only, the one that came later stays.
        lines = dict(_line(digest, entry, clean) for digest, entry in self.entries.items())
        header = _dumps({"llmops": FORMAT, **self.header})
        return "".join(f"{line}\n" for line in (header, *map(lines.get, sorted(lines))))


class RecordedProvider:
    """Answers from recordings, and from nothing else."""

    def __init__(self, recordings: Recordings | None) -> None:
        self._recordings = recordings

    async def open(self) -> None:
        """Nothing has to be got ready."""

    async def complete(self, request: Request, *, model: Model, sample: int) -> Completion:
        """Find the recorded completion.

        Raises:
            ProviderError: There is none (`no_recording`); the hint shows the nearest one.
        """
        del model
        found = self._recordings and self._recordings.find(request.digest(sample))
        if not found:
            raise missing_recording(self._recordings, request, sample)
        return found

    async def close(self) -> None:
        """Nothing is open."""


def missing_recording(
    recordings: Recordings | None, request: Request, sample: int
) -> ProviderError:
    """The complaint that a request is not recorded, with the nearest one that is."""
    message = f"no recording of this request to {request.model}"
    nearest = recordings.nearest(request, sample) if recordings is not None else None
    if recordings is None or nearest is None:
        where = f"{recordings.path} holds none" if recordings is not None else "there is no file"
        hint = f"{where}; 'llmops record' makes them"
    else:
        hint = f"nearest in {recordings.path}: {nearest.words}; 'llmops record' adds this one"
    return ProviderError(message, kind="no_recording", hint=hint)


def _lines(data: bytes, path: str, faults: list[Fault]) -> Iterator[tuple[Location, Any]]:
    """Each line's JSON value with its place; the first of a broken file is None."""
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            yield Location(path, number), json.loads(line, parse_constant=_refuse_constant)
        except UnicodeDecodeError:
            faults.append(_broken(Location(path, number), "the line is not UTF-8"))
        except json.JSONDecodeError as error:
            at = Location(path, number, error.colno)
            faults.append(_broken(at, f"the line is not JSON: {error.msg}", line))
        except (ValueError, RecursionError) as error:
            faults.append(_broken(Location(path, number), f"the line is not JSON: {error}"))


def _refuse_constant(name: str) -> NoReturn:
    msg = f"{name} is no JSON number"
    raise ValueError(msg)


def _broken(at: Location, message: str, line: bytes = b"") -> Fault:
    if line[:7] in {b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||"}:
        return Fault(
            code="merge-conflict",
            message="the line is left over from a merge conflict",
            at=Location(at.path, at.line),
            hint="keep the lines of both sides and remove this one",
        )
    hint = "recordings are made by 'llmops record', not by hand"
    return Fault(code="recording-syntax", message=message, at=at, hint=hint)


def _header(
    first: tuple[Location, Any] | None, path: str, faults: list[Fault]
) -> dict[str, object]:
    at, value = first or (Location(path), None)
    header: dict[str, object] = value if isinstance(value, dict) else {}
    written = header.pop("llmops", None)
    if written == FORMAT:
        return header
    if not faults:
        says = f"the header says '{written}', not '{FORMAT}'"
        faults.append(
            Fault(
                code="recording-format",
                message=says if written is not None else "the first line is no header",
                at=at,
                hint=f'the first line is {{"llmops": "{FORMAT}"}}; \'llmops record\' writes it',
            )
        )
    return {}


def _entry(value: Any, at: Location) -> tuple[str, RecordedEntry]:  # noqa: ANN401 - any JSON value
    if not isinstance(value, dict):
        raise _wrong("a line must be an object", at)
    for key in value:
        if key not in _KEYS:
            raise _wrong(f"no such key as '{key}'", at, did_you_mean(key, _KEYS))
    missing = next((key for key in _KEYS if key not in value), None)
    if missing is not None:
        raise _wrong(f"'{missing}' is missing", at)
    sample = value["sample"]
    try:
        request = request_from_json(value["request"])
        completion = completion_from_json(value["completion"])
        digest = request.digest(sample)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise _wrong(
            f"the line is no recording: {type(error).__name__}: {error}"[:200], at
        ) from None
    if not isinstance(sample, int) or not isinstance(completion.text, str):
        raise _wrong("'sample' must be a whole number and the completion's text must be text", at)
    if digest != value["digest"] or request.model != value["model"]:
        raise _wrong(
            f"the digest '{str(value['digest'])[:12]}' does not belong to its request",
            at,
            "edited by hand? 'llmops record' records it anew",
        )
    return digest, RecordedEntry(request=request, sample=sample, completion=completion)


def _wrong(message: str, at: Location, hint: str | None = None) -> InvalidInputError:
    hint = hint or "recordings are made by 'llmops record', not by hand"
    return InvalidInputError(message, at=at, code="recording", hint=hint)


def _twice(digest: str, at: Location, first: Location) -> Fault:
    return Fault(
        code="duplicate-recording",
        message=f"the digest '{digest[:12]}' is here for the second time",
        at=at,
        hint=f"the first is at {first}; keep one of them",
    )


def _line(digest: str, entry: RecordedEntry, clean: Callable[[str], str]) -> tuple[str, str]:
    """The digest under which an entry is kept, and its line."""
    request = _cleaned(entry.request.as_json(), clean)
    completion = _cleaned(completion_to_json(entry.completion), clean)
    if request != entry.request.as_json():
        digest = request_from_json(request).digest(entry.sample)
    parts = {
        "digest": digest,
        "sample": entry.sample,
        "model": request["model"],
        "request": request,
        "completion": completion,
    }
    return digest, "{" + ", ".join(
        f'"{key}": {_dumps(value)}' for key, value in parts.items()
    ) + "}"


def _cleaned(value: Any, clean: Callable[[str], str]) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {key: _cleaned(inner, clean) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(inner, clean) for inner in value]
    return value


def _dumps(value: object) -> str:
    return escape_surrogates(json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False))
