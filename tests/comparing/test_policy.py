import pytest
from msgspec.structs import replace

from llmops.comparing.policy import FileFinding, PolicyLevels, PolicySide, policy_diff
from llmops.domain.config import Budget, Config, GatePolicy, Judge, Limits, Model
from llmops.domain.gate import FINDINGS
from llmops.domain.node import Text
from llmops.domain.suite import Assertion, Case, Samples, Step, Suite, Target, Turn
from llmops.loading.assertions import read_assertions
from llmops.loading.nodes import parse_yaml
from llmops.location import Location

AT = Location("suites/s.yaml", 3, 5)


def assertions(text: str) -> tuple[Assertion, ...]:
    return tuple(read_assertions(parse_yaml(text.encode(), "suites/s.yaml"), []))


ONE = assertions("[contains: a]")


def case(id_: str, **more) -> Case:
    usual = {"inputs": {"word": id_}, "assertions": ONE, "at": AT}
    return Case(suite="s", id=id_, **{**usual, **more})


def suite(name: str = "s", **more) -> Suite:
    return Suite(name=name, path=f"suites/{name}.yaml", at=AT, entries=(), **more)


def side(*cases: Case, config: Config | None = None, **more) -> PolicySide:
    return PolicySide(config=config or Config(), suites={"s": suite(**more)}, cases={"s": cases})


def found(before: PolicySide, after: PolicySide, **levels) -> list[tuple[str, str]]:
    findings = policy_diff(before, after, (), PolicyLevels(**levels))
    return [(one.kind, one.words) for one in findings]


def kinds(before: PolicySide, after: PolicySide) -> list[str]:
    return [kind for kind, _words in found(before, after)]


def of_config(**more) -> PolicySide:
    return side(config=Config(**more))


def gated(**more) -> PolicySide:
    return of_config(gate=GatePolicy(**more))


def test_the_same_project_has_no_findings() -> None:
    assert found(side(case("one")), side(case("one"))) == []


def test_cases_that_are_gone_are_named_together() -> None:
    before = side(*(case(f"c{number}") for number in range(8)))

    assert found(before, side(case("c7"))) == [
        ("case_removed", "s: the case was removed (c0, c1, c2, c3, c4, and 2 more)")
    ]


def test_a_case_that_was_renamed_is_not_gone() -> None:
    old, new = case("old", inputs={"word": 1}), case("new", inputs={"word": 1})

    assert found(side(old), side(new)) == []


def test_a_case_that_swaps_its_id_with_an_easier_one_is_seen() -> None:
    before = side(case("one"), case("two"))
    after = side(case("one", assertions=()), case("two"))

    assert found(before, after) == [("assertion_removed", 's: contains: "a" was removed (one)')]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"skip": "flaky"}, "case_skipped"),
        ({"tags": ()}, "must_pass_removed"),
        ({"inputs": {"word": "easy"}}, "case_changed"),
        ({"assertions": ()}, "assertion_removed"),
    ],
)
def test_what_becomes_easier_in_a_case_is_found(change: dict[str, object], kind: str) -> None:
    tagged = case("one", tags=("must_pass",))

    assert kinds(side(tagged), side(replace(tagged, **change))) == [kind]


def test_turns_and_steps_are_looked_at() -> None:
    said = Turn(user=Text("hi", AT), assertions=ONE, at=AT)
    before = side(case("one", conversation=(said,)))
    after = side(case("one", conversation=(replace(said, assertions=()),)))
    step = Step(id="first", prompt=Text("p", AT), at=AT, assertions=ONE)

    of_turns = found(before, after)
    of_steps = found(side(steps=(step,)), side(steps=()))

    assert of_turns == [("assertion_removed", 's: turn 1: contains: "a" was removed (one)')]
    assert of_steps == [
        ("arm_removed", "s: the cases run no longer on p"),
        ("assertion_removed", 's: step first: contains: "a" was removed'),
    ]


def test_a_turn_that_is_gone_is_a_change_of_what_is_asked_too() -> None:
    said = Turn(user=Text("hi", AT), assertions=ONE, at=AT)

    assert kinds(side(case("one", conversation=(said,))), side(case("one"))) == [
        "assertion_removed",
        "case_changed",
    ]


def test_a_suite_that_is_gone_is_named_with_its_cases() -> None:
    after = PolicySide(config=Config(), suites={}, cases={})

    assert found(side(case("one")), after) == [("suite_removed", "s: the suite was removed (one)")]


def test_a_suite_that_was_renamed_is_compared_under_its_new_name() -> None:
    moved = PolicySide(
        config=Config(), suites={"new": suite("new")}, cases={"new": (case("one", skip="x"),)}
    )

    assert found(side(case("one")), moved) == [
        ("case_skipped", "new: the case is skipped: x (one)"),
        ("suite_renamed", "s: the suite is called new now"),
    ]


def test_fewer_samples_are_named() -> None:
    three, one = side(samples=Samples(min=3, max=3)), side(samples=Samples())

    assert kinds(three, one) == ["samples_lowered"]
    assert kinds(one, three) == []


@pytest.mark.parametrize(
    ("then", "now", "words"),
    [
        ({"min_pass_rate": 0.9}, {"min_pass_rate": 0.8}, "min_pass_rate was 0.9 and is 0.8"),
        ({"min_pass_rate": 0.9}, {}, "min_pass_rate was 0.9 and is not set"),
        ({}, {"margin": 0.1}, "margin was not set and is 0.1"),
        ({"confidence": 0.95}, {"confidence": 0.99}, "confidence was 0.95 and is 0.99"),
        ({"on_inconclusive": "fail"}, {}, "on_inconclusive was fail and is not set"),
        ({}, {"on_inconclusive": "pass"}, "on_inconclusive was not set and is pass"),
        ({"levels": {"suite_worse": "error"}}, {}, "level of suite_worse was error and is warn"),
        ({}, {"levels": {"worse": "info"}}, "level of worse was error and is info"),
    ],
)
def test_a_threshold_that_demands_less_is_named(then, now, words: str) -> None:
    ((kind, told),) = found(gated(**then), gated(**now))

    assert kind == "threshold_lowered"
    assert words in told


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ({"min_pass_rate": 0.8}, {"min_pass_rate": 0.9}),
        ({"margin": 0.05}, {"margin": 0.02}),
        ({}, {"margin": 0.01}),
        ({}, {"margin": 0.02, "confidence": 0.95, "on_inconclusive": "warn"}),
        ({}, {"levels": {"suite_worse": "error", "worse": "error"}}),
        ({}, {"metrics": ("tone",)}),
    ],
)
def test_a_threshold_that_demands_as_much_or_more_is_not(then, now) -> None:
    assert found(gated(**then), gated(**now)) == []


def test_what_is_judged_and_against_what_counts() -> None:
    before = gated(metrics=("tone", "style"), against="main")

    assert found(before, gated(metrics=("style",))) == [
        ("gate_changed", "the gate judges tone no longer"),
        ("gate_changed", "the gate is held against the base in place of main"),
    ]


def test_a_suites_own_gate_is_laid_over_the_project_as_it_was() -> None:
    before = side(config=Config(gate=GatePolicy(min_pass_rate=0.9)))
    weaker = GatePolicy(min_pass_rate=0.1)
    after = side(config=before.config, gate=weaker)

    assert found(before, after) == [
        ("threshold_lowered", "s: the gate's min_pass_rate was 0.9 and is 0.1 now")
    ]


def test_another_judge_is_named_even_behind_the_same_alias() -> None:
    models = [{"j": Model(label="j", name=f"openai/{name}")} for name in ("big", "small")]
    before, after = (of_config(judge=Judge(model="j"), models=one) for one in models)

    assert found(before, after) == [
        (
            "judge_changed",
            "the judge was openai/big (samples: 1) and is openai/small (samples: 1) now",
        )
    ]
    assert found(before, of_config())[0][1].endswith("and is none now")
    assert found(before, before) == []


def test_budgets_plugins_labels_and_limits_are_looked_at() -> None:
    before = of_config(
        budget=Budget(max_cost=5.0, max_calls=10), plugins=("old",), protected_labels=("prod",)
    )
    after = of_config(budget=Budget(max_cost=9.0), plugins=("new",), limits=Limits(yaml_depth=60))

    assert sorted(kinds(before, after)) == [
        "budget_raised",
        "budget_raised",
        "label_unprotected",
        "limits_changed",
        "plugin_added",
        "plugin_removed",
    ]


def test_a_key_for_a_host_that_the_base_does_not_know_is_named() -> None:
    known = Model(label="a", name="x", api_base="http://a.test", key="A_API_KEY")
    stolen = replace(known, label="b", api_base="http://b.test")

    assert kinds(of_config(models={"a": known}), of_config(models={"a": known, "b": stolen})) == [
        "host_added"
    ]
    assert kinds(of_config(models={"a": known}), of_config(models={"c": known})) == []


def test_levels_are_the_policys_and_what_was_allowed_only_warns() -> None:
    before, after = side(case("one"), case("two")), side(case("two", skip="x"))
    files = (FileFinding(kind="scorer_changed", what="x.py changed"),)

    usual = policy_diff(before, after, files, PolicyLevels())
    softer = policy_diff(before, after, files, PolicyLevels(policy={"case_skipped": "info"}))
    allowed = policy_diff(before, after, files, PolicyLevels(allowed=frozenset({"case_removed"})))
    everything = policy_diff(before, after, files, PolicyLevels(allowed=frozenset({"all"})))

    assert [one.level for one in usual] == ["error", "error", "warn"]
    assert {one.kind: one.level for one in softer}["case_skipped"] == "info"
    assert {one.kind: one.level for one in allowed}["case_removed"] == "warn"
    assert {one.level for one in everything} == {"warn"}
    assert all(one.kind in FINDINGS for one in usual)


def texts(*names: str) -> tuple[Text, ...]:
    return tuple(Text(name, AT) for name in names)


def test_fewer_models_or_prompts_are_named_and_another_one_is_not() -> None:
    two = side(models=texts("a", "b"), prompts=texts("p", "q"))

    assert found(two, side(models=texts("a"), prompts=texts("p", "r"))) == [
        ("arm_removed", "s: the cases run no longer on b"),
        ("arm_changed", "s: the cases run on r in place of q"),
    ]
    assert found(side(models=texts("a")), side(models=texts("b"))) == []
    assert found(two, side(models=texts("a", "c"), prompts=texts("p"))) == [
        ("arm_removed", "s: the cases run no longer on q"),
        ("arm_changed", "s: the cases run on c in place of b"),
    ]


def test_another_application_is_named() -> None:
    old, new = (
        side(target=Target(at=AT, exec=texts(*words))) for words in (("app",), ("echo", "ok"))
    )

    assert found(old, new) == [
        ("target_changed", "s: the target was exec app and is exec echo ok now")
    ]
    assert found(old, old) == []


def test_a_prompt_that_no_edit_reaches_any_more_is_named() -> None:
    before = side(prompts=texts("p"))

    assert found(before, side(prompts=texts("p@1.0.0"))) == [
        ("arm_removed", "s: the cases run on p@1.0.0, which no edit of p reaches")
    ]
    assert found(before, side(prompts=texts("p", "p@1.0.0"))) == []
    assert found(side(prompts=texts("p@1.0.0")), side(prompts=texts("p@1.1.0"))) == []


def test_a_target_that_a_prompt_replaces_is_named() -> None:
    target = Target(at=AT, exec=texts("app"))

    assert found(side(target=target), side(prompts=texts("p"))) == [
        ("target_changed", "s: the target was exec app and is none now")
    ]


def test_clusters_that_say_how_much_can_be_seen_are_looked_at() -> None:
    alone, joined = case("one"), case("one", cluster="all")

    assert found(side(alone), side(joined)) == [
        ("cluster_changed", "s: the case counts in the cluster 'all' in place of no cluster (one)")
    ]
    assert kinds(side(joined), side(alone)) == ["cluster_changed"]


def test_what_assertions_quote_of_a_row_is_looked_at() -> None:
    quoting = assertions("[equals: '{{ row.answer }}']")
    row = {"word": "one", "answer": "right", "note": "old"}
    before = side(case("one", row=row, assertions=quoting))
    after = side(case("one", row={**row, "answer": "wrong", "note": "new"}, assertions=quoting))
    noted = side(case("one", row={**row, "note": "new"}, assertions=quoting))

    assert found(before, after) == [
        (
            "assertion_changed",
            "s: assertions quote answer of a row, where something else stands now (one)",
        )
    ]
    assert found(before, noted) == []


def test_a_metric_that_the_gate_judges_cannot_be_taken_from_a_case() -> None:
    metric = assertions("[{contains: a, metric: tone}]")
    config = Config(gate=GatePolicy(metrics=("tone",)))
    before = side(case("one", assertions=metric), config=config)

    assert kinds(before, side(case("one"), config=config)) == ["gate_changed", "assertion_changed"]
    assert kinds(before, side(case("one", assertions=metric), config=config)) == []


def test_a_host_that_anybody_may_stand_at_is_named() -> None:
    known = Model(label="ours", name="openai/m", api_base="http://ours/v1", at=AT)
    other = replace(known, api_base="http://theirs/v1")
    before = of_config(models={"ours": known})

    assert found(before, of_config(models={"ours": other})) == [
        ("host_added", "the model 'ours' is asked at a host that the base does not name")
    ]
    assert found(before, of_config(models={"theirs": known})) == []


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("contains_all: [a, b]", "contains_all: [a]", "assertion_loosened"),
        ("contains_any: [a]", "contains_any: [a, b]", "assertion_loosened"),
        ("starts_with: abc", "starts_with: a", "assertion_loosened"),
        ("starts_with: abc", "starts_with: bc", "assertion_changed"),
        ("ends_with: abc", "ends_with: c", "assertion_loosened"),
    ],
)
def test_lists_and_parts_of_texts_that_ask_for_less_are_looser(
    before: str, after: str, kind: str
) -> None:
    old, new = (case("one", assertions=assertions(f"[{text}]")) for text in (before, after))

    assert kinds(side(old), side(new)) == [kind]
