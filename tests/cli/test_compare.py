import json
from pathlib import Path

import pytest
from small_project import PROMPT, Commit, Project, Run
from test_versions import SAY, SECOND

CONFIG = """\
models:
  echo: {model: scripted/echo, script: echo.yaml}
  mute: {model: scripted/mute, script: mute.yaml, price: {input: 1, output: 1}}
  lost: {model: scripted/lost, script: lost.yaml}
"""
WORDS = ("red", "blue", "green", "black", "white", "grey", "brown", "pink")
CASES = "".join(
    f"  - id: {word}\n    inputs: {{word: {word}}}\n    assert: [{{contains: {word}, metric: word}}]\n"
    for word in WORDS
)
FILES = {
    "llmops.yaml": CONFIG,
    "mute.yaml": "rules: [{reply: {text: 'red, blue', cost: 0.5}}]\n",
    "lost.yaml": "rules: [{error: {kind: server, status: 500}}]\n",
    "suites/say.yaml": f"prompt: say\ncases:\n{CASES}",
}


@pytest.fixture
def small(project: Project) -> Path:
    return project(FILES)


def compared(run: Run, *words: str, code: int = 0) -> dict[str, object]:
    done = run("compare", *words, "--json")
    assert done.code == code, done.err
    found = json.loads(done.out)
    assert isinstance(found, dict)
    return found


def test_a_worse_model_is_said_to_be_worse(small: Path, run: Run) -> None:
    found = compared(run, "echo", "mute")

    assert [arm["label"] for arm in found["arms"]] == ["echo", "mute"]
    assert [arm["pass_rate"] for arm in found["arms"]] == [1.0, 0.25]
    rate = found["standings"][0]["assessment"]["judged"]["pass rate"]
    assert (rate["wins"], rate["ties"], rate["losses"]) == (0, 2, 6)
    assert rate["worse"] == pytest.approx(1 / 128)
    assert rate["certainty"] == "regressed"
    assert found["verdict"]["status"] == "regressed"


def test_the_order_of_the_arms_is_the_order_of_the_question(small: Path, run: Run) -> None:
    found = compared(run, "mute", "echo")

    assert found["standings"][0]["assessment"]["certainty"] == "improved"


def test_parameters_make_an_arm(small: Path, run: Run) -> None:
    found = compared(run, "echo", "echo,temperature=0.5", ",temperature=1")

    assert len(found["arms"]) == 3
    rates = [one["assessment"]["judged"]["pass rate"] for one in found["standings"]]
    assert [(rate["delta"], rate["certainty"]) for rate in rates] == [(0, "inconclusive")] * 2


def test_versions_and_models_mix(commit: Commit, folder: Path, run: Run) -> None:
    commit("First", FILES)
    commit("Be polite", {SAY: SECOND})

    found = compared(run, "say@1.0.0", "say+mute", "say@main+echo", "mute,seed=1")

    pairs = found["standings"][1]["pairs"]
    assert (pairs[0]["before"]["output"], pairs[0]["after"]["output"]) == (
        "Say red.",
        "Please say red.",
    )
    assert [arm["totals"]["passed"] for arm in found["arms"]] == [8, 2, 8, 2]


def test_one_table_one_line_and_every_report_agree(small: Path, run: Run) -> None:
    done = run(
        "compare", "echo", "mute", "--report", "markdown=out.md", "--report", "json=out.json"
    )

    text = (small / "out.md").read_text(encoding="utf-8")
    kept = json.loads((small / "out.json").read_text(encoding="utf-8"))
    reason = kept["verdict"]["reason"]
    assert done.code == kept["verdict"]["exit_code"] == 0
    assert reason in done.out
    assert reason in text
    assert "6 trials on which echo and mute disagree" in done.out
    assert "regressed" in text
    assert "they can see a drop of" in done.out


def test_unknown_trials_stand_at_the_worse_end(small: Path, run: Run) -> None:
    found = compared(run, "echo", "lost", code=3)

    assert found["verdict"]["status"] == "incomparable"
    assert found["verdict"]["good"] is False
    assert "no completion" in found["verdict"]["reason"]


def test_a_picture_is_drawn_where_every_cost_is_known(small: Path, run: Run) -> None:
    (small / "echo.yaml").write_text(
        "rules: [{when: {contains: red}, reply: {text: 'red', cost: 0.25}}]\n"
        "default: {text: nothing, cost: 0.25}\n",
        encoding="utf-8",
    )

    done = run("compare", "echo", "mute")

    assert "not beaten in both pass rate and cost: echo, mute" in done.out
    assert "A echo" in done.out


def test_a_saving_is_said_only_when_it_is_sure(small: Path, run: Run) -> None:
    words = ", ".join(WORDS)
    for name, cost in (("echo", 1.0), ("mute", 0.5)):
        (small / f"{name}.yaml").write_text(
            f"rules: [{{reply: {{text: '{words}', cost: {cost}}}}}]\n", encoding="utf-8"
        )

    sure = compared(run, "echo", "mute", "--margin", "0.4")
    unsure = compared(run, "echo", "mute", "--margin", "0.02")

    assert sure["standings"][0]["saving"] == pytest.approx(0.5)
    assert unsure["standings"][0]["saving"] is None
    assert "switching to mute saves 50 %" in run("compare", "echo", "mute", "--margin", "0.4").out


def test_a_metric_can_be_judged_too(small: Path, run: Run) -> None:
    found = compared(run, "echo", "mute", "--metric", "word")

    assert set(found["standings"][0]["assessment"]["judged"]) == {"pass rate", "word"}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["echo"], "one arm is none to compare"),
        (["echo", "echo"], "the arm 'echo' is there twice"),
        (["echo", "ehco"], "no model is called 'ehco'"),
        (["echo", "sya@HEAD"], "no suite asks"),
        (["echo", "say@HEAD"], "no git repository"),
        (["echo", "echo,temperature"], "is no NAME=VALUE"),
        (["echo", ""], "an arm is empty"),
        (["echo", "say+echo"], "are the same"),
        (["echo", "mute", "--report", "pdf"], "no report called 'pdf'"),
        (["echo", "mute", "--json", "--report", "json=-"], "cannot both go to stdout"),
        (["echo", "mute", "--confidence", "0.5"], "nothing can be said"),
    ],
)
def test_what_cannot_be_compared_is_said(
    small: Path, run: Run, words: list[str], complaint: str
) -> None:
    done = run("compare", *words)

    assert done.code in {2, 5}
    assert complaint in done.err


def test_a_suite_with_several_models_needs_one_named(project: Project, run: Run) -> None:
    project({**FILES, "suites/say.yaml": f"prompt: say\nmodels: [echo, mute]\ncases:\n{CASES}"})

    done = run("compare", "say", "say,temperature=1")

    assert done.code == 2
    assert "asks 2 models [ambiguous-arm]" in done.err
    assert run("compare", "say+echo", "say+mute").code == 0


def test_a_prompt_called_like_a_model_is_ambiguous(project: Project, run: Run) -> None:
    project({**FILES, "prompts/echo.yaml": PROMPT})

    done = run("compare", "echo", "mute")

    assert done.code == 2
    assert "'echo' is a prompt and a model" in done.err


def test_what_earlier_runs_heard_is_not_asked_again(
    project: Project, run: Run, parrot: str
) -> None:
    models = "".join(
        f"  {name}: {{model: openai/{name}, api_base: {parrot!r}, price: {{input: 1, output: 1}}}}\n"
        for name in ("one", "two")
    )
    root = project({**FILES, "llmops.yaml": f"{CONFIG}{models}"})
    assert run("test", "--model", "one", "--model", "two").code == 0
    for name in ("cache.db", "cache.db-wal", "cache.db-shm"):
        (root / ".llmops" / name).unlink(missing_ok=True)

    found = compared(run, "one", "two", "--replay")
    stopped = compared(run, "one", "two", "--fresh", "--max-calls", "0", code=4)

    assert [arm["totals"]["passed"] for arm in found["arms"]] == [8, 8]
    assert stopped["verdict"]["status"] == "stopped"
