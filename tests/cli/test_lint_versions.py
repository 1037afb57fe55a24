import json
from collections.abc import Callable

import pytest
from small_project import Done, Project, Run
from versioned_project import SAY, Git, Versioned, said

TWO = "word: {type: string}, tone: {type: string, default: kind}"


@pytest.fixture
def made(project: Project, nobody: None, git: Git, monkeypatch: pytest.MonkeyPatch) -> Versioned:
    """The small project in a repository without a commit."""
    del nobody
    monkeypatch.delenv("LLMOPS_BASE", raising=False)
    root = project()
    made = Versioned(root, git)
    made.git("init", "--quiet", "--initial-branch=main")
    made.write({".gitignore": ".llmops/\nhome/\n"})
    return made


@pytest.fixture
def faults(run: Run) -> Callable[..., list[dict[str, object]]]:
    """The complaints of lint about versions, and that it fails when one of them is an error."""

    def lint(*arguments: str) -> list[dict[str, object]]:
        done = run("lint", "--json", *arguments)
        found = json.loads(done.out)
        assert done.code == (2 if any(one["severity"] == "error" for one in found) else 0)
        return [one for one in found if str(one["code"]).startswith(("version-", "no-base"))]

    return lint


Faults = Callable[..., list[dict[str, object]]]


def test_content_changed_under_an_unchanged_version_is_an_error(made: Versioned, run: Run) -> None:
    first = made.commit("First")
    made.write({SAY: said("1.0.0", "Please say")})

    done = run("lint")

    assert done.code == 2
    assert (
        f"prompts/say.yaml:1:10: the content changed under the unchanged version 1.0.0 at "
        f"{first[:12]}: the wording of the user message changed, which is a patch change"
    ) in " ".join(done.err.split())
    assert "write 'version: 1.0.1', or run 'llmops bump say'" in " ".join(done.err.split())


def test_a_step_that_is_too_small_is_an_error_at_the_version(
    made: Versioned, faults: Faults
) -> None:
    made.commit("First", {SAY: said("1.0.0", "Say {{ tone }}", TWO)})
    made.write({SAY: said("1.0.1")})

    (fault,) = faults()

    assert fault["code"] == "version-step"
    assert fault["at"] == {"path": SAY, "line": 1, "column": 10}
    assert fault["message"] == (
        "the claimed step 1.0.0 → 1.0.1 is too small: the input 'tone' was removed, "
        "which is a major change"
    )
    assert fault["hint"] == "write 'version: 2.0.0', or run 'llmops bump say'"


@pytest.mark.parametrize("version", ["1.0.1", "1.1.0", "2.0.0-rc.1"])
def test_a_step_that_is_large_enough_is_well(made: Versioned, faults: Faults, version: str) -> None:
    made.commit("First")
    made.write({SAY: said(version, "Please say")})

    assert faults() == []


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (said("0.9.0"), "the version went back from 1.0.0 at "),
        (said(None), "the prompt claims no version, and 1.0.0 at "),
        (said("0.9.0", "Please say"), "the version went back from 1.0.0 at "),
    ],
)
def test_a_version_never_goes_back(made: Versioned, faults: Faults, after: str, words: str) -> None:
    made.commit("First")
    made.write({SAY: after})

    (fault,) = faults()

    assert fault["code"] == "version-backwards"
    assert str(fault["message"]).startswith(words)


def test_a_bad_step_that_was_committed_on_a_branch_is_still_found(
    made: Versioned, faults: Faults
) -> None:
    made.commit("First")
    made.git("switch", "--quiet", "--create=work")
    made.commit("Change", {SAY: said("1.0.0", "Please say")})
    made.commit("Else", {"notes.txt": "x"})

    (fault,) = faults()

    assert fault["code"] == "version-unchanged"
    assert faults("--base", "HEAD~1") == []


def test_a_bad_step_committed_on_the_only_branch_is_found_while_it_is_the_newest(
    made: Versioned, faults: Faults
) -> None:
    made.commit("First")
    made.commit("Change", {SAY: said("1.0.0", "Please say")})

    assert [fault["code"] for fault in faults()] == ["version-unchanged"]


def test_the_base_is_what_a_branch_has_in_common_with_what_is_asked_for(
    made: Versioned, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.commit("First")
    made.git("switch", "--quiet", "--create=work")
    made.commit("Else", {"notes.txt": "x"})
    made.git("switch", "--quiet", "main")
    made.commit("Ahead", {SAY: said("1.4.0", "Please say")})
    made.git("switch", "--quiet", "work")

    assert faults("--base", "main") == []
    monkeypatch.setenv("LLMOPS_BASE", "main")
    assert faults() == []


def test_a_change_of_a_partial_is_a_change_of_the_prompts_that_include_it(
    made: Versioned, faults: Faults
) -> None:
    prompt = said("1.0.0").replace('"Say', "\"{% include 'polite.md' %} say")
    made.commit("First", {SAY: prompt, "prompts/polite.md": "Please"})
    made.write({"prompts/polite.md": "Pretty please"})

    (fault,) = faults()

    assert "the text of the partial 'polite.md' changed" in str(fault["message"])


def test_a_change_of_what_is_extended_is_a_change(made: Versioned, faults: Faults) -> None:
    base = "version: 1.0.0\nmodel: echo\ninputs: {word: {type: string}}\nuser: 'Say {{ word }}.'\n"
    made.commit("First", {"prompts/base.yaml": base, SAY: "version: 3.0.0\nextends: base\n"})
    made.write({"prompts/base.yaml": base.replace("1.0.0", "1.0.1").replace("Say", "Tell")})

    (fault,) = faults()

    assert fault["at"] == {"path": SAY, "line": 1, "column": 10}


def test_a_renamed_prompt_is_held_against_what_it_was(made: Versioned, faults: Faults) -> None:
    made.commit("First")
    made.git("switch", "--quiet", "--create=work")
    made.git("mv", SAY, "prompts/speak.yaml")
    suite = (made.root / "suites/say.yaml").read_text(encoding="utf-8")
    made.commit("Move", {"suites/say.yaml": suite.replace("prompt: say", "prompt: speak")})
    assert faults() == []
    made.write({"prompts/speak.yaml": said("1.0.0", "Please say")})

    assert [fault["code"] for fault in faults()] == ["version-unchanged"]


def test_a_new_prompt_and_one_that_could_not_be_read_have_no_base(
    made: Versioned, faults: Faults
) -> None:
    made.commit("First", {SAY: "version: 1.0.0\nuser: [\n"})
    made.write({SAY: said("1.0.0"), "prompts/new.yaml": said("0.1.0")})

    assert faults() == []


def test_a_prompt_that_claims_nothing_is_warned_of_as_before(
    made: Versioned, faults: Faults
) -> None:
    made.commit("First", {SAY: said(None)})
    made.write({SAY: said(None, "Please say")})

    assert faults() == []


def test_a_version_that_meant_something_else_is_an_error_with_both_commits(
    made: Versioned, faults: Faults
) -> None:
    first = made.commit("First", {SAY: said("1.1.0")})
    made.commit("Second", {SAY: said("1.0.0", "Tell")})
    third = made.commit("Third", {SAY: said("1.1.0", "Please say")})

    (fault,) = faults()

    assert fault["code"] == "version-reused"
    assert fault["message"] == (f"the version 1.1.0 has 2 contents: {first[:12]} and {third[:12]}")
    assert fault["hint"] == "write 'version: 1.1.1', or run 'llmops bump say'"


def test_a_version_that_the_work_tree_reuses_names_the_work_tree(
    made: Versioned, faults: Faults
) -> None:
    made.commit("First")
    made.git("switch", "--quiet", "--create=work")
    second = made.commit("Second", {SAY: said("1.0.1", "Tell")})
    made.write({SAY: said("1.0.1", "Please say")})

    (fault,) = faults()

    assert fault["message"] == (
        f"the version 1.0.1 has 2 contents: {second[:12]} and the work tree"
    )


def test_a_partial_that_changed_under_a_new_version_is_found_in_history(
    made: Versioned, faults: Faults
) -> None:
    prompt = said("1.0.0").replace('"Say', "\"{% include 'polite.md' %} say")
    made.commit("First", {SAY: prompt, "prompts/polite.md": "Please"})
    made.git("switch", "--quiet", "--create=work")
    second = made.commit("Second", {SAY: prompt.replace("1.0.0", "1.1.0") + "changelog: New.\n"})
    third = made.commit("Third", {"prompts/polite.md": "Pretty please"})

    (fault,) = faults()

    assert fault["message"] == (f"the version 1.1.0 has 2 contents: {second[:12]} and {third[:12]}")


def test_a_name_that_was_used_before_is_no_version_used_before(
    made: Versioned, faults: Faults
) -> None:
    made.commit("First", {"prompts/new.yaml": "version: 1.0.0\nuser: [\n"})
    (made.root / "prompts/new.yaml").unlink()
    made.commit("Delete")
    made.write({"prompts/new.yaml": said("1.0.0", "Say 1.0.0 and")})

    assert faults() == []


def test_older_versions_with_two_contents_are_warnings_of_the_whole_history(
    made: Versioned, faults: Faults
) -> None:
    made.commit("First")
    made.commit("Second", {SAY: said("1.0.0", "Tell")})
    made.commit("Third", {SAY: said("1.0.1", "Please say")})
    made.commit("Else", {"notes.txt": "x"})

    assert faults() == []
    (fault,) = faults("--history")

    assert (fault["code"], fault["severity"]) == ("version-reused", "warning")
    assert "in history the version 1.0.0 has 2 contents" in str(fault["message"])


def test_without_git_or_a_commit_nothing_is_checked(
    project: Project, nobody: None, git: Git, run: Run
) -> None:
    del nobody
    root = project()

    outside = run("lint")
    git(root, "init", "--quiet")
    unborn = run("lint")

    assert (outside.code, unborn.code) == (0, 0)


def test_a_base_that_is_asked_for_must_be_there(
    project: Project, nobody: None, git: Git, run: Run
) -> None:
    del nobody
    root = project()

    outside = run("lint", "--base", "HEAD")
    git(root, "init", "--quiet")
    unborn = run("lint", "--base", "HEAD")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=First")
    unknown = run("lint", "--base", "--output=f")

    assert "[no-repository]" in outside.err
    assert "[no-base]" in unborn.err
    assert "[unknown-ref]" in unknown.err
    assert (outside.code, unborn.code, unknown.code) == (2, 2, 2)
    assert not (root / "f").exists()


def test_in_a_shallow_clone_a_warning_says_what_was_not_checked(
    made: Versioned, run: Run, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.commit("First")
    made.commit("Second", {SAY: said("1.0.0", "Tell")})
    clone = made.root / "home" / "clone"
    git(made.root, "clone", "--quiet", "--depth=1", f"file://{made.root}", str(clone))
    monkeypatch.chdir(clone)

    done = run("lint")

    assert done.code == 0
    assert "claimed versions were not checked" in done.err
    assert "fetch-depth" in done.err


def test_a_folder_below_the_top_is_checked_as_well(
    made: Versioned, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = made.root / "deep" / "inside"
    files = ("llmops.yaml", "echo.yaml", SAY, "suites/say.yaml")
    made.write(
        {f"deep/inside/{name}": (made.root / name).read_text(encoding="utf-8") for name in files}
    )
    made.commit("First")
    made.write({f"deep/inside/{SAY}": said("1.0.0", "Please say")})
    monkeypatch.chdir(inside)

    done: Done = run("lint")

    assert "[version-unchanged]" in done.err


def test_a_clone_with_other_line_ends_is_no_change(made: Versioned, faults: Faults) -> None:
    made.commit("First")
    made.git("config", "core.autocrlf", "true")
    made.write({SAY: said("1.0.0").replace("\n", "\r\n")})

    assert faults() == []
