"""An application behind a URL, asked over HTTP."""

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from llmops.domain.completion import Completion
from llmops.domain.node import Node, plain
from llmops.domain.suite import HttpTarget
from llmops.errors import ProviderError
from llmops.providers.addresses import checking_resolver, is_refused, refusal
from llmops.providers.base import Render
from llmops.providers.bodies import read_capped
from llmops.providers.failures import Answer, failure_of_answer, shorten
from llmops.providers.keys import redact, redact_cut
from llmops.providers.outcome import completion_of, parse_json

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ORIGIN = re.compile(r"\s*(https?://[^/?#\s]*)", re.IGNORECASE)
_BODYLESS = frozenset({"GET", "HEAD", "OPTIONS"})


class HttpApplication:
    """Sends one request a call. Redirects are not followed, cookies and proxies not used."""

    def __init__(
        self, target: HttpTarget, render: Render, allowed: Mapping[str, str] | None = None
    ) -> None:
        """Remember the request.

        Args:
            target: What to send where.
            render: Fills its templates.
            allowed: The environment variables that its headers may take by `${NAME}`.
        """
        self._target = target
        self._render = render
        self._allowed = dict(allowed or {})
        self._session: Any = None

    async def call(self, inputs: Mapping[str, object]) -> Completion:
        """Send the request once.

        Raises:
            ProviderError: There is no output, with the kind of failure.
        """
        try:
            return await self._call(inputs)
        except ProviderError as error:
            raise self._without_secrets(error) from None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _call(self, inputs: Mapping[str, object]) -> Completion:
        import aiohttp

        url = self._url(inputs)
        arguments = self._arguments(inputs)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._target.timeout):
                status, headers, body = await self._send(url, arguments)
        except TimeoutError:
            seconds = f"{self._target.timeout:g} s"
            raise ProviderError(f"no answer from {url} within {seconds}", kind="timeout") from None
        except (aiohttp.InvalidURL, ValueError) as error:
            raise ProviderError(
                shorten(f"'{url}' cannot be asked: {error}"), kind="bad_request"
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise _network(url, error) from None
        return self._read(status, headers, body, time.perf_counter() - started)

    async def _send(
        self, url: str, arguments: Mapping[str, Any]
    ) -> tuple[int, dict[str, str], bytes]:
        session = self._opened()
        async with session.request(
            self._target.method, url, allow_redirects=False, **arguments
        ) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            encoding = headers.get("content-encoding", "")
            return (
                response.status,
                headers,
                await read_capped(response.content.iter_any(), encoding),
            )

    def _opened(self) -> Any:  # noqa: ANN401 - aiohttp is imported late
        if self._session is None:
            import aiohttp

            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, resolver=checking_resolver()),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    def _url(self, inputs: Mapping[str, object]) -> str:
        url = str(self._render(self._target.url, inputs)).strip()
        host = _host(url)
        if host is None:
            raise self._wrong(f"'{url}' is no http address", "write it as https://host/path")
        if is_refused(host):
            raise refusal(host)
        if not self._host_is_free() and _origin(url) != _origin(self._target.url.text):
            raise self._wrong("an input changes the host of the address", "end the host by '/'")
        return url

    def _host_is_free(self) -> bool:
        """Whether the host itself comes from a template."""
        return "{" in (_origin(self._target.url.text) or "{")

    def _arguments(self, inputs: Mapping[str, object]) -> dict[str, Any]:
        headers = {"accept-encoding": "identity", **self._headers(inputs)}
        if self._target.body is None and self._target.method.upper() in _BODYLESS:
            return {"headers": headers}
        body = self._render(self._target.body, inputs) if self._target.body else dict(inputs)
        if not any(name.lower() == "content-type" for name in headers):
            headers["content-type"] = "application/json"
        return {"headers": headers, "data": json.dumps(plain(body), ensure_ascii=False).encode()}

    def _headers(self, inputs: Mapping[str, object]) -> dict[str, str]:
        if self._target.headers is None:
            return {}
        made = {}
        for name, node in self._target.headers.items():
            # Variables give way to marks before the template is filled and come back after, so
            # that no input can ask for one.
            marks: dict[str, str] = {}
            template = replace(node.text, text=self._marked(node, marks))
            text = str(self._render(template, inputs))
            for mark, value in marks.items():
                text = text.replace(mark, value)
            if any(character in text for character in "\r\n\0"):
                raise self._wrong(f"the header '{name}' has more than one line", None)
            made[name] = text
        return made

    def _marked(self, node: Node, marks: dict[str, str]) -> str:
        def mark(found: "re.Match[str]") -> str:
            name = found[1]
            value = self._allowed.get(name)
            if value is None or self._host_is_free():
                raise ProviderError(
                    f"the header asks for ${{{name}}}, which may not go to this host",
                    kind="auth",
                    at=node.at,
                    hint="llmops.yaml names the variables a host may have, and the host is fixed",
                )
            made = "mark" + hashlib.sha256(f"{name}={value}".encode()).hexdigest()
            marks[made] = value
            return made

        return _VARIABLE.sub(mark, node.typed)

    def _read(
        self, status: int, headers: dict[str, str], body: bytes, latency: float
    ) -> Completion:
        if 300 <= status < 400:
            raise self._wrong(
                f"the server answered {status} and redirects to {headers.get('location', 'nowhere')}",
                "redirects are not followed; name the final address",
            )
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            if status < 400:
                raise ProviderError("the answer is not UTF-8", kind="bad_response") from None
            text = body.decode("utf-8", "replace")
        if status >= 400:
            raise failure_of_answer(Answer(status=status, headers=headers, body=text))
        if self._target.output is None:
            return Completion(text=text, latency=latency)
        return completion_of(_pick(text, self._target.output), latency)

    def _wrong(self, message: str, hint: str | None) -> ProviderError:
        return ProviderError(
            shorten(message), kind="bad_request", at=self._target.url.at, hint=hint
        )

    def _without_secrets(self, error: ProviderError) -> ProviderError:
        secrets = tuple(self._allowed.values())
        return ProviderError(
            redact_cut(error.message, secrets),
            kind=error.kind,
            status=error.status,
            retry_after=error.retry_after,
            at=error.faults[0].at or self._target.url.at,
            hint=redact(error.hint, secrets) if error.hint else None,
        )


def _pick(text: str, path: str) -> object:
    """The value at a path such as `choices.0.text` in a JSON answer."""
    try:
        value = parse_json(text)
    except ValueError as error:
        raise ProviderError(
            shorten(f"the answer is not JSON: {error}"),
            kind="bad_response",
            hint="leave 'output' out to take the whole text",
        ) from None
    for step in path.split("."):
        known: list[str] = []
        if isinstance(value, dict):
            known = list(value)
            if step in value:
                value = value[step]
                continue
        elif isinstance(value, list):
            known = [str(number) for number in range(len(value))]
            if step in known:
                value = value[int(step)]
                continue
        there = ", ".join(known[:8]) or "nothing"
        raise ProviderError(
            shorten(f"the answer has no '{path}': where '{step}' should be there is {there}"),
            kind="bad_response",
        )
    return value


def _host(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.hostname if parts.scheme in {"http", "https"} else None


def _origin(url: str) -> str | None:
    found = _ORIGIN.match(url)
    return found[1].lower() if found else None


def _network(url: str, error: Exception) -> ProviderError:
    return ProviderError(
        shorten(f"the connection to {url} failed: {error}"),
        kind="network",
        hint="is the application running?",
    )
