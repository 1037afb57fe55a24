"""How much more memory a run takes for more cases; counted bytes, no figure of the machine."""

import gc
import io
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from small_project import Project

from llmops.reporting.progress import NoProgress
from llmops.reporting.registry import reporters
from llmops.running import runner
from llmops.running.asking import live
from llmops.running.planning import plan
from llmops.workflows.executing.asking import Clock
from llmops.workflows.executing.execution import Outcome, TestOptions
from llmops.workflows.opening.project import Surroundings, open_project
from llmops.workflows.test import run_tests

FEW, MANY = 80, 400
TEXT = 2000
"""Letters of a case's id, so that who keeps one is seen."""
A_CASE = 500
"""Bytes that one case more may take; what waits to be collected is among them."""
SUITE = (
    "prompt: say\ncases:\n  - dataset: rows.SUFFIX\n    id: '{{ row.word }}'\n"
    "    inputs: {word: '{{ row.word }}'}\n    assert: [{contains: '{{ row.word }}'}]\n"
)


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """What may be in memory at once, made so small that a few cases fill it."""
    monkeypatch.setattr(plan, "_KEPT", 50)
    monkeypatch.setattr(live, "_QUEUED", 50)
    monkeypatch.setattr(runner, "_CHUNK", 16)


def lay_out(project: Project, suffix: str, count: int) -> Path:
    words = [f"word{number}{'.' * TEXT}" for number in range(count)]
    lines = ["word", *words] if suffix == "csv" else [f'{{"word": "{word}"}}' for word in words]
    return project(
        {"suites/say.yaml": SUITE.replace("SUFFIX", suffix), f"rows.{suffix}": "\n".join(lines)}
    )


class Nowhere(io.StringIO):
    """Takes text and forgets it."""

    def write(self, text: str) -> int:
        return len(text)


def cut_off(project: Project, count: int) -> tuple[Path, str]:
    """A project, and the id of a run that lacks its last trial and its footer."""
    folder = lay_out(project, "csv", count)
    path = carry_out(folder).path
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-2]), encoding="utf-8")
    return folder, path.stem


def carry_out(folder: Path, resume: str | None = None) -> Outcome:
    opened = open_project(Surroundings(folder=folder, environment={}))
    clock = Clock(now=lambda: datetime.now(UTC), monotonic=lambda: 0.0)
    return run_tests(opened, TestOptions(resume=resume), clock, NoProgress())


def peak(work: Callable[[], object]) -> int:
    """The most bytes in use at a time, beyond what was there before."""
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_a_run_takes_no_more_memory_for_more_cases(project: Project, suffix: str) -> None:
    carry_out(lay_out(project, suffix, FEW))

    folder = lay_out(project, suffix, FEW)
    few = peak(lambda: carry_out(folder))
    folder = lay_out(project, suffix, MANY)
    many = peak(lambda: carry_out(folder))

    assert many - few < A_CASE * (MANY - FEW)


def test_a_report_takes_no_more_memory_for_more_trials(project: Project) -> None:
    few = carry_out(lay_out(project, "csv", FEW)).report
    many = carry_out(lay_out(project, "csv", MANY)).report

    for name, kind in reporters().items():
        kind.write(few, Nowhere())
        small = peak(lambda: kind.write(few, Nowhere()))  # noqa: B023 - called at once
        large = peak(lambda: kind.write(many, Nowhere()))  # noqa: B023 - called at once

        assert large - small < A_CASE * (MANY - FEW), name


@pytest.mark.usefixtures("small_windows")
def test_a_resumed_run_takes_no_more_memory_for_more_trials(project: Project) -> None:
    few_folder, few_run = cut_off(project, FEW)
    few = peak(lambda: carry_out(few_folder, resume=few_run))
    many_folder, many_run = cut_off(project, MANY)
    many = peak(lambda: carry_out(many_folder, resume=many_run))

    assert many - few < A_CASE * (MANY - FEW)
