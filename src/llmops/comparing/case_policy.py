"""The cases of a suite at the base and now in; what is no longer asked of them, out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from llmops.comparing.loosening import Loss, losses
from llmops.domain.completion import canonical_json
from llmops.domain.gate import FINDINGS, Finding
from llmops.domain.suite import Assertion, Case, Suite
from llmops.location import Location

MUST_PASS: Final = "must_pass"  # noqa: S105 - a tag


def compare_cases(
    suite: Suite, before: Sequence[Case], after: Sequence[Case], *, steps_of: Suite
) -> Iterator[Finding]:
    """Find the cases that are gone, skipped or asked for less.

    A case is known by its id; one that was renamed, by what it asks.

    Args:
        suite: As it is now.
        before: Its cases at the base.
        after: Its cases now.
        steps_of: The suite as it was.
    """
    gathered: dict[tuple[str, str], tuple[list[str], Location]] = {}
    counterparts = _counterparts(before, after)
    for case in before:
        for kind, what, at in _of_case(case, counterparts.get(case.id)):
            gathered.setdefault((kind, what), ([], at))[0].append(case.id)
    for (kind, what), (cases, at) in gathered.items():
        yield _finding(kind, what, suite.name, tuple(cases), at)
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


def _of_case(before: Case, after: Case | None) -> Iterator[tuple[str, str, Location]]:
    if after is None:
        yield "case_removed", "the case was removed", before.at
        return
    if after.skip is not None and before.skip is None:
        yield "case_skipped", f"the case is skipped: {after.skip}", after.at
    if MUST_PASS in before.tags and MUST_PASS not in after.tags:
        yield "must_pass_removed", f"the tag '{MUST_PASS}' was removed", after.at
    if inputs_key(before) != inputs_key(after):
        yield "case_changed", "the case asks something else", after.at
    if not _same(before, after):
        yield from _of_assertions(before, after)


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
