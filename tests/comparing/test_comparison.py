from hypothesis import given
from hypothesis import strategies as st

from llmops.comparing.comparison import compare_trials
from llmops.comparing.pairing import pair_trials
from llmops.domain.comparison import Comparison, ComparisonVerdict, decide_comparison
from llmops.domain.completion import Completion, ToolCall, Usage
from llmops.domain.run import Arm, Exchange, Failure, Status, TrialResult
from llmops.domain.score import AssertionScore, Score
from llmops.domain.verdict import Totals, decide
from llmops.location import Location

AT = Location("suites/s.yaml", 3, 5)
STATUSES: list[Status] = ["passed", "failed", "error", "unscored", "skipped"]


def scored(score: Score, metric: str | None = None, *, soft: bool = False) -> AssertionScore:
    return AssertionScore(
        label="contains 'a'", scorer="contains", score=score, at=AT, metric=metric, soft=soft
    )


def said(text: str = "a", *scores: AssertionScore, name: str = "", **more) -> Exchange:
    usual = {"cost": 0.5, "latency": 2.0, "usage": Usage(input=10, output=4, source="provider")}
    return Exchange(
        name=name,
        completion=Completion(text=text, **{**usual, **more}),
        scores=scores or (scored(Score.passing("found")),),
    )


def trial(
    status: Status = "passed",
    *exchanges: Exchange,
    case: str = "c1",
    digest: str = "aa",
    model: str = "fast",
    sample: int = 0,
    prompt: str = "p@1",
) -> TrialResult:
    failure = Failure(kind="timeout", message="no answer in 60 s")
    usual = {"error": (Exchange(failure=failure, attempts=1),), "skipped": ()}
    return TrialResult(
        id=f"{case}{model}{sample}",
        suite="s",
        suite_path="suites/s.yaml",
        case=case,
        case_hash=digest,
        arm=Arm(prompt=prompt, model=model),
        sample=sample,
        status=status,
        at=AT,
        exchanges=exchanges or usual.get(status, (said(),)),
        reason="not yet" if status == "skipped" else None,
    )


def compared(before: list[TrialResult], after: list[TrialResult]) -> Comparison:
    return compare_trials(before, after)


def verdict(before: list[TrialResult], after: list[TrialResult]) -> ComparisonVerdict:
    return decide_comparison(compared(before, after))


def outcomes(before: list[TrialResult], after: list[TrialResult]) -> list[str]:
    return [pair.outcome for pair in compared(before, after).pairs]


def test_trials_are_paired_by_what_they_ask_and_never_by_place() -> None:
    before = [trial(case=f"c{n}", digest=str(n)) for n in range(5)]
    after = [trial("failed", case=f"c{n}", digest=str(n)) for n in (3, 1, 0, 4, 2)]

    pairs, alone = pair_trials(before, after)

    assert [(old.case, new.case) for old, new in pairs] == [(f"c{n}", f"c{n}") for n in range(5)]
    assert not alone


def test_a_case_that_asks_something_else_now_is_named_on_both_sides() -> None:
    _, alone = pair_trials([trial(digest="aa")], [trial(digest="bb")])

    assert [(one.side, one.case, one.reason) for one in alone] == [
        ("before", "c1", "the case asks something else on the other side"),
        ("after", "c1", "the case asks something else on the other side"),
    ]


def test_a_case_on_one_side_only_stands_alone() -> None:
    _, alone = pair_trials([trial()], [])

    assert [(one.side, one.reason) for one in alone] == [("before", "the other side was not asked")]


def test_samples_and_models_are_paired_with_their_own() -> None:
    before = [trial(model=model, sample=n) for model in ("fast", "slow") for n in range(2)]

    pairs, alone = pair_trials(before, before[::-1])

    assert all(old is new for old, new in pairs)
    assert len(pairs) == 4
    assert not alone


def test_a_version_that_names_another_model_is_still_compared() -> None:
    (pair,) = compared([trial(model="fast")], [trial(model="slow")]).pairs

    assert (pair.before.model, pair.after.model) == ("fast", "slow")


def test_several_models_that_differ_are_not_guessed_at() -> None:
    before = [trial(model="fast"), trial(model="slow")]
    after = [trial(model="fast"), trial(model="new")]

    pairs, alone = pair_trials(before, [*after, trial(model="newer")])

    assert len(pairs) == 1
    assert [one.model for one in alone] == ["slow", "new", "newer"]
    assert alone[0].reason == "the other side was asked on other models or more often"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.booleans())))
def test_every_trial_is_in_a_pair_or_named(spots: list[tuple[str, str, bool]]) -> None:
    before = [trial(case=case, digest=digest) for case, digest, first in spots if first]
    after = [trial(case=case, digest=digest) for case, digest, first in spots if not first]

    pairs, alone = pair_trials(before, after)

    assert 2 * len(pairs) + len(alone) == len(spots)
    assert all((old.case, old.case_hash) == (new.case, new.case_hash) for old, new in pairs)


def test_what_became_of_a_pair() -> None:
    passed, failed = trial("passed"), trial("failed")

    assert outcomes([passed], [failed]) == ["broken"]
    assert outcomes([failed], [passed]) == ["fixed"]
    assert outcomes([passed], [passed]) == ["same"]
    assert outcomes([passed], [trial("passed", said("b"))]) == ["changed"]
    assert outcomes([passed], [trial("error")]) == ["unknown"]
    assert outcomes([trial("unscored")], [failed]) == ["unknown"]
    assert outcomes([trial("skipped")], [trial("skipped")]) == ["skipped"]
    assert outcomes([trial("skipped")], [passed]) == ["unknown"]


def test_a_side_says_what_was_said_and_why_it_did_not_pass() -> None:
    failing = scored(Score.failing("not there"))
    odd = scored(Score.unscored("no verdict"))
    soft = scored(Score.failing("never mind"), soft=True)
    call = ToolCall(name="find", arguments="{}")
    turns = (
        said("hello", failing, soft, name="turn 1"),
        said("", odd, name="turn 2", tool_calls=(call,), cost=None),
    )

    (pair,) = compared([trial("failed", *turns)], [trial("error")]).pairs

    assert pair.before.output == "[turn 1]\nhello\n[turn 2]\nfind({})"
    assert pair.before.reasons == (
        "turn 1: contains 'a': not there",
        "turn 2: contains 'a': could not be judged: no verdict",
    )
    assert pair.before.cost is None
    assert pair.before.latency == 4.0
    assert pair.after.output is None
    assert pair.after.latency is None
    assert pair.after.reasons == ("timeout: no answer in 60 s",)


def test_why_a_trial_was_skipped_is_told() -> None:
    (pair,) = compared([trial("skipped")], [trial("skipped")]).pairs

    assert pair.before.reasons == ("not yet",)


def test_totals_are_of_the_trials_in_pairs() -> None:
    priced = [trial("passed", said("four"), case=f"c{n}", digest=str(n)) for n in range(3)]
    mixed = [
        trial("passed", said("twelve chars"), case="c0", digest="0"),
        trial("failed", said("", cost=None, usage=Usage(), latency=9.0), case="c1", digest="1"),
        trial("error", case="c2", digest="2"),
    ]

    found = compared([*priced, trial(case="alone")], mixed)

    before, after = found.before, found.after
    assert (before.passed, before.cost, before.unpriced, before.latency) == (3, 1.0, 0, 2.0)
    assert (before.input_tokens, before.output_tokens, before.uncounted) == (20, 8, 0)
    assert (before.completions, before.answered, after.answered) == (3, 2, 2)
    assert before.length == 4
    assert (after.passed, after.failed, after.error, after.asked) == (1, 1, 1, 3)
    assert (after.cost, after.unpriced, after.uncounted) == (0.5, 1, 1)
    assert after.latency == 5.5
    assert after.length == 6


def test_what_nobody_knows_stays_unknown() -> None:
    unknown = said("a", cost=None, usage=Usage())

    found = compared([trial("passed", unknown), trial(case="c2")], [trial(), trial("error")])
    lost = compared([trial()], [trial("error")])

    assert (found.before.cost, found.before.input_tokens) == (None, None)
    assert lost.before.cost is None
    assert (lost.after.cost, lost.after.length, lost.after.latency) == (None, None, None)
    assert lost.after.value is None


def test_metrics_are_means_of_what_was_judged() -> None:
    exchange = said(
        "a",
        scored(Score.passing("yes", 0.5), "tone"),
        scored(Score.passing("yes"), "tone"),
        scored(Score.unscored("?"), "tone"),
        scored(Score.unscored("?"), "depth"),
    )

    metrics = compared([trial("passed", exchange)], [trial()]).before.metrics

    assert (metrics["tone"].mean, metrics["tone"].count, metrics["tone"].unscored) == (0.75, 2, 1)
    assert (metrics["depth"].mean, metrics["depth"].unscored) == (None, 1)


def test_the_verdict_of_what_is_wholly_known() -> None:
    passed, failed, other = trial("passed"), trial("failed"), trial("passed", said("b"))
    second, third = trial("failed", case="c2"), trial("passed", case="c2")

    assert verdict([passed], [failed]).status == "regressed"
    assert verdict([failed], [passed]).status == "improved"
    assert verdict([failed, third], [passed, second]).status == "changed"
    assert verdict([passed], [other]).status == "changed"
    assert verdict([passed], [passed]).status == "same"
    assert verdict([passed], [passed]).good
    assert not verdict([passed], [failed]).good
    assert verdict([passed], [failed]).exit_code == 0
    assert verdict([passed], [failed]).reason == "1 broken, 0 fixed, 0 changed, 0 same"


def test_what_is_not_known_stands_first_and_is_never_good() -> None:
    before = [trial(), trial(case="c2")]
    after = [trial(), trial("error", case="c2")]

    found = verdict(before, after)

    assert (found.status, found.exit_code) == ("incomplete", 0)
    assert not found.good
    assert found.reason.startswith("1 of 2 pairs has no verdict on a side; 0 broken")


def test_cases_that_cannot_be_rendered_or_paired_keep_it_from_being_good() -> None:
    found = decide_comparison(compared([trial(), trial(case="c3")], [trial()]), unrendered=2)

    assert found.status == "incomplete"
    assert found.reason.startswith(
        "2 cases cannot be rendered on a side; 1 trial has no counterpart; 0 broken"
    )


def test_a_case_that_broke_is_said_though_others_are_not_known() -> None:
    before = [trial(), trial(case="c2")]

    found = verdict(before, [trial("failed"), trial("error", case="c2")])

    assert (found.status, found.complete) == ("regressed", False)


def test_nothing_to_compare_is_no_verdict() -> None:
    alone = decide_comparison(compared([trial()], []))
    skipped = verdict([trial("skipped")], [trial("skipped")])
    unrendered = decide_comparison(compared([], []), unrendered=1)

    assert {one.status for one in (alone, skipped, unrendered)} == {"incomparable"}
    assert {one.exit_code for one in (alone, skipped, unrendered)} == {6}
    assert unrendered.reason.endswith("1 case cannot be rendered on a side")


def test_a_side_without_any_completion_is_no_verdict() -> None:
    one = verdict([trial()], [trial("error")])
    both = verdict([trial("error")], [trial("error")])

    assert (one.status, one.exit_code) == ("incomparable", 3)
    assert one.reason == "the second side has no completion for any case"
    assert both.reason == "the first and the second side have no completion for any case"


def test_a_run_that_was_stopped_decides_the_exit_code() -> None:
    stopped = decide(Totals(planned=4, passed=2), stopped_by="budget")
    broken = decide(Totals(planned=2, failed=1, passed=1))

    interrupted = decide(Totals(planned=4, passed=2), stopped_by="sigint")

    found = decide_comparison(compared([trial()], [trial()]), run=stopped)
    cut = decide_comparison(compared([], []), run=interrupted)
    whole = decide_comparison(compared([trial()], [trial("failed")]), run=broken)

    assert (found.status, found.exit_code) == ("stopped", 4)
    assert (cut.status, cut.exit_code) == ("stopped", 130)
    assert not found.good
    assert (whole.status, whole.exit_code) == ("regressed", 0)


@given(
    st.lists(st.tuples(st.sampled_from(STATUSES), st.sampled_from(STATUSES)), max_size=6),
    st.integers(0, 1),
)
def test_only_what_is_wholly_known_is_good(
    statuses: list[tuple[Status, Status]], unrendered: int
) -> None:
    before = [trial(old, case=f"c{n}") for n, (old, _) in enumerate(statuses)]
    after = [trial(new, case=f"c{n}") for n, (_, new) in enumerate(statuses)]

    found = decide_comparison(compared(before, after), unrendered=unrendered)

    known = all({old, new} <= {"passed", "failed"} for old, new in statuses if old != new)
    known = known and not any(set(pair) & {"error", "unscored"} for pair in statuses)
    got_worse = any(pair == ("passed", "failed") for pair in statuses)
    if found.good:
        assert known
        assert not got_worse
        assert not unrendered
