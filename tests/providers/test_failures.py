import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.providers.failures import (
    Answer,
    failure_of_answer,
    hint_for,
    parse_retry_after,
    retry_after_of,
    shorten,
    status_in,
    words_of,
)

NOW = datetime(2026, 11, 21, 4, 0, 0, tzinfo=UTC)


def failure(status, error=None, headers=None, **hints):
    body = error if isinstance(error, str) else json.dumps({"error": error or {}})
    return failure_of_answer(Answer(status=status, headers=headers or {}, body=body), **hints)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, {"message": "no such field"}, "bad_request"),
        (400, {"message": "This model's maximum context length is 8192 tokens"}, "context_length"),
        (400, {"message": "prompt is too long: 210000 tokens > 200000"}, "context_length"),
        (400, {"message": "no", "code": "context_length_exceeded"}, "context_length"),
        (413, {"message": "reduce the length of the messages"}, "context_length"),
        (413, {"message": "request entity too large"}, "bad_request"),
        (400, {"message": "no", "code": "content_filter"}, "content_filter"),
        (400, {"message": "ResponsibleAIPolicyViolation: responsible AI"}, "content_filter"),
        (400, {"message": "Your credit balance is too low"}, "auth"),
        (400, {"message": "max_tokens exceeds the maximum of 4096"}, "bad_request"),
        (401, {"message": "wrong key"}, "auth"),
        (402, {}, "auth"),
        (403, {"message": "not allowed"}, "auth"),
        (404, {"message": "no such model"}, "not_found"),
        (408, {}, "timeout"),
        (409, {}, "server"),
        (418, {}, "bad_request"),
        (422, {"message": "unprocessable"}, "bad_request"),
        (429, {"message": "slow down", "type": "rate_limit"}, "rate_limited"),
        (429, {"message": "no", "type": "insufficient_quota"}, "auth"),
        (500, {"message": "context length"}, "server"),
        (503, {}, "server"),
        (504, {}, "timeout"),
        (529, {"type": "overloaded_error"}, "server"),
        (200, {}, "bad_response"),
    ],
)
def test_a_refusal_has_one_kind_for_all_providers(status, error, kind):
    found = failure(status, error)

    assert found.kind == kind
    assert found.status == status


def test_an_account_without_credit_is_not_asked_again_and_told_why():
    found = failure(429, {"message": "You exceeded your current quota", "type": "x"})

    assert not found.retryable
    assert "credit" in found.hint


def test_a_callers_hint_goes_before_the_general_one():
    assert failure(401, hints={"auth": "look here"}).hint == "look here"
    assert failure(401).hint == hint_for("auth")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"error": {"message": "boom"}}', "boom"),
        ('{"error": "boom"}', "boom"),
        ('{"error": "", "detail": "boom"}', "boom"),
        ('[{"error": {"message": "boom"}}]', "boom"),
        ('{"message": "boom"}', "boom"),
        ('{"error": {"code": 1}, "message": "boom"}', "boom"),
        ("{}", "{}"),
        ("[]", "[]"),
        ("plain\n\n\x1b[31mboom", "plain [31mboom"),
        (" <html>whole page</html>", ""),
        ("[" * 100_000, "[" * 300),
    ],
)
def test_the_words_of_an_error_are_found_in_its_body(body, words):
    assert words_of(body) == words


def test_a_message_is_one_short_line():
    message = failure(500, {"message": "word\n" * 500}).message

    assert len(message) == 300
    assert message.startswith("the server answered 500: word word")
    assert message.endswith("…")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        ("0.5", 0.5),
        ("0", 0.0),
        ("999999999", 999999999.0),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("soon", None),
        ("", None),
        ("Sat, 21 Nov 2026 04:00:07 GMT", 7.0),
        ("Sat, 21 Nov 2026 03:00:00 GMT", 0.0),
        ("Sat, 99 Nov 2026 03:00:00 GMT", None),
        ("Sat, 21 Nov 2026 04:00:07 -0000", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, seconds):
    assert parse_retry_after(value, NOW) == seconds


def test_a_date_without_a_present_moment_says_nothing():
    assert parse_retry_after("Sat, 21 Nov 2026 04:00:07 GMT", None) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after-ms": "250", "retry-after": "2"}, 0.25),
        (
            {
                "retry-after": "Sat, 21 Nov 2026 04:00:07 GMT",
                "date": "Sat, 21 Nov 2026 04:00:00 GMT",
            },
            7.0,
        ),
        ({"retry-after": "Sat, 21 Nov 2026 04:00:07 GMT"}, None),
        ({}, None),
    ],
)
def test_a_date_is_measured_against_the_servers_own(headers, seconds):
    assert retry_after_of(headers) == seconds


@given(st.text())
def test_no_header_breaks_the_reader(value):
    seconds = parse_retry_after(value, NOW)

    assert seconds is None or seconds >= 0


@given(st.text())
def test_no_body_breaks_the_reader(body):
    found = failure(500, body)

    assert found.kind == "server"
    assert len(found.message) <= 300
    assert found.message.isprintable()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"error": {"code": 502}}', 502),
        ('{"error": {"code": "429"}}', 429),
        ('{"error": {"code": 200}}', None),
        ('{"error": {"code": "' + "9" * 5000 + '"}}', None),
        ('{"error": "words"}', None),
        ("no JSON", None),
    ],
)
def test_a_status_inside_the_body_is_found(body, status):
    assert status_in(body) == status


def test_short_text_stays_as_it_is():
    assert shorten("a  b\tc") == "a b c"
