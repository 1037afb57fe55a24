import json
from collections.abc import Callable
from pathlib import Path

import pytest
from small_project import Run
from test_gate import CASE, CONFIG, PROMPT, START, write

Git = Callable[..., str]
WORDS = [f"word{number:03}" for number in range(300)]
SUITE = "prompt: say\ncases:\n" + "".join(CASE.format(word) for word in WORDS)
POLICY = CONFIG.replace("{min_pass_rate: 0.9, margin: 0.2}", "{margin: 0.05}")
A_FIFTH_LOST = PROMPT.replace(
    "Say {{ word }}", "Please say {{ 'x' if word.endswith('0') or word.endswith('5') else word }}"
)
SAME = PROMPT.replace("Say", "Please say")


@pytest.fixture
def gated(
    tmp_path: Path, git: Git, nobody: None, monkeypatch: pytest.MonkeyPatch, run: Run
) -> Callable[..., dict[str, object]]:
    """Change the prompt of a project with 300 cases, and hold it against its base."""
    del nobody

    def gate(
        prompt: str,
        *options: str,
        policy: str = POLICY,
        suite: str = SUITE,
        files: dict[str, str] | None = None,
        change: dict[str, str] | None = None,
    ) -> dict[str, object]:
        folder = tmp_path / "project"
        folder.mkdir(exist_ok=True)
        git(folder, "init", "--quiet", "--initial-branch=main")
        write(folder, {**START, "llmops.yaml": policy, "suites/say.yaml": suite, **(files or {})})
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--allow-empty", "--message=Base")
        write(folder, {"prompts/say.yaml": prompt, **(change or {})})
        monkeypatch.chdir(folder)
        done = run("gate", "--json", *options)
        found = json.loads(done.out)
        assert found["verdict"]["exit_code"] == done.code
        return found

    return gate


def test_a_planted_drop_is_seen_for_less_than_half_of_the_trials(
    gated: Callable[..., dict[str, object]],
) -> None:
    early, whole = gated(A_FIFTH_LOST), gated(A_FIFTH_LOST, "--whole")

    assert early["verdict"]["exit_code"] == whole["verdict"]["exit_code"] == 1
    assert whole["totals"]["passed"] + whole["totals"]["failed"] == 600
    assert early["totals"]["calls"] < whole["totals"]["calls"] / 2
    assert early["end"]["reason"] == "regressed"
    assert early["savings"]["planned"] == 600
    assert early["assessment"]["judged"]["pass rate"]["high"] < 0
    assert any("ended early" in note for note in early["notes"])
    assert whole["end"] is None


def test_a_change_without_loss_is_let_in_early(gated: Callable[..., dict[str, object]]) -> None:
    found = gated(SAME)

    assert found["verdict"]["status"] == "passed"
    assert found["end"]["reason"] == "not worse"
    assert found["totals"]["calls"] < 600
    assert found["assessment"]["certainty"] == "not worse"


def test_a_rule_that_is_broken_ends_it_and_is_named(
    gated: Callable[..., dict[str, object]],
) -> None:
    suite = SUITE.replace("id: word000,", "id: word000, tags: [must_pass],")

    found = gated(A_FIFTH_LOST, suite=suite)

    assert found["verdict"]["exit_code"] == 1
    assert {rule["rule"]: rule["outcome"] for rule in found["rules"]}.get(
        "must_pass"
    ) == "broken" or (found["end"]["reason"] == "regressed")


def test_a_rate_that_is_out_of_reach_turns_it_red(gated: Callable[..., dict[str, object]]) -> None:
    policy = POLICY.replace(
        "{margin: 0.05}", "{margin: 1, min_pass_rate: 0.99, levels: {worse: warn}}"
    )

    found = gated(A_FIFTH_LOST, policy=policy)

    outcomes = {rule["rule"]: rule["outcome"] for rule in found["rules"]}
    assert found["verdict"]["exit_code"] == 1
    assert outcomes["min_pass_rate"] == "broken"
    assert found["end"]["words"] == "say cannot reach 99 % any more"


def test_what_is_recorded_is_carried_out_whole(
    gated: Callable[..., dict[str, object]], run: Run
) -> None:
    gated(A_FIFTH_LOST, "--whole")
    runs = json.loads(run("runs", "--json").out)

    assert runs[0]["planned"] == 600


def test_a_run_that_ended_early_is_no_whole_run(
    gated: Callable[..., dict[str, object]], run: Run
) -> None:
    gated(A_FIFTH_LOST)

    report, approved = run("report", "last"), run("approve", "--from-run", "last")

    assert report.code == 1
    assert "not run" in report.out
    assert approved.code == 2


RANGE = "samples: {min: 2, max: 8}\n"
WAVERING = (
    "rules:\n  - {when: {contains: Please}, probability: 0.3, echo: true}\n"
    "  - {when: {contains: Say}, probability: 0.9, echo: true}\ndefault: no\n"
)


def short(words: int) -> str:
    return (
        "prompt: say\n" + RANGE + "cases:\n" + "".join(CASE.format(word) for word in WORDS[:words])
    )


def test_samples_are_bought_only_as_long_as_the_verdict_needs_them(
    gated: Callable[..., dict[str, object]],
) -> None:
    clear = gated(SAME, suite=short(12), files={"echo.yaml": WAVERING})

    assert clear["verdict"]["exit_code"] == 1
    assert clear["end"]["reason"] == "regressed"
    assert "samples a case were enough" in clear["end"]["words"]
    assert clear["totals"]["calls"] < 2 * 12 * 8


def test_the_last_round_is_judged_too(gated: Callable[..., dict[str, object]]) -> None:
    found = gated(SAME, suite=short(12))

    assert found["end"] is None
    assert found["assessment"]["samples"] == 8
    assert found["verdict"]["status"] == "inconclusive"


@pytest.mark.parametrize("samples", ["1", "{min: 1, max: 2}"])
def test_an_arm_that_is_new_does_not_count_as_evidence(
    samples: str, gated: Callable[..., dict[str, object]]
) -> None:
    some = f"prompt: say\nsamples: {samples}\nmodels: [MODELS]\ncases:\n"
    some += "".join(CASE.format(word) for word in WORDS[:60])
    both = {"suites/say.yaml": some.replace("MODELS", "echo, other")}
    policy = POLICY.replace("gate:", "  other: {model: scripted/o, script: o.yaml}\ngate:")
    files = {"o.yaml": f"rules: [{{reply: {' '.join(WORDS)}}}]\n"}
    one = some.replace("MODELS", "echo")

    found = gated(A_FIFTH_LOST, policy=policy, suite=one, files=files, change=both)

    rules = {rule["rule"]: rule["outcome"] for rule in found["rules"]}
    assert found["end"]["reason"] == "regressed"
    assert rules == {"worse": "broken", "without_base": "held"}
    assert found["assessment"]["samples"] == 1
