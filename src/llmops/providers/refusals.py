"""litellm's exceptions in, provider errors out; what the guard saw is believed before the class."""

import errno
import re
import socket
from collections.abc import Iterable, Iterator, Mapping

from llmops.domain.config import Model
from llmops.errors import ProviderError
from llmops.providers.failures import (
    Answer,
    failure_of_answer,
    hint_for,
    kind_of,
    retry_after_of,
    shorten,
    status_in,
)
from llmops.providers.guard import Attempt
from llmops.providers.keys import key_variable, redact, redact_cut

_NOISE = re.compile(r"^(litellm\.\w+: |\w*(Error|Exception)( - |: )|\w+Exception - )+")
_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9_]*_(?:API_KEY|TOKEN)\b")
_AFTERWORDS = re.compile(
    r"\s*,? *(Traceback \(most recent call last\)|Original Response:).*", re.DOTALL
)
_UNSUPPORTED = re.compile(r"does not support parameters: (.+?), for model", re.DOTALL)
_STATUS_WORDS = re.compile(r"^\d{3}, message:\s*")
_TRANSPORTS = frozenset(
    {"aiohttp", "asyncio", "botocore", "builtins", "httpcore", "httpx", "requests", "socket", "ssl",
     "urllib3"}
)  # fmt: skip
_NETWORK = re.compile(
    r"Connect|ReadError|WriteError|Protocol|Disconnected|NetworkError|OSError|SSL|Payload"
)
_UNREACHED = re.compile(r"Connector|ConnectError|ConnectionRefused|ProxyConnection|gaierror")
_KEPT_BODY = 65_536
_NEEDS_PACKAGE = "litellm needs a further package for this provider; install it beside llmops"


def failure_of(error: Exception, attempt: Attempt, model: Model) -> ProviderError:
    """Say what an exception of litellm's means.

    Args:
        error: What `acompletion` raised.
        attempt: What the guard saw on the wire.
        model: For hints.
    """
    if attempt.failure is not None:
        return attempt.failure
    if attempt.status is not None:
        return _refused(error, attempt.status, attempt, model)
    if attempt.requests:
        return _broken(error, model)
    return _unsent(error, model)


def out_of_time(model: Model) -> ProviderError:
    """Say that an attempt took longer than the model's time-out allows."""
    return ProviderError(
        f"no answer within {model.timeout:g} s",
        kind="timeout",
        hint="raise 'timeout' of the model in llmops.yaml if it needs longer",
    )


def without_secrets_in(error: ProviderError, secrets: Iterable[str]) -> ProviderError:
    """The same error, in whose words no secret stands."""
    hidden = tuple(secrets)
    same = ProviderError(
        shorten(redact_cut(error.message, hidden)),
        kind=error.kind,
        status=error.status,
        retry_after=error.retry_after,
        at=error.faults[0].at,
        hint=redact(error.hint, hidden) if error.hint else None,
    )
    same.unreached = error.unreached
    same.refused = error.refused
    return same


def _refused(error: Exception, status: int, attempt: Attempt, model: Model) -> ProviderError:
    body = attempt.body[:_KEPT_BODY].decode("utf-8", "replace")
    if 300 <= status < 400:
        return ProviderError(
            f"the server answered {status} in place of an answer",
            kind="bad_request",
            status=status,
            hint="set api_base to the address that answers",
        )
    # OpenRouter and its like say 200 and put the real status into the body.
    status = status if status >= 400 else status_in(body) or status
    if status >= 400:
        return _answered(status, body, attempt.headers, model)
    return ProviderError(
        shorten(f"the server's answer cannot be understood: {_said(error)}"),
        kind="bad_response",
        status=status,
        hint=f"does {model.api_base or 'the host'} speak the protocol of '{model.name}'?",
    )


def _answered(status: int, body: str, headers: Mapping[str, str], model: Model) -> ProviderError:
    answer = Answer(status=status, headers=headers, body=body)
    return failure_of_answer(answer, hints=_hints(model))


def _broken(error: Exception, model: Model) -> ProviderError:
    """No answer came: the connection was refused, broke or was too slow."""
    links = _transport_errors(error)
    where = model.api_base or _host_in(links) or f"the host of '{model.name}'"
    if any("Timeout" in type(link).__name__ for link in links):
        return ProviderError(f"{where} did not answer in time", kind="timeout")
    said = _STATUS_WORDS.sub("", _said(links[-1] if links else error))
    broken = ProviderError(
        shorten(f"the connection to {where} failed: {said}"),
        kind="network",
        hint="is the server running, and is the network up?",
    )
    broken.unreached = any(_UNREACHED.search(type(link).__name__) for link in links)
    broken.refused = any(_is_refusal(link) for link in links)
    return broken


def _unsent(error: Exception, model: Model) -> ProviderError:
    """The library itself said no, or logged in elsewhere and was refused there."""
    said = _said(error)
    if "LLM Provider NOT provided" in str(error):
        return ProviderError(
            f"no provider is known for the model '{model.name}'",
            kind="bad_request",
            hint="write it as provider/model, such as openai/gpt-4.1-mini",
        )
    unsupported = _UNSUPPORTED.search(str(error))
    if unsupported is not None:
        return _unsupported(unsupported[1], model)
    status = getattr(error, "status_code", None)
    status = status if isinstance(status, int) else 400
    named = _VARIABLE.search(str(error))
    if status in {401, 403}:
        hint = f"set {named[0]}" if named else _hints(model)["auth"]
        return ProviderError(shorten(said), kind="auth", hint=hint)
    if status >= 500 and not any(
        _NETWORK.search(type(link).__name__) for link in _transport_errors(error)
    ):
        status = 400
    kind = kind_of(status, str(error))
    headers = getattr(error, "litellm_response_headers", None) or {}
    return ProviderError(
        shorten(said),
        kind=kind,
        retry_after=retry_after_of({str(k).lower(): str(v) for k, v in dict(headers).items()}),
        hint=_NEEDS_PACKAGE if "No module named" in said else hint_for(kind),
    )


def _unsupported(listed: str, model: Model) -> ProviderError:
    names = re.findall(r"\w+", listed)
    quoted = ", ".join(f"'{name}'" for name in names)
    return ProviderError(
        shorten(f"the model '{model.name}' does not support {quoted}"),
        kind="bad_request",
        hint="leave it out, or, if the model takes it, allow it below the model in llmops.yaml: "
        f"'options: {{allowed_openai_params: [{', '.join(names)}]}}'",
    )


def _hints(model: Model) -> dict[str, str]:
    name = key_variable(model)
    if name is not None:
        auth = f"check the key in {name}, and whether its account may use '{model.name}'"
    elif model.api_base is not None:
        auth = "no key was sent: 'key: NAME' beside 'api_base' names the variable that may go there"
    else:
        auth = "'llmops doctor' shows which keys are set"
    return {"auth": auth, "not_found": f"is '{model.name}' the model's name there?"}


def _said(error: BaseException) -> str:
    """An exception's own words, without litellm's and without a traceback."""
    words = _NOISE.sub("", _AFTERWORDS.sub("", str(error).strip())).strip()
    return words or type(error).__name__


def _transport_errors(error: BaseException) -> list[BaseException]:
    """The errors of HTTP clients and sockets behind an error, the first cause last."""
    return [
        link for link in _chain(error) if type(link).__module__.partition(".")[0] in _TRANSPORTS
    ]


def _host_in(links: Iterable[BaseException]) -> str | None:
    """The host that aiohttp could not connect to, as `host:port`."""
    for link in links:
        host, port = getattr(link, "host", None), getattr(link, "port", None)
        if isinstance(host, str) and isinstance(port, int):
            return f"{host}:{port}"
    return None


def _is_refusal(link: BaseException) -> bool:
    """Whether nobody listens there; a name server that only did not answer may do so soon."""
    if isinstance(link, BaseExceptionGroup):  # one for each address of the host
        return all(_is_refusal(inner) for inner in link.exceptions)
    if isinstance(link, socket.gaierror):
        return link.errno != socket.EAI_AGAIN
    return isinstance(link, OSError) and link.errno == errno.ECONNREFUSED


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__
