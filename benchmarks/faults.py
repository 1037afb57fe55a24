"""Time a suite of 1,000 cases against servers that break, beside one that does not, on both lanes.

Of each kind of trouble the first attempt at a message meets it; of a fifth in the last row, every one does.
"""

import argparse
import json
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from run import HEADINGS, LLMOPS, measure, raise_limit, serving, show, write_llmops

LIMITS = ", timeout: 5s, deadline: 20s, retries: 4"
KINDS: dict[str, tuple[dict[str, float], float]] = {
    "5 % 429 (Retry-After 1), 2 % 500": ({"429": 0.05, "500": 0.02}, 0),
    "the same, and 1 % that hang": ({"429": 0.05, "500": 0.02, "hang": 0.01}, 0),
    "2 % reset, 2 % malformed": ({"reset": 0.02, "malformed": 0.02}, 0),
    "all of it, drips, lies, bombs, wrong types": (
        {
            "429": 0.05, "500": 0.02, "hang": 0.01, "reset": 0.01, "drip": 0.01,
            "promises more": 0.01, "promises less": 0.01, "bomb": 0.01, "flood": 0.01,
            "wrong types": 0.01, "empty": 0.01, "malformed": 0.01, "page": 0.01,
        },
        0.2,
    ),
}  # fmt: skip


def endings(folder: Path) -> str:
    """How many trials ended how, by the run's own file."""
    found: Counter[str] = Counter()
    for path in (folder / ".llmops/runs").glob("*.jsonl"):
        for line in path.read_text().splitlines():
            trial = json.loads(line).get("trial")
            if trial:
                failure = trial["exchanges"][-1].get("failure")
                found[failure["kind"] if failure else "answered"] += 1
    return ", ".join(f"{number} {kind}" for kind, number in found.most_common())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--lanes", nargs="+", default=["direct", "litellm"])
    asked = parser.parse_args()
    raise_limit()
    said = []
    print(HEADINGS)
    for lane in asked.lanes:
        floor = None
        for name, (faults, stubborn) in {"no fault": ({}, 0), **KINDS}.items():
            options = ("--faults", json.dumps(faults), "--stubborn", str(stubborn))
            folder = Path(tempfile.mkdtemp(prefix="bench-"))
            with serving(*options) as base:
                more = f"{LIMITS}, via: {lane}"
                write_llmops(folder / "ours", asked.cases, f"{base}/v1", more)
                figures = measure([str(LLMOPS), "test"], folder / "ours", base)
            floor = floor or figures
            show(f"{lane}: {name}", [figures], floor)
            said.append(f"- {lane}, {name}: {endings(folder / 'ours')}")
            shutil.rmtree(folder)
    print("\n" + "\n".join(said))


if __name__ == "__main__":
    main()
