import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import pytest
from msgspec.structs import replace
from real_outputs import ADDED, CLAUDE_ADDED, DATA, served

from llmops.comparing.assessment import assess_arms
from llmops.comparing.statistics.verdict import Rule
from llmops.domain.run import TrialResult
from llmops.running.keeping.run_names import find_run
from llmops.running.keeping.store import read_run

GPT, CLAUDE = "gpt-4-1106-preview", "claude-2.1"
VERSIONS = tuple(ADDED)

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_file(), reason="the recorded outputs are not here"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Three commits of two prompts, one for each model, and one suite for each."""
    root = tmp_path_factory.mktemp("real")
    for base in served(root / "port"):
        _lay_out(root, base)
        yield root


def _lay_out(root: Path, base: str) -> None:
    config = (
        "models:\n"
        f"  gpt: {{model: openai/{GPT}, api_base: '{base}/v1'}}\n"
        f"  claude: {{model: anthropic/{CLAUDE}, api_base: '{base}'}}\n"
    )
    suite = (
        "cases:\n  - dataset: data/instructions.jsonl\n    id: '{{ row.id }}'\n"
        "    inputs: {instruction: '{{ row.instruction }}'}\n"
        "    assert: [{length: {max: 1500}, metric: short}]\n"
    )
    (root / "data").mkdir()
    (root / "data/instructions.jsonl").write_text(DATA.read_text(encoding="utf-8"), "utf-8")
    (root / "llmops.yaml").write_text(config, encoding="utf-8")
    (root / ".gitignore").write_text(".llmops/\nport\n", encoding="utf-8")
    for name in ("prompts", "suites"):
        (root / name).mkdir()
    for name in ("gpt", "claude"):
        (root / f"suites/{name}.yaml").write_text(f"prompt: {name}\n{suite}", encoding="utf-8")
    who = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run([*who, "init", "--quiet"], cwd=root, check=True)
    for version in VERSIONS:
        system = f"You are a helpful assistant. {ADDED[version]}".strip()
        user = f"{{{{ instruction }}}} {CLAUDE_ADDED[version]}".strip()
        head = f"version: {version}\ninputs: {{instruction: {{type: string}}}}\n"
        gpt = f"{head}model: gpt\nsystem: {json.dumps(system)}\nuser: '{{{{ instruction }}}}'\n"
        claude = (
            f"{head}model: claude\nparameters: {{max_tokens: 4096}}\nuser: {json.dumps(user)}\n"
        )
        (root / "prompts/gpt.yaml").write_text(gpt, encoding="utf-8")
        (root / "prompts/claude.yaml").write_text(claude, encoding="utf-8")
        subprocess.run([*who, "add", "--all"], cwd=root, check=True)
        subprocess.run([*who, "commit", "--quiet", "-m", version], cwd=root, check=True)


def compared(folder: Path, *words: str) -> dict[str, object]:
    done = subprocess.run(
        [Path(sys.executable).with_name("llmops"), "compare", *words, "--json"],
        cwd=folder,
        env={**os.environ, "OPENAI_API_KEY": "none", "ANTHROPIC_API_KEY": "none"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def lengths(model: str, version: str) -> float:
    rows = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]
    return fmean(len(row["outputs"][model][version]) for row in rows)


@pytest.mark.parametrize(("name", "model"), [("gpt", GPT), ("claude", CLAUDE)])
def test_three_versions_are_told_apart_by_the_length_of_what_they_said(
    folder: Path, name: str, model: str
) -> None:
    arms = [f"{name}@{version}" for version in VERSIONS]

    found = compared(folder, *arms, "--suite", f"suites/{name}.yaml")

    shorter, longer = (one["assessment"]["quantities"] for one in found["standings"])
    for standing, version in ((shorter, "1.1.0"), (longer, "1.2.0")):
        length = standing["output characters"]
        assert length["before"] == pytest.approx(lengths(model, "1.0.0"))
        assert length["after"] == pytest.approx(lengths(model, version))
        assert length["cases"] == 399
    assert shorter["output characters"]["high"] < 0
    assert longer["output characters"]["low"] > 0
    rates = [one["assessment"]["judged"]["pass rate"] for one in found["standings"]]
    assert [rate["certainty"] for rate in rates] == ["improved", "regressed"]


def test_two_models_are_compared_on_the_same_instructions(folder: Path) -> None:
    found = compared(folder, "gpt@1.0.0", "claude@1.0.0", "--suite", "suites/gpt.yaml")

    (standing,) = found["standings"]
    length = standing["assessment"]["quantities"]["output characters"]
    assert length["cases"] == len(standing["pairs"]) == 399
    assert length["delta"] == pytest.approx(lengths(CLAUDE, "1.0.0") - lengths(GPT, "1.0.0"))
    assert found["arms"][0]["totals"]["cost"] > 0


def trials(folder: Path) -> list[TrialResult]:
    compared(folder, "gpt@1.0.0", "gpt@1.1.0", "--suite", "suites/gpt.yaml")
    run = read_run(find_run(folder / ".llmops/runs", None))
    return [trial for trial in run.trials() if trial.arm.prompt == "gpt@1.0.0"]


def test_the_same_data_against_itself_is_never_worse_and_a_planted_damage_is_found(
    folder: Path,
) -> None:
    said = trials(folder)
    passing = [replace(trial, status="passed") for trial in said]
    every = range(0, len(passing), 20)
    damaged = [
        replace(trial, status="failed") if number in every else trial
        for number, trial in enumerate(passing)
    ]

    same = [assess_arms(said, said, rule=Rule(), seed=seed) for seed in range(5)]
    found = assess_arms(passing, damaged, rule=Rule())

    assert len(said) == 399
    assert {one.certainty for one in same} <= {"not worse", "inconclusive"}
    assert all(one.pass_rate.worse >= 0.5 for one in same)
    assert found.pass_rate.losses == 20
    assert found.certainty == "regressed"
