from collections.abc import Iterator

import pytest
from small_project import Project, Run

from loopback import Seen, Step, chat, listening

CANARY = "canary-3f9ac1d2e4b7-key"


@pytest.fixture
def thief() -> Iterator[str]:
    """A loopback model that says the key it was sent, in its answer and in its headers."""

    def answer(seen: Seen) -> list[Step]:
        key = seen.headers.get("authorization", "none")
        return chat(f"red: you sent {key}", model=key, headers={"X-Key": key})

    with listening(answer) as server:
        yield f"{server.url}/v1"


@pytest.mark.filterwarnings("default")
def test_a_key_that_the_server_echoes_stands_in_no_file_and_on_no_stream(
    project: Project, run: Run, thief: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARROT_API_KEY", CANARY)
    folder = project(
        {
            "llmops.yaml": "models:\n"
            f"  echo: {{model: openai/parrot, api_base: '{thief}', key: PARROT_API_KEY}}\n"
        }
    )

    done = run("test", "--record", "--report", "json", "--report", "junit", "--report", "csv")

    assert done.code == 0
    assert "[redacted]" in (folder / "report.json").read_text(encoding="utf-8")
    assert CANARY not in done.out + done.err
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"cache.db", "report.json", "say.jsonl"} <= {path.name for path in files}
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []


def test_a_key_that_a_function_raises_stands_in_no_file_and_on_no_stream(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", CANARY)
    folder = project(
        {
            "leaky.py": "import os\n\n\ndef answer(name):\n"
            "    raise RuntimeError('x' * 235 + os.environ['SHOP_PASSWORD'])\n",
            "suites/say.yaml": "target: {python: 'leaky.py:answer'}\n"
            "cases:\n  - {inputs: {name: red}, assert: [{contains: red}]}\n",
        }
    )

    done = run("test", "--report", "json")

    assert done.code == 3
    assert "[redacted]" in (folder / "report.json").read_text(encoding="utf-8")
    said = done.out + done.err
    said += "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.json*"))
    assert CANARY[:12] not in said
