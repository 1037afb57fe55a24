import itertools

import pytest

CLAIM = {
    "P": "{contains: a}",
    "F": "{contains: z}",
    "U": "{max_cost: 1}",
    "A": "{contains: a, on: json.x}",
}


def listed(claims: str) -> str:
    return "[" + ", ".join(CLAIM[one] for one in claims) + "]"


@pytest.mark.parametrize("claims", ["".join(three) for three in itertools.product("PFU", repeat=3)])
def test_a_pass_outweighs_the_unknown_and_that_a_failure(status, claims: str) -> None:
    passes, unknown = claims.count("P"), claims.count("U")

    for wanted, written in (
        (1, f"any_of: {listed(claims)}"),
        (2, f"at_least: {{n: 2, of: {listed(claims)}}}"),
        (3, f"all_of: {listed(claims)}"),
    ):
        failed = "unscored" if passes + unknown >= wanted else "failed"
        assert status(written, "a") == ("passed" if passes >= wanted else failed)


@pytest.mark.parametrize(
    ("claim", "expected"), [("P", "failed"), ("F", "passed"), ("U", "unscored")]
)
def test_not_turns_a_verdict_round_but_no_ignorance(status, claim: str, expected: str) -> None:
    assert status(f"not: {CLAIM[claim]}", "a") == expected
    assert status(f"not: {{not: {CLAIM[claim]}}}", "a") == {
        "passed": "failed",
        "failed": "passed",
    }.get(expected, expected)


@pytest.mark.parametrize(
    "written",
    [
        f"not: {CLAIM['A']}",
        f"not: {{not: {CLAIM['A']}}}",
        "not: {contains: a}\non: json.x",
        f"not: {{any_of: {listed('FA')}}}",
        f"not: {{all_of: {listed('PA')}}}",
        "not: {json_equals: {path: a, value: 1}}",
        "not: {json_schema: {type: object}}",
    ],
)
def test_what_is_not_there_fails_whichever_way_it_is_asked(judge, written: str) -> None:
    score = judge(written, "no JSON, but an a").score

    assert (score.status, score.value) == ("failed", 0.0)
    assert "the output is not JSON" in score.reason


def test_what_is_not_there_is_a_failure_among_others(status) -> None:
    assert status(f"any_of: {listed('AP')}", "a") == "passed"
    assert status(f"any_of: {listed('AU')}", "a") == "unscored"
    assert status(f"not: {{any_of: {listed('AP')}}}", "a") == "failed"
    assert status("not: is_json", "no JSON") == "passed"


def test_the_value_is_the_nth_best_inside(judge) -> None:
    inner = "[{contains_all: [a, b]}, {contains_all: [a, b, c, d]}, {contains: z}, {max_cost: 1}]"

    assert judge(f"any_of: {inner}", "a").score.status == "unscored"
    assert judge(f"at_least: {{n: 1, of: {inner[:-15]}]}}", "a").score.value == 0.5
    assert judge(f"at_least: {{n: 2, of: {inner[:-15]}]}}", "a").score.value == 0.25
    assert judge(f"all_of: {inner}", "a").score.value == 0.0
    assert judge("not: {contains_all: [a, b, c, d]}", "a").score.value == 0.75


def test_the_reason_names_the_assertions_that_decided(judge) -> None:
    assert judge("not: {contains: a}", "a").score.reason == "in the output"
    assert judge(f"any_of: {listed('FF')}", "a").score.reason == (
        "0 of 2 hold, 1 wanted: contains 'z': not in the output; contains 'z': not in the output"
    )
    assert judge(f"all_of: {listed('PF')}", "a").score.reason == (
        "1 of 2 hold, 2 wanted: contains 'z': not in the output"
    )
    assert judge(f"all_of: {listed('PU')}", "a").score.reason == (
        "1 of 2 hold, 2 wanted: max_cost 1: nobody knows what the completion cost"
    )
    assert judge(f"any_of: {listed('PF')}", "a").score.reason == (
        "1 of 2 hold: contains 'a': in the output"
    )


def test_on_is_handed_on_unless_an_assertion_has_its_own(status) -> None:
    output, fields = '{"x": "a"}', {"reasoning": "z"}

    assert status("any_of: [{equals: a}]\non: json.x", output, **fields) == "passed"
    assert status("not: {equals: a}\non: json.x", output, **fields) == "failed"
    assert status(
        "all_of: [{equals: a}, {equals: z, on: reasoning}]\non: json.x", output, **fields
    ) == ("passed")
    assert status("any_of: [{all_of: [{equals: a}]}]\non: json.x", output) == "passed"
    assert status("all_of: [{max_latency: 1s}, is_json]", output, latency=0.5) == "passed"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("any_of: []", "an empty list of assertions claims nothing"),
        ("all_of: []", "an empty list of assertions claims nothing"),
        ("at_least: {n: 1, of: []}", "an empty list of assertions claims nothing"),
        ("at_least: {n: 0, of: [is_json]}", "1 or more"),
        ("at_least: {n: 3, of: [is_json, refusal]}", "3 of 2 assertions can never pass"),
        ("at_least: {of: [is_json]}", "'at_least' needs 'n'"),
        ("any_of: is_json", "a list of assertions"),
        ("not: [is_json]", "an assertion such as"),
        ("not: true", "an assertion such as"),
        ("not:", "'not' needs 'assertion'"),
        ("not: {contians: a}", "no scorer is called 'contians'"),
        ('not: {contains: ""}', "an empty text would be found in every output"),
        (
            "not: {contains: a, weight: 2}",
            "'weight' has no meaning for an assertion inside another",
        ),
        ("any_of: [{contains: a, soft: true}]", "'soft' has no meaning for an assertion inside"),
        ("any_of: [{contains: a, metric: tone}]", "'metric' has no meaning for an assertion"),
    ],
)
def test_combinations_that_make_no_sense_are_refused(refusals, written: str, message: str) -> None:
    assert any(message in fault.message for fault in refusals(written))


def test_all_faults_inside_are_shown_at_once_where_they_stand(refusals) -> None:
    faults = refusals('any_of:\n  - contians: a\n  - contains: ""\n    soft: true\n  - is_json')

    assert {str(fault.at) for fault in faults} == {
        "suite.yaml:2:7",
        "suite.yaml:3:17",
        "suite.yaml:4:7",
    }


def test_a_combination_is_as_slow_as_what_is_inside(ready) -> None:
    assert ready("not: {matches: a+b+}").slow is True
    assert ready("not: {contains: a}").slow is False
    assert ready("any_of: [{contains: a}, {python: 'checks.py:is_short'}]").slow is True
    assert ready("any_of: [{contains: a}]").slow is False
