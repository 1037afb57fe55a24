"""Which cases the gate excuses: those that stood in quarantine at the base, on the day of the run."""

from collections.abc import Iterator

from msgspec.structs import replace

from llmops.comparing.case_policy import inputs_key
from llmops.domain.quarantine import Quarantine
from llmops.domain.suite import Suite
from llmops.errors import InvalidInputError
from llmops.loading.quarantine import unknown_cases
from llmops.workflows.gating.governing import Governed
from llmops.workflows.gating.policy import PolicyReading


def under_base_quarantine(governed: Governed, reading: PolicyReading) -> Governed:
    """The project with the base's quarantines in place of its own.

    A change cannot excuse itself: an entry that it brings counts once it is in the base.

    Raises:
        InvalidInputError: An entry of the change names no case of its suite.
    """
    opened = governed.opened
    old = {new: old for old, new in reading.renamed.items()}
    suites = {
        name: replace(suite, quarantine=tuple(_entries(governed, reading, suite, old)))
        for name, suite in opened.project.suites.items()
    }
    return replace(governed, opened=replace(opened, project=replace(opened.project, suites=suites)))


def _entries(
    governed: Governed, reading: PolicyReading, suite: Suite, old: dict[str, str]
) -> Iterator[Quarantine]:
    """The base's entries whose case is there still and asks the same: it is what is excused."""
    if suite.name not in reading.after.cases:
        return
    known = {case.id: inputs_key(case) for case in reading.after.cases[suite.name]}
    wrong = list(unknown_cases(suite.quarantine, known))
    if wrong:
        raise InvalidInputError.of(wrong)
    name = old.get(suite.name, suite.name)
    before = governed.before.suites.get(name)
    if before is None:
        return
    then = {case.id: inputs_key(case) for case in reading.before.cases.get(name, ())}
    for entry in before.quarantine:
        id_ = entry.case.text
        if id_ in known and known[id_] == then.get(id_):
            yield entry
