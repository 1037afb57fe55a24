import asyncio
import itertools
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from opened import Opened, suite

from batch_server import DROP, KEY, BatchServer, serve_batches
from llmops.domain.config import Budget
from llmops.domain.run import TrialResult
from llmops.running.budget import Purse
from llmops.running.keeping.batch_log import BatchEvent, event_from_json, event_to_json, open_log
from llmops.running.runner import Progress, Runner
from llmops.running.sources import Sources
from llmops.running.stop import Stop

HEAD = "prompt: say\nmodels: [{models}]\n"
SAY = """\
version: 1.2.0
model: fast
inputs: {word: {type: string}}
user: '{{ word }}'
"""


@pytest.fixture
def server() -> Iterator[BatchServer]:
    with serve_batches() as server:
        yield server


@dataclass
class Command:
    """One command's worth of a run in batches, on a project with so many cases."""

    root: Path
    server: BatchServer
    provider: str = "openai"
    models: str = "fast"
    cases: int = 3
    more: str = ""
    budget: Budget = field(default_factory=Budget)
    environment: dict[str, str] = field(default_factory=lambda: {"OUR_API_KEY": KEY})
    events: list[BatchEvent] = field(default_factory=list)
    results: dict[str, TrialResult] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    in_flight: list[int] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    stop: Stop = field(default_factory=Stop)
    on_pause: Callable[[], None] = lambda: None
    clock: Iterable[float] = field(default_factory=lambda: itertools.repeat(0.0))

    def run(self) -> dict[str, str]:
        """Run it; gives each finished trial's status by its case."""
        from llmops.running.batch.asker import BatchedAsker

        opened = Opened(self.root, self._files())
        self.purse = Purse(self.budget, lambda: self.stop.ask("budget"))
        sources = Sources(load=lambda _suite: None, cache=None)
        clock = iter(self.clock)
        self.results = {}
        asker = BatchedAsker(
            sources=sources,
            sink=self._take,
            stop=self.stop,
            purse=self.purse,
            environment=self.environment,
            live=lambda: self,
            log=open_log("run-1", self.events, self.events.append),
            note=self.notes.append,
            monotonic=lambda: next(clock),
            in_flight=self.in_flight.append,
            pause=self._pause,
        )
        runner = Runner(sources=sources, sink=self._take, stop=self.stop, asker=lambda: asker)
        runner.run(opened.plan())
        return {case: result.status for case, result in self.results.items()}

    def kinds(self) -> dict[str, str]:
        """The kinds of failures by case."""
        return {c: r.failure.kind for c, r in self.results.items() if r.failure is not None}

    def finish(self, waiting: Iterator[Progress]) -> None:
        """Stand for what asks live."""
        self.aside += [progress.trial.case.id for progress in waiting]

    def _take(self, _index: int, result: TrialResult) -> None:
        self.results[result.case] = result

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.on_pause()
        await asyncio.sleep(0)

    def _files(self) -> dict[str, str]:
        base = self.server.openai if self.provider == "openai" else self.server.base
        name = {"openai": "openai/gpt-4.1-mini", "anthropic": "anthropic/claude-haiku-4-5"}
        line = f"{{model: {name[self.provider]}, api_base: '{base}', key: OUR_API_KEY, retries: 2}}"
        cases = "".join(f"  - {{id: c{n}, inputs: {{word: a{n}}}}}\n" for n in range(self.cases))
        return {
            "llmops.yaml": f"models:\n  fast: {line}\n  slow: {line}\n",
            "prompts/say.yaml": SAY,
            **suite(cases, HEAD.format(models=self.models) + self.more),
        }


@pytest.fixture
def command(tmp_path: Path, server: BatchServer) -> Command:
    return Command(root=tmp_path, server=server)


ALL = {f"c{number}": "passed" for number in range(3)}


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_batch_is_polled_less_and_less_often(command: Command, provider: str) -> None:
    command.provider = provider
    command.server.looks = 7

    statuses = command.run()

    assert statuses == ALL
    assert command.pauses == [10.0, 15.0, 22.5, 33.75, 50.625, 60.0, 60.0]
    assert command.in_flight[0] == 3
    assert command.in_flight[-1] == 0


def test_exchanges_say_that_they_were_asked_live_and_once(command: Command) -> None:
    command.run()

    exchanges = [result.exchanges[0] for result in command.results.values()]
    assert {(one.origin, one.attempts) for one in exchanges} == {("live", 1)}
    assert command.purse.calls == 3


def test_what_is_on_disk_before_the_first_look_is_enough_to_go_on(command: Command) -> None:
    events_at_look: list[BatchEvent] = []

    def fault(method: str, path: str) -> None:
        if method == "GET" and not events_at_look:
            events_at_look.extend(command.events)

    command.server.fault = fault

    command.run()

    assert [bool(event.keys) for event in events_at_look] == [True, False]
    assert events_at_look[1].id == "batch_0"


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_signal_leaves_the_batch_with_the_provider_and_another_command_takes_it(
    command: Command, provider: str
) -> None:
    command.provider = provider
    command.server.looks = 1
    command.on_pause = lambda: command.stop.ask("sigint")

    first = command.run()
    command.stop = Stop()
    second = command.run()

    assert first == {}
    assert second == ALL
    assert set(command.server.asked.values()) == {1}
    assert not any(call.endswith("/cancel") for call in command.server.calls)
    assert "1 batch with 3 requests go on at the provider; 'llmops test --resume run-1'" in (
        " ".join(command.notes)
    )
    assert command.purse.calls == 0


def test_answers_taken_before_are_fetched_again_not_asked_for_again(command: Command) -> None:
    command.run()
    again = command.run()

    assert again == ALL
    assert set(command.server.asked.values()) == {1}


def test_a_batch_whose_id_was_never_written_is_found_by_its_mark(command: Command) -> None:
    command.run()
    for _ in range(3):
        command.server.batches[f"batch_{len(command.server.batches)}"] = type(
            command.server.batches["batch_0"]
        )(f"batch_{len(command.server.batches)}", {}, {"llmops_run": "another"})
    command.events[1:] = []

    again = command.run()

    assert again == ALL
    assert set(command.server.asked.values()) == {1}
    assert command.events[1].id == "batch_0"


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_batch_that_was_never_sent_is_sent_now(command: Command, provider: str) -> None:
    command.provider = provider
    command.run()
    command.events[1:] = []
    command.server.batches.clear()
    command.server.asked.clear()

    again = command.run()

    assert again == ALL
    assert set(command.server.asked.values()) == {1}
    assert {event.name.partition("-")[0] for event in command.events} == {"1", "2"}


def test_a_batch_that_cannot_be_searched_for_ends_in_error_and_stays_open(command: Command) -> None:
    command.run()
    command.events[1:] = []
    command.server.fault = lambda method, _path: (500, {}, {}) if method == "GET" else None

    command.run()

    assert set(command.kinds().values()) == {"server"}
    assert len(command.events) == 1


def test_a_connection_that_breaks_while_sending_sends_nothing_twice(command: Command) -> None:
    command.server.fault = lambda method, path: (
        DROP if (method, path) == ("POST", "/v1/batches") else None
    )

    statuses = command.run()

    assert statuses == ALL
    assert set(command.server.asked.values()) == {1}


def test_what_may_have_been_accepted_is_not_sent_again_by_itself(command: Command) -> None:
    command.provider = "anthropic"
    command.server.fault = lambda method, _path: DROP if method == "POST" else None

    command.run()

    assert set(command.kinds().values()) == {"network"}
    assert set(command.server.asked.values()) == {1}


def test_a_batch_refused_for_a_limit_is_sent_again_when_the_provider_says(
    command: Command,
) -> None:
    refusals = iter([(429, {"error": {"message": "slow down"}}, {"retry-after": "7"}), None])
    command.server.fault = lambda method, path: (
        next(refusals, None) if (method, path) == ("POST", "/v1/batches") else None
    )

    statuses = command.run()

    assert statuses == ALL
    assert command.pauses == [7.0]


def test_a_host_without_batches_is_an_error_of_every_trial(command: Command) -> None:
    command.server.fault = lambda _method, _path: (404, {"error": {"message": "no such page"}}, {})

    command.run()

    assert set(command.kinds().values()) == {"not_found"}
    assert open_log("run-1", command.events, command.events.append).out == {}


def test_a_limit_that_stays_ends_the_trials(command: Command) -> None:
    command.server.fault = lambda _method, _path: (429, {"error": {"message": "no"}}, {})

    command.run()

    assert set(command.kinds().values()) == {"rate_limited"}
    assert command.pauses == [2.0, 4.0]


@pytest.mark.parametrize(
    ("ends_as", "kind", "words"),
    [
        ("expired", "timeout", "24 hours"),
        ("cancelled", "bad_request", "was cancelled"),
        ("completed", "bad_response", "no answer to the request"),
        ("failed", "bad_request", "Line 1 is no JSON."),
    ],
)
def test_a_batch_that_ends_without_answers_is_never_green(
    command: Command, ends_as: str, kind: str, words: str
) -> None:
    command.server.ends_as = ends_as
    command.server.answer = lambda _text: {}

    statuses = command.run()

    assert set(statuses.values()) == {"error"}
    assert set(command.kinds().values()) == {kind}
    assert all(words in result.failure.message for result in command.results.values())


def test_a_batch_that_expired_half_way_keeps_what_was_answered(command: Command) -> None:
    command.server.ends_as = "expired"
    command.server.answer = lambda text: {"text": text} if text == "a0" else {"word": "expired"}

    statuses = command.run()

    assert statuses == {"c0": "passed", "c1": "error", "c2": "error"}
    assert command.kinds() == {"c1": "timeout", "c2": "timeout"}


def twist(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[list[bytes]], bytes]:
    return lambda lines: b"\n".join(change(lines))


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (lambda lines: [*lines, lines[0].replace(b'custom_id": "', b'custom_id": "x')], set()),
        (lambda lines: [*lines, lines[0].replace(b"You said: a", b"It was b")], set()),
        (lambda lines: lines[::-1], set()),
        (lambda lines: [b"", *lines, b"[]", b"{}", b"\xff\xfe", b"[" * 100_000], set()),
        (lambda lines: lines[1:], {"c0"}),
        (lambda lines: [lines[0][:-9], *lines[1:]], {"c0"}),
        (lambda lines: [lines[0].replace(b"You said", b"x" * 9 * 2**20), *lines[1:]], {"c0"}),
        (lambda lines: [lines[0].replace(b"1000", b'"many"'), *lines[1:]], {"c0"}),
        (lambda lines: [lines[0].replace(b"usage", b"usages"), *lines[1:]], set()),
        (lambda lines: [], {"c0", "c1", "c2"}),
    ],
)
def test_hostile_results_cost_their_own_requests_only(
    command: Command, provider: str, change: Callable[[list[bytes]], list[bytes]], lost: set[str]
) -> None:
    command.provider = provider
    command.server.twist = twist(change)
    if provider == "anthropic" and b"usages" in change([b"usage"])[:1]:
        lost = {"c0"}

    statuses = command.run()

    wrong = {case for case, status in statuses.items() if status != "passed"}
    assert statuses.keys() == ALL.keys()
    assert wrong == lost
    assert set(command.kinds().values()) <= {"bad_response"}


def test_results_that_break_off_are_fetched_anew(command: Command) -> None:
    faults = iter([(500, {}, {})])
    command.server.fault = lambda _method, path: (
        next(faults, None) if path.endswith("/content") else None
    )

    statuses = command.run()

    assert statuses == ALL
    assert command.pauses == [10.0]
    assert "is asked for again" in " ".join(command.notes)


def test_a_provider_out_of_reach_is_given_up_and_polled_by_the_next_command(
    command: Command,
) -> None:
    command.server.fault = lambda method, _path: (503, {}, {}) if method == "GET" else None

    command.run()
    first = command.kinds()
    command.server.fault = lambda _method, _path: None
    second = command.run()

    assert set(first.values()) == {"server"}
    assert len(command.pauses) == 20
    assert second == ALL
    assert set(command.server.asked.values()) == {1}


def test_a_batch_that_is_gone_is_sent_anew_by_the_next_command(command: Command) -> None:
    command.server.fault = lambda method, _path: (404, {}, {}) if method == "GET" else None

    command.run()
    first = command.kinds()
    command.server.fault = lambda _method, _path: None
    second = command.run()

    assert set(first.values()) == {"not_found"}
    assert second == ALL
    assert set(command.server.asked.values()) == {2}


def test_a_key_that_is_refused_while_polling_ends_the_trials_and_loses_nothing(
    command: Command,
) -> None:
    command.server.fault = lambda method, _path: (401, {}, {}) if method == "GET" else None

    command.run()
    first = command.kinds()
    command.server.fault = lambda _method, _path: None
    second = command.run()

    assert set(first.values()) == {"auth"}
    assert second == ALL
    assert set(command.server.asked.values()) == {1}


def test_a_batch_without_end_is_given_up_after_26_hours(command: Command) -> None:
    command.server.looks = 1000
    command.clock = (hours * 3600.0 for hours in itertools.count())

    command.run()

    assert set(command.kinds().values()) == {"timeout"}
    assert "has not ended after 26 hours: it is 'in_progress'" in (
        command.results["c0"].failure.message
    )


def test_a_large_suite_goes_in_batches_of_a_thousand(command: Command) -> None:
    command.cases = 1001

    statuses = command.run()

    assert set(statuses.values()) == {"passed"}
    assert sorted(len(batch.requests) for batch in command.server.batches.values()) == [1, 1000]


def test_requests_whose_form_is_not_certain_are_asked_live(command: Command) -> None:
    command.more = "parameters: {verbosity: low}\n"

    command.run()

    assert command.aside == ["c0", "c1", "c2"]
    assert command.notes == [
        "'fast' gets a request whose form no batch is sure to carry, and is asked live"
    ]
    assert not command.server.calls


def test_equal_questions_of_two_models_of_one_name_are_one(command: Command) -> None:
    command.models = "fast, slow"

    command.run()

    assert set(command.server.asked.values()) == {1}
    origins = [result.exchanges[0].origin for result in command.results.values()]
    assert set(origins) == {"cached"}


def test_a_key_never_stands_in_what_is_said_of_an_error(command: Command) -> None:
    words = {"error": {"message": f"bad key {KEY}"}}
    command.server.answer = lambda _text: {"status": 400, "body": words}

    command.run()

    said = [result.failure.message for result in command.results.values()]
    assert all("[redacted]" in one and KEY not in one for one in said)


def test_a_key_of_another_host_is_not_sent(command: Command) -> None:
    command.environment = {"OPENAI_API_KEY": "sk-another-0123456789"}

    command.run()

    assert set(command.kinds().values()) == {"auth"}
    assert not command.server.calls


def test_a_redirect_to_another_host_is_not_followed(command: Command) -> None:
    elsewhere = {"location": "http://localhost:1/v1/files"}
    command.server.fault = lambda _method, _path: (307, {}, elsewhere)

    command.run()

    assert set(command.kinds().values()) == {"bad_request"}
    assert "redirects to another host" in command.results["c0"].failure.message


def test_a_stop_while_trials_come_in_sends_no_more(command: Command) -> None:
    command.budget = Budget(max_calls=2)

    statuses = command.run()

    assert len(statuses) == 2
    assert sum(command.server.asked.values()) == 2
    assert command.stop.reason == "budget"


def test_what_is_written_of_a_batch_reads_back() -> None:
    events = [
        BatchEvent(name="1-a", keys=("x", "y")),
        BatchEvent(name="1-a", id="batch_0"),
        BatchEvent(name="1-a", failed=("y",)),
    ]

    back = [event_from_json(json.loads(json.dumps(event_to_json(event)))) for event in events]

    assert back == events
    assert {key: one.id for key, one in open_log("r", back, events.append).out.items()} == {
        "x": "batch_0"
    }


def test_batches_are_cancelled_when_the_first_failure_ends_the_run(command: Command) -> None:
    command.server.looks = 1
    command.on_pause = lambda: command.stop.ask("fail_fast")
    command.provider = "anthropic"

    command.run()

    assert "POST /v1/messages/batches/batch_0/cancel" in command.server.calls
    assert "were cancelled" in command.notes[-1]


def test_a_provider_that_does_not_cancel_is_said(command: Command) -> None:
    command.server.looks = 1
    command.on_pause = lambda: command.stop.ask("fail_fast")
    command.server.fault = lambda _method, path: (500, {}, {}) if "cancel" in path else None

    command.run()

    assert "the batch batch_0 was not cancelled" in " ".join(command.notes)


def test_a_call_that_hangs_is_let_go_of_when_a_signal_hurries(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmops.running.batch.asker._GRACE", 0.05)
    hang = threading.Event()

    def fault(method: str, _path: str) -> None:
        if method == "GET":
            command.stop.ask("sigterm")
            hang.wait(5)

    command.server.fault = fault

    statuses = command.run()
    hang.set()

    assert statuses == {}
    assert command.stop.reason == "sigterm"
    assert "go on at the provider" in command.notes[-1]


def test_no_more_than_a_hundred_batches_are_under_way_and_the_rest_waits(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmops.running.batch.asker._MOST_OPEN", 1)
    monkeypatch.setattr("llmops.running.batch.post.MOST_REQUESTS", 2)
    command.cases = 5

    statuses = command.run()

    assert len(statuses) == 5
    batches = command.server.batches.values()
    assert [len(batch.requests) for batch in batches] == [2, 2, 1]
    looks = [call for call in command.server.calls if "batch_" in call or call.startswith("POST")]
    assert looks.index("GET /v1/batches/batch_0") < looks.index("GET /v1/batches/batch_1")
