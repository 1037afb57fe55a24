"""A request to a model, and the completion that came back."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

UsageSource = Literal["provider", "estimated", "none"]
"""Who counted the tokens. Only what the provider counted is ever called a fact."""


_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def canonical_json(value: object) -> str:
    """Write a value as JSON in the one form that is hashed: sorted keys, no spaces.

    Half a character (a lone surrogate) is written as an escape, so UTF-8 can always hold it.

    Raises:
        ValueError: The value holds NaN or an infinity.
        TypeError: The value holds something JSON has no form for.
    """
    return escape_surrogates(_CANONICAL.encode(value))


def escape_surrogates(text: str) -> str:
    """Write the lone surrogates of a JSON text as escapes; everything else stays."""
    if text.isascii():
        return text
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class Request(Struct, frozen=True, kw_only=True, gc=False):  # nothing it holds leads back to it
    """Everything that is sent, before authentication is attached.

    Attributes:
        model: The provider's name for the model, such as `openai/gpt-4.1-mini`.
        messages: In OpenAI's chat shape.
        parameters: Temperature and the like.
        tools: Function schemas in OpenAI's shape.
        response_format: In OpenAI's shape, from the prompt's `output`.
    """

    model: str
    messages: tuple[Mapping[str, object], ...]
    parameters: Mapping[str, object] = field(default_factory=dict)
    tools: tuple[Mapping[str, object], ...] = ()
    tool_choice: object = None
    response_format: Mapping[str, object] | None = None

    def as_json(self) -> dict[str, object]:
        """The request as plain JSON values; what is empty is left out."""
        whole: dict[str, object] = {"model": self.model, "messages": list(self.messages)}
        if self.parameters:
            whole["parameters"] = dict(self.parameters)
        if self.tools:
            whole["tools"] = list(self.tools)
        if self.tool_choice is not None:
            whole["tool_choice"] = self.tool_choice
        if self.response_format is not None:
            whole["response_format"] = dict(self.response_format)
        return whole

    def digest(self, sample: int = 0) -> str:
        """SHA-256 of the request and the sample's number, in 64 hex digits.

        The host is no part of it: the same words to the same model are the same question.
        """
        return hashlib.sha256(canonical_json([self.as_json(), sample]).encode()).hexdigest()


class ToolCall(Struct, frozen=True, kw_only=True):
    """A function the model wants called.

    Attributes:
        name: The function.
        arguments: As the model wrote them: text, which may be no JSON.
    """

    name: str
    arguments: str
    id: str | None = None


class Usage(Struct, frozen=True, kw_only=True, gc=False):  # nothing it holds leads back to it
    """Tokens of one completion; None where nobody counted.

    Attributes:
        input: Tokens read, the cached ones and those put into the cache included.
        output: Tokens written, the reasoning ones included.
        cached: Tokens of the input that the provider had cached.
        cache_written: Tokens of the input that the provider put into its cache.
        reasoning: Tokens of the output that were reasoning.
        source: Who counted.
    """

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    cache_written: int | None = None
    reasoning: int | None = None
    source: UsageSource = "none"


class Completion(Struct, frozen=True, kw_only=True):
    """What a model said.

    Attributes:
        text: The answer; empty text is a state of its own and is shown as such.
        output: What a target returned when it was no text; None otherwise.
        reasoning: Reasoning text, if the provider hands it out.
        finish_reason: `stop`, `length`, `tool_calls`, `content_filter` or the provider's word.
        usage: Tokens.
        cost: US dollars; None means unknown, which is never 0.
        latency: Seconds from sending to the last byte, of the attempt that succeeded.
        model: The model id that the provider reported.
        fingerprint: The provider's word for its configuration.
        logprobs: As the provider sent them.
    """

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    output: object = None
    reasoning: str | None = None
    finish_reason: str | None = None
    usage: Usage = Usage()
    cost: float | None = None
    latency: float = 0.0
    model: str | None = None
    fingerprint: str | None = None
    logprobs: object = None


def output_text(completion: Completion) -> str:
    """What a completion says, as text: its words, what a target returned, the calls it asks for."""
    parts = [completion.text] if completion.text else []
    if completion.output is not None:
        parts.append(as_text(completion.output))
    parts += [f"{call.name}({call.arguments})" for call in completion.tool_calls]
    return "\n".join(parts)


def as_text(value: object) -> str:
    """A value as people read it: text as it is, the rest as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
