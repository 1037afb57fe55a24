from collections.abc import Iterable

from llmops.comparing.assessment import assess_arms
from llmops.comparing.cases import paired_cases, with_even_sides
from llmops.comparing.statistics.verdict import Rule
from llmops.domain.run import Arm, Status, TrialResult
from llmops.location import Location


def trial(case: int, sample: int, status: Status = "passed", model: str = "fast") -> TrialResult:
    return TrialResult(
        id=f"{case} {sample} {model}",
        suite="s",
        suite_path="suites/s.yaml",
        case=f"c{case}",
        case_hash=f"h{case}",
        arm=Arm(prompt="p", model=model),
        sample=sample,
        status=status,
        at=Location("suites/s.yaml", 1, 1),
        exchanges=(),
    )


def often(cases: int, samples: int, failing: Iterable[int] = ()) -> list[TrialResult]:
    """Trials whose samples of these numbers fail."""
    wrong = set(failing)
    return [
        trial(case, sample, "failed" if sample in wrong else "passed")
        for case in range(cases)
        for sample in range(samples)
    ]


def test_a_side_that_was_asked_more_often_is_held_against_as_many_samples() -> None:
    once, twenty_times = often(15, 1), often(15, 20, failing=[19])

    found = [
        assess_arms(*sides, rule=Rule(margin=0.05))
        for sides in ((once, twenty_times), (twenty_times, once))
    ]

    assert [one.certainty for one in found] == ["inconclusive", "inconclusive"]
    assert [one.samples for one in found] == [1, 1]
    assert found[0].pass_rate.ties == 15


def test_what_fails_among_the_samples_that_both_sides_have_still_counts() -> None:
    found = assess_arms(often(60, 2), often(60, 5, failing=[0, 1]), rule=Rule(margin=0.05))

    assert found.certainty == "regressed"
    assert found.samples == 2


def test_the_first_samples_are_taken_of_every_model() -> None:
    before = [trial(0, 0, model=name) for name in ("a", "b")]
    after = [trial(0, number, model=name) for name in ("b", "a") for number in (1, 0)]

    ((first, second),) = with_even_sides(paired_cases(before, after))

    assert first == before
    assert [(one.sample, one.arm.model) for one in second] == [(0, "a"), (0, "b")]
