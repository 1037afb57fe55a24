import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from slow_model import SlowModel

LLMOPS = Path(sys.executable).with_name("llmops")
CASES = 500
KILLS = 10


@pytest.fixture
def model() -> Iterator[SlowModel]:
    slow = SlowModel(0.05)
    yield slow
    slow.close()


def lay_out(folder: Path, base: str) -> None:
    rows = "".join(f"{number}\n" for number in range(1, CASES + 1))
    files = {
        "llmops.yaml": f"models: {{slow: {{model: openai/slow, api_base: '{base}'}}}}\n",
        "prompts/ask.yaml": (
            "model: slow\ninputs: {number: {type: string}}\nuser: 'Question {{ number }}'\n"
        ),
        "suites/ask.yaml": (
            "prompt: ask\ncases:\n  - dataset: numbers.csv\n    id: '{{ row.number }}'\n"
            "    inputs: {number: '{{ row.number }}'}\n    assert: [{contains: yes}]\n"
        ),
        "numbers.csv": "number\n" + rows,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def start(folder: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [LLMOPS, "test", *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name != "CI"},
    )


def completed(folder: Path) -> set[str]:
    """The questions whose answers are in the run's file."""
    runs = list((folder / ".llmops" / "runs").glob("*.jsonl"))
    assert len(runs) == 1
    found = set()
    for line in runs[0].read_bytes().split(b"\n")[:-1]:
        value = json.loads(line)
        if "trial" in value:
            found.add(f"Question {value['trial']['case']}")
    return found


def kill_after(process: "subprocess.Popen[bytes]", model: SlowModel, requests: int) -> None:
    model.at(model.requests + requests, process.kill)
    assert process.wait() == -signal.SIGKILL


def test_after_ten_kills_nothing_completed_was_asked_twice_and_the_verdict_is_the_same(
    tmp_path: Path, model: SlowModel
) -> None:
    killed, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    lay_out(killed, model.base)
    lay_out(undisturbed, model.base)
    chance = random.Random(7)
    kept: set[str] = set()
    asked_at_kill: Counter[str] = Counter()

    for number in range(KILLS):
        process = start(killed, *(["--resume", "last"] if number else []))
        kill_after(process, model, chance.randint(20, 40))
        again = {said for said in kept if model.asked[said] > asked_at_kill[said]}
        assert not again
        kept = completed(killed)
        asked_at_kill = Counter(model.asked)
    last = start(killed, "--resume", "last").wait()
    again = {said for said in kept if model.asked[said] > asked_at_kill[said]}
    twice = sum(count - 1 for count in model.asked.values())
    alone = start(undisturbed).wait()

    assert not again
    assert twice <= KILLS * 16
    assert last == alone == 1
    report = [LLMOPS, "report", "--report", "json=-"]
    verdicts = []
    for folder in (killed, undisturbed):
        done = subprocess.run(report, cwd=folder, capture_output=True, text=True, check=False)
        verdicts.append(json.loads(done.stdout)["verdict"])
    for verdict in verdicts:
        for name in ("live", "cached", "calls"):
            verdict["totals"].pop(name)
    assert verdicts[0] == verdicts[1]
    assert verdicts[0]["totals"]["failed"] == CASES // 20
