"""OpenAI's chat completions: a request out, an answer in."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from llmops.domain.completion import Completion, Request, ToolCall, Usage
from llmops.domain.config import Model
from llmops.domain.node import plain
from llmops.errors import ProviderError
from llmops.providers.answers import clean, plain_json
from llmops.providers.direct.certainty import (
    Call,
    UncertainError,
    base_of,
    called_function,
    function_of,
    known,
    sure,
    text_of,
    text_part,
    written,
)
from llmops.providers.direct.cost import Counted, cost_of
from llmops.providers.direct.reading import (
    count,
    finish_of,
    mapping,
    optional_text,
    sequence,
    split_thought,
)
from llmops.providers.price_list import listed_entry

HOST = "https://api.openai.com/v1"
_BASES = ("OPENAI_BASE_URL", "OPENAI_API_BASE")
_ACCOUNT = ("OPENAI_ORGANIZATION", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_CUSTOM_HEADERS")

_PLAIN = frozenset(
    {"frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "max_tokens",
     "max_completion_tokens", "presence_penalty", "seed", "stop", "temperature", "top_p",
     "parallel_tool_calls"}
)  # fmt: skip
_REASONING = frozenset({"max_tokens", "max_completion_tokens", "seed", "reasoning_effort"})
_EFFORTS = frozenset({"low", "medium", "high"})
_REASONS = re.compile(r"o[134](-mini)?(-\d{4}-\d\d-\d\d)?|gpt-[56](?!-chat)[\w.-]*")
_REASONS_WITH_TOOLS = re.compile(r"gpt-5(\.[0-3])?(-mini|-nano)?(-\d{4}-\d\d-\d\d)?")
_SPECIAL = re.compile(
    r"gpt-[56]|o\d(-|$)|ft:|responses/|search|audio|realtime|transcribe|tts|image|instruct|codex"
    r"|deep-research|computer-use"
)
_WITHOUT_FORMAT = frozenset({"gpt-4", "gpt-3.5-turbo-16k"})
_COMBINATORS = frozenset({"oneOf", "anyOf", "allOf", "enum", "const", "not"})
_ROLES = frozenset({"system", "user", "assistant", "tool"})
_MESSAGE = frozenset({"role", "content", "name", "tool_calls", "tool_call_id"})
_IMAGE = frozenset({"url", "detail"})
_AUDIO = frozenset({"data", "format"})
_TOLD_APART = ("audio_tokens", "image_tokens", "video_tokens", "text_tokens")
"""Tokens that may have prices of their own."""


def make_call(request: Request, model: Model, key: str, environment: Mapping[str, str]) -> Call:
    """Write a request as litellm would write it.

    Raises:
        UncertainError: litellm might write it otherwise.
    """
    name = request.model.removeprefix("openai/")
    reasons = _reasons(name)
    body: dict[str, Any] = {
        "model": name,
        "messages": [_message(message, reasons=reasons) for message in request.messages],
        **_parameters(request, reasons=reasons),
    }
    if request.tools:
        sure(not reasons or _REASONS_WITH_TOOLS.fullmatch(name))
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.tool_choice is not None:
        sure(request.tools)
        body["tool_choice"] = plain(request.tool_choice)
    if request.response_format is not None:
        sure(name not in _WITHOUT_FORMAT and not (reasons and name.startswith("o")))
        body["response_format"] = plain(request.response_format)
    headers = {"authorization": f"Bearer {key}"}
    return Call(url=_url(model, environment), headers=headers, body=written(body))


def read_answer(
    answer: Mapping[str, Any], request: Request, model: Model, latency: float = 0.0
) -> Completion:
    """Turn an answer that took so many seconds into a completion.

    Raises:
        ProviderError: There is no choice in it (`bad_response`).
        ValueError: It cannot be understood.
    """
    _check_error(answer.get("error"))
    choices = sequence(answer.get("choices"), "choices")
    if not choices:
        raise ProviderError("the answer holds no choice", kind="bad_response", status=200)
    choice = mapping(choices[0], "the choice")
    message = mapping(choice.get("message"), "the message")
    calls = _tool_calls(message)
    thought, text = _thought_and_text(message)
    reported = optional_text(answer.get("model"), "model")
    usage, cost = _usage_and_cost(answer, request, model, reported)
    return Completion(
        text=clean(text or optional_text(message.get("refusal"), "refusal")),
        tool_calls=calls,
        reasoning=clean(thought) or None,
        finish_reason=finish_of(
            choice.get("finish_reason") or choice.get("finish_details"),
            called=bool(message.get("tool_calls")),
        ),
        usage=usage,
        cost=cost,
        latency=latency,
        model=clean(reported) or None,
        fingerprint=clean(answer.get("system_fingerprint")) or None,
        logprobs=_logprobs(choice.get("logprobs")),
    )


@cache
def _reasons(name: str) -> bool:
    """Whether a model reasons, if its name surely means a chat model without other habits."""
    reasons = _REASONS.fullmatch(name) is not None
    entry = listed_entry(f"openai/{name}")
    sure(entry.get("mode", "chat") == "chat")
    # What the list does not know may be any model of this family, with any habit.
    sure(entry if reasons else not _SPECIAL.match(name.rpartition("/")[2]))
    sure(not _SPECIAL.search(name) or reasons)
    sure(not reasons or not re.search(r"pro|codex|search|audio|chat", name))
    return reasons


def _url(model: Model, environment: Mapping[str, str]) -> str:
    sure(not any(environment.get(name) for name in _ACCOUNT))
    named = next((environment[name] for name in _BASES if environment.get(name)), HOST)
    return _address(model.api_base or named)


@cache
def _address(named: str) -> str:
    base = base_of(named, ("/completions",))
    host = urlsplit(base).hostname or ""
    # OpenAI's regional hosts have prices of their own.
    sure(not host.endswith(".openai.com") or host == "api.openai.com")
    return f"{base}/chat/completions"


def _message(message: Mapping[str, object], *, reasons: bool) -> dict[str, Any]:
    fields = known(message, _MESSAGE)
    role = fields.get("role")
    sure(role in _ROLES and not (reasons and role == "system"))
    made: dict[str, Any] = {name: plain(value) for name, value in fields.items()}
    content = fields.get("content")
    if role == "user" and isinstance(content, list | tuple):
        for part in content:
            _check_part(part)
    elif content is not None or role != "assistant":
        sure(isinstance(content, str))
    if "tool_calls" in fields:
        calls = fields["tool_calls"]
        sure(role == "assistant" and isinstance(calls, list | tuple) and calls)
        for call in calls if isinstance(calls, list | tuple) else ():
            called_function(call)
    if content is None:
        sure(made.get("tool_calls"))
        made.pop("content", None)
    return made


def _check_part(part: object) -> None:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind == "text":
        text_part(part)
    elif kind == "image_url":
        text_of(known(known(part, {"type", kind}).get(kind), _IMAGE).get("url"))
    elif kind == "input_audio":
        text_of(known(known(part, {"type", kind}).get(kind), _AUDIO).get("data"))
    else:
        raise UncertainError


def _parameters(request: Request, *, reasons: bool) -> dict[str, Any]:
    allowed = _REASONING if reasons else _PLAIN
    made: dict[str, Any] = {}
    for name, value in request.parameters.items():
        sure(name in allowed and value is not None)
        made[name] = plain(value)
    if reasons and "max_tokens" in made:
        sure("max_completion_tokens" not in made)
        made["max_completion_tokens"] = made.pop("max_tokens")
    if "reasoning_effort" in made:
        sure(made["reasoning_effort"] in _EFFORTS and not request.tools)
    return made


def _tool(tool: Mapping[str, object]) -> Any:  # noqa: ANN401 - any JSON value
    parameters = function_of(tool).get("parameters", {})
    sure(isinstance(parameters, Mapping) and _COMBINATORS.isdisjoint(parameters))
    return plain(tool)


def _check_error(error: object) -> None:
    """Some servers answer 200 with an error inside."""
    if isinstance(error, Mapping):
        error = error.get("message") or error.get("code")
    if error is not None and error != "":
        msg = f"it is an error: {error}"
        raise ValueError(msg)


def _thought_and_text(message: Mapping[str, Any]) -> tuple[str | None, str | None]:
    text = optional_text(message.get("content"), "content")
    for name in ("reasoning_content", "reasoning"):
        if name in message:
            return optional_text(message[name], name), text
    return split_thought(text)


def _tool_calls(message: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    calls = message.get("tool_calls")
    if calls:
        return tuple(_tool_call(call) for call in sequence(calls, "tool_calls"))
    lone = message.get("function_call")
    return (_tool_call({"function": lone}),) if lone else ()


def _tool_call(call: object) -> ToolCall:
    fields = mapping(call, "the tool call")
    function = mapping(fields.get("function"), "the tool call's function")
    return ToolCall(
        name=clean(optional_text(function.get("name"), "name")),
        arguments=clean(optional_text(function.get("arguments"), "arguments")),
        id=clean(optional_text(fields.get("id"), "id")) or None,
    )


def _usage_and_cost(
    answer: Mapping[str, Any], request: Request, model: Model, reported: str | None
) -> tuple[Usage, float | None]:
    if answer.get("usage") is None:
        return Usage(), None
    said = mapping(answer["usage"], "usage")
    read = mapping(said.get("prompt_tokens_details") or {}, "prompt_tokens_details")
    wrote = mapping(said.get("completion_tokens_details") or {}, "completion_tokens_details")
    cached = said.get("prompt_cache_hit_tokens", read.get("cached_tokens"))
    kept = read.get("cache_write_tokens") or read.get("cache_creation_tokens")
    thought = wrote.get("reasoning_tokens", said.get("reasoning_tokens"))
    usage = Usage(
        input=count(said.get("prompt_tokens"), "prompt_tokens"),
        output=count(said.get("completion_tokens"), "completion_tokens"),
        cached=None if cached is None else count(cached, "cached_tokens"),
        cache_written=None if kept is None else count(kept, "cache_write_tokens"),
        reasoning=None if thought is None else count(thought, "reasoning_tokens"),
        source="provider",
    )
    if not usage.input and not usage.output:
        return Usage(), None
    counted = Counted(
        usage=usage,
        tier=answer.get("service_tier"),
        plain=not any(details.get(kind) for details in (read, wrote) for kind in _TOLD_APART),
    )
    return usage, cost_of(counted, "openai", (reported, request.model), model.price)


def _logprobs(value: object) -> object:
    """As litellm hands them on, with a place for those of a refusal."""
    found = plain_json(value)
    if not isinstance(found, dict):
        return None
    return {"content": None, "refusal": None, **found}
