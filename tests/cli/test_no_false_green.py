from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from small_project import CAPPED, PROMPT, SUITE, UNCOUNTED, Project, Run

from loopback import listening, nobody_at, reply


@contextmanager
def server(status: int) -> Iterator[str]:
    """A loopback server that answers every request with one status."""

    error = {"error": {"message": "refused by the test", "type": "test"}}
    with listening(lambda _seen: reply(status, error)) as refusing:
        yield f"{refusing.url}/v1"


def test_a_good_project_is_green(project: Project, run: Run) -> None:
    project()

    done = run("test")

    assert done.code == 0
    assert "1 passed" in done.out


@pytest.mark.parametrize(
    ("files", "place", "words"),
    [
        pytest.param(
            {"suites/say.yaml": "prompt: say\ncases: []\n"},
            "suites/say.yaml:",
            "no-cases",
            id="suite without cases",
        ),
        pytest.param(
            {"suites/say.yaml": "prompt: say\n"}, "suites/say.yaml:", "cases", id="no cases key"
        ),
        pytest.param(
            {"suites/say.yaml": SUITE.replace("    assert: [{contains: red}]\n", "")},
            "suites/say.yaml:3:5",
            "no-assertion",
            id="case without assertions",
        ),
        pytest.param(
            {"suites/say.yaml": SUITE.replace("{contains: red}", "{contains: red, soft: true}")},
            "suites/say.yaml:3:5",
            "no-assertion",
            id="only soft assertions",
        ),
        pytest.param(
            {"suites/say.yaml": SUITE.replace("assert:", "asserts:")},
            "suites/say.yaml:5:5",
            "did you mean 'assert'?",
            id="asserts for assert",
        ),
        pytest.param(
            {
                "suites/say.yaml": SUITE.replace(
                    "{contains: red}", "{similar: {to: red, treshold: 0.1}}"
                )
            },
            "suites/say.yaml:5:34",
            "did you mean 'threshold'?",
            id="treshold",
        ),
        pytest.param(
            {"suites/say.yaml": SUITE.replace("contains", "contians")},
            "suites/say.yaml:5:15",
            "did you mean 'contains'?",
            id="unknown scorer",
        ),
        pytest.param(
            {"prompts/say.yaml": PROMPT.replace("{{ word }}", "{{ wrod }}")},
            "prompts/say.yaml:4:",
            "wrod",
            id="undefined variable",
        ),
        pytest.param(
            {"suites/say.yaml": SUITE.replace("{word: red}", "{wrod: red}")},
            "suites/say.yaml:",
            "word",
            id="missing input",
        ),
        pytest.param(
            {"suites/say.yaml": SUITE.replace("[{contains: red}]", '[{contains: "{{ wrod }}"}]')},
            "suites/say.yaml:5:",
            "wrod",
            id="undefined variable in an assertion",
        ),
        pytest.param(
            {"suites/say.yaml": SUITE + SUITE.split("cases:\n")[1]},
            "suites/say.yaml:6:",
            "duplicate-id",
            id="duplicate ids",
        ),
        pytest.param(
            {
                "suites/say.yaml": "prompt: say\ncases:\n  - dataset: d.csv\n    id: same\n"
                '    inputs: {word: "{{ row.w }}"}\n    assert: [{contains: "{{ row.w }}"}]\n',
                "d.csv": "w\nred\nblue\n",
            },
            "suites/say.yaml:3:5",
            "duplicate-id",
            id="duplicate ids of rows",
        ),
        pytest.param(
            {"suites/say.yaml": SUITE.replace("prompt: say", "prompt: sya")},
            "suites/say.yaml:1:9",
            "did you mean 'say'?",
            id="unknown prompt",
        ),
        pytest.param(
            {"suites/say.yaml": SUITE.replace("cases:", "models: [ehco]\ncases:")},
            "suites/say.yaml:2:10",
            "did you mean 'echo'?",
            id="unknown model",
        ),
    ],
)
def test_a_fault_in_the_files_is_placed_and_found_before_the_first_call(
    project: Project, run: Run, files: dict[str, str], place: str, words: str
) -> None:
    folder = project(files)

    done = run("test")

    assert done.code == 2
    assert place in done.err
    assert words in done.err
    assert not (folder / ".llmops" / "runs").exists()


@pytest.mark.parametrize(
    "selection",
    [
        ["nothing-like-this"],
        ["say::two"],
        ["tag:none"],
        ["-k", "blue"],
        ["--prompt", "other"],
        ["--shard", "2/2"],
    ],
)
def test_a_selection_of_nothing_is_never_green(
    project: Project, run: Run, selection: list[str]
) -> None:
    project()

    done = run("test", *selection)

    assert done.code == 5
    assert "[nothing-selected]" in done.err


def test_one_misspelt_selector_among_good_ones_is_never_green(project: Project, run: Run) -> None:
    project()

    done = run("test", "say", "say::two")

    assert done.code == 5
    assert "say::two" in done.err


@pytest.mark.parametrize(("status", "kind"), [(404, "not_found"), (401, "auth"), (500, "server")])
@pytest.mark.filterwarnings("default")
def test_a_model_that_refuses_is_an_error_with_a_place(
    project: Project, run: Run, status: int, kind: str
) -> None:
    with server(status) as base:
        project(
            {
                "llmops.yaml": "models:\n"
                f"  echo: {{model: openai/gone, api_base: '{base}', retries: 0}}\n"
            }
        )

        done = run("test")

    assert done.code == 3
    assert "prompts/say.yaml:2:8" in done.out
    assert kind in done.out
    assert "1 error" in done.out


@pytest.mark.filterwarnings("default")
def test_of_two_models_one_is_down_and_the_other_still_finishes(project: Project, run: Run) -> None:
    with nobody_at() as port:
        config = (
            "models:\n  echo: {model: scripted/echo, script: echo.yaml}\n"
            f"  down: {{model: openai/down, api_base: 'http://127.0.0.1:{port}/v1', retries: 0}}\n"
        )
        project(
            {
                "llmops.yaml": config,
                "suites/say.yaml": SUITE.replace("cases:", "models: [down, echo]\ncases:"),
            }
        )

        done = run("test")

    assert done.code == 3
    assert "1 passed" in done.out
    assert "suites/say.yaml:2:10" in done.out
    assert "network" in done.out


def test_a_failed_assertion_is_placed_and_exits_with_1(project: Project, run: Run) -> None:
    project({"suites/say.yaml": SUITE.replace("contains: red", "contains: blue")})

    done = run("test")

    assert done.code == 1
    assert "suites/say.yaml:5:15" in done.out
    assert "1 failed" in done.out


def test_a_spent_budget_exits_with_4(project: Project, run: Run) -> None:
    project({"suites/say.yaml": SUITE.replace("cases:", "samples: 5\ncases:")})

    done = run("test", "--max-calls", "2")

    assert done.code == 4
    assert "2 passed" in done.out


def test_a_case_that_only_cannot_be_judged_is_no_pass(project: Project, run: Run) -> None:
    project({"llmops.yaml": UNCOUNTED, "suites/say.yaml": CAPPED})

    done = run("test")

    assert done.code == 3
    assert "1 unscored" in done.out


def test_an_error_outweighs_no_failure(project: Project, run: Run) -> None:
    script = "rules:\n  - {when: {contains: red}, error: {kind: bad_request}}\n  - {echo: true}\n"
    two = SUITE + "  - id: two\n    inputs: {word: blue}\n    assert: [{contains: green}]\n"
    project({"echo.yaml": script, "suites/say.yaml": two})

    done = run("test")

    assert done.code == 1
    assert "1 failed" in done.out
    assert "1 error" in done.out
