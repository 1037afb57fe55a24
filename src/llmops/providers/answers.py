"""litellm's answers in, completions out."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from llmops.domain.completion import Completion, ToolCall, Usage
from llmops.domain.config import Model
from llmops.errors import ProviderError
from llmops.providers.guard import Attempt
from llmops.providers.prices import price_of

_COUNTED = re.compile(
    rb'(?<!\\)"(usage|usageMetadata|usage_metadata|prompt_eval_count|eval_count|tokens'
    rb'|billed_units|token_usage|inputTextTokenCount)"\s*:'
)
MOST_TOKENS = 10**12
"""More than that was never counted; a sum of such numbers is still exact as a float."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_answer(answer: Any, attempt: Attempt, model: Model, latency: float) -> Completion:  # noqa: ANN401 - litellm is untyped
    """Turn litellm's answer into a completion.

    Args:
        answer: What `acompletion` returned.
        attempt: What the guard saw, from which it is known who counted the tokens.
        model: For its price.
        latency: Seconds.

    Raises:
        ProviderError: There is no choice in it (`bad_response`).
        ValueError: Its tokens are no such numbers.
    """
    choices = getattr(answer, "choices", None)
    if not choices:
        raise ProviderError(
            "the answer holds no choice", kind="bad_response", status=attempt.status
        )
    choice = choices[0]
    message = choice.message
    usage = _usage(getattr(answer, "usage", None), attempt)
    return Completion(
        text=_text(message),
        tool_calls=_tool_calls(message),
        reasoning=clean(getattr(message, "reasoning_content", None)) or None,
        finish_reason=getattr(choice, "finish_reason", None),
        usage=usage,
        cost=_cost(answer, usage, model),
        latency=latency,
        model=clean(_reported(answer)) or None,
        fingerprint=clean(getattr(answer, "system_fingerprint", None)) or None,
        logprobs=plain_json(getattr(choice, "logprobs", None)),
    )


def _text(message: Any) -> str:  # noqa: ANN401 - litellm is untyped
    """The content; the words of a refusal where there is none."""
    content = message.content
    if not content:
        fields = getattr(message, "provider_specific_fields", None) or {}
        content = getattr(message, "refusal", None) or fields.get("refusal")
    return clean(content)


def _tool_calls(message: Any) -> tuple[ToolCall, ...]:  # noqa: ANN401 - litellm is untyped
    calls = [(call.function, call.id) for call in getattr(message, "tool_calls", None) or ()]
    lone = getattr(message, "function_call", None)
    if lone and not calls:
        calls = [(lone, None)]
    return tuple(
        ToolCall(
            name=clean(function.name),
            arguments=clean(function.arguments),
            id=clean(identity) or None,
        )
        for function, identity in calls
    )


def _usage(counted: Any, attempt: Attempt) -> Usage:  # noqa: ANN401 - litellm is untyped
    """The tokens. litellm fills in 0 or a guess where a provider counted nothing."""
    read = getattr(counted, "prompt_tokens", None) or 0
    written = getattr(counted, "completion_tokens", None) or 0
    if not read and not written:
        return Usage()
    seen = attempt.status is not None
    by_provider = not seen or _COUNTED.search(attempt.body) is not None
    usage = Usage(
        input=read,
        output=written,
        cached=_detail(counted, "prompt_tokens_details", "cached_tokens"),
        cache_written=_detail(counted, "prompt_tokens_details", "cache_write_tokens"),
        reasoning=_detail(counted, "completion_tokens_details", "reasoning_tokens"),
        source="provider" if by_provider else "estimated",
    )
    counts = (usage.input, usage.output, usage.cached, usage.cache_written, usage.reasoning)
    if not all(0 <= count <= MOST_TOKENS for count in counts if count is not None):
        msg = "'usage' holds what is no number of tokens"
        raise ValueError(msg)
    return usage


def _detail(counted: Any, group: str, name: str) -> int | None:  # noqa: ANN401 - litellm is untyped
    value = getattr(getattr(counted, group, None), name, None)
    return value if isinstance(value, int) else None


def _cost(answer: Any, usage: Usage, model: Model) -> float | None:  # noqa: ANN401 - litellm is untyped
    """US dollars; None unless the provider counted the tokens or named the cost."""
    if usage.source != "provider":
        return None
    if model.price is not None:
        return price_of(usage, model.price)
    hidden = getattr(answer, "_hidden_params", None) or {}
    cost = hidden.get("response_cost")
    if not isinstance(cost, int | float) or not math.isfinite(cost) or cost < 0:
        return None
    return float(cost)


def _reported(answer: Any) -> str | None:  # noqa: ANN401 - litellm is untyped
    hidden = getattr(answer, "_hidden_params", None) or {}
    reported = hidden.get("provider_response_model") or getattr(answer, "model", None)
    return reported if isinstance(reported, str) else None


def clean(text: object) -> str:
    """Text that can be written as UTF-8: a lone surrogate becomes U+FFFD."""
    if not isinstance(text, str):
        return ""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def plain_json(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A value of litellm's as plain JSON values; what JSON has no form for becomes None."""
    if hasattr(value, "model_dump"):
        value = value.model_dump()
    if isinstance(value, Mapping):
        return {clean(str(key)): plain_json(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain_json(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return clean(value)
    return value if isinstance(value, bool | int) else None
