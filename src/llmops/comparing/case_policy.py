"""The cases of a suite at the base and now in; what is no longer asked of them, out."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from llmops.comparing.loosening import Loss, losses
from llmops.domain.completion import canonical_json
from llmops.domain.gate import FINDINGS, Finding
from llmops.domain.node import plain
from llmops.domain.suite import Assertion, Case, Suite
from llmops.location import Location

MUST_PASS: Final = "must_pass"  # noqa: S105 - a tag


class CaseSides(Struct, frozen=True, kw_only=True):
    """The cases of one suite: at the base, and now."""

    before: Sequence[Case]
    after: Sequence[Case]


def compare_cases(
    suite: Suite, cases: CaseSides, *, steps_of: Suite, judged: Collection[str] = ()
) -> Iterator[Finding]:
    """Find the cases that are gone, skipped or asked for less.

    A case is known by its id; one that was renamed, by what it asks.

    Args:
        suite: As it is now.
        cases: Its cases.
        steps_of: The suite as it was.
        judged: The metrics that the gate judges beside the pass rate.
    """
    gathered: dict[tuple[str, str], tuple[list[str], Location]] = {}
    counterparts = _counterparts(cases.before, cases.after)
    for case in cases.before:
        for kind, what, at in _of_case(case, counterparts.get(case.id), judged):
            gathered.setdefault((kind, what), ([], at))[0].append(case.id)
    for (kind, what), (ids, at) in gathered.items():
        yield _finding(kind, what, suite.name, tuple(ids), at)
    for loss in _of_steps(steps_of, suite):
        yield _finding(loss.kind, loss.what, suite.name, (), loss.at)


def inputs_key(case: Case) -> str:
    """What a case asks, whatever its suite and its id are called."""
    said = [turn.user.text for turn in case.conversation]
    return canonical_json([dict(case.inputs), said])


def _counterparts(before: Sequence[Case], after: Sequence[Case]) -> Mapping[str, Case]:
    """What each case is now, by its id at the base."""
    by_id = {case.id: case for case in after}
    known = {case.id for case in before}
    renamed = {inputs_key(case): case for case in after if case.id not in known}
    found: dict[str, Case] = {}
    for case in before:
        now = by_id.get(case.id) or renamed.pop(inputs_key(case), None)
        if now is not None:
            found[case.id] = now
    return found


def _of_case(
    before: Case, after: Case | None, judged: Collection[str]
) -> Iterator[tuple[str, str, Location]]:
    if after is None:
        yield "case_removed", "the case was removed", before.at
        return
    if after.skip is not None and before.skip is None:
        yield "case_skipped", f"the case is skipped: {after.skip}", after.at
    if MUST_PASS in before.tags and MUST_PASS not in after.tags:
        yield "must_pass_removed", f"the tag '{MUST_PASS}' was removed", after.at
    if inputs_key(before) != inputs_key(after):
        yield "case_changed", "the case asks something else", after.at
    yield from _of_cluster(before, after)
    yield from _of_row(before, after)
    if not _same(before, after):
        yield from _of_assertions(before, after)
        yield from _of_metrics(before, after, judged)


def _of_cluster(before: Case, after: Case) -> Iterator[tuple[str, str, Location]]:
    """Cases of one cluster count as one: clusters say how much can be seen."""
    if before.cluster != after.cluster:
        words = f"the case counts in {_cluster(after)} in place of {_cluster(before)}"
        yield "cluster_changed", words, after.at


def _of_metrics(
    before: Case, after: Case, judged: Collection[str]
) -> Iterator[tuple[str, str, Location]]:
    for metric in sorted((_metrics(before) - _metrics(after)).intersection(judged)):
        words = f"nothing is asserted for {metric} any more, which the gate judges"
        yield "gate_changed", words, after.at


def _cluster(case: Case) -> str:
    return "no cluster" if case.cluster is None else f"the cluster '{case.cluster}'"


def _metrics(case: Case) -> set[str]:
    own = (*case.assertions, *(one for turn in case.conversation for one in turn.assertions))
    return {one.metric for one in own if one.metric is not None}


def _of_row(before: Case, after: Case) -> Iterator[tuple[str, str, Location]]:
    """Columns whose values changed and that assertions quote: what is right is another thing now."""
    then, now = before.row or {}, after.row or {}
    if then == now:
        return
    own = (*after.assertions, *(one for turn in after.conversation for one in turn.assertions))
    quoted = " ".join(canonical_json(plain(one.arguments.value)) for one in own)
    changed = [name for name in then if then[name] != now.get(name) and _quotes(quoted, name)]
    if changed:
        words = f"assertions quote {', '.join(changed)} of a row, where something else stands now"
        yield "assertion_changed", words, after.at


def _quotes(text: str, column: str) -> bool:
    return "row" in text and column in text


def _of_assertions(before: Case, after: Case) -> Iterator[tuple[str, str, Location]]:
    for loss in losses(before.assertions, after.assertions):
        yield loss.kind, loss.what, loss.at
    turns = max(len(before.conversation), len(after.conversation))
    for number in range(turns):
        for loss in losses(_turn(before, number), _turn(after, number)):
            yield loss.kind, f"turn {number + 1}: {loss.what}", loss.at


def _same(before: Case, after: Case) -> bool:
    """Whether nothing was touched: then nothing has to be compared one by one."""
    return before.assertions == after.assertions and before.conversation == after.conversation


def _turn(case: Case, number: int) -> Sequence[Assertion]:
    turns = case.conversation
    return turns[number].assertions if number < len(turns) else ()


def _of_steps(before: Suite, after: Suite) -> Iterator[Loss]:
    now = {step.id: step.assertions for step in after.steps}
    for step in before.steps:
        for loss in losses(step.assertions, now.get(step.id, ())):
            yield Loss(loss.kind, f"step {step.id}: {loss.what}", loss.at)


def _finding(kind: str, what: str, suite: str, cases: tuple[str, ...], at: Location) -> Finding:
    return Finding(kind=kind, level=FINDINGS[kind], what=what, suite=suite, cases=cases, at=at)
