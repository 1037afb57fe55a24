"""Say which cases are flaky by the runs that are kept, and propose to quarantine them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from llmops.comparing.case_policy import MUST_PASS
from llmops.comparing.habits import Belief, attempts, beliefs
from llmops.domain.completion import canonical_json
from llmops.domain.flaky import CaseHabit, FlakyReport, Proposal
from llmops.loading.quarantine_writing import set_quarantine
from llmops.reporting.files import write_text
from llmops.running.keeping.run_names import FOLDER, run_ids
from llmops.running.past.histories import History, read_histories
from llmops.running.planning.plan import PlanOptions, make_plan
from llmops.running.planning.selection import Selection
from llmops.workflows.approving import refuse_ci
from llmops.workflows.opening.project import OpenProject

DAYS: Final = 14
"""So long is a case proposed to be quarantined."""
_HERE: Final = "write them where a person sees what is excused, and commit the files"


class FlakyOptions(Struct, frozen=True, kw_only=True):
    """What `llmops flaky` was asked to do.

    Attributes:
        runs: So many kept runs are looked through, the newest.
        write: Put the proposals into the suites' files.
    """

    selection: Selection = field(default_factory=Selection)
    runs: int = 100
    write: bool = False


def flaky(opened: OpenProject, options: FlakyOptions, today: date) -> FlakyReport:
    """Look through kept runs.

    Args:
        opened: The project.
        options: What to look at.
        today: In UTC; quarantines are counted from it.

    Raises:
        InvalidInputError: Something is wrong with the files, or a suite's file cannot be edited;
            entries are to be written, and this is a CI.
        NothingSelectedError: No case is selected.
        UnavailableError: A suite's file cannot be written.
    """
    if options.write:
        refuse_ci(opened.environment, "quarantines", _HERE)
    wanted = PlanOptions(selection=options.selection, untrusted=opened.untrusted, today=today)
    plan = make_plan(opened.project, opened.find_prompt, opened.resources, wanted)
    folder = opened.root / FOLDER
    known = read_histories(folder, plan.trials(), run_ids(folder)[-options.runs :])
    cases = sorted(_habits(known.by_key.values()), key=_flakiest_first)
    report = FlakyReport(
        cases=tuple(cases),
        proposals=tuple(_proposals(opened, cases, today)),
        runs=known.runs,
        changed=known.changed,
        broken=known.broken,
    )
    return replace(report, written=tuple(_write(opened, report))) if options.write else report


def _habits(histories: Iterable[History]) -> list[CaseHabit]:
    """Every case beside the others of its suite and arm."""
    groups: dict[str, list[History]] = {}
    for history in histories:
        arm = history.planned.planned_arm.arm
        group = [history.planned.suite.name, arm.prompt, arm.model, dict(arm.parameters)]
        groups.setdefault(canonical_json(group), []).append(history)
    return [
        _habit(history, belief)
        for group in groups.values()
        for history, belief in zip(
            group, beliefs([(one.passed, one.n) for one in group]), strict=True
        )
    ]


def _habit(history: History, belief: Belief) -> CaseHabit:
    planned = history.planned
    return CaseHabit(
        suite=planned.suite.name,
        case=planned.case.id,
        arm=planned.planned_arm.arm,
        passed=history.passed,
        n=history.n,
        unknown=history.unknown,
        rate=belief.rate,
        low=belief.low,
        high=belief.high,
        flaky=belief.flaky,
        attempts=attempts(history.passed, history.n),
        last_seen=history.last_seen,
        must_pass=MUST_PASS in planned.case.tags,
        quarantined=planned.quarantined,
    )


def _flakiest_first(case: CaseHabit) -> tuple[bool, bool, float, str, str, str]:
    same = case.passed in {0, case.n}
    return (not case.n, same, -case.flaky, case.suite, case.case, case.arm.label)


def _proposals(opened: OpenProject, cases: Sequence[CaseHabit], today: date) -> list[Proposal]:
    found: dict[tuple[str, str], Proposal] = {}
    for case in cases:
        if case.habit != "flaky" or case.must_pass or case.quarantined is not None:
            continue
        suite = opened.project.suites[case.suite]
        proposal = Proposal(
            suite=case.suite,
            path=suite.path,
            case=case.case,
            until=today + timedelta(days=DAYS),
            reason=f"passed {case.passed} of {case.n} times on {case.arm.model or case.arm.prompt}",
            renewed=any(entry.case.text == case.case for entry in suite.quarantine),
        )
        found.setdefault((case.suite, case.case), proposal)
    return list(found.values())


def _write(opened: OpenProject, report: FlakyReport) -> Iterable[str]:
    """Make every text before the first is written."""
    made: Mapping[str, str] = {
        path: set_quarantine(opened.project.tree.read(path).decode(), path, proposals)
        for path, proposals in report.by_file().items()
    }
    for path, text in made.items():
        write_text(opened.root / path, text, root=opened.root)
    return made
