import pytest

from llmops.comparing.arms import compare_arms
from llmops.comparing.gate import Standards, hold
from llmops.comparing.identity import models_moved, moved_words
from llmops.comparing.statistics.verdict import Rule
from llmops.domain.completion import Completion, Request
from llmops.domain.gate import decide_gate
from llmops.domain.moved import Moved
from llmops.domain.run import Arm, Exchange, Origin, Status, TrialResult
from llmops.location import Location


def trials(
    model: str | None,
    *,
    count: int = 30,
    asked: str = "openai/m",
    fingerprint: str | None = None,
    origin: Origin = "cached",
    status: Status = "passed",
) -> list[TrialResult]:
    said = Completion(text="a", model=model, fingerprint=fingerprint)
    exchange = Exchange(
        request=Request(model=asked, messages=()), completion=said, origin=origin, attempts=1
    )
    return [
        TrialResult(
            id=f"{n}",
            suite="s",
            suite_path="suites/s.yaml",
            case=f"c{n}",
            case_hash=f"h{n}",
            arm=Arm(prompt="p", model="fast"),
            sample=0,
            status=status,
            at=Location("suites/s.yaml", 1, 1),
            exchanges=(exchange,),
        )
        for n in range(count)
    ]


def test_a_model_moved_where_the_sides_have_no_id_in_common() -> None:
    found = models_moved(trials("m-1"), trials("m-2"))

    assert found == (Moved(asked="openai/m", what="model id", before=("m-1",), after=("m-2",)),)
    assert moved_words(found) == (
        "openai/m moved: the model id was m-1 and is m-2 now; "
        "ask both sides anew with --fresh, or record or approve again"
    )


def test_a_fingerprint_is_an_identity_too_and_all_of_it_is_counted() -> None:
    found = models_moved(trials("m-1", fingerprint="a"), trials("m-2", fingerprint="b"))

    assert [one.what for one in found] == ["model id", "fingerprint"]
    assert ", and 1 more; ask" in moved_words(found)


@pytest.mark.parametrize(
    "after",
    [
        trials("m-1"),
        trials("m-1", count=1) + trials("m-2"),
        trials(None),
        trials("m-2", asked="openai/other"),
        [],
    ],
)
def test_one_id_in_common_or_nothing_known_or_another_name_is_no_move(
    after: list[TrialResult],
) -> None:
    assert models_moved(trials("m-1"), after) == ()


def test_what_was_asked_in_turn_in_one_run_had_the_same_time_to_move() -> None:
    before, after = trials("m-1", origin="live"), trials("m-2", origin="live")

    assert models_moved(before, after, together=True) == ()
    assert len(models_moved(before, after)) == 1
    assert len(models_moved(trials("m-1"), after, together=True)) == 1


def test_many_ids_are_cut_short() -> None:
    moved = Moved(asked="m", what="model id", before=tuple("abcde"), after=("f",))

    assert moved.words == "m moved: the model id was a, b, c, and 2 more and is f now"


def test_the_gate_compares_nothing_with_a_model_that_moved() -> None:
    held = hold(trials("m-1"), trials("m-2", status="failed"), Standards())
    verdict = decide_gate(held.rules, (), run=None)

    assert (held.whole, held.suites) == (None, {})
    assert (verdict.status, verdict.exit_code) == ("incomparable", 6)
    assert "the model id was m-1 and is m-2 now" in verdict.line


def test_arms_with_a_model_that_moved_are_incomparable_and_claim_nothing() -> None:
    arms = {
        "one": trials("m-1"),
        "two": trials("m-2", status="failed"),
        "three": trials("m-1", status="failed"),
    }

    found = compare_arms(arms, rule=Rule())

    assert (found.verdict.status, found.verdict.exit_code) == ("incomparable", 6)
    assert [one.assessment.certainty for one in found.standings] == ["inconclusive", "regressed"]
    assert found.standings[0].assessment.pass_rate.certainty == "inconclusive"
    assert found.standings[0].moved.startswith("openai/m moved")
