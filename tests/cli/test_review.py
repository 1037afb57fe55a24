import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from small_project import PROMPT, Project, Run
from terminal import Told, sit_at_program, sit_in_front

from llmops.cli.terminal.keyboard import keys

SUITE = """\
prompt: say
assert: [{contains: Say}]
cases:
  - {id: one, inputs: {word: red}}
  - {id: two, inputs: {word: green}}
  - {id: three, inputs: {word: blue}}
"""
POLITE = PROMPT.replace("Say {{", "Please Say {{")
Review = Callable[..., Told]


@pytest.fixture
def review(monkeypatch: pytest.MonkeyPatch) -> Review:
    return lambda keys, *arguments: sit_in_front(monkeypatch, keys, "review", *arguments)


@pytest.fixture
def folder(project: Project, run: Run) -> Path:
    """A project with an approved run, and a newer one of an edited prompt."""
    root = project({"suites/say.yaml": SUITE})
    assert run("test", "--fresh").code == 0
    assert run("approve", "--from-run", "last").code == 0
    edit(root, run)
    return root


def edit(root: Path, run: Run, prompt: str = POLITE) -> None:
    (root / "prompts/say.yaml").write_text(prompt, encoding="utf-8")
    run_anew(root, run)


def run_anew(root: Path, run: Run) -> None:
    """Run, and leave no run of the same second that could be taken for the newest."""
    for path in (root / ".llmops/runs").glob("*.jsonl"):
        path.unlink()
    run("test", "--fresh")


def kept(root: Path) -> Mapping[str, str]:
    return {
        path.name.partition(".")[0]: path.read_text(encoding="utf-8")
        for path in (root / "baselines").rglob("*.yaml")
    }


def test_two_accepted_and_one_rejected_are_two_changed_files(
    folder: Path, nobody: None, git: Callable[..., str]
) -> None:
    del nobody
    git(folder, "init", "--quiet")
    (folder / ".gitignore").write_text(".llmops/\nhome/\n", encoding="utf-8")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=All")

    told = sit_at_program(folder, ["a", "r", "a"], "review")

    assert told.code == 0, told.text
    changed = git(folder, "status", "--porcelain", "--untracked-files=all").splitlines()
    assert [line[:3] for line in changed] == [" M ", " M "]
    assert {Path(line[3:]).name.partition(".")[0] for line in changed} == {"one", "three"}
    assert "+          Please Say red." in git(folder, "diff")
    assert "rejected: say › two › say × echo" in told.text
    assert "2 accepted · 1 rejected · 0 open" in told.text


def test_ctrl_c_keeps_what_was_accepted_and_gives_the_terminal_back(folder: Path) -> None:
    told = sit_at_program(folder, ["a", "\x03"], "review")

    assert told.code == 130
    assert ["Please" in text for _, text in sorted(kept(folder).items())] == [True, False, False]
    assert "1 accepted · 0 rejected · 2 open" in told.text


def test_ctrl_d_keeps_what_was_accepted(folder: Path, review: Review) -> None:
    told = review(["a", "\x04"])

    assert told.code == 130
    assert ["Please" in text for _, text in sorted(kept(folder).items())] == [True, False, False]


def test_an_item_shows_what_changed_and_the_scores(folder: Path, review: Review) -> None:
    told = review(["q"])

    assert told.code == 0
    assert " [1/3] say › one › say × echo" in told.text
    assert "   passed → passed\n   │ - Say red.\n   │ + Please Say red.\n" in told.text
    assert "contains 'Say'   passed\n" in told.text
    assert "0 accepted · 0 rejected · 3 open" in told.text


def test_all_that_changed_alike_is_accepted_at_once(folder: Path, review: Review) -> None:
    told = review(["l"])

    assert told.code == 0
    assert "l accept 3 like it" in told.text
    assert all("Please" in text for text in kept(folder).values())


def test_what_was_accepted_is_not_shown_again_and_what_was_skipped_is(
    folder: Path, review: Review
) -> None:
    review(["s", "r", "a"])

    again = review(["q"])

    assert "2 changed · 0 new" in again.text
    assert "[1/2] say › one" in again.text


def test_when_nothing_differs_nothing_is_asked(folder: Path, review: Review) -> None:
    review(["l"])

    told = review([])

    assert told.code == 0
    assert "nothing differs from what was approved" in told.text


def test_every_line_is_shown_on_demand_and_any_other_key_is_answered_by_the_list(
    project: Project, run: Run, review: Review
) -> None:
    lines = "\\n".join(f"line {number}" for number in range(60))
    root = project({"prompts/say.yaml": PROMPT.replace("Say {{", f"{lines} Say {{{{")})
    run("test", "--fresh")

    told = review(["x", "\x1b[A", "d", "q"])

    assert "… 20 more lines; d shows them all" in told.text
    assert told.text.count("+ line 58") == 1
    assert told.text.count("+ line 3\n") == 2
    assert told.text.count("reject: the baseline stays as it is") == 2
    assert "0 changed · 1 new" in told.text
    assert not (root / "baselines").exists()


def test_what_failed_is_accepted_only_when_it_is_said_twice(
    folder: Path, run: Run, review: Review
) -> None:
    edit(folder, run, PROMPT.replace("Say {{", "Tell {{"))

    told = review(["a", "n", "a", "y", "l", "y"])

    assert told.code == 0
    assert told.text.count("it failed: press y to accept it all the same") == 2
    assert "it failed: press y to accept 2 results all the same" in told.text
    assert "   passed → failed\n" in told.text
    assert "passed → failed\n" in told.text.partition("contains 'Say'   ")[2]
    assert all("status: failed" in text for text in kept(folder).values())


def test_hostile_output_cannot_speak_to_the_terminal(
    folder: Path, run: Run, review: Review
) -> None:
    edit(folder, run, PROMPT.replace("Say {{", "Say \\e[2J\\a\\u202e {{"))

    told = review(["d", "q"])

    assert "\x1b" not in told.text
    assert "\x07" not in told.text
    assert "␛[2J␇<U+202E>" in told.text


def test_samples_that_changed_are_shown_each_by_its_number(
    project: Project, run: Run, review: Review
) -> None:
    root = project({"suites/say.yaml": SUITE.replace("prompt: say", "prompt: say\nsamples: 2")})
    run("test", "--fresh")
    review(["l", "l", "l"])
    (root / "suites/say.yaml").write_text(SUITE, encoding="utf-8")
    edit(root, run)

    told = review(["q"])

    assert "sample 1" in told.text
    assert "sample 2\n   passed → gone\n   │ - Say red." in told.text


def test_turns_of_a_conversation_are_shown_under_their_names(
    project: Project, run: Run, review: Review
) -> None:
    suite = (
        "prompt: say\ncases:\n  - id: talk\n    inputs: {word: red}\n    conversation:\n"
        "      - {user: Hello, assert: [{contains: Hello}]}\n"
        "      - {user: Bye, assert: [{contains: Bye}]}\n"
    )
    project({"suites/say.yaml": suite})
    assert run("test", "--fresh").code == 0

    told = review(["a"])

    assert "+ [turn 1]\n   │ + Hello\n   │ + [turn 2]\n   │ + Bye\n" in told.text
    assert "turn 2: contains 'Bye'   passed" in told.text


def test_what_has_no_verdict_is_named_and_cannot_be_accepted(
    project: Project, run: Run, review: Review
) -> None:
    project(
        {
            "suites/say.yaml": SUITE,
            "echo.yaml": "rules: [{when: {contains: green}, error: {kind: bad_request}}, {echo: true}]\n",
        }
    )
    run("test", "--fresh")

    told = review(["a", "a"])

    assert "no verdict, not to be approved: say › two › say × echo  error" in told.text
    assert "2 accepted · 0 rejected · 0 open" in told.text


def test_a_run_without_a_verdict_is_not_well(project: Project, run: Run, review: Review) -> None:
    project({"echo.yaml": "rules: [{when: {role: user}, error: {kind: bad_request}}]\n"})
    run("test", "--fresh")

    told = review([])

    assert told.code == 5
    assert "nothing else differs from what was approved" in told.text


def test_baselines_that_nobody_asks_for_are_named(folder: Path, run: Run, review: Review) -> None:
    (folder / "suites/say.yaml").write_text(SUITE.replace("red", "pink"), encoding="utf-8")
    run_anew(folder, run)

    told = review(["q"])

    assert "'llmops approve --prune' deletes it: baselines/say/one." in told.text


def test_only_what_is_selected_is_shown(folder: Path, review: Review) -> None:
    told = review(["q"], "last", "say::two")

    assert "1 changed · 0 new" in told.text
    assert "say › two" in told.text


@pytest.mark.usefixtures("folder")
def test_without_a_terminal_it_says_what_to_do(run: Run) -> None:
    done = run("review")

    assert done.code == 2
    assert "[no-terminal]" in done.err
    assert "llmops approve --from-run" in done.err


def test_a_ci_reviews_nothing(
    folder: Path, review: Review, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", "true")
    before = kept(folder)

    told = review([])

    assert told.code == 2
    assert "[in-ci]" in capfd.readouterr().err
    assert kept(folder) == before


def test_a_terminal_that_cannot_tell_keys_is_read_line_by_line(
    folder: Path, review: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmops.cli.terminal.keyboard.termios", None)

    told = review(["accept\n", "\n", "q\n"])

    assert told.code == 0
    assert "1 accepted · 0 rejected · 2 open" in told.text
    assert "reject: the baseline stays as it is" in told.text
    assert sum("Please" in text for text in kept(folder).values()) == 1


def test_the_end_of_lines_is_the_end_of_keys() -> None:
    with keys(io.StringIO("yes\n")) as read_key:
        assert read_key() == "y"
        with pytest.raises(EOFError):
            read_key()


def test_a_terminal_that_went_away_is_the_end_of_keys() -> None:
    master, slave = os.openpty()
    with os.fdopen(slave, encoding="utf-8") as stream, keys(stream) as read_key:
        os.write(master, b"a\x1b[B")
        assert [read_key(), read_key()] == ["a", "\x1b"]
        os.write(master, b"\x04")
        with pytest.raises(EOFError):
            read_key()
    os.close(master)


def test_what_is_too_much_to_list_is_counted(project: Project, run: Run, review: Review) -> None:
    many = "".join(f"  - {{id: c{n}, inputs: {{word: w{n}}}}}\n" for n in range(25))
    error = "rules: [{when: {contains: w}, error: {kind: bad_request}}, {echo: true}]\n"
    project({"suites/say.yaml": SUITE + many, "echo.yaml": error})
    run("test", "--fresh")

    told = review(["q"])

    assert told.text.count("no verdict, not to be approved: ") == 21
    assert "no verdict, not to be approved: 5 more" in told.text
