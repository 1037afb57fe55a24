import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from collector import Collector, collecting, said, values
from small_project import CONFIG, SUITE, Project, Run
from till import Till, config

from llmops.cli.asked import surroundings
from llmops.cli.telling.test import Wishes, run_once
from llmops.domain.config import Config, Otel
from llmops.workflows.executing.execution import TestOptions
from llmops.workflows.gating.governing import govern
from loopback import nobody_at

CANARY = "sk-canary-0123456789"
OTHER = "  - {id: two, inputs: {word: blue}, assert: [{contains: red}]}\n"
NAMELESS = SUITE.replace("  - id: one\n    inputs:", "  - inputs:")


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        yield collector


def run_id(folder: Path) -> str:
    (path,) = (folder / ".llmops" / "runs").glob("*.jsonl")
    return path.stem


def test_a_run_its_trials_and_their_attempts_stand_below_each_other(
    project: Project, run: Run, collector: Collector
) -> None:
    folder = project({"suites/say.yaml": SUITE + OTHER})

    done = run("test", "--otel")

    root = collector.one("run")
    trials = collector.named("trial say")
    chats = collector.named("chat echo")
    trace = hashlib.sha256(run_id(folder).encode()).hexdigest()[:32]
    assert done.code == 1
    assert {span.trace_id.hex() for span in collector.spans} == {trace}
    assert root.parent_span_id == b""
    assert {span.parent_span_id for span in trials} == {root.span_id}
    assert {span.parent_span_id for span in chats} == {span.span_id for span in trials}
    assert len({span.span_id for span in collector.spans}) == len(collector.spans) == 5
    assert f"5 spans sent to {collector.url[7:]}, trace {trace}" in done.err


def test_each_span_lies_within_the_one_above_it(
    project: Project, run: Run, collector: Collector
) -> None:
    project()

    run("test", "--otel")

    root, trial, chat = (collector.one(name) for name in ("run", "trial say", "chat echo"))
    begins = [span.start_time_unix_nano for span in (root, trial, chat)]
    ends = [span.end_time_unix_nano for span in (chat, trial, root)]
    assert begins == sorted(begins)
    assert ends == sorted(ends)


def test_a_trial_says_what_it_was_and_what_its_assertions_came_to(
    project: Project, run: Run, collector: Collector
) -> None:
    project({"suites/say.yaml": SUITE.replace("{contains: red}", "{contains: blue, metric: hue}")})

    run("test", "--otel")

    trial = collector.one("trial say")
    (event,) = trial.events
    facts = said(trial)
    assert facts["test.suite.name"] == "say"
    assert facts["test.case.name"] == "one"
    assert facts["test.case.result.status"] == "fail"
    assert facts["llmops.prompt.version"] == "1.0.0"
    assert facts["llmops.origin"] == "live"
    assert event.name == "gen_ai.evaluation.result"
    assert values(event.attributes) == {
        "gen_ai.evaluation.name": "hue",
        "gen_ai.evaluation.score.label": "failed",
        "gen_ai.evaluation.score.value": 0.0,
        "llmops.assertion.at": "suites/say.yaml:5:15",
        "llmops.assertion.soft": False,
    }


def test_a_run_says_what_it_came_to(project: Project, run: Run, collector: Collector) -> None:
    project({"suites/say.yaml": SUITE + OTHER})

    run("test", "--otel")

    facts = said(collector.one("run"))
    assert facts["test.suite.run.status"] == "failure"
    assert facts["llmops.verdict"] == "failed"
    assert facts["llmops.exit_code"] == 1
    assert (facts["llmops.trials.passed"], facts["llmops.trials.failed"]) == (1, 1)
    assert collector.resource["service.name"] == "llmops"


def test_an_attempt_has_the_names_of_the_genai_conventions(
    project: Project, run: Run, collector: Collector, till: Till
) -> None:
    prompt = "model: echo\nparameters: {temperature: 0, max_tokens: 9, stop: END}\nuser: Hi\n"
    suite = "prompt: say\ncases: [{id: one, assert: [{contains: w}]}]\n"
    project({"llmops.yaml": config(till), "prompts/say.yaml": prompt, "suites/say.yaml": suite})

    done = run("test", "--otel")

    chat = collector.one("chat ours")
    facts = said(chat)
    assert done.code == 0
    assert chat.kind == 3  # a client's
    assert facts.pop("llmops.cost") == pytest.approx(0.1)
    assert facts == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "ours",
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.response.model": "ours",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 60_000,
        "gen_ai.usage.output_tokens": 40_000,
        "gen_ai.usage.cache_read.input_tokens": 10_000,
        "gen_ai.usage.cache_creation.input_tokens": 7,
        "gen_ai.usage.reasoning.output_tokens": 30_000,
        "llmops.attempt": 1,
        "llmops.model": "echo",
        "server.address": "127.0.0.1",
        "server.port": till.server.server_address[1],
    }


def test_each_attempt_has_a_span_of_its_own_with_its_error(
    project: Project, run: Run, collector: Collector, till: Till
) -> None:
    project({"llmops.yaml": config(till), "suites/say.yaml": SUITE.replace("red}]", "w}]")})
    till.refusals = [503]

    done = run("test", "--otel")

    first, second = collector.named("chat ours")
    assert done.code == 0
    assert (first.status.code, second.status.code) == (2, 0)
    assert said(first)["http.response.status_code"] == 503
    assert said(first)["error.type"] == first.status.message == "server"
    assert said(second)["llmops.attempt"] == 2


def test_an_attempt_that_takes_too_long_and_its_trial_say_so(
    project: Project, run: Run, collector: Collector, till: Till
) -> None:
    slow = config(till, price=", timeout: 0.2s, retries: 0")
    project({"llmops.yaml": slow})
    till.wait = 3600

    done = run("test", "--otel")

    assert done.code == 3
    assert said(collector.one("chat ours"))["error.type"] == "timeout"
    assert said(collector.one("trial say"))["error.type"] == "timeout"
    assert said(collector.one("run"))["llmops.verdict"] == "error"


def test_attempts_of_a_trial_that_never_ended_stand_below_the_run(
    project: Project, run: Run, collector: Collector, till: Till
) -> None:
    project({"llmops.yaml": config(till)})
    till.refusals = [500, 500]

    done = run("test", "--otel", "--max-calls", "1")

    assert done.code == 4
    assert collector.named("trial") == []
    assert collector.one("chat ours").parent_span_id == collector.one("run").span_id
    assert said(collector.one("run"))["test.suite.run.status"] == "aborted"


def test_a_target_has_spans_too(project: Project, run: Run, collector: Collector) -> None:
    target = "target: {exec: [cat]}\ncases: [{id: one, inputs: {word: red}, assert: [{contains: red}]}]\n"
    project({"suites/say.yaml": target})

    done = run("test", "--otel")

    facts = said(collector.one("target say"))
    assert done.code == 0
    assert facts["llmops.target"] == "say"
    assert "gen_ai.operation.name" not in facts
    assert collector.metrics["llmops.target.duration"][0].count == 1


def test_metrics_add_up_to_what_the_report_says(
    project: Project, run: Run, collector: Collector, till: Till
) -> None:
    project({"llmops.yaml": config(till), "suites/say.yaml": SUITE.replace("red}]", "w}]") + OTHER})
    till.refusals = [500]

    done = run("test", "--otel", "--json")

    totals = json.loads(done.out)["verdict"]["totals"]
    by_kind = {
        values(point.attributes)["gen_ai.token.type"]: point.sum
        for point in collector.metrics["gen_ai.client.token.usage"]
    }
    durations = collector.metrics["gen_ai.client.operation.duration"]
    failed = [p for p in durations if "error.type" in values(p.attributes)]
    (cost,) = collector.metrics["llmops.cost"]
    assert by_kind == {"input": totals["input_tokens"], "output": totals["output_tokens"]}
    assert cost.as_double == pytest.approx(totals["spent"])
    assert sum(point.count for point in durations) == totals["calls"] == 3
    assert [values(point.attributes)["error.type"] for point in failed] == ["server"]
    assert sum(point.as_int for point in collector.metrics["llmops.trials"]) == 2


def test_metrics_are_sent_now_and_then_and_at_the_end(
    project: Project, run: Run, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmops.telemetry.otlp._BETWEEN_METRICS", 0.0)
    monkeypatch.setattr("llmops.telemetry.courier._BATCH", 1)
    project({"suites/say.yaml": SUITE + OTHER})

    run("test", "--otel")

    assert collector.paths == ["/v1/traces", "/v1/metrics"] * 3
    assert sum(point.as_int for point in collector.metrics["llmops.trials"]) == 2


def test_no_word_of_prompts_inputs_and_completions_is_sent(
    project: Project, run: Run, collector: Collector, till: Till
) -> None:
    suite = NAMELESS.replace("word: red", "word: marzipan")
    project({"llmops.yaml": config(till), "suites/say.yaml": suite})
    till.words = "nougat"
    till.refusals = [503]

    run("test", "--otel")

    assert said(collector.one("trial say"))["test.case.name"].startswith("case-")
    for word in (b"marzipan", b"nougat", b"Say", b"contains 'red'"):
        assert word not in collector.raw


def test_words_are_sent_when_the_project_asks_for_them(
    project: Project, run: Run, collector: Collector, till: Till
) -> None:
    wanted = config(till, more="otel: {content: true}\n")
    project({"llmops.yaml": wanted})
    till.words = "nougat"

    run("test")

    facts = said(collector.one("chat ours"))
    (event,) = collector.one("trial say").events
    assert json.loads(facts["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "Say red."}]}
    ]
    assert json.loads(facts["gen_ai.output.messages"]) == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "nougat"}],
            "finish_reason": "stop",
        }
    ]
    assert "not in the output" in values(event.attributes)["gen_ai.evaluation.explanation"]


def test_what_the_provider_says_of_a_fault_is_content(
    project: Project, run: Run, collector: Collector, till: Till
) -> None:
    project({"llmops.yaml": config(till, more="otel: {content: true}\n")})
    till.words = "you said nougat"
    till.refusals = [400]

    run("test")

    assert "you said nougat" in collector.one("chat ours").status.message


def test_secrets_are_never_sent_whatever_is_asked_for(
    project: Project, run: Run, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_KEY", CANARY)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=the-team-of-tests")
    secret = SUITE.replace("word: red", f"word: red {CANARY} the-team-of-tests")
    project({"llmops.yaml": CONFIG + "otel: {content: true}\n", "suites/say.yaml": secret})

    run("test")

    assert CANARY.encode() not in collector.raw
    assert b"the-team-of-tests" not in collector.raw
    assert b"Say red [redacted] [redacted]." in collector.raw
    assert collector.headers[0]["x-team"] == "the-team-of-tests"


@pytest.mark.parametrize(
    ("status", "seconds", "words"),
    [
        (400, "0.3", "it answers with the status 400"),
        (503, "1.3", "it answers 'Service Unavailable'"),
        (503, "0.3", "it is not there, or not in time"),
    ],
)
def test_a_collector_that_refuses_changes_nothing_and_is_named_once(
    project: Project,
    run: Run,
    collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    seconds: str,
    words: str,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", seconds)
    collector.status = status
    project()

    done = run("test", "--otel")

    assert done.code == 0
    assert done.err.count("not all traces could be sent to 127.0.0.1:") == 1
    assert words in done.err
    assert "opentelemetry" not in done.err


def test_a_collector_that_hangs_changes_nothing(
    project: Project, run: Run, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    collector.wait = 3600
    project()

    done = run("test", "--otel")

    assert done.code == 0
    assert "the run and its verdict are not touched" in done.err


@pytest.mark.usefixtures("collector")
def test_a_collector_that_is_not_there_changes_nothing(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    project()

    with nobody_at() as port:
        endpoint = f"http://a:password@127.0.0.1:{port}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        done = run("test", "--otel")

    assert done.code == 0
    assert "the connection is refused; the run and its verdict are not touched" in done.err
    assert "password" not in done.err


@pytest.mark.parametrize("address", ["http://a:password@[::1", "a:password@localhost"])
def test_an_address_of_a_collector_that_is_none_changes_nothing(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch, address
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    project()

    done = run("test", "--otel")

    assert done.code == 0
    assert "what names its address is none; the run and its verdict are not touched" in done.err
    assert "password" not in done.err


@pytest.mark.parametrize(
    ("files", "arguments", "environment", "spans"),
    [
        ({}, [], {}, 0),
        ({"otel": "{}"}, [], {}, 3),
        ({"otel": "{enabled: false}"}, [], {}, 0),
        ({"otel": "{enabled: false}"}, ["--otel"], {}, 3),
        ({"otel": "{}"}, ["--no-otel"], {}, 0),
        ({"otel": "{}"}, ["--untrusted"], {}, 0),
        ({}, ["--otel", "--untrusted"], {}, 3),
        ({}, ["--otel"], {"OTEL_SDK_DISABLED": "true"}, 0),
        ({}, ["--otel"], {"OTEL_TRACES_EXPORTER": "none"}, 0),
    ],
)
def test_nothing_is_sent_unless_the_project_or_the_command_line_wants_it(
    project: Project,
    run: Run,
    collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    arguments: list[str],
    environment: dict[str, str],
    spans: int,
) -> None:
    more = "".join(f"{key}: {value}\n" for key, value in files.items())
    project({"llmops.yaml": CONFIG + more})
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    done = run("test", *arguments)

    assert done.code == 0
    assert len(collector.spans) == spans


def test_an_untrusted_project_sends_no_words(
    project: Project, run: Run, collector: Collector
) -> None:
    project({"llmops.yaml": CONFIG + "otel: {content: true}\n"})

    run("test", "--otel", "--untrusted")

    assert len(collector.spans) == 3
    assert b"Say red." not in collector.raw


def test_metrics_alone_can_be_left_out(
    project: Project, run: Run, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    project()

    run("test", "--otel")

    assert len(collector.spans) == 3
    assert collector.metrics == {}


def test_the_standard_variables_are_heeded(
    project: Project, run: Run, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "prompts")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=ci")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    project()

    done = run("test", "--otel")

    assert collector.resource["service.name"] == "prompts"
    assert collector.resource["deployment.environment.name"] == "ci"
    assert "traces are sent by http/protobuf, though" in done.err
    assert len(collector.spans) == 3


def test_a_run_that_is_gone_on_with_stays_one_trace(
    project: Project, run: Run, collector: Collector
) -> None:
    project({"suites/say.yaml": SUITE + OTHER})

    run("test", "--otel", "--max-calls", "1", "--concurrency", "1")
    run("test", "--otel", "--resume", "last")

    first, second = collector.named("run")
    assert first.trace_id == second.trace_id
    assert first.span_id != second.span_id
    assert len({span.span_id for span in collector.spans}) == len(collector.spans) == 6


def test_without_the_packages_the_run_does_not_start_and_says_how_to_get_them(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "llmops.telemetry.otlp", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.metrics.export", None)
    project()

    done = run("test", "--otel")

    assert done.code == 2
    assert "missing-extra" in done.err
    assert "pip install 'llmops[otel]'" in done.err


def test_off_loads_no_module_of_opentelemetrys(project: Project) -> None:
    folder = project()
    code = (
        "import sys\nfrom llmops.cli.app import program\n"
        "try:\n    program()(['test'])\nexcept SystemExit as end:\n    assert not end.code\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'google.'))"
        " or name in ('llmops.telemetry.otlp', 'llmops.telemetry.spans')], file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder
    )

    assert done.stderr.splitlines()[-1] == "[]"


def test_off_calls_nothing_of_it_for_any_trial(project: Project) -> None:
    project({"suites/say.yaml": SUITE + OTHER})
    world = surroundings(untrusted=False)
    seen: list[str] = []

    def profile(frame, event, _argument) -> None:
        name = frame.f_code.co_filename
        if event == "call" and ("telemetry" in name or name.endswith("observing.py")):
            seen.append(frame.f_code.co_qualname if sys.version_info >= (3, 11) else name)

    run_once(Wishes(options=TestOptions()), world)  # loads what is loaded late
    sys.setprofile(profile)
    try:
        run_once(Wishes(options=TestOptions(fresh=True)), world)
    finally:
        sys.setprofile(None)

    assert seen == []


def test_no_thread_is_left_behind(project: Project, run: Run, collector: Collector) -> None:
    project()

    run("test", "--otel")

    assert not [t for t in threading.enumerate() if t.name == "llmops-courier"]


def test_the_gate_follows_what_the_base_says() -> None:
    change, base = Config(otel=Otel(content=True)), Config(otel=Otel())

    assert govern(change, base).otel == Otel()
    assert govern(change, Config()).otel is None


def test_a_collector_that_others_wrote_reads_all_of_it(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rotel = pytest.importorskip("rotel", reason="a collector from PyPI, which is not installed")
    web, other = free_ports()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{web}")
    project({"llmops.yaml": CONFIG + "otel: {content: true}\n"})
    options = {
        "--otlp-http-endpoint": f"127.0.0.1:{web}",
        "--otlp-grpc-endpoint": f"127.0.0.1:{other}",
        "--pid-file": str(tmp_path / "pid"),
        "--exporter": "blackhole",
        "--debug-log-verbosity": "detailed",
    }
    agent = [str(Path(rotel.__path__[0]) / "rotel-agent"), "start"]
    agent += [word for option in options.items() for word in option]
    agent += ["--debug-log", "traces", "--debug-log", "metrics"]
    with subprocess.Popen(agent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as started:
        wait_for(web)
        done = run("test")
        started.terminate()
        heard, _nothing = started.communicate(timeout=10)

    said_there = heard.decode()
    assert "3 spans sent" in done.err
    assert "Name           : run\n" in said_there
    assert "gen_ai.request.model: Str(echo)" in said_there
    assert "Name: gen_ai.client.operation.duration" in said_there


def free_ports() -> list[int]:
    with socket.socket() as one, socket.socket() as two:
        for listening in (one, two):
            listening.bind(("127.0.0.1", 0))
        return [one.getsockname()[1], two.getsockname()[1]]


def wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as trying:
            if trying.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
