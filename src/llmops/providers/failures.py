"""What went wrong between us and a server, told by its status and body in one vocabulary."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from msgspec import Struct

from llmops.errors import ProviderError, ProviderErrorKind
from llmops.providers.keys import CUT

LONGEST_MESSAGE = 300
_LONGEST_BODY = 65_536

_BY_STATUS: Mapping[int, ProviderErrorKind] = {
    401: "auth",
    402: "auth",
    403: "auth",
    404: "not_found",
    407: "auth",
    408: "timeout",
    409: "server",
    410: "not_found",
    425: "server",
    429: "rate_limited",
    504: "timeout",
}

_TOO_LONG = re.compile(
    r"context[ _-]?(length|window)|maximum context|prompt is too long|input is too long"
    r"|too many (input )?tokens|exceeds? the (available context|maximum number of tokens)"
    r"|input token count|reduce the length|string_above_max_length",
    re.IGNORECASE,
)
_FILTERED = re.compile(
    r"content[ _-]?(filter|policy|management)|responsible ?ai|safety (system|filter|settings)"
    r"|blocked by .{0,40}(safety|policy|filter)|flagged",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(
    r"insufficient[ _](quota|balance|funds|credits?)|exceeded your current quota"
    r"|credit balance is too low|billing[ _](hard[ _]limit|not[ _]active)|payment required",
    re.IGNORECASE,
)

_HINTS: Mapping[ProviderErrorKind, str] = {
    "auth": "check the key, and whether its account may use this model",
    "not_found": "check the model's name and api_base",
    "context_length": "shorten the inputs, or take a model with a longer context",
    "content_filter": "the provider refused the words of the request or of the answer",
    "timeout": "raise 'timeout' of the model in llmops.yaml if it needs longer",
    "too_large": "lower 'max_tokens'",
}
NO_CREDIT_HINT = "the account has no credit left; no retry will help"


class Answer(Struct, frozen=True, kw_only=True):
    """What a server answered when it did not answer well.

    Attributes:
        status: The HTTP status.
        headers: Names in lower case.
        body: As far as it was kept.
    """

    status: int
    headers: Mapping[str, str]
    body: str


def failure_of_answer(answer: Answer, *, hints: Mapping[str, str] | None = None) -> ProviderError:
    """Say in our words what a server's refusal means.

    Args:
        answer: Any status; one below 400 means that the body could not be understood.
        hints: Better hints than the general ones, by kind.
    """
    words = words_of(answer.body)
    kind = kind_of(answer.status, f"{words} {_codes(answer.body)}")
    said = f": {words}" if words else ""
    hint = (hints or {}).get(kind) or _HINTS.get(kind)
    if kind == "auth" and (answer.status == 402 or _NO_CREDIT.search(f"{said} {answer.body}")):
        hint = NO_CREDIT_HINT
    return ProviderError(
        shorten(f"the server answered {answer.status}{said}"),
        kind=kind,
        status=answer.status,
        retry_after=retry_after_of(answer.headers),
        hint=hint,
    )


def kind_of(status: int, words: str) -> ProviderErrorKind:
    """The kind of a refusal: by status first, for some statuses by the server's words.

    An account without credit is `auth`: it says 429 or 400, but no retry will help.
    """
    if status in {400, 403, 413, 422, 429} and _NO_CREDIT.search(words):
        return "auth"
    if status in {400, 403, 413, 422} and _FILTERED.search(words):
        return "content_filter"
    if status in {400, 413, 422} and _TOO_LONG.search(words):
        return "context_length"
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return "server"
    return "bad_request" if status >= 400 else "bad_response"


def hint_for(kind: ProviderErrorKind) -> str | None:
    """The general way out of a kind of failure."""
    return _HINTS.get(kind)


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Seconds a server asks us to wait, from its headers (names in lower case).

    A date is measured against the server's own `Date`, so no clock of ours matters.
    """
    milliseconds = _seconds(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    return parse_retry_after(headers.get("retry-after", ""), parse_date(headers.get("date", "")))


def parse_retry_after(value: str, now: datetime | None) -> float | None:
    """Read a `Retry-After` header.

    Args:
        value: Seconds, or an HTTP date.
        now: What a date is measured against; None makes a date unreadable.

    Returns:
        Seconds, 0 or more; None when it says nothing that can be understood.
    """
    seconds = _seconds(value)
    if seconds is not None:
        return seconds
    date = parse_date(value)
    if date is None or now is None:
        return None
    return max(0.0, (date - now).total_seconds())


def parse_date(value: str) -> datetime | None:
    """Read an HTTP date, which is always in UTC."""
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo is not None else None


def words_of(body: str) -> str:
    """The human words in an error's body: its message, or the beginning of the text."""
    for part in _parts(body):
        if isinstance(part, str):
            return squeeze(part)
        for key in ("message", "detail", "error", "error_message", "msg"):
            words = part.get(key)
            if isinstance(words, str) and words.strip():
                return squeeze(words)
    return "" if body.lstrip()[:1] == "<" else squeeze(body[:LONGEST_MESSAGE])


def status_in(body: str) -> int | None:
    """The status that an error's body names, for servers that answer 200 with an error inside."""
    for part in _parts(body):
        code = str(part.get("code")) if isinstance(part, dict) else ""
        if re.fullmatch(r"[45][0-9]{2}", code):
            return int(code)
    return None


def squeeze(text: str) -> str:
    """A text on one line, with only characters that can be shown."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def shorten(text: str) -> str:
    """A text on one line of 300 characters at most."""
    line = squeeze(text)
    return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1] + CUT


def _codes(body: str) -> str:
    found = [
        part.get(key) for part in _parts(body) if isinstance(part, dict) for key in ("type", "code")
    ]
    return " ".join(word for word in found if isinstance(word, str))


def _parts(body: str) -> Iterator[dict[str, object] | str]:
    """Where an error's body may keep its words, the innermost first."""
    try:
        whole = json.loads(body[:_LONGEST_BODY])
    except (ValueError, RecursionError):
        return
    if isinstance(whole, list) and whole:
        whole = whole[0]
    if not isinstance(whole, dict):
        return
    inner = whole.get("error")
    if isinstance(inner, dict) or (isinstance(inner, str) and inner.strip()):
        yield inner
    yield whole


def _seconds(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
