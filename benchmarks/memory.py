"""Peak memory and seconds of `llmops test` on N generated cases of a scripted model."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LLMOPS = Path(sys.executable).with_name("llmops")
FILES = {
    "llmops.yaml": ("models:\n  echo: {model: scripted/echo, script: echo.yaml}\n"),
    "echo.yaml": "rules: [{echo: true}]\n",
    "prompts/say.yaml": (
        "version: 1.0.0\nmodel: echo\ninputs: {word: {type: string}, city: {type: string}}\n"
        'messages: [{role: user, content: "Say {{ word }} in {{ city }}."}]\n'
    ),
    "suites/say.yaml": (
        "prompt: say\ncases:\n  - dataset: rows.SUFFIX\n    id: '{{ row.word }}'\n"
        "    inputs: {word: '{{ row.word }}', city: '{{ row.city }}'}\n"
        "    assert:\n      - contains: '{{ row.word }}'\n      - matches: 'in \\w+'\n"
    ),
}


def lay_out(folder: Path, count: int, suffix: str) -> None:
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("SUFFIX", suffix))
    with (folder / f"rows.{suffix}").open("w") as file:
        if suffix == "csv":
            file.write("word,city\n")
        for number in range(count):
            # Every twentieth says another city than it should, so that there is something to report.
            city = "" if number % 20 == 19 else "Lyon"
            if suffix == "csv":
                file.write(f"word{number},{city}\n")
            else:
                file.write(json.dumps({"word": f"word{number}", "city": city}) + "\n")


def run(folder: Path, arguments: list[str]) -> tuple[float, float, float, int]:
    """Wall and CPU seconds, peak MiB and the exit code."""
    before = time.monotonic()
    process = subprocess.Popen(
        [LLMOPS, *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name != "CI"},
    )
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu = usage.ru_utime + usage.ru_stime
    return time.monotonic() - before, cpu, usage.ru_maxrss / 1024, process.returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--suffix", default="jsonl", choices=["jsonl", "csv"])
    parser.add_argument("--reports", action="store_true", help="also write every report anew")
    asked = parser.parse_args()
    print(
        "| what | cases | wall s | CPU s | cases a CPU second | peak MiB | exit code |\n|---|---|---|---|---|---|---|"
    )
    for count in asked.counts:
        folder = Path(tempfile.mkdtemp(prefix="llmops-memory-"))
        try:
            lay_out(folder, count, asked.suffix)
            commands = {"llmops test": ["test"]}
            if asked.reports:
                formats = ("json", "jsonl", "junit", "markdown", "csv", "github")
                commands |= {name: ["report", "--report", f"{name}=out.{name}"] for name in formats}
            for what, arguments in commands.items():
                wall, cpu, peak, code = run(folder, arguments)
                print(
                    f"| {what} | {count:,} | {wall:.1f} | {cpu:.1f} | {count / cpu:,.0f} | {peak:.0f} | {code} |"
                )
                sys.stdout.flush()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
