import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

SHARED = Path(__file__).parents[3] / "shared"
DATA = SHARED / "data" / "instructions.jsonl"
ADDED = {
    "1.0.0": "",
    "1.1.0": (
        "Be as concise as possible while still providing all the necessary information to answer"
        " the question."
    ),
    "1.2.0": "Always answer with as much detail as possible.",
}
CLAUDE_ADDED = {**ADDED, "1.2.0": "Answer with as much detail as possible."}


def served(port_file: Path) -> Iterator[str]:
    """The replay server of recorded outputs; gives its address."""
    process = subprocess.Popen(
        [sys.executable, SHARED / "tools" / "replay_server.py", "--port-file", port_file],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    yield f"http://127.0.0.1:{port_file.read_text()}"
    process.terminate()
    process.wait(10)
    process.stdout.close()


def requests_served(base: str) -> int:
    with urllib.request.urlopen(f"{base}/stats", timeout=10) as answer:
        return int(json.load(answer)["requests"])
