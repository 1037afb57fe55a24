"""The direct lane's wire: one HTTP request at a time to one host, with a cap on what comes back."""

import ssl
from collections.abc import AsyncGenerator, Mapping
from functools import cache
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # no stub has it

from llmops.errors import ProviderError
from llmops.providers.bodies import lines_of, read_capped
from llmops.providers.direct.certainty import Call, sure
from llmops.providers.guard import Attempt, check_redirect, check_secrets

_ALWAYS = {
    "content-type": "application/json",
    "accept": "application/json",
    "accept-encoding": "identity",
    "user-agent": "llmops",
}
_SAME_AGAIN = frozenset({307, 308})
_MOST_REDIRECTS = 10
_OTHER_SECURITY = (
    "SSL_VERIFY",
    "SSL_CERTIFICATE",
    "SSL_SECURITY_LEVEL",
    "SSL_ECDH_CURVE",
    "DISABLE_AIOHTTP_TRUST_ENV",
    "AIOHTTP_TRUST_ENV",
)
"""Variables by which litellm connects in ways of its own."""


class Wire:
    """Connections that are kept open between requests. One belongs to one event loop.

    How many are open at once is decided by who asks: the limits of the models.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Remember the environment, which may name proxies and certificates."""
        self._environment = environment
        self._plain_security = not any(environment.get(name) for name in _OTHER_SECURITY)
        self._session: Any = None
        self._routes: dict[str, str | None] = {}

    def check(self, url: str) -> None:
        """Be sure of the way to a host.

        Raises:
            UncertainError: The environment asks for a way that litellm knows better.
        """
        sure(self._plain_security)
        proxy = self._proxy(url)
        sure(proxy is None or (proxy.startswith("http://") and "@" not in proxy))

    async def post(self, call: Call, attempt: Attempt) -> None:
        """Send a request and note in the attempt what came of it.

        Redirects are followed only within the host, and only those that ask for the same again.

        Raises:
            ProviderError: It may not be sent there, or what came is too large.
        """
        url = call.url
        for _ in range(_MOST_REDIRECTS):
            check_secrets(url, call.headers.values(), attempt)
            await self._once(url, call, attempt)
            there = attempt.headers.get("location")
            if attempt.status not in _SAME_AGAIN or there is None:
                return
            url = urljoin(url, there)

    async def lines(self, call: Call, attempt: Attempt) -> AsyncGenerator[bytes | None]:
        """Send a request and hand over the lines of its answer as they come.

        A line that is larger than an answer may be comes as None. A refusal or a redirect has no
        lines: its status and body are noted in the attempt.

        Raises:
            ProviderError: It may not be sent there, or a refusal is too large.
        """
        check_secrets(call.url, call.headers.values(), attempt)
        async with await self._send(call.url, call, attempt) as response:
            check_redirect(call.url, response.status, attempt.headers)
            encoding = attempt.headers.get("content-encoding", "")
            if response.status == 200:
                attempt.status = 200
                async for line in lines_of(response.content.iter_any(), encoding):
                    yield line
                return
            attempt.body = await read_capped(response.content.iter_any(), encoding)
            attempt.status = response.status

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _once(self, url: str, call: Call, attempt: Attempt) -> None:
        async with await self._send(url, call, attempt) as response:
            check_redirect(url, response.status, attempt.headers)
            encoding = attempt.headers.get("content-encoding", "")
            attempt.body = await read_capped(response.content.iter_any(), encoding)
            attempt.status = response.status

    async def _send(self, url: str, call: Call, attempt: Attempt) -> Any:  # noqa: ANN401 - aiohttp is imported late
        """Send a request; the response that comes has to be left by who takes it."""
        attempt.requests += 1
        attempt.status = None
        response = await self._opened().request(
            call.method,
            url,
            data=call.body or None,
            headers={**_ALWAYS, **call.headers},
            allow_redirects=False,
            proxy=self._proxy(url),
            ssl=_security(self._environment.get("SSL_CERT_FILE")) if url[:6] == "https:" else True,
        )
        attempt.headers = {name.lower(): value for name, value in response.headers.items()}
        return response

    def _opened(self) -> Any:  # noqa: ANN401 - aiohttp is imported late
        if self._session is None:
            import aiohttp

            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    def _proxy(self, url: str) -> str | None:
        """The proxy that the environment names for a host, as litellm takes it."""
        parts = urlsplit(url)
        place = f"{parts.scheme}://{parts.netloc}"
        if place not in self._routes:
            self._routes[place] = self._find_proxy(parts.scheme, parts.hostname or "")
        return self._routes[place]

    def _find_proxy(self, scheme: str, host: str) -> str | None:
        named = {
            name.lower().removesuffix("_proxy"): value
            for name, value in self._environment.items()
            if name.lower().endswith("_proxy") and value
        }
        if proxy_bypass_environment(host, {"no": named.get("no", "")}):
            return None
        proxy = named.get(scheme) or named.get("all")
        return f"http://{proxy}" if proxy and "://" not in proxy else proxy


@cache
def _security(certificates: str | None) -> ssl.SSLContext:
    import certifi  # noqa: PLC0415 - only where something is encrypted

    try:
        return ssl.create_default_context(cafile=certificates or certifi.where())
    except OSError as error:
        raise ProviderError(
            f"the certificates in {certificates} cannot be read: {error.strerror or error}"[:300],
            kind="bad_request",
            hint="SSL_CERT_FILE names them",
        ) from None
