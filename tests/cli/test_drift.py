import json
from pathlib import Path
from typing import Any

import pytest
from small_project import PROMPT, Commit, Done, Project, Run

SAY = "suites/say.yaml"
WORDS = [f"word{number:02}" for number in range(12)]
CASE = "  - {{id: {0}, inputs: {{word: {0}}}, tags: [canary], assert: [{{contains: {0}}}]}}\n"
CANARIES = "prompt: say\ncases:\n" + "".join(map(CASE.format, WORDS))
OTHER = "  - {id: other, inputs: {word: other}, assert: [{contains: other}]}\n"
ALL = " ".join([*(f"word{number:02}" for number in range(20)), "other", "red"])
GOOD = f"{{reply: {{text: {ALL}, model: m-1}}}}"
ECHO = f"rules: [{GOOD}]\n"
WORSE = f"rules: [{{when: {{contains: word0}}, reply: {{text: No., model: m-1}}}}, {GOOD}]\n"
FILES = {SAY: CANARIES + OTHER, "echo.yaml": ECHO}
WIDE = ("--margin", "0.5")


@pytest.fixture
def look(run: Run) -> Run:
    """Run the program, and put the runs in the order in which they were made."""

    def run_and_age(*words: str) -> Done:
        done = run(*words)
        folder = Path(".llmops/runs")
        for path in folder.glob("*.jsonl"):
            if not path.name.startswith("2020"):
                aged = f"20200101-{len(list(folder.iterdir())):06}-{path.stem[-4:]}"
                text = path.read_text(encoding="utf-8").replace(path.stem, aged)
                path.unlink()
                (folder / f"{aged}.jsonl").write_text(text, encoding="utf-8")
        return done

    return run_and_age


@pytest.fixture
def root(project: Project, look: Run) -> Path:
    """A project with a run in which every canary passed."""
    folder = project(FILES)
    assert look("test").code == 0
    return folder


def told(done: Done) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.out)
    return found


def answer(root: Path, script: str) -> None:
    (root / "echo.yaml").write_text(script, encoding="utf-8")


def test_a_steady_model_ends_with_0_and_only_canaries_are_asked(root: Path, look: Run) -> None:
    done = look("drift", *WIDE)
    found = told(look("drift", *WIDE, "--json"))

    assert done.code == 0, done.out
    assert " echo: steady" in done.out
    assert "12 canaries, 12 trials then and 12 now" in done.out
    assert found["models"][0]["rate"]["cases"] == 12
    assert found["verdict"]["line"].startswith("steady: echo passed 100.0 % then and 100.0 % now")


def test_a_model_that_answers_worse_ends_with_1_and_the_canaries_are_shown(
    root: Path, look: Run
) -> None:
    answer(root, WORSE)

    done = look("drift")

    assert done.code == 1
    assert "drifted: echo passed 100.0 % then and 16.7 % now" in done.out
    assert "say › word00: 1/1 then, 0/1 now" in done.out
    assert "they can see" in done.out


def test_too_little_to_tell_ends_with_6(root: Path, look: Run) -> None:
    done = look("drift", "say::word10", "say::word11")

    assert done.code == 6
    assert "cannot tell: echo passed 100.0 %" in done.out


def test_another_model_id_is_drift_until_it_is_accepted(root: Path, look: Run) -> None:
    answer(root, ECHO.replace("m-1", "m-2"))

    first, again = look("drift", *WIDE), look("drift", *WIDE)
    look("test")
    still = look("drift", *WIDE)
    accepted = look("drift", *WIDE, "--accept")
    after = look("drift", *WIDE)

    assert (first.code, again.code, still.code, accepted.code) == (1, 1, 1, 1)
    assert "scripted/echo moved: the model id was m-1 and is m-2 now" in first.out
    assert "12 trials of the history left out: another model answered" in still.out
    assert "accepted: later looks are held against these answers" in accepted.out
    assert after.code == 0, after.out


def test_a_look_is_no_history_of_the_next_one(root: Path, look: Run) -> None:
    answer(root, WORSE)

    codes = [look("drift").code for _ in range(3)]

    assert codes == [1, 1, 1]


def test_without_a_history_the_first_look_is_the_history(project: Project, look: Run) -> None:
    project(FILES)

    first, second = look("drift", *WIDE), look("drift", *WIDE)

    assert first.code == 6
    assert "echo has no kept answer to a canary as it is asked today" in first.out
    assert "12 canaries have no history: later looks are held against this one" in first.out
    assert second.code == 0


def test_a_new_canary_is_held_against_the_first_look_that_asked_it(root: Path, look: Run) -> None:
    (root / SAY).write_text(CANARIES + CASE.format("word19"), encoding="utf-8")

    first = told(look("drift", *WIDE, "--json"))
    second = told(look("drift", *WIDE, "--json"))

    assert [one["models"][0]["unknown"] for one in (first, second)] == [1, 0]
    assert second["models"][0]["rate"]["cases"] == 13


def test_the_edit_and_the_model_are_told_apart(root: Path, look: Run) -> None:
    plain = CANARIES.replace("prompt: say", "prompt: old").replace("tags: [canary], ", "")
    (root / "prompts/old.yaml").write_text(PROMPT.replace("Say", "Tell"), encoding="utf-8")
    (root / "suites/plain.yaml").write_text(plain, encoding="utf-8")
    look("test")
    then = max(path.stem for path in (root / ".llmops/runs").glob("*.jsonl"))
    answer(root, WORSE)
    look("test")
    runs = {path.stem for path in (root / ".llmops/runs").glob("*.jsonl")} - {then}
    now = max(runs)

    done = look("drift", "--between", then, now)
    found = told(look("drift", "--between", then, now, "--json"))

    assert done.code == 1
    apart = found["apart"]
    assert apart["runs"] == [then, now]
    assert apart["cases"] == 13
    assert apart["whole"][0] == pytest.approx(-10 / 13)
    assert "what is left for the edit is" in done.out


def test_runs_of_canaries_alone_cannot_be_taken_apart(project: Project, look: Run) -> None:
    folder = project({**FILES, SAY: CANARIES})
    look("test")
    (path,) = (folder / ".llmops/runs").glob("*.jsonl")

    done = look("drift", *WIDE, "--between", path.stem, path.stem)

    assert done.code == 0
    assert "the two runs are not taken apart: they share no case" in done.out


def test_a_run_that_was_not_finished_is_not_taken_apart(root: Path, look: Run) -> None:
    (path,) = (root / ".llmops/runs").glob("*.jsonl")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-1]), encoding="utf-8")

    done = look("drift", "--between", path.stem, path.stem)

    assert done.code == 2
    assert "was not finished" in done.err


def test_a_model_that_does_not_answer_is_no_verdict(root: Path, look: Run) -> None:
    answer(root, "rules: [{when: {contains: word}, error: {kind: auth}}]\n")

    done = look("drift")

    assert done.code == 3
    assert "error: no canary was answered" in done.out


def test_a_budget_stops_it_and_nothing_is_accepted(root: Path, look: Run) -> None:
    done = look("drift", "--accept", "--max-calls", "3")
    after = look("drift", *WIDE)

    assert done.code == 4
    assert "accepted" not in done.out
    assert after.code == 0
    assert "12 canaries" in after.out


def test_without_canaries_there_is_nothing_to_ask(project: Project, look: Run) -> None:
    skipped = CASE.format("red").replace("assert", "skip: Not now., assert")
    project({SAY: f"prompt: say\ncases:\n{OTHER}{skipped}"})

    done = look("drift")

    assert done.code == 5
    assert "no selected case is tagged 'canary'" in done.err


def test_a_confidence_by_which_nothing_can_be_said_is_refused(root: Path, look: Run) -> None:
    done = look("drift", "--confidence", "1")

    assert done.code == 2
    assert "nothing can be said with a confidence of 1" in done.err


def test_prompts_are_pinned_at_a_ref(folder: Path, commit: Commit, look: Run) -> None:
    steps = (
        "steps:\n  - {id: one, prompt: say, inputs: {word: '{{ word }}'}}\n"
        "cases:\n  - {id: red, inputs: {word: red}, tags: [canary], assert: [{contains: red}]}\n"
    )
    commit("Base", {**FILES, "suites/steps.yaml": steps})
    assert look("test").code == 0
    (folder / "prompts/say.yaml").write_text(PROMPT.replace("Say", "Shout"), encoding="utf-8")

    edited = told(look("drift", "--json", *WIDE))
    pinned = told(look("drift", "--json", *WIDE, "--at", "HEAD"))

    assert edited["models"][0]["rate"]["cases"] == 0
    assert pinned["models"][0]["rate"]["cases"] == 13, pinned


def test_a_label_is_needed_by_the_prompts_of_canaries_and_by_no_other(
    folder: Path, commit: Commit, look: Run
) -> None:
    canary = CASE.format("red")
    others = {
        f"prompts/{name}.yaml": PROMPT.replace("Say", name) for name in ("tell", "ask", "sing")
    }
    suites = {
        f"suites/{name}.yaml": f"prompt: {name}\ncases:\n{canary}" for name in ("tell", "ask")
    }
    plain = f"prompt: sing\ncases:\n{OTHER}"
    labels = "say: {production: 1.0.0}\n"
    commit(
        "Base",
        {**FILES, **others, **suites, "suites/sing.yaml": plain, "prompts/labels.yaml": labels},
    )
    assert look("test").code == 0

    lacking = look("drift", *WIDE, "--at", "production")
    chosen = look("drift", "say", *WIDE, "--at", "production")
    (folder / "prompts/labels.yaml").write_text(
        "".join(f"{name}: {{production: 1.0.0}}\n" for name in ("say", "tell", "ask"))
    )
    everything = look("drift", *WIDE, "--at", "production")

    assert lacking.code == 2
    for name in ("tell", "ask"):
        words = f"'production' is no version, label or commit of the prompt '{name}'"
        assert words in lacking.err
    assert "'sing'" not in lacking.err
    assert "'llmops label NAME production VERSION'" in lacking.err
    assert (chosen.code, everything.code) == (0, 0), everything


def test_every_canary_that_changed_is_in_the_json_and_ten_are_shown(
    project: Project, look: Run
) -> None:
    words = [f"word{number:02}" for number in range(20)]
    root = project({**FILES, SAY: "prompt: say\ncases:\n" + "".join(map(CASE.format, words))})
    look("test")
    answer(root, "rules: [{reply: {text: No., model: m-1}}]\n")

    done = look("drift")

    assert "… 10 more canaries; all: --json" in done.out


def test_the_gate_compares_with_no_answers_of_a_model_that_moved(
    folder: Path, commit: Commit, look: Run
) -> None:
    commit("Base", FILES)
    look("test")
    look("approve", "--from-run", "last")
    commit("Approve")
    (folder / "prompts/say.yaml").write_text(PROMPT.replace("Say", "Tell"), encoding="utf-8")

    same = look("gate", "--against", "baseline")
    answer(folder, ECHO.replace("m-1", "m-2"))
    approved = look("gate", "--against", "baseline")
    against_run = look("gate", "--against", "run:last")
    anew = look("gate")

    assert same.code == 0, same.out
    assert approved.code == 6
    assert "incomparable: scripted/echo moved: the model id was m-1 and is m-2 now" in approved.out
    assert "ask both sides anew with --fresh" in approved.out
    assert against_run.code == 0, against_run.out
    assert anew.code == 0, anew.out
