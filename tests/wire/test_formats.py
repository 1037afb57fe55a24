import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from server import ANSWERS, FAULTS, REFUSALS, RETRY_AFTER, program, served

from llmops.domain.completion import Completion, Request
from llmops.domain.config import Model
from llmops.errors import ProviderError
from llmops.providers.base import Provider
from llmops.providers.direct.provider import DirectProvider
from llmops.providers.litellm import LitellmProvider

PAGE = Path(__file__).parents[2] / "docs" / "wire-formats.md"
AIMOCK = "1.43.0"
BEDROCK = "bedrock/converse/anthropic.claude-3-5-sonnet-20240620-v1:0"
ROWS = {
    "OpenAI chat, direct": ("direct", "openai/gpt-4o-mini", "/v1"),
    "OpenAI chat": ("litellm", "openai/gpt-4o-mini", "/v1"),
    "OpenAI responses": ("litellm", "openai/responses/gpt-4o-mini", "/v1"),
    "Azure OpenAI": ("litellm", "azure/gpt-4o-mini", ""),
    "Anthropic, direct": ("direct", "anthropic/claude-sonnet-4-5", ""),
    "Anthropic": ("litellm", "anthropic/claude-sonnet-4-5", ""),
    "Gemini": ("litellm", "gemini/gemini-2.5-flash", "/v1beta"),
    "Mistral": ("litellm", "mistral/mistral-small-latest", "/v1"),
    "Cohere": ("litellm", "cohere/command-r-plus", "/v2/chat"),
    "Ollama": ("litellm", "ollama_chat/llama3.1", ""),
    "Bedrock converse": ("litellm", BEDROCK, ""),
    "OpenRouter": ("litellm", "openrouter/openai/gpt-4o-mini", "/api/v1"),
    "DeepSeek": ("litellm", "deepseek/deepseek-chat", "/v1"),
    "xAI": ("litellm", "xai/grok-3", "/v1"),
    "vLLM and others": ("litellm", "hosted_vllm/my-model", "/v1"),
}
ENVIRONMENT = {
    "OUR_API_KEY": "sk-mock",
    "AZURE_API_VERSION": "2024-10-21",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_REGION_NAME": "us-east-1",
}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": CITY}}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "person", "strict": True, "schema": PERSON},
}
EXPECTED = {
    "refuse 401": "auth",
    "refuse 403": "auth",
    "refuse 404": "not_found",
    "refuse 429": "rate_limited",
    "refuse 400": "bad_request",
    "refuse 500": "server",
    "refuse 503": "server",
    "refuse context": "context_length",
    "refuse filter": "content_filter",
    "break json": "bad_response",
    "break off": "network",
    "break time": "timeout",
}
HEADS = {"break json": "broken JSON", "break off": "connection lost", "break time": "too slow"}
SLOW = ("break time",)
QUICK = tuple(words for words in FAULTS if words not in SLOW)
Outcome = Completion | ProviderError
Outcomes = Mapping[str, Mapping[str, Outcome]]

pytestmark = pytest.mark.skipif(program() is None, reason="aimock is not installed")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcomes]:
    """What came of every message in every format."""
    for base in served(tmp_path_factory.mktemp("aimock")):
        yield asyncio.run(ask_all(base))


async def ask_all(base: str) -> Outcomes:
    reference = LitellmProvider(ENVIRONMENT)
    lanes: dict[str, Provider] = {
        "litellm": reference,
        "direct": DirectProvider(ENVIRONMENT, lambda: reference),
    }
    await reference.open()
    rows = [(lanes[lane], name, base + path) for lane, name, path in ROWS.values()]
    try:
        quick = [await ask_row(*row, (*ANSWERS, *REFUSALS, *QUICK)) for row in rows]
        slow = await asyncio.gather(*(ask_row(*row, SLOW, seconds=1.0) for row in rows))
    finally:
        for lane in lanes.values():
            await lane.close()
    return {row: {**one, **other} for row, one, other in zip(ROWS, quick, slow, strict=True)}


async def ask_row(
    lane: Provider, name: str, base: str, messages: tuple[str, ...], seconds: float = 30.0
) -> dict[str, Outcome]:
    key = None if name.startswith("ollama") else "OUR_API_KEY"
    model = Model(label="m", name=name, api_base=base, key=key, timeout=seconds)
    found = await asyncio.gather(*(ask(lane, model, words) for words in messages))
    return dict(zip(messages, found, strict=True))


async def ask(lane: Provider, model: Model, words: str) -> Outcome:
    request = Request(
        model=model.name,
        messages=({"role": "user", "content": words},),
        tools=(TOOL,) if words == "use tools" else (),
        response_format=SCHEMA if words == "say json" else None,
    )
    try:
        return await lane.complete(request, model=model, sample=0)
    except ProviderError as error:
        return error


def kind(outcome: Outcome) -> str:
    return outcome.kind if isinstance(outcome, ProviderError) else "a completion"


@pytest.mark.parametrize("row", ROWS)
def test_text_arrives_with_what_the_provider_counted(outcomes: Outcomes, row: str) -> None:
    found = outcomes[row]["say text"]

    assert isinstance(found, Completion), found
    assert found.text == "The answer is forty-two."
    assert found.finish_reason == "stop"
    usage = found.usage
    counted = (1000, 200, "provider") if row != "Ollama" else (None, None, "none")
    assert (usage.input, usage.output, usage.source) == counted


@pytest.mark.parametrize(
    ("row", "cost"),
    [
        *((name, 0.00027) for name in ROWS if name.startswith("OpenAI")),
        ("Azure OpenAI", 0.00027),
        *((name, 0.006) for name in ROWS if name.startswith("Anthropic")),
        ("Bedrock converse", 0.006),
        ("Gemini", 0.0008),
        ("DeepSeek", 0.000364),
        ("vLLM and others", None),
        ("Ollama", None),
    ],
)
def test_the_cost_is_known_or_said_to_be_unknown(
    outcomes: Outcomes, row: str, cost: float | None
) -> None:
    found = outcomes[row]["say text"]

    assert isinstance(found, Completion)
    assert found.cost == (None if cost is None else pytest.approx(cost))


@pytest.mark.parametrize("row", ROWS)
def test_json_arrives_or_is_refused_before_the_call(outcomes: Outcomes, row: str) -> None:
    found = outcomes[row]["say json"]

    if row == "Cohere":
        assert isinstance(found, ProviderError)
        assert found.status is None
        assert "does not support 'response_format'" in found.message
    else:
        assert isinstance(found, Completion), found
        assert json.loads(found.text) == {"name": "Ada", "age": 36}


@pytest.mark.parametrize("row", ROWS)
def test_calls_of_tools_arrive_in_order(outcomes: Outcomes, row: str) -> None:
    found = outcomes[row]["use tools"]

    assert isinstance(found, Completion), found
    called = [(call.name, json.loads(call.arguments)) for call in found.tool_calls]
    assert called == [("weather", {"city": "Oslo"}), ("weather", {"city": "Rome"})]


@pytest.mark.parametrize("row", ROWS)
def test_an_answer_that_was_cut_off_says_so(outcomes: Outcomes, row: str) -> None:
    found = outcomes[row]["say too much"]

    assert isinstance(found, Completion), found
    # aimock tells neither Cohere's nor Ollama's clients that it cut the text off.
    assert found.finish_reason == ("stop" if row in {"Cohere", "Ollama"} else "length")


@pytest.mark.parametrize("row", ROWS)
def test_every_failure_has_the_same_name_in_every_format(outcomes: Outcomes, row: str) -> None:
    found = {words: kind(outcomes[row][words]) for words in EXPECTED}

    assert found == EXPECTED


@pytest.mark.parametrize("row", ROWS)
def test_the_wait_that_a_server_asks_for_is_known(outcomes: Outcomes, row: str) -> None:
    found = outcomes[row]["refuse 429"]

    assert isinstance(found, ProviderError)
    assert found.retry_after == RETRY_AFTER


def test_a_suite_asks_all_formats_at_once(tmp_path: Path) -> None:
    for base in served(tmp_path):
        models = {
            f"m{number}": {
                "model": name,
                "api_base": base + path,
                "via": lane,
                **({} if name.startswith("ollama") else {"key": "OUR_API_KEY"}),
            }
            for number, (lane, name, path) in enumerate(ROWS.values())
        }
        case = {"id": "one", "assert": [{"contains": "forty-two"}]}
        files = {
            "llmops.yaml": {"models": models},
            "prompts/say.yaml": {"version": "1.0.0", "user": "say text"},
            "suites/say.yaml": {"prompt": "say", "models": list(models), "cases": [case]},
        }
        for name, value in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(json.dumps(value), encoding="utf-8")

        done = subprocess.run(
            [sys.executable, "-m", "llmops", "test", "--json"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **ENVIRONMENT},
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"]["totals"]["passed"] == len(ROWS)


def test_the_page_says_what_was_found(outcomes: Outcomes, rewrite: bool) -> None:
    text = page(outcomes)

    if rewrite:
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text


def page(outcomes: Outcomes) -> str:
    answers = ("text", "JSON schema", "tool calls", "cut off", "tokens", "cost of 1,000 + 200")
    failures = tuple(HEADS.get(words, words.removeprefix("refuse ")) for words in EXPECTED)
    return "\n".join(
        [
            "# Wire formats",
            "",
            "<!-- Written by the code: `LLMOPS_AIMOCK=… pytest tests/wire --rewrite`. -->",
            "",
            "What comes of the same requests in every provider's own format, asked of a server that"
            f" others wrote: aimock {AIMOCK} from npm, on loopback. A row says the model's name and"
            " who carries the request.",
            "",
            *table(("format", "model", "via", *answers), answer_rows(outcomes)),
            "",
            "Ollama's and Cohere's rows say `stop` for an answer that was cut off, and Ollama's"
            " counts no tokens, because the server does not. `–` is a price that is not known; it"
            " is said as unknown and never as 0. Groq's format is not here: litellm reads a field"
            " of it that this server does not send. Vertex AI needs Google's credentials.",
            "",
            "Failures have one name each, whoever the provider is ([errors](errors.md)):",
            "",
            *table(("format", *failures), failure_rows(outcomes)),
            "",
        ]
    )


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [head, ("---",) * len(head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def answer_rows(outcomes: Outcomes) -> list[tuple[str, ...]]:
    rows = []
    for row, (lane, name, _) in ROWS.items():
        said = outcomes[row]
        text, cut = said["say text"], said["say too much"]
        assert isinstance(text, Completion)
        assert isinstance(cut, Completion)
        tokens = "–" if text.usage.input is None else f"{text.usage.input:,} + {text.usage.output}"
        cost = "–" if text.cost is None else f"${text.cost:.6f}"
        schema = "yes" if isinstance(said["say json"], Completion) else "refused before the call"
        calls = "yes" if getattr(said["use tools"], "tool_calls", ()) else "no"
        reason = f"`{cut.finish_reason}`"
        rows.append((row, f"`{name}`", lane, "yes", schema, calls, reason, tokens, cost))
    return rows


def failure_rows(outcomes: Outcomes) -> list[tuple[str, ...]]:
    return [(row, *(f"`{kind(outcomes[row][words])}`" for words in EXPECTED)) for row in ROWS]
