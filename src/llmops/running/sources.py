"""Where a completion may come from before anybody is asked: recordings, the cache, kept runs."""

from collections.abc import Callable, Sequence

from msgspec import Struct, field

from llmops.domain.completion import Completion, Request, canonical_json
from llmops.domain.config import Model
from llmops.domain.run import Origin
from llmops.domain.tokens import CHARACTERS_A_TOKEN
from llmops.providers.recorded import Recordings
from llmops.running.cache.base import CompletionCache, cache_key
from llmops.running.past.answers import KeptAnswers


class Question(Struct, frozen=True, kw_only=True):
    """A request on its way: what identifies it in recordings and in the cache.

    Attributes:
        digest: In recordings.
        key: In the cache.
    """

    suite: str
    request: Request
    sample: int
    model: Model
    digest: str
    key: str

    @property
    def tokens(self) -> int:
        """What the request will read, roughly."""
        return len(canonical_json(list(self.request.messages))) // CHARACTERS_A_TOKEN


def question(suite: str, request: Request, sample: int, model: Model) -> Question:
    """Put a request into the form that is looked up."""
    digest = request.digest(sample)
    return Question(
        suite=suite,
        request=request,
        sample=sample,
        model=model,
        digest=digest,
        key=cache_key(digest, model),
    )


class Found(Struct, frozen=True, kw_only=True):
    """A completion that need not be asked for."""

    completion: Completion
    origin: Origin


class Sources(Struct, kw_only=True):
    """Recordings, the cache and kept runs, in that order.

    Attributes:
        load: Reads a suite's recordings, or None when it has none.
        cache: None when it is not to be used.
        fresh: Look nothing up; answers are still kept.
        replay: Never ask anybody: what is not found is an error.
        kept: What earlier runs heard, looked up last; None when it is not to be used.
    """

    load: Callable[[str], Recordings | None]
    cache: CompletionCache | None
    fresh: bool = False
    replay: bool = False
    kept: KeptAnswers | None = None
    _recordings: dict[str, Recordings | None] = field(default_factory=dict)

    def recordings(self, suite: str) -> Recordings | None:
        """A suite's recordings, read once."""
        if suite not in self._recordings:
            self._recordings[suite] = self.load(suite)
        return self._recordings[suite]

    def ready(self, model: Model) -> None:
        """Reach the cache for a model's answers, before anything is paid for.

        Raises:
            UnavailableError: It is elsewhere, and cannot be reached.
        """
        if self.cache is not None and is_cached(model):
            self.cache.ready()

    def find_many(self, questions: Sequence[Question]) -> list[Found | None]:
        """What is known of each question, in their order."""
        if self.fresh:
            return [None] * len(questions)
        found = [self._recorded(asked) for asked in questions]
        found = self._from_cache(questions, found)
        if self.kept is None or None not in found:
            return found
        kept = self.kept
        return [
            known or _cached(kept.find(asked.digest, asked.model))
            for asked, known in zip(questions, found, strict=True)
        ]

    def _from_cache(
        self, questions: Sequence[Question], found: list[Found | None]
    ) -> list[Found | None]:
        if self.cache is None:
            return found
        keys = [
            asked.key
            for asked, known in zip(questions, found, strict=True)
            if known is None and is_cached(asked.model)
        ]
        cached = self.cache.find_many(keys) if keys else {}
        return [
            known or _cached(cached.get(asked.key))
            for asked, known in zip(questions, found, strict=True)
        ]

    def keep(self, asked: Question, completion: Completion) -> None:
        """Keep an answer for the next time; others have it after `write`."""
        if self.cache is not None and is_cached(asked.model):
            self.cache.put(asked.key, asked.model.label, completion)

    def write(self) -> None:
        """Write the answers that were kept."""
        if self.cache is not None:
            self.cache.write()

    def _recorded(self, asked: Question) -> Found | None:
        recordings = self.recordings(asked.suite)
        completion = recordings.find(asked.digest) if recordings is not None else None
        return Found(completion=completion, origin="recorded") if completion is not None else None


def is_cached(model: Model) -> bool:
    """A script is free and changes under its name, so its answers are not kept."""
    return model.via != "scripted"


def _cached(completion: Completion | None) -> Found | None:
    return Found(completion=completion, origin="cached") if completion is not None else None
