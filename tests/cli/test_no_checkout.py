import gc
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_project import GOOD, PROMPT, SUITE, Run

from made_history import Made, make_repository

SAY = "prompts/say.yaml"
READING = (
    ("show", "say@1.0.0"),
    ("show", "say@git:HEAD~1"),
    ("render", "say@1.0.0", "-i", "word=red"),
    ("log", "say", "--stat"),
    ("blame", "say"),
    ("blame", "say@1.0.0"),
    ("label",),
    ("test", "--fresh"),
    ("test", "--since=HEAD~1"),
    ("test", "--replay"),
    ("diff", "say@1.0.0", "say"),
    ("diff", "say@1.0.0", "say@1.1.0"),
    ("export", "bundle"),
    ("export", "openai", "say@1.0.0", "-i", "word=red"),
    ("bisect", "say", "--suite=say", "--case=one", "--good=HEAD~2", "--bad=HEAD"),
    ("lint",),
    ("lint", "--base=HEAD~1"),
    ("prompts",),
    ("suites", "--since=HEAD~1"),
    ("models",),
    ("runs",),
    ("report",),
    ("rescore",),
    ("cache",),
    ("doctor",),
)
WRITING = (
    (("label", "say", "staging", "1.0.0"), "prompts/labels.yaml"),
    (("label", "say", "production", "HEAD~1"), "prompts/labels.yaml"),
    (("label", "say", "production", "--remove"), "prompts/labels.yaml"),
    (("bump", "say"), SAY),
    (("restore", "say@1.0.0", "--force"), SAY),
)
STATES = {"in order": (), "detached": ("checkout", "--quiet", "--detach", "HEAD~1")}
pytestmark = pytest.mark.usefixtures("nobody")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Three commits, a staged change, a change that is not staged, and a file git knows not."""
    repository = make_repository(tmp_path / "work")
    suite = SUITE.replace("prompt: say", "prompt: [say@1.0.0, say]")
    repository.commit("First", GOOD)
    repository.commit("Second", {SAY: PROMPT.replace("1.0.0", "1.1.0").replace("Say", "Do say")})
    repository.commit(
        "Third", {"suites/say.yaml": suite, "prompts/labels.yaml": "say: {production: 1.0.0}\n"}
    )
    repository.write({"README.md": "staged"})
    repository.git("add", "README.md")
    repository.write({"README.md": "changed", "prompts/new.yaml": PROMPT})
    monkeypatch.chdir(repository.root)
    return repository


def state(made: Made) -> dict[str, tuple[int, bytes]]:
    """Every file's rights and bytes, of the work tree and of git: index, HEAD, refs, objects."""
    paths = (path for path in made.top.rglob("*") if ".llmops" not in path.parts)
    return {
        path.relative_to(made.top).as_posix(): (path.lstat().st_mode, path.read_bytes())
        for path in paths
        if path.is_file()
    }


def changed(before: dict[str, tuple[int, bytes]], after: dict[str, tuple[int, bytes]]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


@pytest.mark.parametrize("moved", STATES.values(), ids=STATES)
def test_no_command_that_looks_touches_the_work_tree_or_git(
    made: Made, run: Run, moved: tuple[str, ...]
) -> None:
    if moved:
        made.git(*moved)
    old = time.time() - 3600
    os.utime(made.root / SAY, (old, old))  # git would write the file's new time into its index
    before = state(made)

    for call in READING:
        done = run(*call)
        assert done.code in {0, 1, 2, 3, 5, 6}, (call, done)
        assert changed(before, state(made)) == set(), call


@pytest.mark.parametrize(("call", "file"), WRITING)
def test_a_command_that_writes_touches_its_file_only(
    made: Made, run: Run, call: tuple[str, ...], file: str
) -> None:
    before = state(made)

    done = run(*call)

    assert done.code == 0, done
    assert changed(before, state(made)) <= {file}


WAITING = """\
#!/bin/sh
case "$*" in *"{word}"*)
  touch "{folder}/called"
  while [ ! -e "{folder}/go" ]; do sleep 0.01; done
esac
exec "{git}" "$@"
"""


def waiting_git(folder: Path, word: str) -> Path:
    """A git that, called with the word, says so by a file and waits for another."""
    fake = folder / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text(
        WAITING.format(word=word, folder=folder, git=shutil.which("git")), encoding="utf-8"
    )
    fake.chmod(0o755)
    return fake.parent


def still_running(folder: Path) -> list[str]:
    """Processes that stand in a folder."""
    found = []
    others = (one for one in Path("/proc").glob("[0-9]*") if one.name != str(os.getpid()))
    for process in others:
        try:
            if (process / "cwd").readlink() == folder:
                found.append((process / "cmdline").read_text(encoding="utf-8"))
        except OSError:
            continue
    return found


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/cwd").exists(), reason="processes are looked for in /proc"
)


@needs_proc
def test_no_command_leaves_a_process_of_git_to_the_garbage_collector(made: Made, run: Run) -> None:
    gc.collect()
    gc.disable()

    try:
        left = {call: still_running(made.top) for call in READING if run(*call)}
    finally:
        gc.enable()

    assert {call for call, processes in left.items() if processes} == set()


@needs_proc
@pytest.mark.parametrize(
    ("call", "word"),
    [
        (("log", "say"), "rev-parse"),
        (("log", "say"), " log "),
        (("test",), "cat-file"),
        (("blame", "say"), "line-porcelain"),
        (("show", "say@1.0.0"), "cat-file"),
    ],
)
def test_an_interrupted_command_leaves_everything_as_it_was(
    made: Made, tmp_path: Path, call: tuple[str, ...], word: str
) -> None:
    path = f"{waiting_git(tmp_path, word)}{os.pathsep}{os.environ['PATH']}"
    before = state(made)

    with subprocess.Popen(
        [sys.executable, "-m", "llmops", *call],
        cwd=made.root,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        while not (tmp_path / "called").exists():
            assert running.poll() is None, f"git was never called with {word}"
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        (tmp_path / "go").touch()
        _, told = running.communicate(timeout=60)

    assert running.returncode == 130, told
    assert "Traceback" not in told
    assert changed(before, state(made)) == set()
    until = time.monotonic() + 30
    while still_running(made.top) and time.monotonic() < until:
        time.sleep(0.05)
    assert still_running(made.top) == []
