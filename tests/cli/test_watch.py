import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_project import SUITE, Project, Run

LLMOPS = Path(sys.executable).with_name("llmops")


def runs_kept(folder: Path) -> int:
    return len(list((folder / ".llmops" / "runs").glob("*.jsonl")))


def wait_for(folder: Path, runs: int, process: "subprocess.Popen[str]") -> None:
    while runs_kept(folder) < runs:
        assert process.poll() is None
        time.sleep(0.02)


def save(folder: Path, text: str) -> None:
    """As editors do: the suite is the old one or the new one, at no moment half of it."""
    beside = folder.parent / "saved.yaml"
    beside.write_text(text, encoding="utf-8")
    beside.replace(folder / "suites/say.yaml")


def test_a_change_is_run_at_once_and_an_interrupt_ends_with_the_last_code(
    project: Project,
) -> None:
    folder = project()
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    process = subprocess.Popen(
        [LLMOPS, "test", "--watch"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert process.stderr is not None
    wait_for(folder, 1, process)
    assert "watching for changes" in process.stderr.readline()

    broken = SUITE.replace("contains: red", "contians: red")
    save(folder, broken)
    complaint = process.stderr.readline()
    while "watching" not in process.stderr.readline():
        pass
    failing = SUITE.replace("contains: red", "contains: blue")
    save(folder, failing)
    wait_for(folder, 2, process)
    while "watching" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)

    assert "did you mean" in complaint or "unknown-scorer" in complaint
    assert "1 passed" in out
    assert "1 failed" in out
    assert process.returncode == 1


def test_nobody_watches_in_ci(project: Project, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    project()
    monkeypatch.setenv("CI", "true")

    done = run("test", "--watch")

    assert done.code == 2
    assert "not for CI" in done.err
