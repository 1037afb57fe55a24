import errno
import socket

import httpx
import pytest

from llmops.domain.config import Model
from llmops.providers.guard import Attempt
from llmops.providers.refusals import failure_of, without_secrets_in

MODEL = Model(label="m", name="openai/x", api_base="http://h/v1")


class LibraryError(Exception):
    """An exception with a status, as litellm raises them."""

    def __init__(self, message, status_code=None, headers=None):
        super().__init__(message)
        self.status_code = status_code
        self.litellm_response_headers = headers


def raised(error, cause=None):
    try:
        raise error from cause
    except Exception as caught:
        return caught


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (httpx.ConnectTimeout("slow"), "timeout"),
        (httpx.ReadTimeout("slow"), "timeout"),
        (httpx.ConnectError("refused"), "network"),
        (httpx.ReadError("reset"), "network"),
        (ConnectionResetError(104, "reset by peer"), "network"),
        (None, "network"),
    ],
)
def test_no_answer_to_a_request_is_told_by_the_first_cause(cause, kind):
    error = raised(LibraryError("litellm.APIConnectionError: x", 500), cause)

    found = failure_of(error, Attempt(requests=1), MODEL)

    assert found.kind == kind
    assert "http://h/v1" in found.message


@pytest.mark.parametrize(
    ("cause", "unreached"),
    [
        (httpx.ConnectError("refused"), True),
        (ConnectionRefusedError(111, "refused"), True),
        (socket.gaierror(-2, "no such name"), True),
        (httpx.ReadError("reset"), False),
        (ConnectionResetError(104, "reset by peer"), False),
    ],
)
def test_a_connection_that_breaks_off_did_reach_its_host(cause, unreached):
    error = raised(LibraryError("litellm.APIConnectionError: x", 500), cause)

    found = without_secrets_in(failure_of(error, Attempt(requests=1), MODEL), ("secret",))

    assert found.unreached is unreached


def group(*errors):
    several = OSError("all failed")
    several.__cause__ = ExceptionGroup("several addresses", errors)
    return several


@pytest.mark.parametrize(
    ("cause", "refused"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), True),
        (OSError(errno.ECONNREFUSED, "Multiple exceptions: refused, refused"), True),
        (group(ConnectionRefusedError(errno.ECONNREFUSED, "refused")), True),
        (
            group(
                ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
                OSError(errno.ENETUNREACH, "unreachable"),
            ),
            False,
        ),
        (socket.gaierror(socket.EAI_NONAME, "no such name"), True),
        (socket.gaierror(socket.EAI_AGAIN, "no name server answers"), False),
        (OSError(errno.ENETUNREACH, "unreachable"), False),
        (httpx.ConnectError("somehow"), False),
        (ConnectionResetError(errno.ECONNRESET, "reset by peer"), False),
    ],
)
def test_only_a_host_where_nobody_listens_refuses(cause, refused):
    error = raised(LibraryError("litellm.APIConnectionError: x", 500), cause)

    found = without_secrets_in(failure_of(error, Attempt(requests=1), MODEL), ("secret",))

    assert found.refused is refused


def test_a_host_without_an_address_of_ours_is_named_by_who_could_not_reach_it():
    class ConnectorError(OSError):
        host, port = "api.example.org", 443

    ConnectorError.__module__ = "aiohttp.client"
    error = raised(LibraryError("x", 500), ConnectorError(errno.ENETUNREACH, "unreachable"))

    found = failure_of(error, Attempt(requests=1), Model(label="m", name="openai/x"))

    assert "api.example.org:443" in found.message


@pytest.mark.parametrize(
    ("error", "cause", "kind"),
    [
        (LibraryError("litellm.Timeout: x", 408), None, "timeout"),
        (LibraryError("litellm.RateLimitError: x", 429), None, "rate_limited"),
        (LibraryError("Missing key, set FOO_API_KEY", 401), None, "auth"),
        (LibraryError("login refused", 403), None, "auth"),
        (LibraryError("broken", 500), None, "bad_request"),
        (LibraryError("broken", 500), httpx.ConnectError("refused"), "server"),
        (LibraryError("broken", "500"), None, "bad_request"),
        (KeyError("x"), None, "bad_request"),
    ],
)
def test_what_was_never_sent_is_told_by_its_status(error, cause, kind):
    found = failure_of(raised(error, cause), Attempt(), MODEL)

    assert found.kind == kind
    assert "litellm" not in found.message


def test_a_variable_that_is_named_is_the_way_out():
    found = failure_of(LibraryError("Missing key, set FOO_API_KEY", 401), Attempt(), MODEL)

    assert found.hint == "set FOO_API_KEY"


def test_headers_of_an_unseen_answer_are_still_read():
    error = LibraryError("slow down", 429, {"Retry-After": "3"})

    assert failure_of(error, Attempt(), MODEL).retry_after == 3.0


def test_an_error_in_a_circle_ends():
    error = LibraryError("a", 500)
    error.__cause__ = ValueError("b")
    error.__cause__.__cause__ = error

    assert failure_of(error, Attempt(requests=1), MODEL).kind == "network"


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        (Model(label="m", name="openai/x"), "check the key in OPENAI_API_KEY"),
        (MODEL, "no key was sent"),
        (Model(label="m", name="ollama/x"), "llmops doctor"),
    ],
)
def test_a_refused_key_is_told_by_where_it_came_from(model, hint):
    attempt = Attempt(requests=1, status=401, body=b'{"error": {"message": "no"}}')

    assert hint in failure_of(LibraryError("x", 401), attempt, model).hint


def test_a_silent_error_has_its_name_for_words():
    found = failure_of(LibraryError("", 200), Attempt(requests=1, status=200), MODEL)

    assert found.message == "the server's answer cannot be understood: LibraryError"
