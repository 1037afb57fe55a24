"""How long versions take on a long history, as ratios to git's own commands.

python benchmarks/history.py [--commits 5000] [--prompts 200]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from llmops.domain.node import Text
from llmops.location import Location
from llmops.workflows.log import log
from llmops.workflows.opening.project import Surroundings, open_versions

NAME = "group00/prompt000"
FILE = f"prompts/{NAME}.yaml"
ROUNDS = 7
CONFIG = "models:\n  echo: {model: scripted/echo, script: echo.yaml}\n"
SUITE = (
    f"prompt: {NAME}\ncases: [{{id: one, inputs: {{word: red}}, assert: [{{contains: red}}]}}]\n"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=5000)
    parser.add_argument("--prompts", type=int, default=200)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build(root, asked.commits, asked.prompts)
        measure(root)


def build(root: Path, commits: int, prompts: int) -> None:
    """Fill a repository: every commit changes one prompt's words, each prompt in its turn."""
    git(root, "init", "--quiet", "--initial-branch=main")
    stream = b"".join(commands(commits, prompts))
    subprocess.run(["git", "fast-import", "--quiet"], cwd=root, input=stream, check=True)
    git(root, "reset", "--quiet", "--hard", "main")
    git(root, "gc", "--quiet")


def commands(commits: int, prompts: int) -> Iterator[bytes]:
    first = {path_of(number): prompt(number, 0) for number in range(prompts)}
    first |= {
        "llmops.yaml": CONFIG,
        "echo.yaml": "rules: [{echo: true}]\n",
        "suites/one.yaml": SUITE,
    }
    for number in range(commits):
        files = first if number == 0 else {
            path_of(number % prompts): prompt(number % prompts, number // prompts)
        }  # fmt: skip
        who = f"Ada <ada@example.org> {1_600_000_000 + 3600 * number} +0000"
        yield f"commit refs/heads/main\ncommitter {who}\n{data(f'Commit {number}')}".encode()
        for path, text in files.items():
            yield f"M 100644 inline {path}\n{data(text)}".encode()


def data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}\n"


def path_of(number: int) -> str:
    return f"prompts/group{number // 20:02}/prompt{number:03}.yaml"


def prompt(number: int, round_: int) -> str:
    words = "\n".join(
        f"    Rule {rule}: say what rule {rule * (round_ + 1)} asks." for rule in range(20)
    )
    return (
        f"version: 1.{round_}.0\nmodel: echo\ninputs: {{word: {{type: string}}}}\n"
        f"system: |\n    You are helper {number}.\n{words}\nuser: Say {{{{ word }}}}.\n"
    ).replace("\n    ", "\n  ")


def measure(root: Path) -> None:
    old = git(root, "log", "--format=%H", "--", FILE).split()[-2]
    llmops = [sys.executable, "-m", "llmops"]
    follow = timed(root, ["git", "log", "--follow", "--format=%H", "--", FILE])
    blob = timed(root, ["git", "show", f"{old}:{FILE}"])
    start = timed(root, [*llmops, "show", NAME])
    rows = [
        ("git log --follow -- FILE", follow, follow),
        ("git show OLD:FILE", blob, follow),
        ("llmops show NAME (the work tree, no git)", start, follow),
        ("llmops show NAME@OLD", timed(root, [*llmops, "show", f"{NAME}@{old}"]), blob),
        ("llmops show NAME@1.1.0", timed(root, [*llmops, "show", f"{NAME}@1.1.0"]), follow),
        ("llmops log NAME", timed(root, [*llmops, "log", NAME]), follow),
        ("llmops blame NAME", timed(root, [*llmops, "blame", NAME]), follow),
    ]
    helped = subprocess.run([*llmops, "lint", "--help"], check=True, capture_output=True, text=True)
    if "--base" in helped.stdout:
        words = [*llmops, "lint", "--base", "HEAD~50"]
        rows.append((" ".join(words[2:]), timed(root, words), follow))
    inside = [
        (f"in process: {what}", median(work), against)
        for what, work, against in in_process(root, old, follow, blob)
    ]
    print(f"{'what':44} {'ms':>8} {'against git':>12}")
    for what, seconds, against in [*rows, *inside]:
        print(f"{what:44} {seconds * 1000:8.1f} {seconds / against:12.2f}")


def in_process(
    root: Path, old: str, follow: float, blob: float
) -> Iterator[tuple[str, Callable[[], object], float]]:
    """The work itself, without the interpreter's start and imports."""
    os.chdir(root)

    world = Surroundings(folder=root, environment={})
    at = Location("here")
    yield "timeline", lambda: open_versions(world).timeline(NAME), follow
    yield "log", lambda: log(open_versions(world), NAME), follow
    yield "show NAME@OLD", lambda: open_versions(world).find(Text(f"{NAME}@{old}", at)), blob


def timed(root: Path, words: list[str]) -> float:
    def call() -> None:
        subprocess.run(words, cwd=root, check=True, capture_output=True)

    return median(call)


def median(work: Callable[[], object]) -> float:
    """Seconds, the median of seven after one that warms up."""
    work()
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=root, check=True, capture_output=True, text=True
    ).stdout


if __name__ == "__main__":
    main()
