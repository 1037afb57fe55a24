"""A model that follows a script: for examples, demonstrations and tests, without a network."""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from llmops.domain.completion import Completion, Request
from llmops.domain.config import Model
from llmops.domain.node import Node
from llmops.errors import ProviderError
from llmops.providers.prices import price_of
from llmops.providers.script import Condition, Reply, Rule, Script, ScriptedError, read_script

_PATTERN_SECONDS = 1.0
_ONE_ROLE = frozenset({"system", "user", "assistant", "tool"})


class ScriptedProvider:
    """Answers by the first rule that holds. The same request gets the same answer, always."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._played: dict[tuple[int, str], int] = {}

    @classmethod
    def from_node(cls, node: Node) -> "ScriptedProvider":
        """Make one from what stands in a script's file.

        Raises:
            InvalidInputError: All that is wrong with it.
        """
        return cls(read_script(node))

    async def open(self) -> None:
        """Nothing has to be got ready."""

    async def complete(self, request: Request, *, model: Model, sample: int) -> Completion:
        """Answer by the script.

        Raises:
            ProviderError: A rule says so, or no rule holds (`bad_request`).
        """
        for number, rule in enumerate(self._script.rules):
            if not _holds(rule.when, request):
                continue
            if rule.probability < 1 and not self._chance(number, rule, request, sample):
                continue
            if rule.error is not None and self._fails(number, rule.error, request, sample):
                raise _error(rule.error)
            if rule.echo:
                said = Completion(text=_last_words(request), finish_reason="stop")
                return _priced(said, model)
            if rule.replies:
                return await _answer(rule.replies[sample % len(rule.replies)], model)
        raise ProviderError(
            f"no rule of the script fits the request: '{_last_words(request)[:80]}'",
            kind="bad_request",
            hint="add a rule or a 'default' to the script",
        )

    async def close(self) -> None:
        """Nothing is open."""

    def _chance(self, number: int, rule: Rule, request: Request, sample: int) -> bool:
        """Whether a rule that holds now and then holds now: by the request, not by luck."""
        drawn = f"{self._script.seed}:{number}:{request.digest(sample)}".encode()
        share = int.from_bytes(hashlib.sha256(drawn).digest()[:7], "big") / (1 << 56)
        return share < rule.probability

    def _fails(self, number: int, error: ScriptedError, request: Request, sample: int) -> bool:
        if error.times is None:
            return True
        key = number, request.digest(sample)
        self._played[key] = self._played.get(key, 0) + 1
        return self._played[key] <= error.times


async def _answer(reply: Reply, model: Model) -> Completion:
    completion = reply.completion
    if reply.wait:
        await asyncio.sleep(completion.latency)
    return completion if completion.cost is not None else _priced(completion, model)


def _priced(completion: Completion, model: Model) -> Completion:
    """A script is free; a price is for showing what another model would cost."""
    cost = 0.0 if model.price is None else price_of(completion.usage, model.price)
    return completion if cost is None else replace(completion, cost=cost)


def _error(error: ScriptedError) -> ProviderError:
    return ProviderError(
        error.message, kind=error.kind, status=error.status, retry_after=error.retry_after
    )


def _holds(when: Condition, request: Request) -> bool:
    if when.model is not None and when.model != request.model:
        return False
    if when.role in _ONE_ROLE and all(m.get("role") != when.role for m in request.messages):
        return False
    if not when.contains and when.equals is None and when.matches is None:
        return True
    text = _looked_at(when, request)
    folded = text.casefold() if when.ignore_case else text
    if not all(_folded(part, when) in folded for part in when.contains):
        return False
    if when.equals is not None and _folded(when.equals, when).strip() != folded.strip():
        return False
    return when.matches is None or _found(when, text)


def _folded(text: str, when: Condition) -> str:
    return text.casefold() if when.ignore_case else text


def _found(when: Condition, text: str) -> bool:
    try:
        return when.matches is not None and bool(
            when.matches.search(text, timeout=_PATTERN_SECONDS)
        )
    except TimeoutError:
        raise ProviderError(
            "a pattern of the script takes too long", kind="bad_request", hint="make it simpler"
        ) from None


def _looked_at(when: Condition, request: Request) -> str:
    if when.role is None:
        return _last_words(request)
    return "\n".join(
        _content(message)
        for message in request.messages
        if when.role in {"any", message.get("role")}
    )


def _last_words(request: Request) -> str:
    """What the user said last."""
    said = (m for m in reversed(request.messages) if m.get("role") == "user")
    return next((_content(message) for message in said), "")


def _content(message: Mapping[str, object]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(_parts(content)) if isinstance(content, Sequence) else ""


def _parts(content: Sequence[object]) -> Iterator[str]:
    for part in content:
        text = part.get("text") if isinstance(part, Mapping) else None
        if isinstance(text, str):
            yield text
