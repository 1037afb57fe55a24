import json
from collections.abc import Callable
from pathlib import Path

import pytest
from small_project import PROMPT, SUITE, Project, Run

Change = Callable[[str, str], None]

TWO = (
    "prompt: tell\ncases:\n"
    "  - {id: one, tags: [smoke], inputs: {word: red}, assert: [{contains: red}]}\n"
    "  - {id: two, inputs: {word: blue}, assert: [{contains: blue}]}\n"
)
FILES = {
    ".gitignore": "/home\n.llmops/\n",
    "prompts/tell.yaml": PROMPT.replace("Say", "{% include 'partials/how.md' %} tell"),
    "prompts/partials/how.md": "Please",
    "suites/support/tell.yaml": TWO,
    "suites/say.yaml": f"tags: [slow]\n{SUITE}",
}
PARTIAL = "prompts/partials/how.md"


@pytest.fixture
def folder(nobody: None, project: Project, git: Callable[..., str]) -> Path:
    """A project that is committed, in which we stand."""
    folder = project(FILES)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=First")
    return folder


def test_only_suites_that_a_change_reaches_are_run(folder: Path, run: Run) -> None:
    (folder / PARTIAL).write_text("Do")

    done = run("test", "--since", "main")

    assert done.code == 0
    assert done.err.splitlines()[:2] == [
        f"in   support/tell  {PARTIAL} changed (included by prompts/tell.yaml)",
        "out  say",
    ]
    assert "1 suite" in done.out
    assert "2 passed" in done.out


def test_a_suite_with_several_reasons_names_one_and_counts_the_others(
    folder: Path, run: Run
) -> None:
    (folder / PARTIAL).write_text("Do")
    (folder / "suites/support/tell.yaml").write_text(f"{TWO}# more\n")

    done = run("test", "--since", "main")

    assert (
        done.err.splitlines()[0]
        == "in   support/tell  suites/support/tell.yaml changed, and 1 more"
    )


def test_nothing_reached_is_never_green(folder: Path, run: Run) -> None:
    (folder / "README.md").write_text("Words.")

    done = run("test", "--since", "main")

    assert done.code == 5
    assert "out  say, support/tell" in done.err
    assert "nothing that the selected suites use changed since main" in done.err
    assert "|| [ $? -eq 5 ]" in done.err
    assert not (folder / ".llmops" / "runs").exists()


def test_a_selection_and_a_change_must_both_hold(folder: Path, run: Run) -> None:
    (folder / PARTIAL).write_text("Do")

    one = run("test", "support/tell::two", "say", "--since", "main")
    none = run("test", "say", "--since", "main")

    assert (one.code, none.code) == (0, 5)
    assert "1 passed" in one.out
    assert "support/tell" not in none.err


def test_a_selector_of_a_suite_that_is_not_reached_is_no_mistake(folder: Path, run: Run) -> None:
    (folder / PARTIAL).write_text("Do")

    case = run("test", "support", "say::one", "--since", "main")
    tag = run("test", "tag:smoke", "tag:slow", "--since", "main")
    misspelt = run("test", "tag:smoke", "tag:slwo", "--since", "main")

    assert (case.code, tag.code, misspelt.code) == (0, 0, 5)
    assert "no case is selected by 'tag:slwo'" in misspelt.err


def test_shards_deal_out_what_is_reached(folder: Path, run: Run) -> None:
    (folder / PARTIAL).write_text("Do")

    shards = [run("test", "--since", "main", "--shard", f"{part}/2") for part in (1, 2)]

    assert [shard.code for shard in shards] == [0, 0]
    assert all("1 passed" in shard.out for shard in shards)


def test_a_run_goes_on_with_the_suites_that_were_reached_when_it_began(
    folder: Path, run: Run, git: Callable[..., str]
) -> None:
    (folder / PARTIAL).write_text("Do")
    run("test", "--since", "main", "--max-calls", "1", "--concurrency", "1")
    git(folder, "commit", "--quiet", "--all", "--message=Second")

    done = run("test", "--resume", "last")

    assert done.code == 0
    assert "2 passed" in done.out
    options = json.loads(run("report", "last", "--json").out)["header"]["options"]
    assert (options["since"], options["reached"]) == ("main", ["support/tell"])


def test_resume_takes_no_ref(folder: Path, run: Run) -> None:
    done = run("test", "--resume", "last", "--since", "main")

    assert done.code == 2
    assert "--resume takes the selection" in done.err


@pytest.mark.parametrize(
    "ref", ["nowhere", "", "--output=f", "main..main", "main\nmain", "@{u}", "main:prompts"]
)
def test_a_ref_that_means_no_commit_is_a_mistake(folder: Path, run: Run, ref: str) -> None:
    for command in ("test", "suites"):
        done = run(command, f"--since={ref}")

        assert done.code == 2
        assert "is no commit [unknown-ref]" in done.err
        assert ref.splitlines()[0:1] == [] or ref.splitlines()[0] in done.err
    assert not (folder / "f").exists()


def test_a_project_without_git_has_nothing_to_compare_with(
    nobody: None, project: Project, run: Run
) -> None:
    project(FILES)

    done = run("test", "--since", "main")

    assert done.code == 2
    assert "[no-repository]" in done.err
    assert "git init" in done.err


def test_suites_says_of_each_why_it_is_in_or_out(folder: Path, run: Run) -> None:
    (folder / PARTIAL).write_text("Do")
    (folder / "prompts/tell.yaml").write_text("description: x\n" + FILES["prompts/tell.yaml"])
    (folder / "prompts/say.yaml").write_text(f"description: x\n{PROMPT}")

    shown = run("suites", "--since", "main")
    listed = run("suites", "--since", "main", "--json")

    assert [line.rstrip() for line in shown.out.splitlines()] == [
        "suite              why",
        "say           out  prompts/say.yaml changed (the requests are as they were)",
        "support/tell  in   prompts/tell.yaml changed",
        f"                   {PARTIAL} changed (included by prompts/tell.yaml)",
    ]
    say, tell = json.loads(listed.out)
    assert (say["suite"], say["included"], tell["included"]) == ("say", False, True)
    assert tell["reasons"][1] == {
        "path": PARTIAL,
        "what": "changed",
        "via": "included by prompts/tell.yaml",
    }


def test_suites_lists_no_more_reasons_than_are_read(folder: Path, run: Run) -> None:
    cases = "".join(f"  - {{inputs: {{word: {{file: data/{n}.txt}}}}}}\n" for n in range(12))
    (folder / "data").mkdir()
    for number in range(12):
        (folder / "data" / f"{number}.txt").write_text("red")
    (folder / "suites/say.yaml").write_text(
        f"prompt: say\nassert: [{{contains: red}}]\ncases:\n{cases}"
    )

    done = run("suites", "say", "--since", "main")

    assert done.code == 0
    assert len(done.out.splitlines()) == 10
    assert "and 5 more; --json lists them" in done.out


def test_suites_lists_the_cases_that_are_reached(folder: Path, run: Run) -> None:
    (folder / PARTIAL).write_text("Do")

    done = run("suites", "--since", "main", "--cases")

    assert "support/tell::two" in done.out
    assert "say::one" not in done.out


def test_suites_with_nothing_reached_is_a_list_like_any_other(folder: Path, run: Run) -> None:
    done = run("suites", "--since", "main")

    assert done.code == 0
    assert done.out.count("nothing changed") == 2


def test_many_suites_that_are_out_are_counted(
    folder: Path, run: Run, git: Callable[..., str]
) -> None:
    for number in range(10):
        (folder / f"suites/more{number}.yaml").write_text(SUITE)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=Second")
    (folder / PARTIAL).write_text("Do")

    done = run("test", "--since", "main")

    assert "more7, and 3 more" in done.err


def test_no_file_of_git_changes(folder: Path, run: Run) -> None:
    (folder / PARTIAL).write_text("Do")
    index = (folder / ".git" / "index").read_bytes()

    run("test", "--since", "main")

    assert (folder / ".git" / "index").read_bytes() == index
