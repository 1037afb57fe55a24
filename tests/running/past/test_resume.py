import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import HEADER
from msgspec.structs import replace
from opened import SAY, Opened, suite

from llmops.domain.completion import Completion
from llmops.domain.node import Text
from llmops.domain.run import Exchange, Failure, RunFooter, Status, TrialResult
from llmops.errors import InvalidInputError
from llmops.location import COMMAND_LINE
from llmops.running.keeping.store import RunWriter
from llmops.running.past.resume import (
    Before,
    options_from_json,
    options_to_json,
    read_before,
)
from llmops.running.planning.arms import ArmOptions
from llmops.running.planning.plan import PlanOptions
from llmops.running.planning.selection import Selection
from llmops.running.planning.trial import PlannedTrial, Single
from llmops.scoring.assess import assess

THREE = """\
- {id: red, inputs: {word: a}}
- {id: green, inputs: {word: b}}
- {id: blue, inputs: {word: c}}
"""
FOOTER = RunFooter(finished="2026-11-21T03:45:13+00:00", duration=1.5)


def answered(trial: PlannedTrial, status: Status) -> TrialResult:
    """A trial as a run would have kept it."""
    exchanges = []
    for stage in trial.stages:
        completion = Completion(text="a" if status == "passed" else "z")
        request = stage.whole if isinstance(stage, Single) else None
        exchanges.append(
            Exchange(
                digest=request.digest(trial.sample) if request else "",
                request=request,
                completion=completion,
                scores=assess(stage.ready, completion, trial.case.inputs),
            )
        )
    if status == "error":
        exchanges = [Exchange(failure=Failure(kind="network", message="gone"))]
    return replace(trial.result(exchanges), status=status)


def keep(
    path: Path, opened: Opened, statuses: list[Status], footer: RunFooter | None = None
) -> Path:
    """Keep a run of which so many trials were carried out."""
    plan = opened.plan()
    writer = RunWriter(path)
    writer.header(replace(HEADER, planned=plan.planned, options=options_to_json(plan.options)))
    for trial, status in zip(plan.trials(), statuses, strict=False):
        writer.trial(trial.index, answered(trial, status))
    if footer is not None:
        writer.footer(footer)
    writer.close()
    return path


def finished(before: Before, opened: Opened) -> list[str]:
    return [trial.case for trial in before.finished(opened.plan(before.options))]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "r.jsonl"


def test_what_passed_or_failed_is_not_carried_out_again(tmp_path, path) -> None:
    opened = Opened(tmp_path, suite(THREE))
    keep(path, opened, ["passed", "failed"])

    before = read_before(path, options_from_json)

    assert finished(before, opened) == ["red", "green"]


def test_errors_and_unscored_trials_are_tried_again(tmp_path, path) -> None:
    opened = Opened(tmp_path, suite(THREE))
    keep(path, opened, ["error", "unscored", "passed"], footer=FOOTER)

    before = read_before(path, options_from_json)

    assert finished(before, opened) == ["blue"]


def test_a_skipped_trial_stays_skipped(tmp_path, path) -> None:
    entries = THREE.replace("{id: red, ", "{id: red, skip: later, ")
    opened = Opened(tmp_path, suite(entries))
    keep(path, opened, ["skipped"])

    assert finished(read_before(path, options_from_json), opened) == ["red"]


@pytest.mark.parametrize(
    "files",
    [
        {"prompts/say.yaml": SAY.replace("Say", "Tell")},
        suite(THREE.replace("word: b", "word: changed")),
        suite(THREE.replace("{word: b}}", "{word: b}, assert: [{equals: x}]}")),
        suite(THREE.replace("{id: green, ", "{id: green, skip: later, ")),
        {"suites/s.yaml": suite(THREE)["suites/s.yaml"].replace("contains: a", "contains: b")},
    ],
)
def test_a_trial_whose_question_or_claims_have_changed_is_carried_out_again(
    tmp_path, path, files
) -> None:
    keep(path, Opened(tmp_path, suite(THREE)), ["passed", "passed"])

    opened = Opened(tmp_path, {**suite(THREE), **files})
    before = read_before(path, options_from_json)

    assert "green" not in finished(before, opened)


def test_other_parameters_are_another_arm_and_so_another_plan(tmp_path, path) -> None:
    keep(path, Opened(tmp_path, suite(THREE)), ["passed", "passed"])
    before = read_before(path, options_from_json)
    changed = {**suite(THREE), "prompts/say.yaml": SAY.replace("max_tokens: 9", "max_tokens: 8")}

    with pytest.raises(InvalidInputError, match="plan other trials"):
        finished(before, Opened(tmp_path, changed))


@pytest.mark.parametrize(
    "entries",
    [
        THREE + "- {id: more, inputs: {word: d}}\n",
        THREE.replace("red", "pink"),
        "- {id: more, inputs: {word: d}}\n"
        + THREE.replace("- {id: blue, inputs: {word: c}}\n", ""),
        "\n".join(reversed(THREE.splitlines())),
    ],
)
def test_a_run_whose_plan_has_changed_is_not_gone_on_with(tmp_path, path, entries) -> None:
    keep(path, Opened(tmp_path, suite(THREE)), ["passed", "passed"])
    before = read_before(path, options_from_json)

    with pytest.raises(InvalidInputError) as caught:
        finished(before, Opened(tmp_path, suite(entries)))

    assert caught.value.faults[0].code == "stale-run"


def test_an_edit_that_changes_no_question_is_no_matter(tmp_path, path) -> None:
    keep(path, Opened(tmp_path, suite(THREE)), ["passed", "passed"])
    moved = suite("# a remark\n\n" + THREE)

    before = read_before(path, options_from_json)

    assert finished(before, Opened(tmp_path, moved)) == ["red", "green"]


def test_conversations_and_targets_are_told_by_their_arm(tmp_path, path) -> None:
    talk = suite("- {id: red, inputs: {word: a}, conversation: [{user: hi}]}\n")
    keep(path, Opened(tmp_path, talk), ["passed"])
    before = read_before(path, options_from_json)
    assert finished(before, Opened(tmp_path, talk)) == ["red"]

    changed = {**talk, "prompts/say.yaml": SAY.replace("Say", "Tell")}

    assert finished(before, Opened(tmp_path, changed)) == []


def test_a_finished_run_is_not_gone_on_with(tmp_path, path) -> None:
    opened = Opened(tmp_path, suite(THREE))
    keep(path, opened, ["passed", "failed", "passed"], footer=FOOTER)

    with pytest.raises(InvalidInputError) as caught:
        read_before(path, options_from_json)

    assert caught.value.faults[0].code == "finished-run"


@pytest.mark.parametrize(
    ("statuses", "footer"),
    [
        (["passed"] * 3, None),
        (["passed"] * 2, FOOTER),
        (["passed", "passed", "error"], FOOTER),
        (["passed"] * 3, replace(FOOTER, stopped_by="sigint")),
    ],
)
def test_a_run_that_was_cut_short_or_has_gaps_can_be_gone_on_with(
    tmp_path, path, statuses, footer
) -> None:
    opened = Opened(tmp_path, suite(THREE))
    keep(path, opened, statuses, footer)

    before = read_before(path, options_from_json)

    assert before.run.header.planned == 3


WORDS = st.text(max_size=8)
VALUES = st.none() | st.booleans() | st.integers(-99, 99) | WORDS | st.just([]) | st.just({})
OPTIONS = st.builds(
    PlanOptions,
    selection=st.builds(
        Selection,
        selectors=st.lists(WORDS, max_size=3).map(tuple),
        expression=st.none() | WORDS,
        prompt=st.none() | WORDS,
        shard=st.none() | st.tuples(st.integers(1, 9), st.integers(1, 9)),
        since=st.none() | WORDS,
        reached=st.none() | st.frozensets(WORDS, max_size=3),
    ),
    arms=st.builds(
        ArmOptions,
        models=st.lists(WORDS.map(lambda word: Text(word, COMMAND_LINE)), max_size=3).map(tuple),
        sweep=st.dictionaries(WORDS, st.lists(VALUES, max_size=3).map(tuple), max_size=2),
    ),
    samples=st.none() | st.integers(1, 9),
    inputs=st.dictionaries(WORDS, VALUES, max_size=3),
    only=st.none() | st.frozensets(WORDS, max_size=3),
    known=st.frozensets(WORDS, max_size=3),
)


@given(OPTIONS)
def test_what_a_plan_was_made_from_comes_back_as_it_was(options: PlanOptions) -> None:
    text = json.dumps(options_to_json(options), allow_nan=False)

    assert options_from_json(json.loads(text)) == options


def test_what_was_not_asked_for_is_left_out() -> None:
    assert options_to_json(PlanOptions()) == {}
    assert options_from_json({}).only is None
    assert options_to_json(PlanOptions(only=frozenset())) == {"only": []}


def test_whether_a_run_is_trusted_is_never_taken_from_its_file() -> None:
    assert options_to_json(PlanOptions(untrusted=True)) == {}
    assert not options_from_json({"untrusted": True}).untrusted
