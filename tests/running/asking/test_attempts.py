import asyncio
import random
from collections.abc import Callable, Iterator

import pytest
from hand_made_time import run_quickly
from hypothesis import given
from hypothesis import strategies as st

from llmops.domain.completion import Completion
from llmops.domain.config import Model
from llmops.errors import RETRYABLE, ProviderError
from llmops.running.asking.attempts import AttemptsError, Patience
from llmops.running.asking.limits import ModelGate
from llmops.running.budget import BudgetSpentError

Answer = Completion | Exception | float
"""What an attempt comes to: an answer, a fault, or silence for so many seconds."""

WELL = Completion(text="well")


def fault(kind, retry_after: float | None = None) -> ProviderError:
    return ProviderError(f"it is {kind}", kind=kind, retry_after=retry_after)


class Asking:
    """A provider that answers as it was told, and the patience that asks it."""

    def __init__(self, *answers: Answer, seed: int = 7, **settings) -> None:
        self.model = Model(label="fast", name="openai/fast", **settings)
        self.starts: list[float] = []
        self.gate: ModelGate | None = None
        self.allow: Callable[[], None] = lambda: None
        self._answers: Iterator[Answer] = iter(answers)
        self._seed = seed

    async def attempt(self) -> Completion:
        self.starts.append(asyncio.get_running_loop().time())
        answer = next(self._answers)
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            return WELL
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def ask(self) -> tuple[Completion, int] | AttemptsError:
        clock = asyncio.get_running_loop().time
        self.gate = self.gate or ModelGate(self.model, clock=clock, sleep=asyncio.sleep)
        patience = Patience(allow=self.allow, sleep=asyncio.sleep, chance=random.Random(self._seed))
        try:
            return await patience.ask(self.attempt, self.model, self.gate, 10)
        except AttemptsError as error:
            return error


def outcome(asking: Asking) -> tuple[tuple[Completion, int] | AttemptsError, float]:
    result, took = run_quickly(asking.ask())
    assert asking.gate is not None
    assert asking.gate.in_flight == 0
    return result, took


def failure(asking: Asking) -> AttemptsError:
    result, _took = outcome(asking)
    assert isinstance(result, AttemptsError)
    return result


def test_a_first_answer_takes_one_attempt_and_no_time() -> None:
    assert outcome(Asking(WELL)) == ((WELL, 1), 0.0)


@pytest.mark.parametrize("kind", sorted(RETRYABLE))
def test_a_passing_fault_is_asked_again(kind) -> None:
    asking = Asking(fault(kind), fault(kind), WELL)

    result, took = outcome(asking)

    assert result == (WELL, 3)
    assert 0 < took <= 0.5 + 1


@pytest.mark.parametrize(
    "kind", ["auth", "bad_request", "not_found", "context_length", "content_filter", "too_large"]
)
def test_a_refusal_is_not_asked_again(kind) -> None:
    error = failure(Asking(fault(kind), WELL))

    assert (error.error.kind, error.attempts) == (kind, 1)


def test_attempts_end_after_so_many_retries() -> None:
    asking = Asking(*[fault("server")] * 9, retries=3)

    error = failure(asking)

    assert (error.error.kind, error.attempts, len(asking.starts)) == ("server", 4, 4)
    assert str(error) == str(error.error)


def test_no_retry_is_one_attempt() -> None:
    assert failure(Asking(fault("server"), retries=0)).attempts == 1


def test_waits_are_random_and_their_bounds_double() -> None:
    waits = []
    for seed in range(40):
        asking = Asking(*[fault("server")] * 4, WELL, seed=seed)
        outcome(asking)
        waits.append([b - a for a, b in zip(asking.starts, asking.starts[1:], strict=False)])

    for number, bound in enumerate([0.5, 1, 2, 4]):
        column = [row[number] for row in waits]
        assert max(column) <= bound
        assert max(column) > bound * 0.8
        assert min(column) < bound * 0.2


def test_a_wait_never_grows_beyond_half_a_minute() -> None:
    asking = Asking(*[fault("server")] * 1200, WELL, retries=2000, deadline=1e9)

    result, _took = outcome(asking)

    waits = [b - a for a, b in zip(asking.starts, asking.starts[1:], strict=False)]
    assert result == (WELL, 1201)
    assert 25 < max(waits) <= 30


def test_a_host_that_cannot_be_reached_is_given_up_within_five_seconds() -> None:
    for seed in range(20):
        asking = Asking(*[fault("network")] * 9, seed=seed)

        result, took = outcome(asking)

        assert isinstance(result, AttemptsError)
        assert took <= 5


def nobody_listens() -> ProviderError:
    error = fault("network")
    error.unreached = error.refused = True
    return error


def test_where_nobody_listens_nobody_asks_twice() -> None:
    asking = Asking(nobody_listens(), WELL)

    result, took = outcome(asking)
    later = failure(asking)

    assert isinstance(result, AttemptsError)
    assert (result.error.kind, result.attempts, took) == ("network", 1, 0)
    assert (later.error.message, later.attempts) == ("not asked: it is network", 0)


def test_a_server_that_starts_again_is_waited_for() -> None:
    asking = Asking(WELL, nobody_listens(), nobody_listens(), WELL)
    outcome(asking)

    result, took = outcome(asking)

    assert result == (WELL, 3)
    assert 0 < took <= 5


def test_the_time_a_provider_names_is_kept() -> None:
    asking = Asking(fault("rate_limited", 20.0), fault("server", 3.0), WELL)

    result, took = outcome(asking)

    assert result == (WELL, 3)
    assert asking.starts[1] >= 20
    assert asking.starts[2] - asking.starts[1] >= 3
    assert took < 23.5


def test_nobody_waits_for_a_moment_behind_the_deadline() -> None:
    result, took = outcome(Asking(fault("rate_limited", 3600.0), WELL, deadline=300))

    assert isinstance(result, AttemptsError)
    assert result.error.kind == "rate_limited"
    assert took == 0


def test_a_429_is_told_to_the_gate_and_a_success_too() -> None:
    asking = Asking(fault("rate_limited", 1.0), WELL, max_concurrency=8)

    outcome(asking)

    assert asking.gate is not None
    assert 4 < asking.gate.allowed < 5


def test_silence_ends_an_attempt_and_the_next_one_may_be_answered() -> None:
    result, took = outcome(Asking(1000.0, WELL, timeout=5))

    assert result == (WELL, 2)
    assert 5 <= took <= 5.5


def test_silence_for_ever_is_a_timeout() -> None:
    error = failure(Asking(1000.0, 1000.0, timeout=5, retries=1))

    assert (error.error.kind, error.attempts) == ("timeout", 2)
    assert error.error.message == "no answer within 5 s"


def test_a_timeout_of_the_provider_itself_is_one_too() -> None:
    assert outcome(Asking(TimeoutError(), WELL))[0] == (WELL, 2)


def test_the_deadline_ends_all_attempts_and_tells_what_was_before() -> None:
    result, took = outcome(Asking(fault("server"), 1000.0, timeout=100, deadline=30))

    assert isinstance(result, AttemptsError)
    assert took == 30
    assert (result.error.kind, result.attempts) == ("timeout", 2)
    assert (
        result.error.message == "no answer within the deadline of 30 s; before that: it is server"
    )


@pytest.mark.parametrize(
    ("answers", "ending"), [((WELL,), 50), ((25.0,), 75), ((500.0,), 80)], ids=str
)
def test_the_deadline_stands_still_while_others_have_the_places(answers, ending) -> None:
    asking = Asking(*answers, deadline=30, timeout=60, max_concurrency=1)

    async def crowded() -> object:
        clock = asyncio.get_running_loop().time
        asking.gate = ModelGate(asking.model, clock=clock, sleep=asyncio.sleep)
        await asking.gate.enter(1)
        asking_now = asyncio.ensure_future(asking.ask())
        await asyncio.sleep(50)
        asking.gate.leave()
        return await asking_now

    result, took = run_quickly(crowded())

    assert isinstance(result, AttemptsError) == (ending == 80)
    assert took == ending


def test_the_time_that_a_provider_names_for_all_counts_towards_the_deadline() -> None:
    asking = Asking(15.0, deadline=30)

    async def throttled() -> object:
        clock = asyncio.get_running_loop().time
        asking.gate = ModelGate(asking.model, clock=clock, sleep=asyncio.sleep)
        for _ in range(3):
            asking.gate.missed(fault("rate_limited", retry_after=20))
        return await asking.ask()

    result, took = run_quickly(throttled())

    assert isinstance(result, AttemptsError)
    assert (result.error.message, result.attempts) == ("no answer within the deadline of 30 s", 1)
    assert took == 30


def test_a_spent_budget_ends_it_without_an_attempt_and_gives_the_place_back() -> None:
    asking = Asking(WELL)

    def refuse() -> None:
        raise BudgetSpentError

    asking.allow = refuse

    with pytest.raises(BudgetSpentError):
        outcome(asking)

    assert asking.gate is not None
    assert asking.gate.in_flight == 0
    assert asking.starts == []


def test_the_budget_is_asked_before_every_attempt() -> None:
    asking = Asking(fault("server"), fault("server"), WELL)
    asked = []
    asking.allow = lambda: asked.append(1)

    outcome(asking)

    assert len(asked) == 3


def test_a_refused_key_ends_those_who_come_later_without_an_attempt() -> None:
    asking = Asking(fault("auth"), WELL)

    async def twice() -> list[object]:
        return [await asking.ask(), await asking.ask()]

    (first, second), _took = run_quickly(twice())

    assert isinstance(first, AttemptsError)
    assert isinstance(second, AttemptsError)
    assert (first.attempts, second.attempts) == (1, 0)
    assert second.error.message == "not asked: it is auth"


def test_nobody_waits_for_a_time_behind_the_deadline_that_was_named_to_others() -> None:
    hours = [fault("rate_limited", 7200.0)] * 3
    asking = Asking(*hours, WELL, deadline=300)

    async def one_after_the_other() -> list[object]:
        return [await asking.ask() for _ in range(5)]

    results, took = run_quickly(one_after_the_other())

    ends = [(r.error.kind, r.attempts) for r in results if isinstance(r, AttemptsError)]
    assert ends == [("rate_limited", 1)] * 3 + [("rate_limited", 0)] * 2
    assert took == 0


def test_who_waits_for_another_attempt_is_woken_when_the_circuit_opens() -> None:
    asking = Asking(fault("rate_limited", 200.0), fault("auth"))

    async def together() -> list[object]:
        first = asyncio.ensure_future(asking.ask())
        await asyncio.sleep(1)
        return [await asking.ask(), await first]

    (_second, first), took = run_quickly(together())

    assert isinstance(first, AttemptsError)
    assert (first.error.kind, first.attempts) == ("auth", 1)
    assert took == 1


def test_a_bug_of_a_provider_is_not_hidden_and_gives_the_place_back() -> None:
    asking = Asking(ZeroDivisionError("oops"))

    with pytest.raises(ZeroDivisionError):
        outcome(asking)

    assert asking.gate is not None
    assert asking.gate.in_flight == 0


def test_cancelling_a_request_gives_its_place_back() -> None:
    asking = Asking(1000.0)

    async def cancel() -> int:
        task = asyncio.ensure_future(asking.ask())
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert asking.gate is not None
        return asking.gate.in_flight

    assert run_quickly(cancel())[0] == 0


KINDS = st.sampled_from(["server", "network", "rate_limited", "timeout", "auth", "bad_request"])


@given(
    st.lists(KINDS | st.just(50.0) | st.just(WELL), min_size=1, max_size=8),
    st.integers(0, 5),
    st.floats(1, 200),
)
def test_whatever_is_answered_it_ends_in_time_with_as_many_attempts_as_were_made(
    answers, retries: int, deadline: float
) -> None:
    script = [fault(answer) if isinstance(answer, str) else answer for answer in answers]
    asking = Asking(*script, *[WELL] * 6, retries=retries, deadline=deadline, timeout=20)

    result, took = outcome(asking)

    attempts = result.attempts if isinstance(result, AttemptsError) else result[1]
    assert took <= deadline + 1e-6
    assert attempts == len(asking.starts) <= retries + 1
