import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import pytest
from real_outputs import ADDED, CLAUDE_ADDED, DATA, requests_served, served

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_file(), reason="the recorded outputs are not here"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The replay server of recorded outputs, on a port of loopback."""
    yield from served(tmp_path_factory.mktemp("port") / "port")


def project(folder: Path, base: str) -> Path:
    """Six suites: two models, three versions of a prompt, 399 instructions each."""
    files = {
        "llmops.yaml": (
            "models:\n"
            f"  gpt: {{model: openai/gpt-4-1106-preview, api_base: '{base}/v1'}}\n"
            f"  claude: {{model: anthropic/claude-2.1, api_base: '{base}'}}\n"
        ),
        "data/instructions.jsonl": DATA.read_text(encoding="utf-8"),
    }
    for version in ADDED:
        files |= _gpt(version) | _claude(version)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def _gpt(version: str) -> dict[str, str]:
    system = f"You are a helpful assistant. {ADDED[version]}".strip()
    prompt = (
        f"version: {version}\nmodel: gpt\ninputs: {{instruction: {{type: string}}}}\n"
        f"system: {json.dumps(system)}\nuser: '{{{{ instruction }}}}'\n"
    )
    return _files("gpt", "gpt-4-1106-preview", version, prompt)


def _claude(version: str) -> dict[str, str]:
    user = f"{{{{ instruction }}}} {CLAUDE_ADDED[version]}".strip()
    prompt = (
        f"version: {version}\nmodel: claude\nparameters: {{max_tokens: 4096}}\n"
        f"inputs: {{instruction: {{type: string}}}}\nuser: {json.dumps(user)}\n"
    )
    return _files("claude", "claude-2.1", version, prompt)


def _files(label: str, model: str, version: str, prompt: str) -> dict[str, str]:
    name = f"{label}-{version.replace('.', '')}"
    suite = (
        f"prompt: {name}\ncases:\n"
        "  - dataset: data/instructions.jsonl\n    id: '{{ row.id }}'\n"
        "    inputs: {instruction: '{{ row.instruction }}'}\n"
        f"    assert: [{{equals: \"{{{{ row.outputs['{model}']['{version}'] }}}}\"}}]\n"
    )
    return {f"prompts/{name}.yaml": prompt, f"suites/{name}.yaml": suite}


def test_what_models_really_said_comes_back_word_for_word_and_is_asked_once(
    tmp_path: Path, server: str
) -> None:
    folder = project(tmp_path, server)
    llmops = Path(sys.executable).with_name("llmops")

    first = subprocess.run(
        [llmops, "test", "--json"], cwd=folder, capture_output=True, text=True, check=False
    )
    served = requests_served(server)
    second = subprocess.run(
        [llmops, "test", "--json"], cwd=folder, capture_output=True, text=True, check=False
    )

    assert first.returncode == 0, first.stderr[-2000:] + first.stdout[-2000:]
    totals = json.loads(first.stdout)["verdict"]["totals"]
    assert totals["passed"] == totals["planned"] == 2394
    assert totals["error"] == totals["failed"] == 0
    assert served == 2394
    assert second.returncode == 0
    assert json.loads(second.stdout)["verdict"]["totals"]["cached"] == 2394
    assert requests_served(server) == served


def history(folder: Path, base: str) -> Path:
    """One prompt in three commits, a version each, and a suite of 399 instructions."""
    suite = (
        "prompt: answer\ncases:\n"
        "  - dataset: data/instructions.jsonl\n    id: '{{ row.id }}'\n"
        "    inputs: {instruction: '{{ row.instruction }}'}\n"
        "    assert: [{length: {min: 1}}]\n"
    )
    files = {
        "llmops.yaml": (
            f"models:\n  gpt: {{model: openai/gpt-4-1106-preview, api_base: '{base}/v1'}}\n"
        ),
        "data/instructions.jsonl": DATA.read_text(encoding="utf-8"),
        "suites/answer.yaml": suite,
        ".gitignore": ".llmops/\n",
    }
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    for version in ADDED:
        files["prompts/answer.yaml"] = _gpt(version)[f"prompts/gpt-{version.replace('.', '')}.yaml"]
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        subprocess.run(["git", *who, "add", "--all"], cwd=folder, check=True)
        subprocess.run(["git", *who, "commit", "--quiet", "-m", version], cwd=folder, check=True)
    return folder


def test_a_diff_shows_the_sentence_that_was_added_and_what_it_did_to_the_answers(
    tmp_path: Path, server: str
) -> None:
    folder = history(tmp_path, server)
    llmops = Path(sys.executable).with_name("llmops")
    rows = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]
    outputs = [row["outputs"]["gpt-4-1106-preview"] for row in rows]
    command = [llmops, "diff", "answer@1.0.0", "@1.1.0"]
    environment = {**os.environ, "OPENAI_API_KEY": "none"}

    done = subprocess.run(
        [*command, "--json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    shown = subprocess.run(
        [*command, "--replay"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == shown.returncode == 0, done.stderr[-2000:] + shown.stderr[-2000:]
    whole = json.loads(done.stdout)
    (group,) = whole["rendered"]["groups"]
    (change,) = group["changes"]
    assert group["count"] == len(rows) == 399
    assert ["added", f" {ADDED['1.1.0']}"] in change["lines"][0]["words"]
    before, after = whole["comparison"]["before"], whole["comparison"]["after"]
    assert before["length"] == fmean(len(output["1.0.0"]) for output in outputs)
    assert after["length"] == fmean(len(output["1.1.0"]) for output in outputs)
    assert before["length"] > 1.5 * after["length"]
    assert before["cost"] > after["cost"]
    assert f"{{+ {ADDED['1.1.0']}+}}" in shown.stdout
    assert f"{before['length']:,.0f}" in shown.stdout
    assert whole["verdict"]["status"] == "changed"
