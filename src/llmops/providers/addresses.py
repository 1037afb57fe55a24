"""Which network addresses an application under test must not stand at."""

import ipaddress
import socket
from typing import Any

from llmops.errors import ProviderError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA = frozenset(
    ipaddress.ip_address(address)
    for address in ("169.254.169.254", "100.100.100.200", "192.0.0.192", "fd00:ec2::254")
)
"""Where clouds hand out the machine's own credentials."""

_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


def is_refused(address: str) -> bool:
    """Whether an IP address is link-local, a cloud's metadata service, or no host at all.

    Addresses of this machine and of private networks are allowed: that is where applications
    under test stand.
    """
    try:
        parsed: Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    parsed = _unwrapped(parsed)
    return (
        parsed in _METADATA
        or parsed.is_link_local
        or parsed.is_multicast
        or (parsed.is_unspecified)
    )


def refusal(host: str) -> ProviderError:
    """The complaint about a refused address."""
    return ProviderError(
        f"'{host}' is a link-local or metadata address, which is never asked"[:300],
        kind="bad_request",
        hint="name the application's own address",
    )


def checking_resolver() -> Any:  # noqa: ANN401 - aiohttp is imported late
    """A resolver for aiohttp that refuses names which stand for a refused address.

    What it returns is what is connected to, so a name cannot change its mind in between.
    """
    from aiohttp.abc import AbstractResolver, ResolveResult
    from aiohttp.resolver import ThreadedResolver

    class CheckingResolver(AbstractResolver):
        def __init__(self) -> None:
            self._inner = ThreadedResolver()

        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
        ) -> list[ResolveResult]:
            found = await self._inner.resolve(host, port, family)
            if any(is_refused(result["host"]) for result in found):
                raise refusal(host)
            return found

        async def close(self) -> None:
            await self._inner.close()

    return CheckingResolver()


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that stands inside an IPv6 one."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in _TRANSLATED:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
