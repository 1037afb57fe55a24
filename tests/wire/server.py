"""A server of other people's wire formats: aimock, from npm."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from foreign_server import serving

TOKENS = {
    "prompt_tokens": 1000,
    "completion_tokens": 200,
    "total_tokens": 1200,
    "input_tokens": 1000,
    "output_tokens": 200,
    "promptTokenCount": 1000,
    "candidatesTokenCount": 200,
    "totalTokenCount": 1200,
}
CONTEXT = (
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000"
    " tokens. Please reduce the length of the messages."
)
FILTER = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management"
    " policy."
)
RATE = "Rate limit reached for requests"
ANSWERS: dict[str, dict[str, object]] = {
    "say text": {"content": "The answer is forty-two."},
    "say json": {"content": {"name": "Ada", "age": 36}},
    "say too much": {"content": "This was cut", "finishReason": "length"},
    "use tools": {
        "toolCalls": [
            {"name": "weather", "arguments": {"city": "Oslo"}, "id": "call_1"},
            {"name": "weather", "arguments": {"city": "Rome"}, "id": "call_2"},
        ]
    },
}
REFUSALS: dict[str, tuple[int, str, str, str | None]] = {
    "refuse 401": (401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
    "refuse 403": (403, "You may not use this model.", "permission_error", None),
    "refuse 404": (404, "The model does not exist.", "invalid_request_error", "model_not_found"),
    "refuse 429": (429, RATE, "rate_limit_error", "rate_limit_exceeded"),
    "refuse 400": (400, "Invalid value for temperature.", "invalid_request_error", None),
    "refuse 500": (500, "The server had an error.", "server_error", None),
    "refuse 503": (503, "Overloaded.", "overloaded_error", None),
    "refuse context": (400, CONTEXT, "invalid_request_error", "context_length_exceeded"),
    "refuse filter": (400, FILTER, "invalid_request_error", "content_filter"),
}
FAULTS: dict[str, dict[str, object]] = {
    "break json": {"malformedRate": 1},
    "break off": {"disconnectRate": 1},
    "break time": {"latencyMs": 20_000},
}
RETRY_AFTER = 2


def program() -> str | None:
    """Where aimock is; None where it is not installed."""
    return os.environ.get("LLMOPS_AIMOCK") or shutil.which("llmock")


def fixtures() -> list[dict[str, object]]:
    """What the server says to each message, as aimock reads it."""
    made: list[dict[str, object]] = [
        {"match": {"userMessage": words}, "response": {**answer, "usage": TOKENS}}
        for words, answer in ANSWERS.items()
    ]
    for words, (status, message, kind, code) in REFUSALS.items():
        error = {"message": message, "type": kind} | ({"code": code} if code else {})
        response: dict[str, object] = {"error": error, "status": status}
        if status == 429:
            response["retryAfter"] = RETRY_AFTER
        made.append({"match": {"userMessage": words}, "response": response})
    for words, chaos in FAULTS.items():
        response = {"content": "Late.", "usage": TOKENS}
        made.append({"match": {"userMessage": words}, "response": response, "chaos": chaos})
    return made


def served(folder: Path) -> Iterator[str]:
    """Serve on loopback for as long as it is needed; gives the address."""
    found = program()
    assert found is not None
    file = folder / "said.json"
    file.write_text(json.dumps({"fixtures": fixtures()}), encoding="utf-8")
    command = [found, "-f", str(file), "-p"]
    with serving(
        lambda port: [*command, str(port)],
        healthy="/__aimock/journal",
        log=folder / "log",
        seconds=120,
    ) as address:
        yield address
