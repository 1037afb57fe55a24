"""What an application returned in, a completion out."""

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from llmops.domain.completion import Completion, ToolCall, Usage
from llmops.domain.record import completion_from_json, completion_to_json
from llmops.errors import ProviderError
from llmops.providers.bodies import LARGEST_BODY

ENVELOPE = frozenset({"output", "cost", "usage", "model", "tool_calls", "finish_reason"})
"""The keys of a mapping that says more than the output. It has `output` and none but these."""

_USAGE = frozenset({"input", "output", "cached", "cache_written", "reasoning"})


def completion_of(value: object, latency: float) -> Completion:
    """Turn what an application returned into a completion.

    Text is the text. A mapping with the key `output` and otherwise only keys of `ENVELOPE` says
    more than the output. Every other JSON value is kept as `output`, and its JSON is the text.

    Args:
        value: What it returned.
        latency: Seconds.

    Raises:
        ProviderError: It returned nothing, something that JSON has no form for, or more than
            8 Mi characters (`too_large`).
    """
    completion = _completion_of(value, latency)
    if len(completion.text) > LARGEST_BODY:
        raise ProviderError(
            f"the application returned more than {LARGEST_BODY / 2**20:g} Mi characters",
            kind="too_large",
            hint="return less, or a reference to it",
        )
    return completion


def _completion_of(value: object, latency: float) -> Completion:
    if isinstance(value, Completion):
        return _checked(value)
    if isinstance(value, Mapping) and "output" in value and ENVELOPE.issuperset(value):
        return _opened(value, latency)
    text, output = _text_and_output(value)
    return Completion(text=text, output=output, latency=latency)


def parse_json(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON, strictly.

    Raises:
        ValueError: It is no JSON, or nested too deep; NaN and infinities are no JSON.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        msg = "it is nested too deep"
        raise ValueError(msg) from None


def _refuse(name: str) -> NoReturn:
    msg = f"{name} is no JSON number"
    raise ValueError(msg)


def _opened(envelope: Mapping[str, object], latency: float) -> Completion:
    text, output = _text_and_output(envelope["output"])
    model, reason = envelope.get("model"), envelope.get("finish_reason")
    return Completion(
        text=text,
        output=output,
        latency=latency,
        cost=_cost(envelope.get("cost")),
        usage=_usage(envelope.get("usage")),
        tool_calls=_tool_calls(envelope.get("tool_calls")),
        model=str(model) if model is not None else None,
        finish_reason=str(reason) if reason is not None else None,
    )


def _checked(completion: Completion) -> Completion:
    """A completion that can be kept and read again."""
    try:
        return completion_from_json(json.loads(json.dumps(completion_to_json(completion))))
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise _bad(f"the application returned a completion that cannot be: {error}") from None


def _text_and_output(value: object) -> tuple[str, object]:
    if isinstance(value, str):
        return value, None
    if value is None:
        raise _bad("the application returned nothing")
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise _bad(f"the application returned what is no JSON: {error}") from None
    return text, json.loads(text)


def _cost(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and math.isfinite(value) and value >= 0:
        return float(value)
    raise _bad("'cost' must be a number of US dollars")


def _usage(value: object) -> Usage:
    if value is None:
        return Usage()
    counted = value if isinstance(value, Mapping) else {"": None}
    whole = all(type(count) is int and count >= 0 for count in counted.values())
    if not _USAGE.issuperset(counted) or not whole:
        raise _bad(f"'usage' must be a mapping of numbers with {', '.join(sorted(_USAGE))}")
    return Usage(**counted, source="provider")


def _tool_calls(value: object) -> tuple[ToolCall, ...]:
    if value is None:
        return ()
    calls: list[Any] = list(value) if isinstance(value, list | tuple) else [value]
    if not all(isinstance(call, Mapping) and isinstance(call.get("name"), str) for call in calls):
        raise _bad("'tool_calls' must be a list of {name, arguments}")
    return tuple(
        ToolCall(name=call["name"], arguments=_arguments(call.get("arguments", {})))
        for call in calls
    )


def _arguments(value: object) -> str:
    return value if isinstance(value, str) else _text_and_output(value)[0]


def _bad(message: str) -> ProviderError:
    return ProviderError(
        message[:300],
        kind="bad_response",
        hint="return text, JSON values, or {'output': …} with cost, usage, model or tool_calls",
    )
