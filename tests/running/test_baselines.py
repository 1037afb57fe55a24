import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import AT, case_of, suite_of
from msgspec.structs import replace

from llmops.comparing.pairing import pair_trials
from llmops.domain.baseline import Approval
from llmops.domain.completion import Completion, Request, ToolCall
from llmops.domain.run import Arm, Exchange, Failure, TrialResult
from llmops.domain.score import AssertionScore, Score
from llmops.running.baselines import (
    approved_trials,
    candidates_of,
    key_of,
    planned_key,
    same_but_approval,
    trials_of,
)
from llmops.running.planning.cases import case_hash
from llmops.running.planning.trial import PlannedArm, PlannedTrial

APPROVAL = Approval(run="r", date="2026-11-21")
ARM = Arm(
    prompt="say", model="fast", content_hash="aaaaaaaaaaaa", parameters={"temperature": 0, "n": 1}
)
SUITES = {"say": suite_of("say", parameters={"temperature": 0})}


def trial(sample: int = 0, status="passed", text: str = "yes", **changed) -> TrialResult:
    score = AssertionScore(
        label="contains 'yes'",
        scorer="contains",
        score=Score(status="passed", value=0.123456789, reason="it does"),
        at=AT,
        metric="tone",
        weight=2,
        soft=True,
    )
    whole = TrialResult(
        id=f"id {sample}",
        suite="say",
        suite_path="suites/say.yaml",
        case="red",
        case_hash="0123456789ab",
        arm=ARM,
        sample=sample,
        status=status,
        at=AT,
        exchanges=(
            Exchange(
                request=Request(model="openai/fast", messages=()),
                completion=Completion(text=text, model="fast-2026"),
                scores=(score,),
            ),
        ),
    )
    return replace(whole, **changed)


def baseline_of(*trials: TrialResult):
    (candidate,) = candidates_of(trials, SUITES, APPROVAL, str)
    assert candidate.baseline is not None
    return candidate.baseline


def test_all_samples_of_a_question_have_one_key_whatever_was_answered() -> None:
    other = trial(1, "failed", "no", id="x", arm=replace(ARM, content_hash="bbbbbbbbbbbb"))

    assert key_of(trial(), SUITES) == key_of(other, SUITES)
    assert len(candidates_of([trial(), other], SUITES, APPROVAL, str)) == 1


def test_what_the_prompt_sets_is_no_part_of_the_question_and_what_the_suite_sets_is() -> None:
    of_prompt = replace(ARM, parameters={"temperature": 0, "n": 2})
    of_suite = replace(ARM, parameters={"temperature": 1, "n": 1})

    assert key_of(trial(arm=of_prompt), SUITES) == key_of(trial(), SUITES)
    assert key_of(trial(arm=of_suite), SUITES) != key_of(trial(), SUITES)


def test_what_the_command_line_swept_is_part_of_the_question() -> None:
    assert key_of(trial(), SUITES, ["n"]) != key_of(trial(), SUITES)


def test_a_planned_trial_has_the_key_of_its_result() -> None:
    case = case_of("say", "red")
    planned = PlannedTrial(
        index=0,
        id="x",
        suite=SUITES["say"],
        case=case,
        case_hash=case_hash(case),
        planned_arm=PlannedArm(arm=ARM, model=None, at=AT),
        sample=0,
        stages=(),
    )

    assert planned_key(planned) == key_of(planned.result([]), SUITES)


def test_a_candidate_keeps_what_was_said_and_scored() -> None:
    (candidate,) = candidates_of([trial(1, "failed", "no"), trial()], SUITES, APPROVAL, str)

    baseline = candidate.baseline
    assert baseline is not None
    assert (candidate.status, candidate.at, candidate.key) == ("failed", AT, baseline.key)
    assert [sample.status for sample in baseline.samples] == ["passed", "failed"]
    assert [answer.output for sample in baseline.samples for answer in sample.answers] == [
        "yes",
        "no",
    ]
    assert baseline.model_name == "openai/fast"
    (score,) = baseline.samples[0].answers[0].scores
    assert (score.value, score.weight, score.soft, score.metric) == (0.123457, 2.0, True, "tone")


@pytest.mark.parametrize("status", ["error", "unscored", "skipped"])
def test_a_question_without_a_whole_verdict_is_no_baseline(status: str) -> None:
    (candidate,) = candidates_of([trial(), trial(1, status)], SUITES, APPROVAL, str)

    assert candidate.baseline is None
    assert candidate.status == status


def test_an_error_outweighs_everything() -> None:
    trials = [trial(0, "passed"), trial(1, "skipped"), trial(2, "error"), trial(3, "failed")]

    (candidate,) = candidates_of(trials, SUITES, APPROVAL, str)

    assert candidate.status == "error"


def test_calls_of_tools_and_values_are_kept_as_text_without_secrets() -> None:
    said = Completion(text="", output={"a": "key"}, tool_calls=(ToolCall(name="f", arguments="1"),))
    asked = trial(
        exchanges=(Exchange(completion=said), Exchange(failure=Failure(kind="x", message="y")))
    )

    (candidate,) = candidates_of([asked], SUITES, APPROVAL, lambda text: text.replace("key", "***"))

    assert candidate.baseline is not None
    assert [a.output for a in candidate.baseline.samples[0].answers] == ['{"a": "***"}\nf(1)', ""]
    assert candidate.baseline.model_name is None


def test_the_approved_side_pairs_with_the_run() -> None:
    baseline = baseline_of(trial(), trial(1, "failed", "no"))
    now = [trial(0, text="now"), trial(1, text="now"), trial(0, case="blue", case_hash="b" * 12)]

    approved = list(approved_trials(now, {baseline.key: baseline}, SUITES))
    pairs, alone = pair_trials(approved, now)

    assert [(old.status, new.sample) for old, new in pairs] == [("passed", 0), ("failed", 1)]
    assert [(one.side, one.case) for one in alone] == [("after", "blue")]
    assert (approved[0].at, approved[0].suite_path) == (AT, "suites/say.yaml")


def test_a_baseline_as_trials_says_what_was_approved() -> None:
    first, second = trials_of(baseline_of(trial(), trial(1, "failed", "no")))

    assert (first.status, second.status) == ("passed", "failed")
    assert second.completion is not None
    assert (second.completion.text, second.completion.model) == ("no", "fast-2026")
    assert first.value == pytest.approx(trial().value, abs=1e-6)
    assert (first.origin, first.sample, second.sample) == ("recorded", 0, 1)
    assert first.arm.content_hash == "aaaaaaaaaaaa"
    assert first.at.path == baseline_of(trial()).file


def test_who_approved_makes_no_difference() -> None:
    baseline = baseline_of(trial())

    assert same_but_approval(baseline, replace(baseline, approval=Approval(run="s", date="d")))
    assert not same_but_approval(baseline, replace(baseline, content_hash="b" * 12))


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["a", "b"])), unique=True))
def test_the_order_of_trials_does_not_matter(named: list[tuple[int, str]]) -> None:
    trials = [trial(sample, case=case) for sample, case in named]

    forward = {c.key: c for c in candidates_of(trials, SUITES, APPROVAL, str)}
    backward = {c.key: c for c in candidates_of(reversed(trials), SUITES, APPROVAL, str)}

    assert forward == backward
