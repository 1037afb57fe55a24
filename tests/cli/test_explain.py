import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from small_project import CONFIG, Commit, Run

SAY = "prompts/say.yaml"
CASE = "prompt: say\ncases:\n  - {id: one, inputs: {word: red}, assert: [{contains: red}]}\n"
OLD = ("Greet the customer.", "Use short words.", "Name the order.", "Offer help.", "Sign as Ada.")
NEW = ("Greet nobody.", "Use long words.", "Skip the order.", "Offer a refund.", "Sign off.")


def prompt(sentences: Sequence[str], more: str = "", user: str = "{{ word }}") -> str:
    lines = "".join(f"      {one}\n" for one in sentences)
    return (
        f"model: echo\ninputs: {{word: {{type: string}}}}\n{more}messages:\n"
        f"  - role: system\n    content: |\n{lines}  - {{role: user, content: '{user}'}}\n"
    )


def rules(*rules: str, seed: int = 0) -> dict[str, str]:
    listed = "".join(f"  - {rule}\n" for rule in rules)
    return {"echo.yaml": f"seed: {seed}\nrules:\n{listed}default: blue\n"}


def knows(words: str, *, often: float = 1, reply: str = "red") -> str:
    return f"{{when: {{role: system, matches: '{words}'}}, probability: {often}, reply: {reply}}}"


@pytest.fixture
def explained(folder: Path, commit: Commit, run: Run):
    """Commit a first prompt, put a second one into the work tree, and explain the difference."""

    def explain(
        first: str, second: str, files: Mapping[str, str], *words: str, code: int = 0
    ) -> dict:
        base = {"llmops.yaml": CONFIG, "suites/say.yaml": CASE, SAY: first}
        commit("Begin", base | files)
        (folder / SAY).write_text(second, encoding="utf-8")
        done = run("diff", "say", "--explain", "--json", *words)
        assert done.code == code, done.err + done.out
        return json.loads(done.out)["explained"]

    return explain


def without(found: dict, case: dict) -> list[list[str | None]]:
    return [
        [found["edits"][edit]["after"] or found["edits"][edit]["before"] for edit in one["edits"]]
        for one in case["culprits"]
    ]


def test_one_sentence_among_five_is_named_with_its_place(explained, run: Run) -> None:
    found = explained(prompt(OLD), prompt(NEW), rules(knows("Name the order")))

    told = run("diff", "say", "--explain")

    case = found["cases"][0]
    assert len(found["hunks"]) == 5
    assert case["status"] == "named"
    assert without(found, case) == [["Skip the order."]]
    assert [one["judgement"] for one in case["tried"]] == ["not", "not", "mends", "not", "not"]
    assert found["calls"] == found["samples"] <= 30
    assert "Explained: 1 of 1 case that broke" in told.out
    assert "reverting hunk 3 (" in told.out
    assert "hunk 3, system message, prompts/say.yaml:8:1: say::one" in told.out
    assert "order." in told.out
    assert "5 hunks · " in told.out
    assert "calls · $0.00\n" in told.out


def test_two_sentences_that_are_needed_together_are_named_together(explained) -> None:
    script = rules(knows("Use short words[^$]*Offer help"))

    found = explained(prompt(OLD), prompt(NEW), script)

    case = found["cases"][0]
    assert case["status"] == "together"
    assert without(found, case) == [["Use long words.", "Offer a refund."]]
    assert case["culprits"][0]["smallest"] is True
    assert case["reason"].startswith("only together: reverting hunks 2 and 4 (")
    assert {one["judgement"] for one in case["tried"]} == {"not"}


def test_either_of_two_sentences_that_only_break_it_together_is_named(explained) -> None:
    script = rules(knows("Use short words|Offer help"))

    found = explained(prompt(OLD), prompt(NEW), script)

    case = found["cases"][0]
    assert case["status"] == "named"
    assert without(found, case) == [["Use long words."], ["Offer a refund."]]
    assert "mends the case, each by itself" in case["reason"]


@pytest.mark.parametrize("seed", [1, 3, 5])
def test_answers_that_vary_are_asked_again_until_it_is_sure(explained, seed: int) -> None:
    script = rules(
        knows("Name the order", often=0.9),
        knows("Name the order", reply="blue"),
        knows(".", often=0.2),
        seed=seed,
    )

    found = explained(prompt(OLD), prompt(NEW), script, "--samples", "10")

    case = found["cases"][0]
    assert without(found, case) == [["Skip the order."]]
    assert 0 < case["after"]["passed"] < case["after"]["asked"] > 10
    assert found["samples"] > 40


def test_a_case_that_only_seemed_to_break_accuses_nobody(explained) -> None:
    script = rules(knows(".", often=0.5), seed=9)

    found = explained(prompt(OLD), prompt(NEW), script)

    case = found["cases"][0]
    assert case["status"] == "same"
    assert case["culprits"] == []
    assert case["reason"].startswith("not a regression when asked more often: ")


def test_nothing_regressed_costs_nothing_and_says_so(explained, run: Run) -> None:
    found = explained(prompt(OLD), prompt(NEW), rules(knows(".")))

    told = run("diff", "say", "--explain")

    assert found["note"] == "no case regressed, so there is nothing to explain"
    assert found["calls"] == found["samples"] == 0
    assert "Explained: no case regressed, so there is nothing to explain" in told.out


def test_a_hunk_that_cannot_be_rendered_alone_is_reverted_with_what_it_needs(
    explained, run: Run
) -> None:
    tone = "inputs: {word: {type: string}, tone: {default: calm}}\n"
    first = prompt(OLD, user="{{ word }}")
    second = prompt(OLD, user="{{ word }} {{ tone }}").replace(
        "inputs: {word: {type: string}}\n", tone
    )
    script = rules("{when: {matches: '^red$'}, reply: red}")

    found = explained(first, second, script)

    told = run("diff", "say", "--explain")
    case = found["cases"][0]
    by_hunk = {one["hunk"]: one for one in case["tried"]}
    assert [edit["part"] for edit in found["edits"]] == ["user message", "input tone"]
    assert without(found, case) == [["{{ word }} {{ tone }}"]]
    assert by_hunk[2]["judgement"] == "impossible"
    assert by_hunk[2]["reason"] == "'tone' is used but not declared"
    assert "hunk 2 cannot be reverted without 1: 'tone' is used but not declared" in told.out


def test_hunks_that_need_each_other_and_break_it_are_named_as_one(explained) -> None:
    second = prompt(NEW, user="{% if word %}{{ word }}{% endif %}")
    first = prompt(OLD, user="{{ word }}")
    opened = second.replace("Skip the order.", "{% if word %}Skip the order.").replace(
        "Offer a refund.", "Offer a refund.{% endif %}"
    )
    script = rules(knows("Name the order"))

    found = explained(first, opened, script)

    case = found["cases"][0]
    culprit = case["culprits"][0]
    assert case["status"] == "named"
    assert culprit["hunks"] == [3, 5]
    assert culprit["bound"] is True
    assert "not all of them can be reverted by themselves" in case["reason"]


def test_a_budget_holds_for_the_run_and_its_explanation_together(explained, run: Run) -> None:
    found = explained(
        prompt(OLD), prompt(NEW), rules(knows("Name the order")), "--max-calls", "7", code=4
    )

    told = run("diff", "say", "--explain", "--max-calls", "7")

    assert found["calls"] == 5
    assert found["stopped_by"] == "budget"
    assert found["cases"][0]["status"] == "unsure"
    assert found["cases"][0]["reason"].startswith("it was stopped before it was sure: ")
    assert "stopped: 1 broken" in told.out
    assert "not all is explained: the budget is spent" in told.out


def test_the_run_itself_stopped_leaves_nothing_to_explain(explained) -> None:
    found = explained(
        prompt(OLD), prompt(NEW), rules(knows("Name the order")), "--max-calls", "1", code=4
    )

    assert found["note"].startswith("nothing was explained: ")
    assert found["calls"] == 0


def test_few_trials_leave_it_unsure(explained) -> None:
    found = explained(prompt(OLD), prompt(NEW), rules(knows("Name the order")), "--max-trials", "9")

    case = found["cases"][0]
    assert case["status"] == "unsure"
    assert "the trials are spent" in case["reason"]
    assert found["samples"] <= 9


def test_explaining_needs_a_run(run: Run, commit: Commit) -> None:
    commit("Begin")

    done = run("diff", "say", "--explain", "--source-only")

    assert done.code == 2
    assert "--explain needs a run, and --source-only forbids one" in done.err


def test_replay_says_what_cannot_be_known(folder: Path, commit: Commit, run: Run) -> None:
    commit("Begin", {"llmops.yaml": CONFIG, "suites/say.yaml": CASE, SAY: prompt(OLD)})
    recorded = rules(knows("Name the order"))
    (folder / "echo.yaml").write_text(recorded["echo.yaml"], encoding="utf-8")
    run("record", "--prompt", "say")
    (folder / SAY).write_text(prompt(NEW), encoding="utf-8")
    run("record", "--prompt", "say")

    done = run("diff", "say", "--explain", "--replay", "--json")

    found = json.loads(done.out)["explained"]
    case = found["cases"][0]
    assert done.code == 0
    assert (case["before"], case["after"]) == (
        {"passed": 1, "asked": 1},
        {"passed": 0, "asked": 1},
    )
    assert case["status"] == "unsure"
    assert {one["judgement"] for one in case["tried"]} == {"unknown"}
    assert {one["reason"] for one in case["tried"]} == {"nothing is recorded or cached of it"}
    assert found["calls"] == 0


def test_a_model_or_a_parameter_is_a_hunk_of_its_own(explained) -> None:
    config = CONFIG + "  other: {model: scripted/other, script: echo.yaml}\n"
    script = rules("{when: {model: scripted/echo}, reply: red}")
    second = prompt(OLD, "parameters: {temperature: 0.5}\n").replace("model: echo", "model: other")

    found = explained(prompt(OLD), second, script | {"llmops.yaml": config})

    case = found["cases"][0]
    assert [edit["part"] for edit in found["edits"]] == ["model", "parameter temperature"]
    assert without(found, case) == [["other"]]
    assert case["model"] == "echo → other"


def test_the_markdown_carries_it(explained, folder: Path, run: Run) -> None:
    explained(prompt(OLD), prompt(NEW), rules(knows("Name the order")))

    run("diff", "say", "--explain", "--report", "markdown=out.md")

    text = (folder / "out.md").read_text(encoding="utf-8")
    assert "**Explained**: 1 of 1 case that broke" in text
    assert "reverting hunk 3" in text
    assert "~ [-Name-]{+Skip+} the order." in text


def test_a_provider_that_fails_ends_it_and_is_quoted(explained) -> None:
    cases = CASE + "  - {id: two, inputs: {word: red}, assert: [{contains: red}]}\n"
    script = rules(
        knows("Greet the customer[^$]*Sign as Ada"),
        knows("Greet nobody[^$]*Sign off", reply="blue"),
        "{when: {role: system, contains: Use}, error: {kind: auth, message: no such key}}",
    )

    found = explained(prompt(OLD), prompt(NEW), script | {"suites/say.yaml": cases})

    first, second = found["cases"]
    assert first["status"] == "unsure"
    assert {"unknown"} <= {one["judgement"] for one in first["tried"]}
    assert any("no such key" in (one["reason"] or "") for one in first["tried"])
    assert second["status"] == "unknown"
    assert "no such key" in second["reason"]


def test_each_model_on_which_a_case_broke_is_explained(explained) -> None:
    config = CONFIG + "  other: {model: scripted/other, script: echo.yaml}\n"
    suite = CASE.replace("cases:", "models: [echo, other]\ncases:")
    script = rules(
        "{when: {role: system, matches: 'Name the order', model: scripted/echo}, reply: red}",
        "{when: {role: system, matches: 'Offer help', model: scripted/other}, reply: red}",
    )

    found = explained(
        prompt(OLD), prompt(NEW), script | {"llmops.yaml": config, "suites/say.yaml": suite}
    )

    assert [case["model"] for case in found["cases"]] == ["echo", "other"]
    assert [without(found, case) for case in found["cases"]] == [
        [["Skip the order."]],
        [["Offer a refund."]],
    ]


def test_what_only_fails_with_a_case_s_inputs_is_joined_as_well(explained) -> None:
    first = prompt(["{% set z = 2 %}Half:", "{{ 1 / z }}"])
    second = prompt(["{% set z = 0 %}Half:", "Sum: {{ 1 + z }}"])
    script = rules(knows("0.5"), knows("Sum: 3"))

    found = explained(first, second, script)

    case = found["cases"][0]
    assert case["status"] == "named"
    assert without(found, case) == [["{% set z = 0 %}Half:"]]
    assert case["tried"][1]["judgement"] == "impossible"


def test_a_step_of_a_chain_is_asked_with_mixtures(explained) -> None:
    chain = (
        "steps:\n  - {prompt: say}\n"
        "  - {prompt: more, inputs: {word: '{{ steps.say.output }}'}}\n"
        "cases:\n  - {id: one, inputs: {word: red}, assert: [{contains: red}]}\n"
    )
    more = "model: echo\ninputs: {word: {type: string}}\nuser: '{{ word }}'\n"
    script = rules(knows("Half", reply="go"), "{when: {matches: go$}, reply: red}")
    files = script | {"suites/say.yaml": chain, "prompts/more.yaml": more}
    first = prompt(["{% set z = 2 %}Half:", "{{ 1 / z }}"])
    second = prompt(["{% set z = 0 %}Hall:", "Sum: {{ 1 + z }}"])

    found = explained(first, second, files)

    case = found["cases"][0]
    assert case["status"] == "named"
    assert without(found, case) == [["{% set z = 0 %}Hall:"]]
    assert [one["judgement"] for one in case["tried"]] == ["mends", "impossible"]


def test_what_was_asked_for_one_explanation_is_cached_for_the_next(
    explained, run: Run, parrot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    config = (
        f"models:\n  echo:\n    model: openai/x\n    api_base: '{parrot}'\n"
        "    price: {input: 0, output: 0}\n"
    )
    first = prompt(OLD, user="Say {{ word }}. Be kind.")
    second = prompt(OLD, user="Say {{ word | upper }}. Be brief.")

    found = explained(first, second, {"llmops.yaml": config})
    again = json.loads(run("diff", "say", "--explain", "--json").out)["explained"]

    assert without(found, found["cases"][0]) == [["Say {{ word | upper }}."]]
    assert found["calls"] == found["samples"] > 0
    assert (again["calls"], again["cached"]) == (0, found["samples"])
    assert again["cases"] == found["cases"]


def test_pairs_without_a_verdict_are_said_to_be_unknown(
    folder: Path, commit: Commit, run: Run
) -> None:
    script = rules(knows("Name the order"))
    commit("Begin", script | {"llmops.yaml": CONFIG, "suites/say.yaml": CASE, SAY: prompt(OLD)})
    run("record", "--prompt", "say")
    (folder / SAY).write_text(prompt(NEW), encoding="utf-8")
    run("record", "--prompt", "say")
    more = CASE + "  - {id: two, inputs: {word: rot}, assert: [{contains: red}]}\n"
    (folder / "suites/say.yaml").write_text(more, encoding="utf-8")

    done = run("diff", "say", "--explain", "--replay", "--report", "markdown=out.md")

    words = "1 pair without a verdict on a side: whether they broke cannot be known"
    assert words in done.out
    assert words.partition(":")[0] in (folder / "out.md").read_text(encoding="utf-8")
    assert "hunk 1 could not be tried: nothing is recorded or cached of it" in done.out
