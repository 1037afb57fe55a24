"""Anthropic's messages: a request out, an answer in."""

import json
from collections.abc import Mapping
from typing import Any

from llmops.domain.completion import Completion, Request, ToolCall, Usage
from llmops.domain.config import Model
from llmops.domain.node import plain
from llmops.providers.answers import clean
from llmops.providers.direct.certainty import (
    Call,
    UncertainError,
    base_of,
    called_function,
    function_of,
    known,
    name_of,
    sure,
    text_of,
    text_part,
    written,
)
from llmops.providers.direct.cost import Counted, cost_of
from llmops.providers.direct.reading import count, finish_of, mapping, optional_text, sequence
from llmops.providers.price_list import listed_entry

HOST = "https://api.anthropic.com"
_VERSION = "2023-06-01"
_BASES = ("ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL")
_SAMPLING = frozenset({"temperature", "top_p", "top_k"})
_LENGTH = ("max_tokens", "max_completion_tokens")
_SCHEMA = frozenset({"type", "properties", "required", "additionalProperties"})
_CHOICES: Mapping[str, Mapping[str, str]] = {
    "auto": {"type": "auto"},
    "none": {"type": "none"},
    "required": {"type": "any"},
}
_ROLES = frozenset({"system", "user", "assistant", "tool"})
_LOGIN_BY_TOKEN = "sk-ant-oat"  # noqa: S105 - the beginning of a kind of key, no key
_CALLS = ("tool_use", "server_tool_use")
_EVERYWHERE = frozenset({"global", "not_available"})


def make_call(request: Request, model: Model, key: str, environment: Mapping[str, str]) -> Call:
    """Write a request as litellm would write it.

    Raises:
        UncertainError: litellm might write it otherwise.
    """
    name = request.model.removeprefix("anthropic/")
    entry = listed_entry(f"anthropic/{name}")
    sure(not key.startswith(_LOGIN_BY_TOKEN) and not environment.get("ANTHROPIC_AUTH_TOKEN"))
    sure("claude" in name and "/" not in name and request.response_format is None)
    sure(entry.get("mode", "chat") == "chat" and not entry.get("thinking_always_on"))
    system, rest = _system_first(request.messages)
    body: dict[str, Any] = {"model": name, "messages": _messages(rest)}
    if system:
        body["system"] = [{"type": "text", "text": text} for text in system]
    body |= _parameters(request.parameters, entry)
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.tool_choice is not None:
        sure(request.tools)
        body["tool_choice"] = _tool_choice(request.tool_choice, entry)
    headers = {"x-api-key": key, "anthropic-version": _VERSION}
    return Call(url=_url(model, environment), headers=headers, body=written(body))


def read_answer(
    answer: Mapping[str, Any], request: Request, model: Model, latency: float = 0.0
) -> Completion:
    """Turn an answer that took so many seconds into a completion.

    Raises:
        ValueError: It cannot be understood.
    """
    if "error" in answer:
        msg = f"it is an error: {answer['error']}"
        raise ValueError(msg)
    blocks = [mapping(block, "a block") for block in sequence(answer.get("content"), "content")]
    thoughts = [_said(block, "thinking") for block in blocks if block.get("type") == "thinking"]
    reported = optional_text(answer["model"], "model") if "model" in answer else None
    usage, cost = _usage_and_cost(answer, request, model, reported, thinking=bool(thoughts))
    return Completion(
        text=clean(
            "".join(_said(block, "text") for block in blocks if block.get("type") == "text")
        ),
        tool_calls=tuple(_tool_call(block) for block in blocks if _is_call(block)),
        reasoning=clean("".join(thoughts)) or None,
        finish_reason=_finish(answer, called=any(_is_call(block) for block in blocks)),
        usage=usage,
        cost=cost,
        latency=latency,
        model=clean(reported) or None,
    )


def _url(model: Model, environment: Mapping[str, str]) -> str:
    named = next((environment[name] for name in _BASES if environment.get(name)), HOST)
    return f"{base_of(model.api_base or named, ('/v1', '/messages'))}/v1/messages"


def _system_first(
    messages: tuple[Mapping[str, object], ...],
) -> tuple[list[str], list[Mapping[str, object]]]:
    """The system's words, and the messages after them."""
    rest = list(messages)
    system = []
    while rest and rest[0].get("role") == "system":
        system.append(text_of(known(rest.pop(0), {"role", "content"}).get("content")))
    # What litellm puts in where a conversation is cut short is left to it.
    sure(rest and rest[0].get("role") == "user" and rest[-1].get("role") != "assistant")
    return system, rest


def _messages(messages: list[Mapping[str, object]]) -> list[dict[str, Any]]:
    """Messages with their roles in turn: what one side says in a row becomes one message."""
    made: list[dict[str, Any]] = []
    for message in messages:
        role, blocks = _turn(message)
        if made and made[-1]["role"] == role:
            sure(role == "user")
            made[-1]["content"] += blocks
        else:
            made.append({"role": role, "content": blocks})
    return made


def _turn(message: Mapping[str, object]) -> tuple[str, list[dict[str, Any]]]:
    role = message.get("role")
    if role == "user":
        content = known(message, {"role", "content"}).get("content")
        parts = content if isinstance(content, list | tuple) else ()
        texts = [text_part(part) for part in parts] if parts else [text_of(content)]
        return "user", [{"type": "text", "text": text} for text in texts]
    if role == "tool":
        fields = known(message, {"role", "content", "tool_call_id"})
        content, identity = text_of(fields.get("content")), name_of(fields.get("tool_call_id"))
        return "user", [{"type": "tool_result", "tool_use_id": identity, "content": content}]
    sure(role == "assistant")
    return "assistant", _assistant(known(message, {"role", "content", "tool_calls"}))


def _assistant(fields: Mapping[str, object]) -> list[dict[str, Any]]:
    calls = fields.get("tool_calls", ())
    if not isinstance(calls, list | tuple):
        raise UncertainError
    content = fields.get("content")
    blocks: list[dict[str, Any]] = []
    if content is not None or not calls:
        blocks.append({"type": "text", "text": text_of(content)})
    return blocks + [_tool_use(call) for call in calls]


def _tool_use(call: object) -> dict[str, Any]:
    identity, name, arguments = called_function(call)
    try:
        given = json.loads(arguments)
    except (ValueError, RecursionError):
        raise UncertainError from None
    sure(isinstance(given, dict))
    return {"type": "tool_use", "id": identity, "name": name, "input": given}


def _parameters(parameters: Mapping[str, object], entry: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in parameters.items():
        sure(value is not None)
        if name in _LENGTH:
            sure(isinstance(value, int) and not isinstance(value, bool))
            sure("max_tokens" not in made)
            made["max_tokens"] = value
        elif name == "stop":
            made["stop_sequences"] = [value] if isinstance(value, str) else plain(value)
        else:
            sure(name in _SAMPLING and entry.get("supports_sampling_params", True))
            made[name] = plain(value)
    if "max_tokens" not in made:
        limit = entry.get("max_output_tokens")
        sure(isinstance(limit, int) and limit == entry.get("max_tokens"))
        made["max_tokens"] = limit
    return made


def _tool(tool: Mapping[str, object]) -> dict[str, Any]:
    function = function_of(tool)
    schema = known(function.get("parameters", {"type": "object", "properties": {}}), _SCHEMA)
    sure(schema.get("type") == "object" and "properties" in schema)
    made: dict[str, Any] = {"name": function["name"], "input_schema": plain(schema)}
    made["type"] = "custom"
    if "description" in function:
        made["description"] = text_of(function["description"])
    return made


def _tool_choice(choice: object, entry: Mapping[str, Any]) -> dict[str, str]:
    sure(choice in ("auto", "none") or entry.get("supports_forced_tool_use", True))
    if isinstance(choice, str):
        sure(choice in _CHOICES)
        return dict(_CHOICES[choice])
    fields = known(choice, {"type", "function"})
    sure(fields.get("type") == "function")
    return {"type": "tool", "name": name_of(known(fields.get("function"), {"name"}).get("name"))}


def _said(block: Mapping[str, Any], kind: str) -> str:
    return optional_text(block.get(kind), kind) or ""


def _is_call(block: Mapping[str, Any]) -> bool:
    return block.get("type") in _CALLS


def _tool_call(block: Mapping[str, Any]) -> ToolCall:
    return ToolCall(
        name=clean(optional_text(block.get("name"), "name")),
        arguments=clean(json.dumps(block.get("input"))),
        id=clean(optional_text(block.get("id"), "id")) or None,
    )


def _finish(answer: Mapping[str, Any], *, called: bool) -> str:
    del called
    if "stop_reason" not in answer:
        msg = "'stop_reason' is missing"
        raise ValueError(msg)
    return finish_of(answer["stop_reason"])


def _usage_and_cost(
    answer: Mapping[str, Any],
    request: Request,
    model: Model,
    reported: str | None,
    *,
    thinking: bool,
) -> tuple[Usage, float | None]:
    said = mapping(answer.get("usage"), "usage")
    cached = count(said.get("cache_read_input_tokens"), "cache_read_input_tokens")
    wrote = count(said.get("cache_creation_input_tokens"), "cache_creation_input_tokens")
    output = count(said.get("output_tokens"), "output_tokens")
    usage = Usage(
        input=count(said.get("input_tokens"), "input_tokens") + cached + wrote,
        output=output,
        cached=cached,
        cache_written=wrote,
        reasoning=_thinking_tokens(said, output, thinking=thinking),
        source="provider",
    )
    if not usage.input and not usage.output:
        return Usage(), None
    kept = mapping(said.get("cache_creation") or {}, "cache_creation")
    counted = Counted(
        usage=usage,
        cache_written_hour=count(kept.get("ephemeral_1h_input_tokens"), "cache_creation"),
        tier=said.get("service_tier"),
        factors=_factors(said),
        # Tools of the provider's own and rounds within one answer are paid for in other ways.
        plain=not said.get("server_tool_use") and not said.get("iterations"),
    )
    return usage, cost_of(counted, "anthropic", (reported, request.model), model.price)


def _thinking_tokens(said: Mapping[str, Any], output: int, *, thinking: bool) -> int | None:
    """Tokens of thinking; None where there was some and nobody counted."""
    details = said.get("output_tokens_details") or {}
    told = details.get("thinking_tokens") if isinstance(details, Mapping) else None
    if told is not None:
        return min(max(0, count(told, "thinking_tokens")), output)
    return None if thinking else 0


def _factors(said: Mapping[str, Any]) -> tuple[str, ...]:
    place, speed = said.get("inference_geo"), said.get("speed")
    where = place.lower() if isinstance(place, str) else "global"
    found = [] if where in _EVERYWHERE else [where]
    return (*found, "fast") if speed == "fast" else tuple(found)
