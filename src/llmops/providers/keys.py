"""Keys: where they are looked for, which file may name them, and how they are kept out of sight."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from urllib.parse import quote

from msgspec import Struct

from llmops.domain.completion import Completion
from llmops.domain.config import Model
from llmops.domain.record import completion_from_json, completion_to_json
from llmops.errors import Fault, InvalidInputError
from llmops.location import Location

REDACTED = "[redacted]"
CUT = "…"
"""Stands at the end of a text that was cut."""
_SHORTEST_SECRET = 8
_SHORTEST_REST = 4

_ALLOWED = re.compile(r"[A-Z0-9_]*[A-Z0-9]_API_KEY|LLMOPS_[A-Z0-9_]+")
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*(.*)")
_SECRET_NAME = re.compile(r"(?:^|_)(?:API)?(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD)S?(?:_|$)")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}

_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "ai21": ("AI21_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "azure": ("AZURE_API_KEY", "AZURE_OPENAI_API_KEY"),
    "azure_ai": ("AZURE_AI_API_KEY",),
    "cerebras": ("CEREBRAS_API_KEY",),
    "codestral": ("CODESTRAL_API_KEY",),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"),
    "cohere_chat": ("COHERE_API_KEY", "CO_API_KEY"),
    "deepinfra": ("DEEPINFRA_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "fireworks_ai": ("FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY"),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "groq": ("GROQ_API_KEY",),
    "mistral": ("MISTRAL_API_KEY",),
    "moonshot": ("MOONSHOT_API_KEY",),
    "nvidia_nim": ("NVIDIA_NIM_API_KEY",),
    "openai": ("OPENAI_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY", "OR_API_KEY"),
    "perplexity": ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"),
    "replicate": ("REPLICATE_API_KEY", "REPLICATE_API_TOKEN"),
    "sambanova": ("SAMBANOVA_API_KEY",),
    "together_ai": ("TOGETHERAI_API_KEY", "TOGETHER_API_KEY", "TOGETHER_AI_API_KEY"),
    "xai": ("XAI_API_KEY",),
}
"""Environment variables that hold a provider's key, the usual one first."""

_BARE_NAMES = (
    (re.compile(r"gpt-|chatgpt-|o[1-9]\b"), "openai"),
    (re.compile(r"claude-"), "anthropic"),
)
"""Models that are known without their provider's name in front."""


class Dotenv(Struct, frozen=True, kw_only=True):
    """What a `.env` file says.

    Attributes:
        values: The variables it may set.
        ignored: Names of those it may not, in the file's order.
    """

    values: Mapping[str, str]
    ignored: tuple[str, ...]


def read_dotenv(data: bytes, path: str = ".env") -> dict[str, str]:
    """The variables that a `.env` file may set: `*_API_KEY` and `LLMOPS_*`.

    Raises:
        InvalidInputError: The file is no UTF-8, or a line is no `NAME=value`; all such lines.
    """
    return dict(parse_dotenv(data, path).values)


def parse_dotenv(data: bytes, path: str = ".env") -> Dotenv:
    """Read a `.env` file; nothing in it is expanded.

    Other names are ignored, because a base URL or a proxy set there would take keys elsewhere.

    Raises:
        InvalidInputError: The file is no UTF-8, or a line is no `NAME=value`; all such lines.
    """
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InvalidInputError(
            "the file is not UTF-8", at=Location(path), code="encoding", hint="save it as UTF-8"
        ) from None
    values: dict[str, str] = {}
    ignored: list[str] = []
    faults: list[Fault] = []
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        found = _LINE.fullmatch(stripped)
        value = _value(found[2]) if found else None
        if found is None or value is None:
            faults.append(_bad_line(Location(path, number)))
        elif _ALLOWED.fullmatch(found[1]):
            values[found[1]] = value
        else:
            ignored.append(found[1])
    if faults:
        raise InvalidInputError.of(faults)
    return Dotenv(values=values, ignored=tuple(ignored))


def secrets_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values of variables whose names say that they are secret, longest first.

    Values below 8 characters are left out: they stand in too many innocent texts.
    """
    found = {
        value.strip()
        for name, value in environment.items()
        if len(value.strip()) >= _SHORTEST_SECRET and _SECRET_NAME.search(name.upper())
    }
    return tuple(sorted(found, key=lambda value: (-len(value), value)))


def redact(text: str, secrets: Iterable[str]) -> str:
    """Replace every secret in a text, as it is and as it looks inside a URL or JSON."""
    for secret in secrets:
        for form in _forms(secret):
            text = text.replace(form, REDACTED)
    return text


def redact_cut(text: str, secrets: Iterable[str]) -> str:
    """The same for a text that was cut, maybe within a secret: what is left of that goes too.

    Args:
        text: It ends in an ellipsis where it was cut.
        secrets: Whole.
    """
    hidden = tuple(secrets)
    text = redact(text, hidden)
    begun = text.removesuffix(CUT)
    if begun == text:
        return text
    for form in (form for secret in hidden for form in _forms(secret)):
        for length in range(len(form) - 1, _SHORTEST_REST - 1, -1):
            if begun.endswith(form[:length]):
                return f"{begun[:-length]}{REDACTED}{CUT}"
    return text


def without_secrets(completion: Completion, secrets: Sequence[str]) -> Completion:
    """A completion in which no secret stands; itself, if none did."""
    if not secrets:
        return completion
    try:
        whole = json.dumps(completion_to_json(completion), ensure_ascii=False)
    except (TypeError, ValueError):
        return completion
    clean = whole
    for form in (form for secret in secrets for form in _forms_in_json(secret)):
        clean = clean.replace(form, REDACTED)
    return completion if clean == whole else completion_from_json(json.loads(clean))


def key_variables(model: Model) -> tuple[str, ...]:
    """The environment variables that may hold a model's key, the usual one first.

    Empty when the model needs none, or when nobody knows its name.
    """
    if not model.is_live:
        return ()
    if model.key is not None:
        return (model.key,)
    return () if model.api_base is not None else _VARIABLES.get(provider_of(model.name), ())


def key_variable(model: Model) -> str | None:
    """The best-known environment variable for a model's key, or None."""
    return next(iter(key_variables(model)), None)


def provider_of(name: str) -> str:
    """The provider in front of a model's name; empty when none is known."""
    prefix, slash, _rest = name.partition("/")
    if slash:
        return prefix
    return next((provider for bare, provider in _BARE_NAMES if bare.match(name)), "")


@cache
def _forms(secret: str) -> tuple[str, ...]:
    """A secret as it is, inside a URL and inside JSON, of which there are several ways."""
    if not secret:
        return ()
    written = [json.dumps(secret, ensure_ascii=ascii_)[1:-1] for ascii_ in (False, True)]
    slashed = [text.replace("/", "\\/") for text in written]
    return tuple(dict.fromkeys((secret, quote(secret, safe=""), *written, *slashed)))


@cache
def _forms_in_json(secret: str) -> tuple[str, ...]:
    """The same as texts of a JSON document hold them."""
    return tuple(json.dumps(form, ensure_ascii=False)[1:-1] for form in _forms(secret))


def _value(written: str) -> str | None:
    """A value without its quotes, or None when a quote is left open."""
    quote_mark = written[:1]
    if quote_mark not in {"'", '"'}:
        return re.split(r"\s#", f" {written}", maxsplit=1)[0].strip()
    body = re.fullmatch(
        rf"{quote_mark}((?:\\.|[^{quote_mark}\\])*){quote_mark}\s*(?:#.*)?", written
    )
    if quote_mark == "'":
        body = re.fullmatch(r"'([^']*)'\s*(?:#.*)?", written)
    if body is None:
        return None
    if quote_mark == "'":
        return body[1]
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), body[1])


def _bad_line(at: Location) -> Fault:
    # The line itself is not quoted: it may hold half a key.
    return Fault(
        code="dotenv", message="the line is no NAME=value", at=at, hint="quote it or remove it"
    )
