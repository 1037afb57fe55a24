"""Recordings that no case asks for any more: found by what a run of whole suites asked for."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from llmops.domain.completion import Request
from llmops.domain.run import TrialResult
from llmops.domain.suite import Suite
from llmops.providers.recorded import RecordedEntry, Recordings
from llmops.running.keeping.store import KeptRun
from llmops.running.past.resume import options_from_json

_MOST_NAMED = 10
_LONGEST = 50


class Asked(Struct, frozen=True, kw_only=True):
    """What the trials of a suite asked for.

    Attributes:
        digests: Of requests with the numbers of their samples.
        requests: Digests of the requests alone.
        samples: The most that the suite may ask of each.
        is_complete: Whether every trial was answered to its end.
    """

    digests: frozenset[str]
    requests: frozenset[str]
    samples: int
    is_complete: bool

    def stale(self, recordings: Recordings) -> list[RecordedEntry]:
        """The recordings that were not asked for, and that no further sample asks for either."""
        return [
            entry
            for digest, entry in recordings.entries.items()
            if digest not in self.digests
            and (entry.sample >= self.samples or _alone(entry.request) not in self.requests)
        ]


def asked_in(trials: Sequence[TrialResult], suite: Suite | None) -> Asked:
    """What trials of a suite asked for; a suite that is gone has one sample of each case."""
    exchanges = [exchange for trial in trials for exchange in trial.exchanges]
    asked = [exchange for exchange in exchanges if exchange.request is not None]
    return Asked(
        digests=frozenset(exchange.digest for exchange in asked),
        requests=frozenset(_alone(e.request) for e in asked if e.request is not None),
        samples=suite.samples.max if suite is not None else 1,
        is_complete=all(exchange.failure is None for exchange in exchanges),
    )


def has_whole_suites(run: KeptRun) -> bool:
    """Whether a run was carried out to its end, and with every case and arm of its suites."""
    options = options_from_json(run.header.options)
    chosen = options.selection
    narrowed = (
        chosen.expression,
        chosen.prompt,
        chosen.shard,
        options.arms.models,
        options.arms.sweep,
        options.samples,
        options.inputs,
        options.known,
        options.purpose,
        run.stopped_by,
    )
    parts = any("::" in word or word.startswith("tag:") for word in chosen.selectors)
    finished = run.footer is not None
    return finished and not parts and options.only is None and not any(narrowed)


def named(entries: Iterable[RecordedEntry]) -> Iterator[str]:
    """A line for each of the first entries, and one that counts the others."""
    listed = list(entries)
    for entry in listed[:_MOST_NAMED]:
        sample = f", sample {entry.sample}" if entry.sample else ""
        words = " ".join(_last_words(entry.request).split())
        short = words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
        yield f"{entry.digest[:12]}  {entry.request.model}{sample}: {short}"
    if len(listed) > _MOST_NAMED:
        yield f"… and {len(listed) - _MOST_NAMED} more"


def _alone(request: Request) -> str:
    return request.digest(0)


def _last_words(request: Request) -> str:
    content = request.messages[-1].get("content") if request.messages else ""
    return content if isinstance(content, str) else str(content)
