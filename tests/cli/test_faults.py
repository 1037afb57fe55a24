import importlib.util
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from small_project import Project

from llmops.domain.run import TrialResult
from llmops.running.keeping.run_names import find_run
from llmops.running.keeping.store import read_run

SERVER = Path(__file__).parents[2] / "benchmarks" / "server.py"
LLMOPS = (sys.executable, "-c", "from llmops.cli.app import main; main()")
FAULTS = {
    "429": 0.05,
    "500": 0.02,
    "hang": 0.01,
    "reset": 0.02,
    "drip": 0.01,
    "promises more": 0.01,
    "promises less": 0.01,
    "bomb": 0.01,
    "flood": 0.01,
    "wrong types": 0.02,
    "empty": 0.02,
    "malformed": 0.02,
    "page": 0.01,
}
KINDS = {
    "429": {"rate_limited"},
    "500": {"server"},
    "hang": {"timeout"},
    "reset": {"network"},
    "drip": {"timeout"},
    "promises more": {"network"},
    "promises less": {"bad_response", "network"},
    "bomb": {"too_large"},
    "flood": {"too_large"},
    "wrong types": {"bad_response"},
    "empty": {"bad_response"},
    "malformed": {"bad_response"},
    "page": {"bad_response"},
}
FOR_GOOD = {"bomb", "flood"}
SLOW = {"hang", "drip"}
RETRIES = 2
LANES = [("direct", 1000, 0.4), ("litellm", 100, 0.0)]
"""The lane, how many trials, and how many faults last."""
HURRIED, PATIENT = "timeout: 1.5s, deadline: 60s", "timeout: 60s, deadline: 10m"
"""Only who asks a slow server is in a hurry: so a busy machine is taken for no fault."""
MOST_MEMORY = 600 * 2**20
"""Bytes; one bomb alone would take more."""


def make_plan(stubborn: float):
    spec = importlib.util.spec_from_file_location("bench_server", SERVER)
    module = sys.modules["bench_server"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Plan(faults=FAULTS, stubborn=stubborn)


@contextmanager
def broken_server(stubborn: float) -> Iterator[str]:
    command = [
        sys.executable,
        str(SERVER),
        "--faults",
        json.dumps(FAULTS),
        "--stubborn",
        str(stubborn),
    ]
    command += ["--retry-after", "0.05", "--drip", "0.5"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        yield server.stdout.readline().decode().strip()
        server.stdin.close()


def asked_of(base: str) -> dict[str, dict[str, int]]:
    with urllib.request.urlopen(f"{base}/stats") as answer:
        return json.load(answer)


MEASURED = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_pid, status, used = os.wait4(process.pid, 0)
print(used.ru_maxrss, flush=True)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""A small process between: what a process took counts what its parent had when it was made."""


def run(folder: Path) -> tuple[int, int, str]:
    """The exit code of `llmops test`, the most memory it took in bytes, and its words."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *LLMOPS, "test"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"PATH": os.environ["PATH"], "COLUMNS": "200"},
        check=False,
        text=True,
    )
    words, _, memory = done.stdout.rstrip().rpartition("\n")
    return done.returncode, int(memory) * 1024, words


def trials_of(folder: Path) -> list[TrialResult]:
    return list(read_run(find_run(folder / ".llmops/runs", None)).trials())


def suite(model: str, numbers: Iterable[int]) -> str:
    cases = "".join(
        f"  - {{id: c{n}, inputs: {{word: w{n}}}, assert: [{{contains: w{n}}}]}}\n" for n in numbers
    )
    return f"prompt: say\nmodels: [{model}]\ncases:\n{cases}"


def attempts_at(trials: Iterable[TrialResult], model: str) -> int:
    own = [trial for trial in trials if trial.arm.answered_by == model]
    return sum(exchange.attempts for trial in own for exchange in trial.exchanges)


@pytest.mark.parametrize(("lane", "count", "stubborn"), LANES)
def test_whatever_a_server_does_each_trial_ends_with_its_answer_or_its_own_error(
    project: Project, lane: str, count: int, stubborn: float
) -> None:
    plan = make_plan(stubborn)
    slow = [n for n in range(count) if plan.fault(f"Say w{n}.")[0] in SLOW]
    assert slow
    with broken_server(stubborn) as base:
        whole = f"api_base: '{base}/v1', via: {lane}, max_concurrency: 32, retries: {RETRIES}"
        config = (
            f"models:\n  echo: {{model: openai/m, {whole}, {PATIENT}}}\n"
            f"  hurried: {{model: openai/hurried, {whole}, {HURRIED}}}\n"
        )
        folder = project(
            {
                "llmops.yaml": config,
                "suites/say.yaml": suite("echo", sorted({*range(count)} - {*slow})),
                "suites/slow.yaml": suite("hurried", slow),
            }
        )

        code, memory, words = run(folder)
        seen = asked_of(base)["models"]

    trials = trials_of(folder)
    wrong = []
    for trial in trials:
        fault, for_good = plan.fault(f"Say w{trial.case[1:]}.")
        kinds = KINDS[fault] if fault and (for_good or fault in FOR_GOOD) else {None}
        if fault in SLOW:
            kinds = {*kinds, "timeout"}  # of a machine that has much else to do
        found = trial.failure.kind if trial.failure else None
        if found not in kinds:
            wrong.append((trial.case, fault, for_good, trial.failure))
    assert code == 3
    assert wrong == []
    assert len(trials) == count
    assert all(exchange.attempts <= RETRIES + 1 for t in trials for exchange in t.exchanges)
    assert seen["m"] == attempts_at(trials, "echo")
    assert 0 < seen["hurried"] <= attempts_at(trials, "hurried")
    assert memory < MOST_MEMORY
    assert "Traceback" not in words
