import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.domain.completion import Completion, Request, ToolCall, Usage
from llmops.domain.config import Model
from llmops.errors import InvalidInputError, ProviderError
from llmops.providers.keys import redact
from llmops.providers.nearest import first_difference
from llmops.providers.recorded import RecordedEntry, RecordedProvider, Recordings

HEADER = '{"llmops": "recordings/1", "note": "by hand"}'
MODEL = Model(label="m", name="demo/small", via="recorded")


def request(text="Hello", model="demo/small", system="You answer.", **rest):
    messages = ({"role": "system", "content": system}, {"role": "user", "content": text})
    return Request(model=model, messages=messages, **rest)


def entry(text="Hello", answer="Hi", sample=0, **rest):
    return RecordedEntry(
        request=request(text, **rest),
        sample=sample,
        completion=Completion(text=answer, finish_reason="stop"),
    )


def recordings(*entries):
    return Recordings(path="recordings/s.jsonl").merge(entries)


def line_of(recorded):
    return recordings(recorded).dump().splitlines()[1]


def faults_of(*lines):
    with pytest.raises(InvalidInputError) as caught:
        Recordings.parse("\n".join(lines).encode(), "recordings/s.jsonl")
    return [str(fault) for fault in caught.value.faults]


def test_a_recording_is_found_by_its_digest():
    known = recordings(entry("one", "1"), entry("two", "2"), entry("two", "2b", sample=1))

    assert known.find(request("two").digest(0)).text == "2"
    assert known.find(request("two").digest(1)).text == "2b"
    assert known.find(request("three").digest(0)) is None


def test_what_is_written_is_read_back_the_same():
    full = RecordedEntry(
        request=request(
            parameters={"temperature": 0.5},
            tools=({"type": "function", "function": {"name": "f"}},),
            tool_choice="auto",
            response_format={"type": "json_object"},
        ),
        sample=3,
        completion=Completion(
            text="a\nb\u2028c ✓",
            tool_calls=(ToolCall(name="f", arguments="{}", id="1"),),
            usage=Usage(input=1, output=2, source="provider"),
            cost=0.5,
            latency=0.25,
        ),
    )
    known = recordings(full, entry("x"))

    again = Recordings.parse(known.dump().encode(), known.path)

    assert again == known
    assert again.dump() == known.dump()


@given(st.text(alphabet=st.characters(codec="utf-8")), st.integers(0, 5))
def test_any_text_survives_the_file(text, sample):
    known = recordings(entry(text, text, sample=sample))

    assert Recordings.parse(known.dump().encode(), known.path) == known


def test_the_file_is_sorted_and_holds_a_line_an_entry():
    known = recordings(entry("b"), entry("a\nb"), entry("c ✓"))

    lines = known.dump().split("\n")

    digests = [json.loads(line)["digest"] for line in lines[1:-1]]
    assert digests == sorted(digests)
    assert lines[0] == '{"llmops": "recordings/1"}'
    assert lines[1].startswith('{"digest": "')
    assert lines[-1] == ""
    assert "✓" in known.dump()


def test_the_header_is_kept():
    known = Recordings.parse(f"{HEADER}\r\n{line_of(entry())}\r\n".encode(), "r.jsonl")

    assert known.header == {"note": "by hand"}
    assert known.merge([entry("new")]).dump().startswith(HEADER)


def test_a_new_completion_replaces_the_old_one():
    known = recordings(entry("x", "old")).merge([entry("x", "new")])

    assert known.find(request("x").digest()).text == "new"
    assert len(known.entries) == 1


def test_recordings_nobody_asks_for_can_be_left_behind():
    known = recordings(entry("x"), entry("y")).keep([request("x").digest()])

    assert [kept.request for kept in known.entries.values()] == [request("x")]


def test_secrets_are_taken_out_of_what_is_written():
    known = recordings(entry("my key is sk-12345678", "sk-12345678 it is"))

    text = known.dump(lambda words: redact(words, ["sk-12345678"]))

    assert "sk-12345678" not in text
    assert text.count("[redacted]") == 2
    assert Recordings.parse(text.encode(), "r.jsonl").entries


def test_what_is_recorded_again_without_its_secret_takes_the_place_of_the_first():
    def clean(words):
        return redact(words, ["sk-12345678"])

    first = recordings(entry("a"), entry("my key is sk-12345678", "one")).dump(clean)
    known = Recordings.parse(first.encode(), "r.jsonl")
    again = known.merge([entry("my key is sk-12345678", "two")]).dump(clean)

    kept = Recordings.parse(again.encode(), "r.jsonl").entries
    assert sorted(kept) == list(kept)
    assert sorted(recorded.completion.text for recorded in kept.values()) == ["Hi", "two"]


def test_half_a_character_can_be_recorded():
    text = recordings(entry("\ud800", "\ud800")).dump()

    (kept,) = Recordings.parse(text.encode(), "r.jsonl").entries.values()
    assert kept == entry("\ud800", "\ud800")


def test_every_wrong_line_is_complained_about_where_it_stands():
    good = line_of(entry())
    edited = good.replace("Hello", "Goodbye")

    faults = faults_of(
        HEADER,
        good,
        '{"digest": ',
        good,
        edited,
        '{"digest": "x", "sample": NaN}',
        "[" * 100_000,
        "[1]",
        '{"digets": 1}',
        '{"digest": "x"}',
        good.replace('"text": "Hi"', '"text": 1'),
        good.replace('"text"', '"words"'),
        good.replace('"sample": 0', '"sample": "0"'),
        good.replace('"model": "demo/small"', '"model": "demo/large"', 1),
    )

    places = [fault.split(": ")[0] for fault in faults]
    assert places == [
        "recordings/s.jsonl:3:12",
        *(f"recordings/s.jsonl:{number}:1" for number in range(4, 15)),
    ]
    text = "\n".join(faults)
    assert "is here for the second time [duplicate-recording]" in text
    assert "the first is at recordings/s.jsonl:2:1" in text
    assert "does not belong to its request" in text
    assert "edited by hand? 'llmops record' records it anew" in text
    assert "NaN is no JSON number" in text
    assert "did you mean 'digest'?" in text
    assert "'sample' is missing" in text


def test_a_line_that_is_not_utf8_is_placed():
    with pytest.raises(InvalidInputError, match=r"r\.jsonl:2:1: the line is not UTF-8"):
        Recordings.parse(HEADER.encode() + b"\n\xff\n", "r.jsonl")


@pytest.mark.parametrize("mark", ["<<<<<<< ours", "=======", ">>>>>>> theirs"])
def test_a_merge_conflict_is_called_by_its_name(mark):
    faults = faults_of(HEADER, mark)

    assert len(faults) == 1
    assert faults[0].startswith("recordings/s.jsonl:2:1: the line is left over from a merge")


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ("", "the first line is no header"),
        ("[]", "the first line is no header"),
        ('{"llmops": "recordings/9"}', "the header says 'recordings/9', not 'recordings/1'"),
        ('{"digest": "x"}', "the first line is no header"),
    ],
)
def test_a_file_without_its_header_is_refused(first, words):
    assert words in faults_of(first)[0]


def test_a_broken_header_is_one_fault():
    assert len(faults_of("{")) == 1


@pytest.mark.parametrize(
    ("asked", "sample", "words"),
    [
        (
            request("Dear Bob, hello"),
            0,
            "messages[1].content differs at character 6: 'Ada, hello' / 'Bob, hello'",
        ),
        (
            request("Dear Ada, hello", system="You reply."),
            0,
            "messages[0].content differs at character 5: 'answer.' / 'reply.'",
        ),
        (
            request("Dear Ada, hello and so on and on and on and on"),
            0,
            "messages[1].content differs at character 16: nothing / ' and so on and on and on…'",
        ),
        (
            request("Dear Ada, hello", model="demo/large"),
            0,
            "model differs at character 6: 'small' / 'large'",
        ),
        (
            request("Dear Ada, hello", parameters={"temperature": 0}),
            0,
            "parameters is not in the recording",
        ),
        (request("Dear Ada, hello"), 4, "sample 0 is recorded, not sample 4"),
    ],
)
def test_the_nearest_recording_is_shown_with_the_first_difference(asked, sample, words):
    known = recordings(entry("Dear Ada, hello"), entry("What is the weather like in Oslo?"))

    found = known.nearest(asked, sample)

    assert found.request == request("Dear Ada, hello")
    assert found.sample == 0
    assert found.words == words


def test_nothing_is_near_when_nothing_is_recorded():
    assert recordings().nearest(request(), 0) is None


def test_something_is_near_even_without_a_word_in_common():
    known = recordings(
        RecordedEntry(request=request("a", system="b"), sample=0, completion=Completion(text="x"))
    )

    assert known.nearest(Request(model="m", messages=()), 0) is not None
    assert known.nearest(Request(model="m", messages=({"content": None},)), 0) is not None


def test_of_many_the_nearest_is_found():
    known = recordings(*(entry(f"case {number} of the blue kettle") for number in range(500)))

    found = known.nearest(request("case 321 of the red kettle"), 0)

    assert found.request == request("case 321 of the blue kettle")
    assert found.words == (
        "messages[1].content differs at character 17: 'blue kettle' / 'red kettle'"
    )


@pytest.mark.parametrize(
    ("known", "asked", "words"),
    [
        ({"a": 1}, {"a": 1}, None),
        ({"a": 0}, {"a": 0.0}, "a differs: '0' / '0.0'"),
        ({"a": 1}, {"a": True}, "a differs: '1' / 'True'"),
        ({"a": [1, 2]}, {"a": [1]}, "a has 2 entries, not 1"),
        ({"a": {"b": 1}}, {"a": {}}, "a.b is not in the request"),
        ({"a": "x"}, {"a": None}, "a differs: 'x' / 'None'"),
    ],
)
def test_the_first_difference_of_two_values(known, asked, words):
    assert first_difference(known, asked) == words


def complete(provider, asked, sample=0):
    return asyncio.run(provider.complete(asked, model=MODEL, sample=sample))


def test_a_recorded_model_answers_from_its_recordings():
    provider = RecordedProvider(recordings(entry("x", "recorded")))

    assert complete(provider, request("x")).text == "recorded"
    asyncio.run(provider.close())


@pytest.mark.parametrize(
    ("known", "hint"),
    [
        (None, "there is no file; 'llmops record' makes them"),
        (recordings(), "recordings/s.jsonl holds none; 'llmops record' makes them"),
        (
            recordings(entry("Hello Ada")),
            "nearest in recordings/s.jsonl: messages[1].content differs at character 7: "
            "'Ada' / 'Bob'; 'llmops record' adds this one",
        ),
    ],
)
def test_a_request_that_is_not_recorded_is_an_error_with_a_way_out(known, hint):
    provider = RecordedProvider(known)

    with pytest.raises(ProviderError) as caught:
        complete(provider, request("Hello Bob"))

    assert caught.value.kind == "no_recording"
    assert caught.value.hint == hint
    assert not caught.value.retryable
