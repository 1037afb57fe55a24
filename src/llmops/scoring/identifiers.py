"""Personal identifiers found in a text by patterns and checksums, in time linear to its length."""

import re
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address
from typing import Literal, get_args

from msgspec import Struct

PersonalKind = Literal["email", "phone", "iban", "credit_card", "ssn", "ip"]
KINDS: tuple[PersonalKind, ...] = get_args(PersonalKind)


class Finding(Struct, frozen=True, kw_only=True):
    """Something personal that was found.

    Attributes:
        kind: What it is.
        text: As it stands in the output.
    """

    kind: str
    text: str


def find_all(text: str, kinds: Iterable[PersonalKind] = KINDS) -> Iterator[Finding]:
    """Find identifiers, kind by kind. What is part of a longer run of digits is none."""
    for kind in kinds:
        for written in _FINDERS[kind](text):
            yield Finding(kind=kind, text=written)


_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[^\W_][\w-]{0,62}\.){1,8}[^\W\d_]{2,24}")
_PHONE = re.compile(
    r"(?<![\w+])(?:(?:\+|(?<!\d[ -])00)[1-9](?:[ ./-]?\(?\d\)?){6,14}(?!\d)"
    r"|\(\d{3}\) ?\d{3}[ .-]\d{4}(?![\w-])|(?<![.-])\d{3}([.-])\d{3}\1\d{4}(?![\w-]))"
)
_IBAN_START = re.compile(r"(?<![^\W_])[A-Za-z]{2}\d{2}(?=[ -]?[A-Za-z0-9])", re.ASCII)
_IBAN_LENGTHS = """
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29
ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20
LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25
QA29 RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20
"""
_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _IBAN_LENGTHS.split()}
_CARD = re.compile(
    r"(?<!\w)(?=(\d{4}([ -])\d{4}\2\d{4}\2\d{4}(?:\2\d{3})?|\d{4}([ -])\d{6}\3\d{5}|\d{13,19})(?!\w))"
)
_NETWORK = re.compile(r"4|5[1-5]|2[2-7]|3[04-9]|6")
_SSN = re.compile(r"(?<![\w-])(\d{3})-(\d{2})-(\d{4})(?![\w-])")
_ADDRESS = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\w)"
    r"|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?![\w:]))"
)


def _emails(text: str) -> Iterator[str]:
    return (found[0].lstrip(".+%-") for found in _EMAIL.finditer(text))


def _phones(text: str) -> Iterator[str]:
    return (found[0] for found in _PHONE.finditer(text))


def _ibans(text: str) -> Iterator[str]:
    for found in _IBAN_START.finditer(text):
        length = _LENGTHS.get(found[0][:2].upper())
        written = _take(text, found.start(), length) if length else None
        if written and _has_right_remainder(_bare(written)):
            yield written


def _take(text: str, start: int, length: int) -> str | None:
    """A number of letters and digits from a place on, single spaces and hyphens passed over."""
    end, taken = start, 0
    while taken < length and end < len(text):
        one = text[end]
        if one.isascii() and one.isalnum():
            taken += 1
        elif one not in " -" or text[end - 1] in " -":
            return None
        end += 1
    whole = taken == length and not text[end : end + 1].isalnum()
    return text[start:end] if whole else None


def _bare(text: str) -> str:
    return text.replace(" ", "").replace("-", "")


def _has_right_remainder(iban: str) -> bool:
    return int("".join(str(int(one, 36)) for one in iban[4:] + iban[:4])) % 97 == 1


def _cards(text: str) -> Iterator[str]:
    for found in _CARD.finditer(text):
        digits = _bare(found[1])
        if _NETWORK.match(digits) and len(set(digits)) > 1 and _has_right_sum(digits):
            yield found[1]


def _has_right_sum(digits: str) -> bool:
    """Whether Luhn's checksum is right."""
    doubled = [int(one) * (1 + place % 2) for place, one in enumerate(reversed(digits))]
    return sum(one - 9 if one > 9 else one for one in doubled) % 10 == 0


def _ssns(text: str) -> Iterator[str]:
    for found in _SSN.finditer(text):
        area, group, serial = found.groups()
        if area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000":
            yield found[0]


def _addresses(text: str) -> Iterator[str]:
    return (found[0] for found in _ADDRESS.finditer(text) if _is_public(found[0]))


def _is_public(text: str) -> bool:
    try:
        return ip_address(text).is_global
    except ValueError:
        return False


_FINDERS: dict[PersonalKind, Callable[[str], Iterator[str]]] = {
    "email": _emails,
    "phone": _phones,
    "iban": _ibans,
    "credit_card": _cards,
    "ssn": _ssns,
    "ip": _addresses,
}
