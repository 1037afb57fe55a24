"""Time llmops as whole processes against a model server, beside a bare client and peers."""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
LLMOPS = Path(sys.executable).with_name("llmops")
HEADINGS = (
    "| what | wall s | CPU s | peak MiB | requests | wall ÷ floor | CPU ÷ floor |\n"
    "|---|---|---|---|---|---|---|"
)
PROMPT = "Order {number}: tell {customer} that the {item} ships from {city}. Stay polite."
CITIES = ("Lyon", "Turin", "Porto", "Ghent", "Brno", "Graz", "Varna", "Namur")
ITEMS = ("kettle", "lamp", "chair", "radio", "clock", "basket", "mirror", "piano")
PEER_SETTINGS = {
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "DEEPEVAL_TELEMETRY_OPT_OUT": "YES",
    "OPENAI_API_KEY": "none",
}
NAMES = ("Ada", "Bram", "Chloe", "Dov", "Esra", "Femi", "Gita", "Hugo")


@dataclass
class Figures:
    """One run of a command: wall and CPU seconds, peak memory in MiB, requests served."""

    wall: float
    cpu: float
    peak: float
    requests: int


def cases(count: int) -> list[dict[str, str]]:
    found = []
    for number in range(count):
        values = {
            "number": f"{number:06d}",
            "customer": NAMES[number % 8],
            "item": ITEMS[(number // 8) % 8],
            "city": CITIES[(number // 64) % 8],
        }
        text = PROMPT.format(**values)
        expected = f"Echo: {text[:-8]}kindly."
        contains = "no such thing" if number % 20 == 19 else values["item"]
        found.append({**values, "contains": contains, "expected": expected})
    return found


def write_llmops(folder: Path, count: int, base: str, more: str = "") -> None:
    for name in ("prompts", "suites"):
        (folder / name).mkdir(parents=True)
    (folder / "llmops.yaml").write_text(
        f"models:\n  bench: {{model: openai/bench, api_base: '{base}', max_concurrency: 100{more}}}\n"
    )
    template = PROMPT
    for name in ("number", "customer", "item", "city"):
        template = template.replace("{" + name + "}", "{{ " + name + " }}")
    (folder / "prompts/bench.yaml").write_text(
        "version: 1.0.0\nmodel: bench\n"
        "inputs:\n  number: {type: string}\n  customer: {type: string}\n"
        "  item: {type: string}\n  city: {type: string}\n"
        f"messages:\n  - role: user\n    content: {json.dumps(template)}\n"
    )
    lines = ["prompt: bench", "cases:"]
    for case in cases(count):
        inputs = {name: case[name] for name in ("number", "customer", "item", "city")}
        lines += [
            f"  - id: case-{case['number']}",
            f"    inputs: {json.dumps(inputs)}",
            "    assert:",
            f"      - contains: {json.dumps(case['contains'])}",
            f'      - matches: "Order {case["number"]}\\\\b"',
            f"      - similar: {{to: {json.dumps(case['expected'])}, method: levenshtein,"
            " max_distance: 10}",
        ]
    (folder / "suites/bench.yaml").write_text("\n".join(lines) + "\n")


def write_promptfoo(folder: Path, count: int, base: str) -> None:
    template = PROMPT.replace("{", "{{").replace("}", "}}")
    config = {
        "prompts": [template],
        "providers": [
            {"id": "openai:chat:bench", "config": {"apiBaseUrl": base, "apiKey": "none"}}
        ],
        "tests": [
            {
                "vars": {name: case[name] for name in ("number", "customer", "item", "city")},
                "assert": [
                    {"type": "contains", "value": case["contains"]},
                    {"type": "regex", "value": f"Order {case['number']}\\b"},
                    {"type": "levenshtein", "value": case["expected"], "threshold": 10},
                ],
            }
            for case in cases(count)
        ],
    }
    (folder / "promptfooconfig.json").write_text(json.dumps(config))


@contextmanager
def serving(*options: str) -> Iterator[str]:
    """A model server of its own process, by its address."""
    command = [sys.executable, str(HERE / "server.py"), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        yield server.stdout.readline().decode().strip()
        server.stdin.close()


def requests_of(base: str) -> int:
    with urllib.request.urlopen(f"{base}/stats") as answer:
        return int(json.load(answer).get("requests", 0))


def measure(
    command: Sequence[str], folder: Path, base: str, environment: Mapping[str, str] | None = None
) -> Figures:
    before = requests_of(base)
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **(environment or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, _status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = 0
    peak = used.ru_maxrss / 1024
    return Figures(wall, used.ru_utime + used.ru_stime, peak, requests_of(base) - before)


def show(name: str, runs: Sequence[Figures], floor: Figures | None = None) -> Figures:
    """Print the median of several runs, and its ratio to a floor in wall and CPU seconds."""
    figures = sorted(runs, key=lambda run: run.wall)[len(runs) // 2]
    against = floor or figures
    print(
        f"| {name} | {figures.wall:.2f} | {figures.cpu:.2f} | {max(r.peak for r in runs):.0f} "
        f"| {figures.requests} | {figures.wall / against.wall:.1f} | {figures.cpu / against.cpu:.1f} |",
        flush=True,
    )
    return figures


def raise_limit() -> None:
    """Let a hundred connections and more be open at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(4096, hard)), hard))


def starts(folder: Path, runs: int) -> None:
    with serving() as base:
        measure([str(LLMOPS), "suites"], folder, base)  # Python keeps what it compiled
        typer = [sys.executable, "-c", "import typer"]
        floor = show("`import typer`", [measure(typer, folder, base) for _ in range(runs)])
        help_ = [str(LLMOPS), "--help"]
        show("`llmops --help`", [measure(help_, folder, base) for _ in range(runs)], floor)


def suite(count: int, delay: int, runs: int, peers: argparse.Namespace) -> None:
    """Ask a whole suite of a bare client, of llmops with an empty and a full cache, of peers."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        serving("--delay-ms", str(delay)) as base,
    ):
        folder = Path(name)
        said = [PROMPT.format(**case) for case in cases(count)]
        (folder / "messages.json").write_text(json.dumps(said))
        bare = [sys.executable, str(HERE / "bare.py"), f"{base}/v1", "messages.json"]
        what = f"{count:,} × {delay} ms"
        floor = show(f"{what}: bare aiohttp", [measure(bare, folder, base) for _ in range(runs)])
        write_llmops(folder / "ours", count, f"{base}/v1")
        test = [str(LLMOPS), "test"]
        cold = []
        for _ in range(runs):
            shutil.rmtree(folder / "ours/.llmops", ignore_errors=True)
            cold.append(measure(test, folder / "ours", base))
        show(f"{what}: llmops, cold", cold, floor)
        warm = [measure(test, folder / "ours", base) for _ in range(runs)]
        show(f"{what}: llmops, warm", warm, floor)
        if peers.promptfoo:
            show_promptfoo(what, peers.promptfoo, folder, (count, base), floor)
        if peers.inspect or peers.deepeval:
            rows = [{**case, **more_for_peers(case)} for case in cases(count)]
            (folder / "cases.json").write_text(json.dumps(rows))
            shutil.copy(HERE / "peers/inspect_task.py", folder)  # inspect takes no absolute path
        for peer, command in peer_commands(peers, f"{base}/v1"):
            own = {**PEER_SETTINGS, "BENCH_CASES": str(folder / "cases.json")}
            own |= {"OPENAI_BASE_URL": f"{base}/v1", "INSPECT_LOG_DIR": str(folder / "logs")}
            show(f"{what}: {peer}, cold", [measure(command, folder, base, own)], floor)


def more_for_peers(case: Mapping[str, str]) -> dict[str, str]:
    return {"prompt": PROMPT.format(**case), "matches": f"Order {case['number']}\\b"}


def peer_commands(peers: argparse.Namespace, base: str) -> Iterator[tuple[str, list[str]]]:
    if peers.inspect:
        task = ["inspect_task.py", "--model", "openai/bench", "-M", "responses_api=false"]
        limits = ["--max-connections", "100", "--max-tasks", "1", "--display", "plain"]
        more = ["--model-base-url", base, "--no-log-realtime", "--no-score-display"]
        yield "inspect", [peers.inspect, "eval", *task, *limits, *more]
    if peers.deepeval:
        yield "deepeval", [peers.deepeval, str(HERE / "peers/deepeval_suite.py")]


def show_promptfoo(
    what: str, program: str, folder: Path, asked: tuple[int, str], floor: Figures
) -> None:
    count, base = asked
    write_promptfoo(folder, count, f"{base}/v1")
    command = [program, "eval", "-c", "promptfooconfig.json", "-j", "100"]
    command += ["--no-progress-bar", "--no-table", "--no-share"]
    own = {**PEER_SETTINGS, "PROMPTFOO_CONFIG_DIR": str(folder / "promptfoo")}
    show(f"{what}: promptfoo, cold", [measure(command, folder, base, own)], floor)
    show(f"{what}: promptfoo, warm", [measure(command, folder, base, own)], floor)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--delays", type=int, nargs="+", default=[0, 50], help="in milliseconds")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--promptfoo", help="the executable of promptfoo")
    parser.add_argument("--inspect", help="the executable of inspect")
    parser.add_argument("--deepeval", help="a Python that has deepeval")
    asked = parser.parse_args()
    raise_limit()
    print(f"The median of {asked.runs}\n\n{HEADINGS}")
    starts(Path.cwd(), asked.runs)
    for count in asked.cases:
        for delay in asked.delays:
            suite(count, delay, asked.runs, asked)


if __name__ == "__main__":
    main()
