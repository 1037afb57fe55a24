"""Time llmops as whole processes against a model server on loopback, beside promptfoo."""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LLMOPS = Path(sys.executable).with_name("llmops")
PROMPT = "Order {number}: tell {customer} that the {item} ships from {city}. Stay polite."
CITIES = ("Lyon", "Turin", "Porto", "Ghent", "Brno", "Graz", "Varna", "Namur")
ITEMS = ("kettle", "lamp", "chair", "radio", "clock", "basket", "mirror", "piano")
NAMES = ("Ada", "Bram", "Chloe", "Dov", "Esra", "Femi", "Gita", "Hugo")


class Model(BaseHTTPRequestHandler):
    """Answers in OpenAI's chat format with `Echo:` and the last message."""

    protocol_version = "HTTP/1.1"
    requests = 0

    def do_POST(self) -> None:
        type(self).requests += 1
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = body["messages"][-1]["content"]
        answer = {
            "id": "bench",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": f"Echo: {said}"},
                }
            ],
            "usage": {"prompt_tokens": 30, "completion_tokens": 30, "total_tokens": 60},
        }
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


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


def write_llmops(folder: Path, count: int, base: str) -> None:
    for name in ("prompts", "suites"):
        (folder / name).mkdir(parents=True)
    (folder / "llmops.yaml").write_text(
        f"models:\n  bench: {{model: openai/bench, api_base: '{base}', max_concurrency: 100}}\n"
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


def measure(command: Sequence[str], folder: Path, environment: dict[str, str]) -> Figures:
    before = Model.requests
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, _status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = 0
    peak = used.ru_maxrss / 1024
    return Figures(wall, used.ru_utime + used.ru_stime, peak, Model.requests - before)


def show(name: str, runs: Sequence[Figures], base: float | None = None) -> float:
    wall = statistics.median(run.wall for run in runs)
    cpu = statistics.median(run.cpu for run in runs)
    peak = max(run.peak for run in runs)
    ratio = f"{wall / base:.2f}" if base else "1.00"
    print(f"| {name} | {wall:.2f} | {cpu:.2f} | {peak:.0f} | {runs[-1].requests} | {ratio} |")
    return wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--promptfoo", help="the executable of promptfoo")
    asked = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_address[1]}/v1"
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(4096, hard)), hard))
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    environment = {
        **os.environ,
        "PROMPTFOO_DISABLE_TELEMETRY": "1",
        "PROMPTFOO_DISABLE_UPDATE": "1",
    }
    environment["PROMPTFOO_CONFIG_DIR"] = str(folder / "promptfoo")
    try:
        write_llmops(folder / "ours", asked.cases, base)
        here = folder / "ours"
        print(f"{asked.cases} cases, median of {asked.runs}\n")
        print("| what | wall s | CPU s | peak MiB | requests | ratio |")
        print("|---|---|---|---|---|---|")
        typer = [sys.executable, "-c", "import typer"]
        floor = show("import typer", [measure(typer, here, environment) for _ in range(5)])
        help_ = [str(LLMOPS), "--help"]
        show("llmops --help", [measure(help_, here, environment) for _ in range(5)], floor)
        ours = [str(LLMOPS), "test"]
        cold = show("llmops test, cold", [measure(ours, here, environment)])
        warm = [measure(ours, here, environment) for _ in range(asked.runs)]
        base_wall = show("llmops test, warm", warm, cold)
        if asked.promptfoo:
            write_promptfoo(folder, asked.cases, base)
            theirs = [asked.promptfoo, "eval", "-c", "promptfooconfig.json", "-j", "100"]
            theirs += ["--no-progress-bar", "--no-table", "--no-share"]
            show("promptfoo, cold", [measure(theirs, folder, environment)], cold)
            again = [measure(theirs, folder, environment) for _ in range(asked.runs)]
            show("promptfoo, warm (÷ llmops warm)", again, base_wall)
    finally:
        server.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
