import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_outputs import ADDED, DATA, requests_served, served

MODEL = "gpt-4-1106-preview"
SHORT, USUAL = "1.1.0", "1.0.0"
DROP = 0.2

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_file(), reason="the recorded outputs are not here"),
]


@pytest.fixture
def base(tmp_path: Path) -> Iterator[str]:
    """The replay server; gives its address."""
    yield from served(tmp_path / "port")


def outputs() -> list[tuple[int, int]]:
    """The lengths of each answer, when it was asked to be short and when it was not."""
    rows = [json.loads(line)["outputs"][MODEL] for line in DATA.read_text("utf-8").splitlines()]
    return [(len(row[SHORT]), len(row[USUAL])) for row in rows]


def limit() -> int:
    """The length at which one answer in five that passed when short fails when not."""
    known = outputs()

    def distance(most: int) -> float:
        lost = sum((short <= most) - (usual <= most) for short, usual in known)
        return abs(lost / len(known) - DROP)

    return min(range(100, 5_000, 10), key=distance)


def prompt(version: str) -> str:
    system = f"You are a helpful assistant. {ADDED[version]}".strip()
    head = "version: 1.0.0\nmodel: gpt\ninputs: {instruction: {type: string}}\n"
    return f"{head}system: {json.dumps(system)}\nuser: '{{{{ instruction }}}}'\n"


def lay_out(root: Path, base: str) -> None:
    """A commit that asks for short answers, and a work tree that does not any more."""
    suite = (
        "prompt: say\ncases:\n  - dataset: data/instructions.jsonl\n    id: '{{ row.id }}'\n"
        "    inputs: {instruction: '{{ row.instruction }}'}\n"
        f"    assert: [{{length: {{max: {limit()}}}}}]\n"
    )
    files = {
        "llmops.yaml": f"models:\n  gpt: {{model: openai/{MODEL}, api_base: '{base}/v1'}}\n",
        ".gitignore": ".llmops/\n",
        "prompts/say.yaml": prompt(SHORT),
        "suites/say.yaml": suite,
        "data/instructions.jsonl": DATA.read_text(encoding="utf-8"),
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    who = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "Short"]):
        subprocess.run([*who, *command], cwd=root, check=True)
    (root / "prompts/say.yaml").write_text(prompt(USUAL), encoding="utf-8")


def gated(root: Path, *options: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "llmops", "gate", "--base=HEAD", "--json", "--fresh", *options],
        cwd=root,
        env={**os.environ, "OPENAI_API_KEY": "none"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_a_drop_of_twenty_points_is_found_with_less_than_half_of_the_requests(
    tmp_path: Path, base: str
) -> None:
    root = tmp_path / "project"
    lay_out(root, base)

    whole = gated(root, "--whole")
    asked_whole = requests_served(base)
    early = gated(root)
    asked_early = requests_served(base) - asked_whole

    assert asked_whole == 2 * len(outputs()) == 798
    assert asked_early < asked_whole / 2
    assert asked_early == early["totals"]["calls"]
    assert [one["verdict"]["status"] for one in (whole, early)] == ["failed", "failed"]
    assert early["savings"]["planned"] == 798
