import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from small_project import CONFIG, SUITE, Project, Run

from llmops.cli.app import main, program_for

LLMOPS = Path(sys.executable).with_name("llmops")
FULL = Path("/dev/full")
COLOUR = re.compile(r"\x1b\[[0-9;]+m")
PLAIN = {name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR"}}


def on_terminal(*arguments: str, **environment: str) -> str:
    """What a person sees on a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [LLMOPS, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**PLAIN, "TERM": "xterm", "COLUMNS": "80", **environment},
    )
    os.close(theirs)
    shown = bytearray()
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # how Linux says that the other end is closed
        pass
    finally:
        os.close(ours)
        process.wait(30)
    return shown.decode()


def in_pipe(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [LLMOPS, *arguments], env={**PLAIN, **environment}, capture_output=True, check=False
    )


def test_colours_follow_the_terminal_and_the_environment(project: Project) -> None:
    project()

    assert COLOUR.search(on_terminal("test"))
    assert not COLOUR.search(on_terminal("test", NO_COLOR="1"))
    assert not COLOUR.search(on_terminal("test", TERM="dumb"))
    assert b"\x1b[" not in in_pipe("test").stdout
    assert b"\x1b[" in in_pipe("test", FORCE_COLOR="1").stdout
    assert b"\x1b[" not in in_pipe("test", FORCE_COLOR="1", NO_COLOR="1").stdout


def test_on_a_terminal_a_complaint_shows_the_line(project: Project) -> None:
    project({"suites/say.yaml": SUITE.replace("contains", "contians")})

    shown = on_terminal("lint", NO_COLOR="1")

    assert "5 │     assert: [{contians: red}]" in shown


def test_a_line_behind_a_link_is_not_shown(project: Project) -> None:
    folder = project({"secret.txt": "prompt: [the secret\n"})
    (folder / "suites/linked.yaml").symlink_to(folder / "secret.txt")

    trusted = on_terminal("lint", NO_COLOR="1")
    untrusted = on_terminal("lint", "--untrusted", NO_COLOR="1")

    assert "suites/linked.yaml:" in trusted
    assert "suites/linked.yaml:1:1" in untrusted
    assert "the secret" not in trusted + untrusted


def test_a_stream_that_knows_only_ascii_is_no_fault(project: Project) -> None:
    project({"suites/say.yaml": SUITE.replace("red", "ré·d")})

    tested = in_pipe("test", PYTHONIOENCODING="ascii")
    rendered = in_pipe("render", "say", "--case", "say::one", PYTHONIOENCODING="ascii")
    failed = in_pipe("show", "sayé", PYTHONIOENCODING="ascii")

    assert tested.returncode == rendered.returncode == 0
    assert rb"r\xe9" in rendered.stdout
    assert failed.returncode == 2
    assert (tested.stdout + rendered.stdout + failed.stderr).isascii()


def test_bytes_that_are_no_text_are_shown_and_kept(project: Project) -> None:
    folder = project()
    reports = [word for form in ("json", "junit", "csv", "markdown") for word in ("--report", form)]

    done = in_pipe("test", "--set", os.fsdecode(b"inputs.word=red\xff"), *reports)

    assert done.returncode == 0
    assert json.loads((folder / "report.json").read_text("utf-8"))["verdict"]["exit_code"] == 0


@pytest.mark.parametrize(
    "arguments", [["test"], ["test", "--json"], ["schema", "suite"], ["scorers"], ["--help"]]
)
def test_a_reader_that_goes_away_is_no_fault(
    project: Project, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    project()
    reading, writing = os.pipe()
    os.close(reading)

    with os.fdopen(writing, "w", encoding="utf-8") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        with pytest.raises(SystemExit) as ended:
            program_for(arguments)(arguments)

    assert ended.value.code == 141


@pytest.mark.skipif(not FULL.exists(), reason="this system has no disk that is always full")
@pytest.mark.parametrize("arguments", [["test"], ["test", "--json"], ["models"], ["--version"]])
def test_a_full_disk_behind_stdout_is_never_green(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
) -> None:
    project()

    with FULL.open("w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(SystemExit) as ended:
            program_for(arguments)(arguments)

    assert ended.value.code == 3
    assert "the output cannot be written" in capsys.readouterr().err


def test_a_bug_shows_its_traceback(project: Project) -> None:
    broken = "import os\nraise_it = os\nos.getcwd = lambda: 1 / 0\n"
    project({"llmops.yaml": CONFIG + "plugins: [broken_machine]\n", "broken_machine.py": broken})

    done = in_pipe("test", "--report", "json")

    assert done.returncode == 1
    assert b"Traceback" in done.stderr
    assert b"ZeroDivisionError" in done.stderr


def test_an_interrupt_before_the_run_ends_quietly(project: Project, run: Run) -> None:
    plugin = "raise KeyboardInterrupt\n"
    project(
        {"llmops.yaml": CONFIG + "plugins: [interrupted_here]\n", "interrupted_here.py": plugin}
    )

    done = run("test")

    assert done.code == 130
    assert "Traceback" not in done.err


def test_the_program_starts_with_closed_streams(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project()
    monkeypatch.setattr(sys, "argv", ["llmops", "test"])
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)

    with pytest.raises(SystemExit) as ended:
        main()
    opened = [stream for stream in (sys.stdout, sys.stderr) if stream is not None]
    for stream in opened:
        stream.close()

    assert ended.value.code == 0
    assert len(opened) == 2


class Cue:
    """A stream that acts when the program says that it waits."""

    encoding = "utf-8"

    def __init__(self, *acts: Callable[[], object]) -> None:
        self._acts = list(acts)
        self.said = ""

    def write(self, text: str) -> int:
        self.said += text
        if "watching" in text:
            self._acts.pop(0)()
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


def interrupt_soon() -> None:
    threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()


def watch(monkeypatch: pytest.MonkeyPatch, cue: Cue, *arguments: str) -> int | str | None:
    for name in [name for name in os.environ if name == "CI" or name.startswith("GITHUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "stderr", cue)
    with pytest.raises(SystemExit) as ended:
        program_for(["test"])(["test", "--watch", *arguments])
    return ended.value.code


def test_watching_runs_changed_code_and_is_not_woken_by_its_own_reports(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = "def judge(text):\n    return True\n"
    suite = SUITE.replace("{contains: red}", "{python: 'watched.py:judge'}")
    folder = project({"watched.py": scorer, "suites/say.yaml": suite})

    def change() -> None:
        (folder / "watched.py").write_text(scorer.replace("True", "False"), encoding="utf-8")

    cue = Cue(change, interrupt_soon)
    code = watch(monkeypatch, cue, "--report", "json", "--record")

    assert code == 1
    assert len(list((folder / ".llmops" / "runs").iterdir())) == 2


def test_watching_goes_on_after_a_complaint(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project({"suites/say.yaml": SUITE.replace("contains", "contians")})

    def mend() -> None:
        (folder / "suites/say.yaml").write_text(SUITE, encoding="utf-8")

    cue = Cue(mend, interrupt_soon)
    code = watch(monkeypatch, cue)

    assert code == 0
    assert "did you mean 'contains'?" in cue.said


def test_an_interrupt_of_a_watched_run_ends_the_watching(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = (
        "import os, signal\n\ndef judge(text):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n    return True\n"
    )
    suite = SUITE.replace("{contains: red}", "{python: 'stopping.py:judge'}")
    project({"stopping.py": scorer, "suites/say.yaml": suite, "llmops.yaml": CONFIG})

    code = watch(monkeypatch, Cue())

    assert code == 143
