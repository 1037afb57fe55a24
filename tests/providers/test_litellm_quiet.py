import os
import subprocess
import sys

import pytest

from llmops.errors import ProviderError
from llmops.providers.litellm import refuse_known_bad
from loopback import reply

BODY = {
    "id": "x",
    "object": "chat.completion",
    "created": 1,
    "model": "llama-3",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
PROGRAM = """
import asyncio, sys
from llmops.domain.completion import Request
from llmops.domain.config import Model
from llmops.errors import ProviderError
from llmops.providers.registry import open_provider

assert "litellm" not in sys.modules
url = sys.argv[1]
models = [
    Model(label="m", name=name, api_base=base, timeout=60.0, key=key)
    for name, base, key in [
        ("openai/llama-3", url + "/v1", "OUR_API_KEY"),
        ("together_ai/meta-llama/Llama-3-8b", url + "/v1", None),
        ("anthropic/claude-x", url, None),
        ("openai/fails", url + "/v1", None),
        ("openai/x", "http://127.0.0.1:9/v1", None),
        ("mystery/x", None, None),
        ("huggingface/a/b", url, None),
        ("bedrock/anthropic.claude-3", url, None),
    ]
]

async def main():
    provider = open_provider("litellm", environment={"OUR_API_KEY": "sk-canary-0123456789"})
    for model in models:
        messages = ({"role": "user", "content": "Hi"},)
        try:
            request = Request(model=model.name, messages=messages)
            await provider.complete(request, model=model, sample=0)
        except ProviderError:
            pass
    await provider.close()

asyncio.run(main())
"""


def run(program, *arguments, **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LITELLM")}
    return subprocess.run(
        [sys.executable, "-W", "default", "-c", program, *arguments],
        capture_output=True,
        env={**clean, **environment},
        text=True,
        timeout=120,
        check=False,
    )


def test_nothing_is_printed_by_good_and_bad_calls_nor_at_exit(server):
    server.answer = lambda seen: (
        reply(500, {"error": "boom"}) if b"fails" in seen.body else reply(200, BODY)
    )

    ended = run(PROGRAM, server.url)

    assert (ended.stdout, ended.stderr, ended.returncode) == ("", "", 0)
    assert server.seen


def test_a_litellm_that_cannot_be_imported_is_an_error_with_a_way_out(tmp_path):
    (tmp_path / "litellm").mkdir()
    (tmp_path / "litellm" / "__init__.py").write_text("import no_such_module")
    program = PROGRAM.replace(
        "except ProviderError:\n            pass",
        "except ProviderError as e:\n            print(e.kind, e)",
    )

    ended = run(program, "http://127.0.0.1:9", PYTHONPATH=str(tmp_path))

    assert ended.stdout.startswith(
        "bad_request litellm cannot be imported: No module named 'no_such_module' [bad_request]"
    )
    assert "pip install" in ended.stdout
    assert ended.stderr == ""


@pytest.mark.parametrize("installed", ["1.82.7", "1.82.8", "1.106.0", "1.106.1", "1.106.2"])
def test_versions_that_are_known_to_be_bad_are_refused_before_their_import(installed):
    with pytest.raises(ProviderError, match=installed) as caught:
        refuse_known_bad(installed)

    assert "pip install" in caught.value.hint


def test_other_versions_are_welcome():
    refuse_known_bad("1.105.3")
