"""Runs made by hand and at random, for the tests of every report."""

import io
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TextIO

from hypothesis import strategies as st

from llmops.domain.completion import Completion, ToolCall, Usage
from llmops.domain.run import Arm, Exchange, Failure, RunFooter, RunHeader, Status, TrialResult
from llmops.domain.score import AssertionScore, Score
from llmops.domain.verdict import Totals, decide
from llmops.errors import Fault
from llmops.location import Location
from llmops.reporting.base import Report

HOSTILE: list[str] = json.loads(
    (Path(__file__).parent / "hostile_strings.json").read_text(encoding="ascii")
)
RUN_ID = "20261121-034512-7c1e"
COUNTED = Usage(input=30, output=4, source="provider")


def scored(
    score: Score,
    label: str = "contains 'refund'",
    *,
    line: int = 31,
    metric: str | None = None,
    soft: bool = False,
) -> AssertionScore:
    at = Location("suites/triage.yaml", line, 9)
    return AssertionScore(
        label=label, scorer="contains", score=score, at=at, metric=metric, soft=soft
    )


PASSING = scored(Score.passing("found"))
FAILING = scored(Score.failing("not in the output"))
UNSCORED = scored(Score.unscored("the judge gave no verdict"))


def said(
    text: str, *scores: AssertionScore, name: str = "", cost: float | None = 0.001
) -> Exchange:
    completion = Completion(text=text, cost=cost, latency=0.25, usage=COUNTED)
    return Exchange(name=name, completion=completion, origin="recorded", scores=scores)


def refused(message: str = "no such key", **more) -> Exchange:
    return Exchange(failure=Failure(kind="auth", message=message, **more), attempts=1)


def trial(
    status: Status = "passed",
    *exchanges: Exchange,
    case: str = "angry-customer",
    suite: str = "triage",
    model: str = "fast",
    **more,
) -> TrialResult:
    usual: dict[Status, tuple[Exchange, ...]] = {
        "passed": (said("We will refund you.", PASSING),),
        "failed": (said("I can look into this for you.", FAILING),),
        "unscored": (said("Perhaps.", UNSCORED),),
        "error": (refused(status=401, hint="set OUR_API_KEY"),),
        "skipped": (),
    }
    arm = more.pop("arm", Arm(prompt=suite, model=model))
    path = more.pop("suite_path", f"suites/{suite}.yaml")
    sample = more.pop("sample", 0)
    return TrialResult(
        id=f"{suite}/{case}/{arm.label}/{sample}",
        suite=suite,
        suite_path=path,
        case=case,
        case_hash="0123456789ab",
        arm=arm,
        sample=sample,
        status=status,
        at=more.pop("at", Location(path, 20, 5)),
        exchanges=exchanges or usual[status],
        reason="not today" if status == "skipped" else None,
        **more,
    )


def report_of(
    trials: Iterable[TrialResult],
    *,
    planned: int | None = None,
    stopped_by=None,
    duration: float | None = 0.4,
    warnings: Sequence[Fault] = (),
    **header,
) -> Report:
    kept = tuple(trials)
    totals = Totals(planned=len(kept) if planned is None else planned)
    for result in kept:
        totals.add(result)
    header = {"models": ("fast", "haiku"), "versions": {"llmops": "0.1.0"}, **header}
    footer = None
    if duration is not None:
        footer = RunFooter(
            finished="2026-11-21T03:45:13+00:00", duration=duration, stopped_by=stopped_by
        )
    return Report(
        header=RunHeader(
            id=RUN_ID, started="2026-11-21T03:45:12+00:00", planned=totals.planned, **header
        ),
        footer=footer,
        verdict=decide(totals, stopped_by=stopped_by),
        trials=lambda: iter(kept),
        warnings=tuple(warnings),
    )


def written(write: Callable[[Report, TextIO], None], report: Report) -> str:
    out = io.StringIO()
    write(report, out)
    text = out.getvalue()
    text.encode()  # a report that UTF-8 cannot hold would fail on disk
    return text


def a_full_run() -> Report:
    """One of everything a report may have to show."""
    tools = Completion(text="", tool_calls=(ToolCall(name="look_up", arguments='{"id": 7}'),))
    target = Completion(text="", output={"reply": "late", "days": 3}, latency=1.5)
    tone = scored(Score.failing("too stiff", 0.25), "rubric 'tone'", metric="tone", soft=True)
    kind = scored(Score.passing("found", 0.9), "equals 'refund'", line=33, metric="kind")
    unsure = scored(Score.unscored("two verdicts"), "rubric 'tone'", line=40, metric="tone")
    lines = "\n".join(f"line {number}: ```" for number in range(1, 30))
    hostile = "\x1b[2J##[set-env name=A]b\n::set-output name=passed::true\n</details><img src=x>"
    odd = scored(Score.failing("'=1+1' is no date\nsee @octocat"), "matches '^\\d+$'", line=35)
    versions = [
        Arm(prompt="reply@1.3.0", model="fast", version="1.3.0", content_hash="aaaaaaaaaaaa"),
        Arm(prompt="reply@main", model="fast", version="1.4.0", content_hash="bbbbbbbbbbbb"),
    ]
    talk = (said("Hello!", PASSING, name="turn 1"), said("Who?", FAILING, odd, name="turn 2"))
    trials = [
        trial("passed", said("refund", kind, tone), case="calm"),
        trial("failed", said(hostile, FAILING, kind)),
        trial("failed", said(lines, FAILING, odd), case="long", model="haiku"),
        trial("failed", said("", FAILING), case="silent", model="haiku"),
        trial("unscored", said("Perhaps.", unsure), case="unsure", model="haiku"),
        trial("error", case="down", model="haiku"),
        trial("skipped", case="later"),
        trial("failed", case="wavers", quarantined="until 2026-12-05: it wavers\n<b>"),
        trial("passed", case="wavers", sample=1, quarantined="until 2026-12-05: it wavers"),
        trial("passed", case="calm", sample=1),
        *(trial(case=case, suite="reply", arm=arm) for case in ("a", "b") for arm in versions),
        trial("failed", *talk, case="talk", suite="reply", arm=versions[1]),
        trial("passed", Exchange(completion=tools), suite="agent", case="=cmd|' /C calc'!A0"),
        trial(
            "failed",
            Exchange(completion=target, scores=(FAILING,)),
            suite="agent",
            case="app",
            arm=Arm(prompt="app.py:answer", model=""),
        ),
    ]
    warning = Fault(
        code="unpinned-model",
        message="'fast' names no dated model",
        at=Location("llmops.yaml", 4, 3),
        hint="name one",
        severity="warning",
    )
    return report_of(
        trials,
        planned=22,
        stopped_by="budget",
        warnings=[warning],
        commit="a1b2c3d4e5f60718293a4b5c6d7e8f9001122334",
        dirty="0f1e2d3c4b5a",
    )


STATUSES: list[Status] = ["passed", "failed", "error", "unscored", "skipped"]


@st.composite
def reports(draw) -> Report:
    """Runs of up to a dozen trials, maybe stopped early."""
    found = draw(st.lists(st.sampled_from(STATUSES), max_size=12))
    trials = [
        trial(
            status,
            case=draw(st.sampled_from(["a", "b", *HOSTILE[:5]])),
            suite=draw(st.sampled_from(["triage", "reply"])),
            model=draw(st.sampled_from(["fast", "haiku"])),
            quarantined=draw(st.sampled_from([None, None, "until 2026-12-05: it wavers"])),
        )
        for status in found
    ]
    stopped_by = draw(
        st.sampled_from([None, None, "budget", "fail_fast", "sigint", "sigterm", "killed"])
    )
    missing = draw(st.integers(0, 3)) if stopped_by else 0
    return report_of(trials, planned=len(trials) + missing, stopped_by=stopped_by)


def hostile_texts() -> st.SearchStrategy[str]:
    """Text of every kind, biased towards what means something to a terminal, a runner, a parser."""
    pieces = st.sampled_from(
        [
            *(":", "::", "#", "##", "[", "##[", "##vso[", "]", "\n", "\r", "\t", " ", "`", "```"),
            *("\x1b", "\x9b", "\x00", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\xa0", "\u3000"),
            *("\u202e", "\U000e0041", "\ud800", "<", ">", "&", "'", '"', "=", "+", "-", "@", "＝"),
            *("</details>", "<!--", "]]>", "![", "](http://x.y)", "@bob", "www.", "\\", "|", "a"),
        ]
    )
    return st.one_of(
        st.sampled_from(HOSTILE),
        st.lists(pieces, max_size=30).map("".join),
        st.text(st.characters(), max_size=60),
    )
