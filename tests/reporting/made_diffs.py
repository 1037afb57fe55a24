"""Diffs made by hand, for the tests of their reports."""

import io
from collections.abc import Callable
from typing import TextIO

from made_reports import FAILING, PASSING, UNSCORED, refused, said, scored, trial

from llmops.comparing.comparison import compare_trials
from llmops.comparing.rendered import RenderedCase, diff_rendered
from llmops.comparing.text_diff import diff_texts
from llmops.domain.change import Change, PartChange
from llmops.domain.comparison import decide_comparison
from llmops.domain.rendered import CaseName, RenderedDiff
from llmops.domain.run import Arm, TrialResult
from llmops.domain.score import Score
from llmops.errors import Fault
from llmops.location import Location
from llmops.reporting.diff.base import DiffReport, VersionName

OLD = "You are a helpful assistant."
NEW = "You are a helpful assistant. Be brief."
FAULT = Fault(
    code="unknown-input",
    message="the prompt has no input 'tone'",
    at=Location("suites/triage.yaml", 4, 7),
)


def part(before: str | None = OLD, after: str | None = NEW, name: str = "system message"):
    return PartChange(
        part=name,
        kind="wording",
        step="patch",
        before=before,
        after=after,
        reason="the wording changed",
    )


def messages(system: str, user: str) -> list[dict[str, object]]:
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def rendered(count: int = 3) -> RenderedDiff:
    cases = [
        RenderedCase(
            case=CaseName("triage", f"c{number}"),
            before=messages(OLD, f"question {number}"),
            after=messages(NEW, f"question {number}"),
        )
        for number in range(count)
    ]
    broken = RenderedCase(case=CaseName("triage", "odd"), before=(FAULT,), after=(FAULT, FAULT))
    chained = RenderedCase(case=CaseName("chain", "later"), before=None, after=None)
    return diff_rendered([*cases, broken, chained])


def sides() -> tuple[list[TrialResult], list[TrialResult]]:
    """A pair of each outcome, and one trial on each side that stands alone."""
    tone = scored(Score.passing("yes", 0.5), metric="tone")
    before = [
        trial("passed", said("I will refund you.", PASSING, tone), case="breaks"),
        trial("failed", case="fixes"),
        trial("passed", said("red\ngreen", PASSING), case="changes"),
        trial("passed", case="stays"),
        trial("passed", case="fails"),
        trial(
            "unscored",
            said("Perhaps.", UNSCORED, scored(Score.unscored("?"), metric="tone")),
            case="open",
        ),
        trial("skipped", case="skipped"),
        trial("passed", case="only-first"),
    ]
    after = [
        trial("failed", said("I will look into it.", FAILING), case="breaks", sample=0),
        trial("passed", case="fixes"),
        trial("passed", said("red\nblue", PASSING, cost=None), case="changes"),
        trial("passed", case="stays"),
        trial("error", refused(), case="fails"),
        trial("passed", case="open"),
        trial("skipped", case="skipped"),
        trial("passed", case="only-second", arm=Arm(prompt="triage", model="slow")),
    ]
    return before, after


def diff_report(
    before: list[TrialResult] | None = None,
    after: list[TrialResult] | None = None,
    **more,
) -> DiffReport:
    usual = sides()
    comparison = compare_trials(
        usual[0] if before is None else before, usual[1] if after is None else after
    )
    found = {
        "before": VersionName(
            name="support/reply@1.0.0",
            version="1.0.0",
            content_hash="0123456789ab",
            commit="c" * 40,
        ),
        "after": VersionName(
            name="support/reply", version=None, content_hash="ba9876543210", commit=None
        ),
        "change": Change(parts=(part(),)),
        "rendered": rendered(),
        "comparison": comparison,
        "verdict": decide_comparison(comparison),
        "compare": diff_texts,
        "suites": ("triage",),
        "run": "20261121-034512-7c1e",
    }
    return DiffReport(**{**found, **more})


def written(write: Callable[[DiffReport, TextIO], None], report: DiffReport) -> str:
    out = io.StringIO()
    write(report, out)
    return out.getvalue()
