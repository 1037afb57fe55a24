"""Two sets of trials in, pairs out: the same case, asked of both sides."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Literal

from llmops.domain.comparison import Pair, Side, Unpaired
from llmops.domain.completion import output_text
from llmops.domain.run import Exchange, TrialResult
from llmops.domain.score import AssertionScore

Matched = tuple[TrialResult, TrialResult]
_Key = tuple[object, ...]
_SIDES: Final[tuple[Literal["before", "after"], ...]] = ("before", "after")


def pair_trials(
    before: Iterable[TrialResult], after: Iterable[TrialResult]
) -> tuple[list[Matched], list[Unpaired]]:
    """Pair trials by suite, case, what the case asks, sample and model; never by their place.

    Where a case has one trial on each side left over, their models may differ: a version names
    its model, too.

    Returns:
        Pairs in the order of `before`; trials that stand alone, those of `before` first.
    """
    old, new = list(before), list(after)
    pairs = _matched(old, new, _exact)
    left, right = _alone(old, new, pairs)
    pairs += _matched(_single(left), _single(right), _loose)
    place = {id(trial): index for index, trial in enumerate(old)}
    pairs.sort(key=lambda pair: place[id(pair[0])])
    return pairs, list(_unpaired(_alone(old, new, pairs)))


def pair_of(matched: Matched) -> Pair:
    """A pair without the weight of the trials' messages."""
    before, after = matched
    return Pair(
        suite=after.suite,
        case=after.case,
        case_hash=after.case_hash,
        sample=after.sample,
        before=side_of(before),
        after=side_of(after),
    )


def side_of(trial: TrialResult) -> Side:
    """What a comparison says of one trial."""
    completions = [e.completion for e in trial.exchanges if e.completion is not None]
    costs = [completion.cost for completion in completions]
    known = [cost for cost in costs if cost is not None]
    return Side(
        model=trial.arm.model,
        status=trial.status,
        output=output_of(trial),
        reasons=tuple(_reasons(trial)),
        value=trial.value,
        cost=sum(known) if known and len(known) == len(costs) else None,
        latency=sum(completion.latency for completion in completions) if completions else None,
    )


def output_of(trial: TrialResult) -> str | None:
    """All that was said in a trial: the turns or steps one after the other, each with its name."""
    said = [(e.name, output_text(e.completion)) for e in trial.exchanges if e.completion]
    if not said:
        return None
    if len(trial.exchanges) == 1:
        return said[0][1]
    return "\n".join(f"[{name}]\n{text}" for name, text in said)


def _exact(trial: TrialResult) -> _Key:
    return (*_loose(trial), trial.arm.model)


def _loose(trial: TrialResult) -> _Key:
    return (trial.suite, trial.case, trial.case_hash, trial.sample)


def _matched(
    old: Iterable[TrialResult], new: Iterable[TrialResult], key: Callable[[TrialResult], _Key]
) -> list[Matched]:
    """Trials of one key, the first with the first where there are several."""
    waiting: dict[_Key, deque[TrialResult]] = defaultdict(deque)
    for trial in new:
        waiting[key(trial)].append(trial)
    return [(trial, waiting[key(trial)].popleft()) for trial in old if waiting[key(trial)]]


def _alone(
    old: Sequence[TrialResult], new: Sequence[TrialResult], pairs: Sequence[Matched]
) -> tuple[list[TrialResult], list[TrialResult]]:
    return _without(old, (pair[0] for pair in pairs)), _without(new, (pair[1] for pair in pairs))


def _without(trials: Iterable[TrialResult], taken: Iterable[TrialResult]) -> list[TrialResult]:
    ids = {id(trial) for trial in taken}
    return [trial for trial in trials if id(trial) not in ids]


def _single(trials: Iterable[TrialResult]) -> list[TrialResult]:
    """The trials that are the only ones of their case and sample."""
    listed = list(trials)
    counted = Counter(_loose(trial) for trial in listed)
    return [trial for trial in listed if counted[_loose(trial)] == 1]


def _unpaired(alone: tuple[Sequence[TrialResult], Sequence[TrialResult]]) -> Iterator[Unpaired]:
    for side, trials, others in zip(_SIDES, alone, reversed(alone), strict=True):
        asked = {(trial.suite, trial.case): trial for trial in others}
        for trial in trials:
            other = asked.get((trial.suite, trial.case))
            yield Unpaired(
                side=side,
                suite=trial.suite,
                case=trial.case,
                case_hash=trial.case_hash,
                sample=trial.sample,
                model=trial.arm.model,
                reason=_reason(trial, other),
            )


def _reason(trial: TrialResult, other: TrialResult | None) -> str:
    if other is None:
        return "the other side was not asked"
    if other.case_hash != trial.case_hash:
        return "the case asks something else on the other side"
    return "the other side was asked on other models or more often"


def _reasons(trial: TrialResult) -> Iterator[str]:
    if trial.reason:
        yield trial.reason
    for exchange in trial.exchanges:
        before = f"{exchange.name}: " if exchange.name else ""
        yield from (f"{before}{words}" for words in _words(exchange))


def _words(exchange: Exchange) -> Iterator[str]:
    if exchange.failure is not None:
        yield f"{exchange.failure.kind}: {exchange.failure.message}"
    for entry in exchange.scores:
        if not entry.soft and entry.score.status != "passed":
            yield _claim(entry)


def _claim(entry: AssertionScore) -> str:
    judged = "" if entry.score.status == "failed" else "could not be judged: "
    return f"{entry.label}: {judged}{entry.score.reason}"
