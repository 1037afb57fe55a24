import csv
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from small_project import Project, Run

MANY = "prompt: say\ncases:\n" + "".join(
    f"  - {{id: c{number}, inputs: {{word: w{number}}}, assert: [{{contains: w}}]}}\n"
    for number in range(40)
)
ONE = MANY[: MANY.index("  - {id: c1,")]


class Till:
    """A loopback model whose answers cost 0.10 dollars each by the project's price."""

    def __init__(self) -> None:
        self.calls = 0
        till = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                till.calls += 1
                self.rfile.read(int(self.headers["Content-Length"]))
                choice = {"index": 0, "finish_reason": "stop"}
                choice["message"] = {"role": "assistant", "content": "w"}
                usage = {
                    "prompt_tokens": 60_000,
                    "completion_tokens": 40_000,
                    "total_tokens": 100_000,
                    "prompt_tokens_details": {"cached_tokens": 10_000, "cache_write_tokens": 7},
                    "completion_tokens_details": {"reasoning_tokens": 30_000},
                }
                body = json.dumps({"model": "ours", "choices": [choice], "usage": usage}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}/v1"


@pytest.fixture
def till(monkeypatch: pytest.MonkeyPatch) -> Iterator[Till]:
    monkeypatch.setenv("OUR_API_KEY", "sk-a-key-of-ours")
    till = Till()
    thread = threading.Thread(target=till.server.serve_forever, daemon=True)
    thread.start()
    yield till
    till.server.shutdown()
    till.server.server_close()
    thread.join()


def config(till: Till, price: str = ", price: {input: 1.0, output: 1.0}", more: str = "") -> str:
    model = f"{{model: openai/ours, api_base: '{till.base}', key: OUR_API_KEY{price}}}"
    return f"models:\n  echo: {model}\n{more}"


def test_a_budget_lets_the_server_see_the_cap_and_what_was_under_way(
    project: Project, run: Run, till: Till
) -> None:
    project(
        {"llmops.yaml": config(till, more="budget: {max_cost: 1.0}\n"), "suites/say.yaml": MANY}
    )

    done = run("test", "--concurrency", "4")

    assert done.code == 4
    assert 10 <= till.calls <= 10 + 3


def test_a_cap_that_cannot_count_says_so_once_and_names_the_model(
    project: Project, run: Run, till: Till
) -> None:
    project({"llmops.yaml": config(till, price=""), "suites/say.yaml": MANY})

    done = run("test", "--max-cost", "0.5")

    assert done.code == 0
    assert done.err.count("what 'echo' costs is not known, so max_cost cannot count it") == 1
    assert "40 costs unknown" in done.out


def test_without_a_cap_an_unknown_cost_is_said_in_the_last_line_only(
    project: Project, run: Run, till: Till
) -> None:
    project({"llmops.yaml": config(till, price=""), "suites/say.yaml": ONE})

    done = run("test")

    assert "max_cost" not in done.err
    assert "1 cost unknown" in done.out


def test_reports_hold_every_kind_of_token(project: Project, run: Run, till: Till) -> None:
    folder = project({"llmops.yaml": config(till), "suites/say.yaml": ONE})

    run("test", "--report", "json=r.json", "--report", "csv=r.csv")

    report = json.loads((folder / "r.json").read_text(encoding="utf-8"))
    row = next(csv.DictReader((folder / "r.csv").read_text(encoding="utf-8").splitlines()))
    usage = report["trials"][0]["exchanges"][0]["completion"]["usage"]
    totals = report["verdict"]["totals"]
    kinds = ("cached", "cache_written", "reasoning")
    assert [usage[kind] for kind in kinds] == [10_000, 7, 30_000]
    assert [totals[f"{kind}_tokens"] for kind in kinds] == [10_000, 7, 30_000]
    assert [row[f"{kind}_tokens"] for kind in kinds] == ["10000", "7", "30000"]
    assert totals["spent"] == pytest.approx(0.1)
