"""The words of prompts and completions, in the shape that OpenTelemetry has for them."""

import json
from collections.abc import Mapping, Sequence

from llmops.domain.attempt import MadeAttempt
from llmops.domain.completion import Completion, Request, ToolCall, as_text
from llmops.telemetry.attributes import Attributes

_Part = dict[str, object]


def content_of(attempt: MadeAttempt) -> Attributes:
    """What was said and answered, as JSON; what was sent that is no text is named, not sent."""
    found: Attributes = {}
    if attempt.request is not None:
        found |= _said(attempt.request)
    if attempt.completion is not None:
        found["gen_ai.output.messages"] = _json([_answer(attempt.completion)])
    return found


def _said(request: Request) -> Attributes:
    system = [part for m in request.messages if _role(m) == "system" for part in _parts(m)]
    rest = [{"role": _role(m), "parts": _parts(m)} for m in request.messages]
    found: Attributes = {"gen_ai.input.messages": _json([m for m in rest if m["role"] != "system"])}
    if system:
        found["gen_ai.system_instructions"] = _json(system)
    if request.tools:
        found["gen_ai.tool.definitions"] = _json(list(request.tools))
    return found


def _answer(completion: Completion) -> _Part:
    parts: list[_Part] = []
    if completion.reasoning:
        parts.append({"type": "reasoning", "content": completion.reasoning})
    if completion.text or completion.output is not None:
        parts.append(_text(completion.text or as_text(completion.output)))
    parts += [_call(call) for call in completion.tool_calls]
    return {
        "role": "assistant",
        "parts": parts,
        "finish_reason": completion.finish_reason or "stop",
    }


def _role(message: Mapping[str, object]) -> str:
    return str(message.get("role", "user"))


def _parts(message: Mapping[str, object]) -> list[_Part]:
    content, calls = message.get("content"), message.get("tool_calls")
    if _role(message) == "tool":
        result = {"type": "tool_call_response", "id": message.get("tool_call_id")}
        return [{**result, "response": content}]
    parts = [_text(content)] if isinstance(content, str) else _listed(content)
    if isinstance(calls, Sequence):
        parts += [_call(_tool_call(call)) for call in calls]
    return parts


def _listed(content: object) -> list[_Part]:
    if not isinstance(content, Sequence):
        return []
    return [
        _text(part["text"]) if part.get("type") == "text" else {"type": str(part.get("type"))}
        for part in content
        if isinstance(part, Mapping)
    ]


def _tool_call(call: object) -> ToolCall:
    fields = call if isinstance(call, Mapping) else {}
    function = fields.get("function", {})
    return ToolCall(
        name=str(function.get("name", "")),
        arguments=str(function.get("arguments", "")),
        id=fields.get("id"),
    )


def _call(call: ToolCall) -> _Part:
    try:
        arguments = json.loads(call.arguments)
    except (ValueError, RecursionError):
        arguments = call.arguments
    return {"type": "tool_call", "id": call.id, "name": call.name, "arguments": arguments}


def _text(content: object) -> _Part:
    return {"type": "text", "content": content}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
