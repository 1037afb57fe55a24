import json

import pytest
from small_project import Project, Run
from versioned_project import SAY, Git, Versioned, said


@pytest.fixture
def made(project: Project, nobody: None, git: Git, monkeypatch: pytest.MonkeyPatch) -> Versioned:
    """The small project, committed once."""
    del nobody
    monkeypatch.delenv("LLMOPS_BASE", raising=False)
    made = Versioned(project(), git)
    made.git("init", "--quiet", "--initial-branch=main")
    made.commit("First", {".gitignore": ".llmops/\nhome/\n"})
    return made


def text_of(made: Versioned) -> str:
    return (made.root / SAY).read_bytes().decode()


def test_bump_writes_the_version_and_nothing_else(made: Versioned, run: Run) -> None:
    before = "# Mine.\r\n" + said("1.0.0", "Please say").replace("\n", "\r\n")
    before = before.replace("1.0.0", "'1.0.0'  # claimed")
    made.write({SAY: before})

    done = run("bump", "say")

    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        "say: 1.0.0 → 1.0.1 (patch since 1.0.0)",
        "  the wording of the user message changed (patch)",
    ]
    assert f"commit {SAY}" in done.err
    assert text_of(made) == before.replace("1.0.0", "1.0.1")
    assert run("lint").code == 0


def test_bump_proposes_what_the_change_asks_for(made: Versioned, run: Run) -> None:
    made.write({SAY: said("1.0.1", inputs="word: {type: string, maxLength: 9}")})

    done = run("bump", "say", "--dry-run", "--json")

    found = json.loads(done.out)
    assert (found["before"], found["claimed"], found["after"]) == ("1.0.0", "1.0.1", "2.0.0")
    assert (found["step"], found["written"], found["note"]) == ("major", False, None)
    assert found["parts"][0]["part"] == "input word"
    assert "version: 1.0.1" in text_of(made)


def test_bump_writes_the_changelog(made: Versioned, run: Run) -> None:
    made.write({SAY: said("1.0.0", "Please say")})

    assert run("bump", "say", "--message", "Politer: it says please.").code == 0

    assert text_of(made).splitlines()[:2] == [
        "version: 1.0.1",
        'changelog: "Politer: it says please."',
    ]


def test_nothing_is_bumped_when_nothing_changed(made: Versioned, run: Run) -> None:
    made.write({SAY: said("1.0.0") + "description: Says.\n"})
    before = text_of(made)

    done = run("bump", "say", "--step", "major", "--message", "x")

    assert (done.code, done.out) == (0, "nothing to bump: same content as 1.0.0\n")
    assert text_of(made) == before


def test_nothing_is_bumped_when_the_claim_is_enough(made: Versioned, run: Run) -> None:
    made.write({SAY: said("1.1.0", "Please say")})

    done = run("bump", "say")

    assert done.out == "nothing to bump: 1.1.0 is enough for a patch change since 1.0.0\n"


@pytest.mark.parametrize(("step", "wanted"), [("minor", "1.1.0"), ("major", "2.0.0")])
def test_a_larger_step_can_be_asked_for(made: Versioned, run: Run, step: str, wanted: str) -> None:
    made.write({SAY: said("1.0.1", "Please say")})

    assert run("bump", "say", "--step", step).code == 0

    assert text_of(made).startswith(f"version: {wanted}\n")


def test_a_smaller_step_is_refused(made: Versioned, run: Run) -> None:
    made.write({SAY: said("1.0.0", inputs="word: {type: string, maxLength: 9}")})

    done = run("bump", "say", "--step", "patch")

    assert done.code == 2
    assert "a patch step is too small: the input 'word' may refuse" in done.err
    assert "--step major" in done.err


def test_a_version_that_is_taken_is_passed_over(made: Versioned, run: Run) -> None:
    made.git("switch", "--quiet", "--create=work")
    made.commit("Second", {SAY: said("1.0.1", "Tell")})
    made.write({SAY: said("1.0.1", "Please say")})

    assert run("bump", "say").code == 0

    assert text_of(made).startswith("version: 1.0.2\n")
    assert run("lint").code == 0


def test_a_version_that_went_back_or_away_comes_back(made: Versioned, run: Run) -> None:
    for claimed in ("0.9.0", None):
        made.write({SAY: said(claimed)})

        assert run("bump", "say").code == 0

        assert text_of(made) == said("1.0.0")


def test_a_prompt_without_a_version_before_gets_its_first(made: Versioned, run: Run) -> None:
    made.write({"prompts/new.yaml": "# Says hello.\n" + said(None)})

    first, again = run("bump", "new"), run("bump", "new")

    assert first.out.splitlines()[0] == "new: no version → 1.0.0"
    new = (made.root / "prompts/new.yaml").read_text(encoding="utf-8")
    assert new.startswith("# Says hello.\nversion: 1.0.0\nmodel: echo\n")
    assert again.out == "nothing to bump: there is no earlier version to compare with\n"


def test_the_base_can_be_named(made: Versioned, run: Run) -> None:
    made.commit("Second", {SAY: said("1.1.0", "Tell")})
    made.commit("Third", {SAY: said("1.1.1", "Please say")})

    found = json.loads(run("bump", "say", "--base", "HEAD~2", "--dry-run", "--json").out)

    assert (found["before"], found["after"]) == ("1.0.0", "1.1.1")
    assert found["base"] == made.git("rev-parse", "HEAD~2")


def test_what_cannot_be_read_at_the_base_is_said_with_its_place(made: Versioned, run: Run) -> None:
    broken = made.commit("Break", {SAY: "version: 1.0.1\nuser: [\n"})
    made.write({SAY: said("1.0.2")})

    done = run("bump", "say", "--base", "HEAD")

    assert done.code == 2
    assert f"{broken[:12]}:{SAY}:" in done.err


def test_no_such_prompt_and_wrong_arguments_are_refused(made: Versioned, run: Run) -> None:
    del made

    assert "did you mean 'say'" in run("bump", "sya").err
    assert "no prompt is named" in run("bump").err
    assert "--check is for all prompts" in run("bump", "say", "--check").err


def test_check_fails_as_lint_does_and_writes_nothing(made: Versioned, run: Run) -> None:
    assert run("bump", "--check").code == 0
    made.write({SAY: said("1.0.0", "Please say")})
    before = text_of(made)

    done, listed = run("bump", "--check"), run("bump", "--check", "--json")

    assert (done.code, listed.code) == (2, 2)
    assert f"{SAY}:1:10:" in done.err
    assert "1 error in claimed versions" in done.err
    assert json.loads(listed.out)[0]["code"] == "version-unchanged"
    assert text_of(made) == before


def test_check_holds_the_files_against_head_and_not_against_a_branch(
    made: Versioned, run: Run
) -> None:
    made.git("switch", "--quiet", "--create=work")
    made.commit("Bad", {SAY: said("1.0.0", "Please say")})

    assert run("bump", "--check").code == 0
    assert run("bump", "--check", "--base", "main").code == 2


def test_check_before_the_first_commit_has_nothing_to_say(
    project: Project, nobody: None, git: Git, run: Run
) -> None:
    del nobody
    root = project()
    outside = run("bump", "--check")
    git(root, "init", "--quiet")

    assert (outside.code, run("bump", "--check").code) == (0, 0)
