from hypothesis import given
from hypothesis import strategies as st

from llmops.domain.completion import Completion
from llmops.domain.run import Arm, Exchange, Failure, TrialResult
from llmops.domain.score import AssertionScore, Score
from llmops.location import Location
from llmops.reporting.summary import Sum, summarise

AT = Location("suites/say.yaml", 3, 5)

VALUES = st.sampled_from([0.0, 0.25, 0.5, 1.0])


def score_of(value: float, metric: str | None, *, soft: bool) -> AssertionScore:
    status = "passed" if value >= 0.5 else "failed"
    score = Score(status=status, value=value, reason="so it is")
    return AssertionScore(
        label="says", scorer="contains", score=score, at=AT, metric=metric, soft=soft
    )


@st.composite
def trials(draw: st.DrawFn) -> TrialResult:
    status = draw(st.sampled_from(["passed", "failed", "error", "unscored", "skipped"]))
    scores = st.builds(
        score_of, VALUES, st.sampled_from([None, "tone", "facts"]), soft=st.booleans()
    )
    failure = Failure(kind="network", message="gone", at=AT) if status == "error" else None
    suite = draw(st.sampled_from(["say", "ask"]))
    return TrialResult(
        id=draw(st.text("abcdef", min_size=4, max_size=4)),
        suite=suite,
        suite_path=f"suites/{suite}.yaml",
        case=draw(st.text("xyz", min_size=1, max_size=3)),
        case_hash="0123456789ab",
        arm=Arm(prompt="say", model=draw(st.sampled_from(["small", "large", "other"]))),
        sample=0,
        status=status,
        at=AT,
        exchanges=(
            Exchange(
                completion=None if failure else Completion(text="yes"),
                failure=failure,
                scores=tuple(draw(st.lists(scores, max_size=3))),
            ),
        ),
        quarantined="until then" if draw(st.booleans()) else None,
    )


@given(st.lists(trials(), max_size=12), st.randoms(use_true_random=False), st.integers(0, 4))
def test_the_order_in_which_trials_end_does_not_show(run, chance, keep) -> None:
    numbered = list(enumerate(run))
    chance.shuffle(numbered)
    added = Sum(keep=4)
    for index, trial in numbered:
        added.add(index, trial)

    assert added.summary(keep) == summarise(run, keep=keep)


def test_no_more_problems_are_kept_than_may_be_told() -> None:
    added = Sum(keep=2)
    for index in (3, 1, 2, 0):
        added.add(index, made(f"case {index}"))

    assert [problem.case for problem in added.summary(2).problems] == ["case 0", "case 1"]
    assert [problem.case for problem in added.summary(1).problems] == ["case 0"]
    assert added.summary(0).problems == ()
    assert added.summary(0).suites[0].arms[0][1].failed == 4


def made(case: str) -> TrialResult:
    return TrialResult(
        id=case,
        suite="say",
        suite_path="suites/say.yaml",
        case=case,
        case_hash="0123456789ab",
        arm=Arm(prompt="say", model="small"),
        sample=0,
        status="failed",
        at=AT,
    )
