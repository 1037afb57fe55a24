import pytest

from llmops.errors import InvalidInputError


@pytest.mark.parametrize(
    ("function", "output", "expected", "value"),
    [
        ("is_short", "Yes.", "passed", 1.0),
        ("is_short", "y" * 40, "failed", 0.0),
        ("share_of_vowels", "aaab", "passed", 0.75),
        ("share_of_vowels", "aabbb", "failed", 0.4),
        ("says_score", "x", "failed", 0.25),
        ("numpy_bool", "x", "passed", 1.0),
    ],
)
def test_a_function_answers_with_a_boolean_a_number_or_a_score(
    judge, function: str, output: str, expected: str, value: float
) -> None:
    score = judge(f"python: checks.py:{function}", output).score

    assert (score.status, score.value) == (expected, value)


def test_a_number_is_compared_with_the_threshold(judge) -> None:
    written = "python: {function: checks.py:share_of_vowels, threshold: 0.8}"

    assert judge(written, "aaaab").score.status == "passed"
    assert judge(written, "aaab").score.reason == (
        "checks.py:share_of_vowels says 0.75, of 0.8 wanted"
    )


def test_the_context_is_handed_over_to_whoever_takes_it(status) -> None:
    assert status("python: checks.py:same_tone", "formal", inputs={"tone": "formal"}) == "passed"
    assert status("python: checks.py:by_name", "demo", model="demo") == "passed"
    assert status("python: checks.py:by_place", "demo") == "passed"
    assert status("python: checks.py:by_place_and_name", "demo") == "passed"
    assert status("python: checks.py:knows_row", "x", row={"label": "x"}) == "passed"


def test_an_argument_with_a_default_gets_no_context(status) -> None:
    written = "python: {function: checks.py:is_at_most, arguments: {most: 5}}"

    assert status("python: checks.py:is_at_most", "abcd") == "failed"
    assert status(written, "abcd") == "passed"
    assert status("python: {function: checks.py:same_tone, arguments: {context: 1}}") == "unscored"


def test_a_function_gets_what_on_picks(status) -> None:
    call = {"name": "refund", "arguments": "{}"}

    assert status("python: checks.py:count_calls\non: tool_calls", tool_calls=[call]) == "passed"
    assert status("python: checks.py:is_short\non: json.a", '{"a": "x"}') == "passed"


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("breaks", "checks.py:39 raised ZeroDivisionError: "),
        ("leaves", "checks.py:43 raised SystemExit: 0"),
        ("says_nothing", "checks.py:46 returned NoneType 'None': neither true or false, nor a"),
        ("says_too_much", "checks.py:50 returned int '7': "),
        ("says_nan", "checks.py:54 returned float 'nan': "),
        ("gives_coroutine", "checks.py:74 returned coroutine "),
    ],
)
def test_a_function_that_breaks_leaves_the_assertion_unscored(
    judge, function: str, reason: str
) -> None:
    score = judge(f"python: checks.py:{function}", "Yes.").score

    assert score.status == "unscored"
    assert score.reason.startswith(reason)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("checks.py:later", "'checks.py:later' is asynchronous"),
        (
            "checks.py:takes_nothing",
            "cannot be called with an output and these arguments: too many",
        ),
        ("checks.py:has_words", "argument: 'least'"),  # Pythons differ in the words before it
        (
            "{function: checks.py:has_words, arguments: {lest: 1}}",
            "cannot be called with an output and these arguments",
        ),
        ("checks.py:nobody", "there is no 'checks.py:nobody'"),
        ("{function: checks.py:is_short, threshold: 0}", "with a threshold of 0 every number"),
        ("{function: checks.py:is_short, threshold: 2}", "1 or less"),
    ],
)
def test_a_function_that_cannot_be_called_is_refused(refusals, written: str, message: str) -> None:
    assert message in refusals(f"python: {written}")[0].message


def test_an_untrusted_run_loads_no_function(assertion, resources) -> None:
    from msgspec.structs import replace

    from llmops.scoring.assess import build

    def refuse(reference, at):
        raise InvalidInputError(f"'{reference}' is not loaded", at=at, code="untrusted")

    with pytest.raises(InvalidInputError) as caught:
        build(assertion("python: checks.py:is_short"), replace(resources, load_function=refuse))

    assert str(caught.value.faults[0].at) == "suite.yaml:1:11"


@pytest.mark.parametrize(
    ("function", "output", "expected"),
    [
        (str.isdigit, "42", "passed"),
        (bool, "42", "passed"),
        (float, "0.7", "passed"),
        (float, "text", "unscored"),
    ],
)
def test_functions_without_a_source_are_called_too(
    assertion, resources, function, output: str, expected: str
) -> None:
    from msgspec.structs import replace

    from llmops.domain.completion import Completion
    from llmops.scoring.assess import assess, build

    own = replace(resources, load_function=lambda _reference, _at: function)
    ready = build(assertion("python: builtins:function"), own)

    assert assess([ready], Completion(text=output), {})[0].score.status == expected


def test_a_function_of_a_module_is_blamed_by_its_file(assertion, resources) -> None:
    from msgspec.structs import replace

    from llmops.domain.completion import Completion
    from llmops.scoring.assess import assess, build

    def breaks(output):
        raise ValueError(f"cannot read\n{output}")

    own = replace(resources, load_function=lambda _reference, _at: breaks)
    ready = build(assertion("python: package.module:breaks"), own)
    reason = assess([ready], Completion(text="x"), {})[0].score.reason

    assert __file__ in reason
    assert reason.endswith("raised ValueError: cannot read x")
    assert ready.slow is True
