"""Gates made by hand and at random, for the tests of every form."""

from hypothesis import strategies as st
from msgspec.structs import replace

from llmops.comparing.comparison import compare_trials
from llmops.comparing.gate import Standards, SuiteStandard, hold
from llmops.comparing.text_diff import diff_texts
from llmops.domain.completion import Completion
from llmops.domain.config import GatePolicy
from llmops.domain.gate import FINDINGS, Finding, decide_gate
from llmops.domain.run import Arm, Exchange, Status, StoppedBy, TrialResult
from llmops.domain.score import AssertionScore, Score
from llmops.domain.verdict import Totals, decide
from llmops.location import Location
from llmops.reporting.gate.base import GateReport, Reached

STATUSES: list[Status] = ["passed", "failed", "error", "unscored", "skipped"]
AT = Location("suites/s.yaml", 3, 5)
SCORES = {
    "passed": Score.passing("found"),
    "failed": Score.failing("not in the output"),
    "unscored": Score.unscored("the judge gave no verdict"),
}


def trial(number: int, status: Status, text: str = "a", *, suite: str = "s", **more) -> TrialResult:
    scores = (
        AssertionScore(label=text, scorer="contains", score=SCORES[status], at=AT)
        for _ in range(status in SCORES)
    )
    said = Exchange(completion=Completion(text=text), scores=tuple(scores), origin="recorded")
    return TrialResult(
        id=f"{suite}{number}",
        suite=suite,
        suite_path=f"suites/{suite}.yaml",
        case=f"{text} {number}",
        case_hash=f"h{number}",
        arm=Arm(prompt="p", model="m"),
        sample=0,
        status=status,
        at=AT,
        exchanges=(said,) if status in SCORES else (),
        **more,
    )


def gate_of(
    before: list[TrialResult],
    after: list[TrialResult],
    findings: tuple[Finding, ...] = (),
    standards: Standards | None = None,
    stopped_by: StoppedBy | None = None,
) -> GateReport:
    held = hold(before, after, standards or Standards())
    totals = Totals(planned=len(before) + len(after))
    for one in (*before, *after):
        totals.add(one)
    run = decide(totals, stopped_by=stopped_by)
    return GateReport(
        base="0123456789abcdef0123456789abcdef01234567",
        why="GITHUB_BASE_REF is main",
        against="the base",
        findings=findings,
        verdict=decide_gate(held.rules, findings, run=run),
        compare=diff_texts,
        reached=(Reached(suite="s", included=True, reasons=("prompts/p.yaml changed",)),),
        rules=held.rules,
        whole=held.whole,
        suites=held.suites,
        comparison=compare_trials(before, after),
        totals=totals,
        run="20261121-034512-7c1e",
    )


def finding(kind: str, text: str = "something", **more) -> Finding:
    return Finding(kind=kind, level=FINDINGS[kind], what=text, **more)


def hostile_gate(text: str) -> GateReport:
    """A gate with one text in every field that somebody else may fill."""
    place = Location(text or "a", 3, 4)
    before = [trial(n, "passed", text, suite=text) for n in range(9)]
    after = [trial(n, "failed", f"{text}.", suite=text, tags=("must_pass",)) for n in range(9)]
    renamed = [replace(one, case=two.case) for one, two in zip(after, before, strict=True)]
    findings = (
        finding("case_removed", text, suite=text, cases=(text, text), at=place),
        finding("assertion_changed", text),
        finding("recordings_added", text),
    )
    made = gate_of(before, renamed, findings)
    reached = (
        Reached(suite=text, included=True, reasons=(text, text)),
        Reached(suite=text, included=False),
    )
    return replace(made, why=text, against=text, reached=reached, notes=(text,), run=text)


@st.composite
def gates(draw: st.DrawFn) -> GateReport:
    """Random results on both sides, under a random policy, stopped by anything or nothing."""
    pairs = draw(st.lists(st.tuples(*[st.sampled_from([*STATUSES, None])] * 2), max_size=12))
    suites = [draw(st.sampled_from(["s", "t"])) for _ in pairs]
    tags = ("must_pass",) if draw(st.booleans()) else ()
    sides = [
        [
            trial(n, pair[side], suite=suites[n], tags=tags)
            for n, pair in enumerate(pairs)
            if pair[side] is not None
        ]
        for side in (0, 1)
    ]
    policy = GatePolicy(
        min_pass_rate=draw(st.sampled_from([None, 0.0, 0.5, 1.0])),
        margin=draw(st.sampled_from([None, 0.0, 0.9])),
        on_inconclusive=draw(st.sampled_from([None, "pass", "warn", "fail"])),
        levels=draw(st.sampled_from([None, {"worse": "warn"}, {"suite_worse": "error"}])),
    )
    kinds = draw(st.lists(st.sampled_from(sorted(FINDINGS)), max_size=3))
    return gate_of(
        sides[0],
        sides[1],
        tuple(finding(kind) for kind in kinds),
        Standards(
            policy=policy,
            suites={"t": SuiteStandard(policy=policy, own=draw(st.booleans()))},
            pairs_wanted=draw(st.sampled_from(["", "the run x"])),
        ),
        draw(st.sampled_from([None, None, None, "budget", "sigint", "sigterm"])),
    )
