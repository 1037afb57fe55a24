import json
import math

import pytest
from any_values import COMPLETIONS, FOOTERS, HEADERS, PLACES, REQUESTS, TRIALS
from hypothesis import given, settings
from made_trials import answered, refused, trial

from llmops.domain.completion import Completion, Request, canonical_json, escape_surrogates
from llmops.domain.frame import footer_from_json, footer_to_json, header_from_json, header_to_json
from llmops.domain.record import (
    completion_from_json,
    completion_from_text,
    completion_to_json,
    location_from_json,
    location_to_json,
    request_from_json,
    trial_from_json,
    trial_to_json,
)
from llmops.domain.run import Arm, RunFooter, RunHeader
from llmops.domain.score import Score


def through_a_file(value: object) -> object:
    """What is left of a value after it stood in a file of UTF-8."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return json.loads(escape_surrogates(text).encode())


@settings(max_examples=50)
@given(TRIALS)
def test_a_trial_comes_back_as_it_was(whole) -> None:
    assert trial_from_json(through_a_file(trial_to_json(whole))) == whole


@given(COMPLETIONS)
def test_a_completion_comes_back_as_it_was(completion) -> None:
    assert completion_from_json(through_a_file(completion_to_json(completion))) == completion


@given(COMPLETIONS)
def test_a_completion_is_read_from_text_as_from_its_value(completion) -> None:
    text = json.dumps(completion_to_json(completion))

    assert completion_from_text(text) == completion_from_json(json.loads(text))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"text": 7}', '{"text": "", "cost": -1}', '{"text": "", "cost": NaN}',
     '{"text": "", "usage": {"input": "many"}}', '{"text": "", "latency": 1e400}'],
)  # fmt: skip
def test_what_is_no_completion_is_refused_in_text_too(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        completion_from_text(text)


@given(REQUESTS)
def test_a_request_comes_back_with_its_digest(request) -> None:
    back = request_from_json(through_a_file(request.as_json()))

    assert back.digest(3) == request.digest(3)


@given(HEADERS)
def test_a_header_comes_back_as_it_was(header) -> None:
    assert header_from_json(through_a_file(header_to_json(header))) == header


@given(FOOTERS)
def test_a_footer_comes_back_as_it_was(footer) -> None:
    assert footer_from_json(through_a_file(footer_to_json(footer))) == footer


@given(PLACES)
def test_a_place_comes_back_whatever_its_path_is_called(place) -> None:
    assert location_from_json(location_to_json(place)) == place


def test_what_is_at_its_default_is_left_out() -> None:
    header = RunHeader(id="r", started="now", planned=0)

    assert header_to_json(header) == {"id": "r", "started": "now", "planned": 0}
    assert completion_to_json(Completion(text="")) == {"text": ""}
    assert set(trial_to_json(trial())) == {
        "id", "suite", "path", "case", "case_hash", "arm", "sample", "status", "at"
    }  # fmt: skip


def test_an_arm_is_written_with_its_hash_and_the_trial_with_its_path() -> None:
    whole = trial_to_json(trial(answered(Score.passing("is there"))))

    assert whole["path"] == "suites/say.yaml"
    assert whole["arm"] == {"prompt": "say", "model": "fast"}
    assert whole["exchanges"][0]["scores"] == [
        {
            "label": "contains 'red'",
            "scorer": "contains",
            "status": "passed",
            "value": 1.0,
            "reason": "is there",
            "at": "suites/say.yaml:3:5",
        }
    ]


def test_times_are_rounded_so_that_lines_stay_short() -> None:
    assert completion_to_json(Completion(text="", latency=1 / 3))["latency"] == 0.333333
    assert footer_to_json(RunFooter(finished="now", duration=2 / 3))["duration"] == 0.667


@pytest.mark.parametrize("status", ["planned", "done", "PASSED", "", None, 1])
def test_a_status_that_no_trial_has_is_refused(status) -> None:
    value = {**trial_to_json(trial()), "status": status}

    with pytest.raises(ValueError, match=r"\$\.status"):
        trial_from_json(value)


def test_words_nobody_knows_are_refused_in_exchanges_scores_and_footers() -> None:
    whole = trial_to_json(trial(answered(Score.failing("no"))))

    with pytest.raises(ValueError, match="'guessed'"):
        trial_from_json({**whole, "exchanges": [{**whole["exchanges"][0], "origin": "guessed"}]})
    score = {**whole["exchanges"][0]["scores"][0], "status": "good"}
    with pytest.raises(ValueError, match="'good'"):
        trial_from_json({**whole, "exchanges": [{"scores": [score]}]})
    with pytest.raises(ValueError, match="'boredom'"):
        footer_from_json({"finished": "now", "duration": 1, "stopped_by": "boredom"})


@pytest.mark.parametrize("planned", ["3", None, []])
def test_a_header_counts_its_trials_in_numbers(planned) -> None:
    with pytest.raises(ValueError, match="Expected `int`"):
        header_from_json({"id": "r", "started": "now", "planned": planned})


@pytest.mark.parametrize("number", ["many", None, [1]])
def test_what_is_added_up_must_be_a_number(number) -> None:
    whole = trial_to_json(trial(answered(Score.failing("no"))))
    exchange = whole["exchanges"][0]
    wrong = [
        {**whole, "sample": number},
        {**whole, "exchanges": [{**exchange, "attempts": number}]},
        {
            **whole,
            "exchanges": [{**exchange, "scores": [{**exchange["scores"][0], "value": number}]}],
        },
        {
            **whole,
            "exchanges": [{**exchange, "scores": [{**exchange["scores"][0], "weight": number}]}],
        },
    ]

    for value in wrong:
        with pytest.raises(ValueError, match=r"Expected `(int|float)`"):
            trial_from_json(value)
    with pytest.raises(ValueError, match=r"Expected `(int|float)`"):
        footer_from_json({"finished": "now", "duration": number})


@pytest.mark.parametrize("name", ["id", "suite", "path", "case", "case_hash", "reason", "cluster"])
def test_what_is_called_by_a_name_has_a_text(name: str) -> None:
    whole = trial_to_json(trial(answered(Score.failing("no"))))

    with pytest.raises(ValueError, match="Expected `str"):
        trial_from_json({**whole, name: 7})


@pytest.mark.parametrize(
    "part", [{"arm": {"prompt": 1, "model": "m"}}, {"inputs": []}, {"tags": [1]}]
)
def test_parts_of_a_trial_are_held_to_their_types(part: dict[str, object]) -> None:
    whole = trial_to_json(trial(answered(Score.failing("no"))))

    with pytest.raises(ValueError, match="Expected"):
        trial_from_json({**whole, **part})


@pytest.mark.parametrize("text", [None, 3, ["a"]])
def test_a_completion_without_text_is_refused(text) -> None:
    with pytest.raises(ValueError, match=r"Expected `str`.*text"):
        completion_from_json({"text": text})


@pytest.mark.parametrize(
    "part",
    [
        {"cost": "free"},
        {"cost": -1},
        {"cost": math.nan},
        {"latency": math.inf},
        {"usage": {"input": "10"}},
        {"usage": {"output": -10}},
        {"usage": {"source": "hearsay"}},
        {"tool_calls": [{"name": 5, "arguments": ""}]},
        {"reasoning": 5},
        {"finish_reason": ["stop"]},
    ],
)
def test_a_completion_of_which_a_part_cannot_be_is_refused(part) -> None:
    with pytest.raises(ValueError, match=r"Expected|Invalid|no numbers"):
        completion_from_json({"text": "Hello.", **part})


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match="text"):
        completion_from_json({})
    with pytest.raises(KeyError, match="messages"):
        request_from_json({"model": "m"})
    with pytest.raises(ValueError, match="unpack"):
        location_from_json("suites/say.yaml")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_never_written(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"cost": value})


def test_the_canonical_form_sorts_keys_and_spares_spaces() -> None:
    assert canonical_json({"b": [1, 2], "a": "é"}) == '{"a":"é","b":[1,2]}'


def test_half_a_character_is_hashed_like_any_other_text() -> None:
    asked = Request(model="m", messages=({"role": "user", "content": "\ud83d"},))
    spelt = Request(model="m", messages=({"role": "user", "content": "\\ud83d"},))

    assert len(asked.digest()) == 64
    assert asked.digest() != spelt.digest()
    assert canonical_json("é\ud83d") == '"é\\ud83d"'


def test_a_digest_tells_samples_models_and_parameters_apart() -> None:
    asked = Request(model="m", messages=())
    others = [
        Request(model="n", messages=()),
        Request(model="m", messages=(), parameters={"temperature": 0}),
        Request(model="m", messages=(), tools=({"name": "f"},)),
        Request(model="m", messages=(), tool_choice="auto"),
        Request(model="m", messages=(), response_format={}),
    ]

    digests = {asked.digest(0), asked.digest(1), *(other.digest(0) for other in others)}

    assert len(digests) == 7


def test_a_failure_keeps_its_attempts() -> None:
    back = trial_from_json(through_a_file(trial_to_json(trial(refused(4), status="error"))))

    assert back.exchanges[0].attempts == 4
    assert back.failure is not None
    assert back.arm == Arm(prompt="say", model="fast")
