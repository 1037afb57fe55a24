import json

import pytest
from small_project import CONFIG, SUITE, Commit, Run

SAY = "prompts/say.yaml"
BRANCHES = (
    "version: 1.1.0\nmodel: echo\ninputs: {word: {type: string}, loud: {default: false}}\n"
    "user: |\n  Say {{ word }}.\n  {% if loud %}\n  Shout it.\n  {% endif %}\n"
)
TWO = SUITE + "  - id: two\n    inputs: {word: blue}\n    assert: [{contains: blue}]\n"
LOUD = TWO + "  - id: loud\n    inputs: {word: w, loud: true}\n    assert: [{contains: w}]\n"
pytestmark = pytest.mark.usefixtures("folder")


def counted(run: Run, name: str = "say") -> tuple[list[int | None], str]:
    done = run("blame", name, "--cases", "--json")
    assert done.code == 0, done
    return [line["cases"] for line in json.loads(done.out)], done.err


def test_lines_that_no_case_reaches_are_named(commit: Commit, run: Run) -> None:
    commit("All", {SAY: BRANCHES, "suites/say.yaml": TWO})

    cases, said = counted(run)

    assert cases == [None, None, None, None, 2, None, 0, None]
    assert said == "2 cases; none has text of line 7\n"


def test_a_case_that_reaches_the_line_is_counted(commit: Commit, run: Run) -> None:
    commit("All", {SAY: BRANCHES, "suites/say.yaml": LOUD})

    cases, said = counted(run)

    assert cases == [None, None, None, None, 3, None, 1, None]
    assert said == "3 cases; each line is in some\n"


def test_a_version_is_counted_with_the_suites_of_the_work_tree(commit: Commit, run: Run) -> None:
    commit("First")
    commit("Branches", {SAY: BRANCHES, "suites/say.yaml": LOUD.replace(", loud: true", "")})

    cases, said = counted(run, "say@1.0.0")

    assert cases == [None, None, None, 3]
    assert said == "3 cases; each line is in some\n"


def test_cases_that_cannot_be_told_are_counted_apart(commit: Commit, run: Run) -> None:
    looking = BRANCHES.replace(
        "Say {{ word }}.", "{% set said %}{{ word }}{% endset %}Say {{ said | length }}."
    )
    suite = TWO.replace("word: blue", "wort: blue")
    commit("All", {SAY: looking, "suites/say.yaml": suite})

    cases, said = counted(run)

    assert cases[4] == 0
    assert said.startswith("0 cases; none has text of line 5, 7\n2 more cases cannot be told")


def test_skipped_cases_and_suites_of_other_prompts_do_not_count(commit: Commit, run: Run) -> None:
    other = BRANCHES.replace("Say", "Tell")
    skipping = TWO.replace("- id: two\n", "- id: two\n    skip: not now\n")
    commit("All", {"prompts/tell.yaml": other, "suites/say.yaml": skipping})

    assert counted(run)[0] == [None, None, None, 1]
    assert counted(run, "tell")[1] == "0 cases; none has text of line 5, 7\n"


def test_suites_with_steps_are_named_and_not_counted(commit: Commit, run: Run) -> None:
    steps = SUITE.replace("prompt: say\n", "steps:\n  - {prompt: say}\n")
    commit("All", {"suites/steps.yaml": steps})

    _, said = counted(run)

    assert "suites with steps are not counted: steps\n" in said


def test_the_table_has_a_column_only_when_asked(commit: Commit, run: Run) -> None:
    commit("All", {SAY: BRANCHES, "suites/say.yaml": TWO})

    plain, asked = run("blame", "say"), run("blame", "say", "--cases")

    assert plain.out.splitlines()[0].split() == ["commit", "date", "author", "version", "line"]
    assert asked.out.splitlines()[0].split()[4:] == ["cases", "line"]
    assert asked.out.splitlines()[5].split()[-6:] == ["2", "5", "Say", "{{", "word", "}}."]


def test_a_suite_that_is_wrong_is_complained_of(commit: Commit, run: Run) -> None:
    commit("All", {"suites/say.yaml": SUITE.replace("cases", "case"), "llmops.yaml": CONFIG})

    done, plain = run("blame", "say", "--cases"), run("blame", "say")

    assert (done.code, plain.code) == (2, 0)
    assert "suites/say.yaml:" in done.err
