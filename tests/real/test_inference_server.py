import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from foreign_server import serving

SERVER = os.environ.get("LLMOPS_LLAMA_SERVER") or shutil.which("llama-server")
WIDTH = 64
PERSON = """
version: 1.0.0
model: chat
parameters: {temperature: 0, max_tokens: 400}
inputs: {word: {type: string}}
user: "Say {{ word }}."
output:
  schema:
    type: object
    properties: {sure: {type: boolean}, name: {enum: [Ada, Bob]}}
    required: [sure, name]
    additionalProperties: false
"""
SAY = """
version: 1.0.0
model: messages
parameters: {temperature: 0, max_tokens: 20}
user: Say red.
"""
SUITES = {
    "suites/person.yaml": (
        "prompt: person\nmodels: [chat, reference]\nsamples: 2\ncases:\n"
        "  - {id: one, inputs: {word: red}, assert: [{max_tokens: 400}]}\n"
    ),
    "suites/say.yaml": (
        "prompt: say\nmodels: [chat, messages]\ncases:\n"
        "  - {id: one, assert: [{max_tokens: 20}, {finish_reason: length}]}\n"
    ),
}

pytestmark = pytest.mark.skipif(SERVER is None, reason="llama-server is not installed")


def served(model: Path, *options: str) -> Iterator[str]:
    assert SERVER is not None
    words = [SERVER, "-m", str(model), *options, "--host", "127.0.0.1", "--port"]
    with serving(
        lambda port: [*words, str(port)], healthy="/health", log=model.parent / "log", seconds=60
    ) as address:
        yield address


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = pytest.importorskip("tiny_model")
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    made.write_model(path)
    return path


@pytest.fixture(scope="module")
def chat(model: Path) -> Iterator[str]:
    """A server that chats; gives its address."""
    yield from served(model, "-c", "2048", "-np", "2", "--jinja")


@pytest.fixture(scope="module")
def embeddings(model: Path) -> Iterator[str]:
    """A server that embeds; gives its address."""
    yield from served(model, "-c", "2048", "--embeddings")


def project(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def models(base: str) -> str:
    return (
        "models:\n"
        f"  chat: {{model: openai/tiny, via: direct, api_base: '{base}/v1', key: OUR_API_KEY}}\n"
        f"  reference: {{model: openai/tiny, via: litellm, api_base: '{base}/v1', key: OUR_API_KEY}}\n"
        f"  messages: {{model: anthropic/tiny, api_base: '{base}', key: OUR_API_KEY}}\n"
    )


def run(root: Path, *options: str) -> tuple[int, dict[str, object], str]:
    done = subprocess.run(
        [sys.executable, "-m", "llmops", "test", "--json", *options],
        cwd=root,
        env={**os.environ, "OUR_API_KEY": "none"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def test_a_grammar_holds_nonsense_to_the_schema_of_a_prompt_in_three_formats(
    tmp_path: Path, chat: str
) -> None:
    prompts = {"prompts/person.yaml": PERSON, "prompts/say.yaml": SAY}
    project(tmp_path, {"llmops.yaml": models(chat), **prompts, **SUITES})

    code, found, told = run(tmp_path)

    assert code == 0, told + json.dumps(found["verdict"])
    said = {
        (t["suite"], t["arm"]["model"]): t["exchanges"][0]["completion"] for t in found["trials"]
    }
    assert len(found["trials"]) == 6
    assert all(one["usage"]["source"] == "provider" for one in said.values())
    assert json.loads(said["person", "chat"]["text"])["name"] in {"Ada", "Bob"}
    assert said["person", "chat"]["text"] == said["person", "reference"]["text"]
    assert said["say", "messages"]["usage"]["output"] == 20


def test_a_conversation_that_is_too_long_has_a_name(tmp_path: Path, chat: str) -> None:
    suite = "prompt: say\ncases: [{id: one, assert: [{contains: x}]}]\n"
    long = "version: 1.0.0\nmodel: chat\nuser: '{{ \"word \" * 3000 }}'\n"
    files = {"llmops.yaml": models(chat), "prompts/say.yaml": long, "suites/s.yaml": suite}
    project(tmp_path, files)

    code, found, _told = run(tmp_path)

    assert code == 3
    assert found["trials"][0]["exchanges"][0]["failure"]["kind"] == "context_length"


def test_embeddings_are_asked_for_as_of_any_application(tmp_path: Path, embeddings: str) -> None:
    suite = (
        "target:\n  http:\n"
        f"    url: {embeddings}/v1/embeddings\n"
        "    body: {model: tiny, input: '{{ text }}'}\n"
        "    output: data.0.embedding\n"
        "cases:\n"
        "  - inputs: {text: Return the path of the file.}\n"
        "    assert:\n"
        f"      - json_schema: {{type: array, minItems: {WIDTH}, maxItems: {WIDTH},"
        " items: {type: number}}\n"
    )
    project(tmp_path, {"suites/s.yaml": suite})

    code, found, told = run(tmp_path)

    assert code == 0, told
    assert found["verdict"]["totals"]["passed"] == 1
