"""Trials of two sides in, models that moved between them out: the name asked is the same."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal

from llmops.domain.completion import Completion
from llmops.domain.moved import Moved
from llmops.domain.run import Exchange, TrialResult

What = Literal["model id", "fingerprint"]
READERS: Final[Mapping[What, Callable[[Completion], str | None]]] = {
    "model id": lambda completion: completion.model,
    "fingerprint": lambda completion: completion.fingerprint,
}
ASK_ANEW: Final = "ask both sides anew with --fresh, or record or approve again"


def models_moved(
    before: Iterable[TrialResult], after: Iterable[TrialResult], *, together: bool = False
) -> tuple[Moved, ...]:
    """Find models that are no longer what they were.

    A provider may answer by several ids or fingerprints at a time, so a model moved only where both
    sides have no word in common. What one of them does not say is not compared.

    Args:
        before: Trials of the first side.
        after: Trials of the second.
        together: Both sides are of one run, which asked them in turn: a model for which nothing
            was looked up on either side had the same time to move on both.
    """
    first, second = answers(before), answers(after)
    found = []
    for asked in [name for name in first if name in second]:
        sides = first[asked], second[asked]
        if together and all(one.origin == "live" for side in sides for one in side):
            continue
        found += [moved for what in READERS if (moved := _moved(asked, what, sides))]
    return tuple(found)


def moved_words(moved: Sequence[Moved]) -> str:
    """Why two sides cannot be compared, and what helps."""
    more = f", and {len(moved) - 1:,} more" if len(moved) > 1 else ""
    return f"{moved[0].words}{more}; {ASK_ANEW}"


def words_of(exchanges: Iterable[Exchange], what: What) -> frozenset[str]:
    """What a provider said of itself in exchanges."""
    said = (READERS[what](e.completion) for e in exchanges if e.completion is not None)
    return frozenset(word for word in said if word)


def answers(trials: Iterable[TrialResult]) -> dict[str, list[Exchange]]:
    """The answered exchanges of trials by the name of the model that was asked."""
    found: dict[str, list[Exchange]] = {}
    for trial in trials:
        for exchange in trial.exchanges:
            if exchange.request is not None and exchange.completion is not None:
                found.setdefault(exchange.request.model, []).append(exchange)
    return found


def _moved(
    asked: str, what: What, sides: tuple[Sequence[Exchange], Sequence[Exchange]]
) -> Moved | None:
    before, after = (words_of(side, what) for side in sides)
    if not before or not after or before & after:
        return None
    return Moved(asked=asked, what=what, before=tuple(sorted(before)), after=tuple(sorted(after)))
