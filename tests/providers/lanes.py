"""Both lanes, asked the same of the same server."""

import asyncio

import msgspec

from llmops.domain.completion import Completion, Request
from llmops.domain.config import Model
from llmops.errors import ProviderError
from llmops.providers.direct.provider import DirectProvider
from llmops.providers.litellm import LitellmProvider

CANARY = "sk-canary-0123456789"
ENVIRONMENT = {
    "OPENAI_API_KEY": f"{CANARY}-openai",
    "ANTHROPIC_API_KEY": f"{CANARY}-anthropic",
    "OUR_API_KEY": f"{CANARY}-ours",
}
OPENAI = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini-2024-07-18",
    "system_fingerprint": "fp_1",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello."},
            "finish_reason": "stop",
        }
    ],
    "usage": {
        "prompt_tokens": 1000,
        "completion_tokens": 200,
        "total_tokens": 1200,
        "prompt_tokens_details": {"cached_tokens": 600, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 50, "audio_tokens": 0},
    },
}
ANTHROPIC = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5-20251001",
    "content": [{"type": "text", "text": "Hello."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1000, "output_tokens": 200},
}
BODIES = {"openai": OPENAI, "anthropic": ANTHROPIC}
NAMES = {"openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5"}


class LanelessError(Exception):
    """The direct lane left a request to the reference."""


class NoReference:
    """Stands where litellm would be asked, so that a test sees that it was."""

    async def open(self) -> None:
        raise LanelessError

    async def complete(self, request: Request, *, model: Model, sample: int) -> Completion:
        raise LanelessError

    async def close(self) -> None:
        return None


def model(server, provider="openai", name=None, **rest):
    base = f"{server.url}/v1" if provider == "openai" else server.url
    name = f"{provider}/{name or NAMES[provider]}"
    return Model(label="m", name=name, **{"api_base": base, "timeout": 60.0, **rest})


def request(of, **rest):
    messages = ({"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"})
    return Request(model=of.name, **{"messages": messages, **rest})


def ask(provider, of, asked=None):
    """What came of one attempt: a completion, or the error."""

    async def run():
        try:
            return await provider.complete(asked or request(of), model=of, sample=0)
        except ProviderError as error:
            return error
        finally:
            await provider.close()

    return asyncio.run(run())


def direct(environment=None):
    return DirectProvider(ENVIRONMENT if environment is None else environment, NoReference)


def reference(environment=None):
    return LitellmProvider(ENVIRONMENT if environment is None else environment)


def ask_direct(of, asked=None, environment=None):
    return ask(direct(environment), of, asked)


def ask_both(of, asked=None, environment=None):
    """What came of it in the direct lane and by the reference."""
    return ask_direct(of, asked, environment), ask(reference(environment), of, asked)


def facts(outcome):
    """All that can be said of an outcome but for what the clock and the library's words say."""
    if isinstance(outcome, ProviderError):
        words = outcome.message
        for library in ("cannot be understood: ", "failed: "):
            words = words.partition(library)[0]
        at = outcome.faults[0].at
        return ("error", outcome.kind, outcome.status, outcome.retry_after, words, outcome.hint, at)
    found = msgspec.structs.asdict(outcome)
    del found["latency"]
    found["cost"] = None if outcome.cost is None else round(outcome.cost, 12)
    return found
