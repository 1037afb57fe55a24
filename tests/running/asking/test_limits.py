import asyncio

import pytest
from hand_made_time import Time, settled
from hypothesis import given
from hypothesis import strategies as st

from llmops.domain.config import Model
from llmops.errors import ProviderError
from llmops.running.asking.limits import Bucket, ModelGate


def gate_of(time: Time, **settings) -> ModelGate:
    model = Model(label="fast", name="openai/fast", **{"max_concurrency": 4, **settings})
    return ModelGate(model, clock=time, sleep=time.sleep)


def throttle(retry_after: float | None = None) -> ProviderError:
    return ProviderError("slow down", kind="rate_limited", status=429, retry_after=retry_after)


def fault(kind) -> ProviderError:
    return ProviderError(f"it is {kind}", kind=kind, status=401, hint="look at the key")


UNREACHED = ProviderError("nobody is there", kind="network")
UNREACHED.unreached = True
REFUSED = ProviderError("nobody listens", kind="network")
REFUSED.unreached = REFUSED.refused = True


def test_a_full_bucket_gives_a_minutes_worth_at_once() -> None:
    now = [0.0]
    bucket = Bucket(60, lambda: now[0])

    waits = [bucket.reserve(1) for _ in range(62)]

    assert waits[:60] == [0.0] * 60
    assert waits[60:] == [1.0, 2.0]


def test_a_bucket_fills_with_time_but_not_beyond_its_rim() -> None:
    now = [0.0]
    bucket = Bucket(60, lambda: now[0])
    bucket.reserve(60)

    now[0] = 10.0
    after_ten = bucket.reserve(20)
    now[0] = 10_000.0
    much_later = [bucket.reserve(60), bucket.reserve(30)]

    assert after_ten == 10.0
    assert much_later == [0.0, 30.0]


def test_more_than_a_bucket_holds_waits_for_a_full_one() -> None:
    bucket = Bucket(60, lambda: 0.0)

    assert bucket.reserve(1_000_000) == 0.0
    assert bucket.reserve(1_000_000) == 60.0


@given(
    st.floats(1, 10_000),
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 10_000)), min_size=1, max_size=50),
)
def test_no_bucket_ever_gives_more_than_its_rate(rate: float, steps) -> None:
    now = [0.0]
    bucket = Bucket(rate, lambda: now[0])
    given_until = 0.0
    taken = 0.0

    for pause, amount in steps:
        now[0] += pause
        wait = bucket.reserve(amount)
        taken += min(amount, rate)
        given_until = max(given_until, now[0] + wait)
        assert wait >= 0

    assert taken <= rate + given_until * rate / 60 + 1e-6 * (1 + taken)


def test_no_more_than_so_many_are_let_through(time) -> None:
    gate = gate_of(time, max_concurrency=2)

    async def crowd() -> list[bool]:
        tasks = [asyncio.ensure_future(gate.enter(1)) for _ in range(3)]
        await settled()
        before = [task.done() for task in tasks]
        gate.leave()
        await settled()
        return [*before, tasks[2].done()]

    assert time.run(crowd()) == [True, True, False, True]
    assert gate.in_flight == 2


def test_the_command_line_overrides_a_models_own_number(time) -> None:
    model = Model(label="fast", name="openai/fast", max_concurrency=4)

    assert ModelGate(model, clock=time, sleep=time.sleep, concurrency=9).most == 9


def test_requests_a_minute_are_spread_over_the_minute(time) -> None:
    gate = gate_of(time, rpm=60)

    async def many() -> list[float]:
        starts = []
        for _ in range(63):
            await gate.enter(1)
            starts.append(time.now - 1000)
            gate.leave()
        return starts

    starts = time.run(many())

    assert starts[:60] == [0.0] * 60
    assert starts[60:] == pytest.approx([1.0, 2.0, 3.0])


def test_tokens_a_minute_hold_back_what_is_long(time) -> None:
    gate = gate_of(time, tpm=600, rpm=600)

    async def two() -> float:
        await gate.enter(600)
        await gate.enter(100)
        return time.now - 1000

    assert time.run(two()) == pytest.approx(10.0)


def test_a_429_halves_the_number_and_nothing_else_does(time) -> None:
    gate = gate_of(time, max_concurrency=8)

    for kind in ("server", "timeout", "bad_response", "network", "content_filter"):
        gate.missed(fault(kind))
    before = gate.allowed
    gate.missed(throttle())

    assert before == 8
    assert gate.allowed == 4


def test_a_burst_of_429_counts_once(time) -> None:
    gate = gate_of(time, max_concurrency=16)
    gate.in_flight = 15

    for _ in range(16):
        gate.missed(throttle())
    after_burst = gate.allowed
    gate.missed(throttle())

    assert after_burst == 8
    assert gate.allowed == 4


def test_one_request_is_always_let_through(time) -> None:
    gate = gate_of(time, max_concurrency=2)

    for _ in range(10):
        gate.missed(throttle())

    assert gate.allowed == 1


def test_the_number_grows_back_and_no_further(time) -> None:
    gate = gate_of(time, max_concurrency=4)
    gate.missed(throttle())

    for _ in range(2):
        gate.succeeded()
    after_a_round = gate.allowed
    for _ in range(100):
        gate.succeeded()

    assert 2.5 < after_a_round <= 3
    assert gate.allowed == 4


def test_growing_lets_those_in_who_wait(time) -> None:
    gate = gate_of(time, max_concurrency=2)
    gate.missed(throttle())

    async def grow() -> bool:
        await gate.enter(1)
        second = asyncio.ensure_future(gate.enter(1))
        await settled()
        assert not second.done()
        gate.succeeded()
        await settled()
        return second.done()

    assert time.run(grow())


def test_an_unlucky_request_does_not_hold_up_the_others(time) -> None:
    gate = gate_of(time)

    async def go() -> float:
        gate.missed(throttle(30))
        gate.succeeded()
        gate.missed(throttle(30))
        await gate.enter(1)
        return time.now - 1000

    assert time.run(go()) == 0


def test_a_limit_in_earnest_holds_up_all_until_the_time_that_was_named(time) -> None:
    gate = gate_of(time)

    async def go() -> float:
        for _ in range(3):
            gate.missed(throttle(30))
        await gate.hold()
        return time.now - 1000

    assert time.run(go()) == pytest.approx(30)


def test_who_waits_waits_longer_when_a_later_time_is_named(time) -> None:
    gate = gate_of(time)
    for _ in range(3):
        gate.missed(throttle(10))

    async def go() -> float:
        holding = asyncio.ensure_future(gate.hold())
        await settled()
        gate.missed(throttle(25))
        await holding
        return time.now - 1000

    assert time.run(go()) == pytest.approx(25)


@pytest.mark.parametrize("kind", ["auth", "not_found"])
def test_a_fault_of_the_model_opens_the_circuit_for_all(time, kind) -> None:
    gate = gate_of(time, max_concurrency=1)

    async def crowd() -> list[BaseException | None]:
        await gate.enter(1)
        waiting = [asyncio.ensure_future(gate.enter(1)) for _ in range(5)]
        await settled()
        gate.failed(fault(kind))
        await settled()
        assert all(task.done() for task in waiting)
        late = asyncio.ensure_future(gate.enter(1))
        return await asyncio.gather(*waiting, late, return_exceptions=True)

    errors = time.run(crowd())

    assert len(errors) == 6
    for error in errors:
        assert isinstance(error, ProviderError)
        assert (error.kind, error.status, error.hint) == (kind, 401, "look at the key")
        assert error.message == f"not asked: it is {kind}"


def test_who_sleeps_off_a_limit_wakes_when_the_circuit_opens(time) -> None:
    gate = gate_of(time, rpm=1)

    async def crowd() -> list[BaseException | None]:
        await gate.enter(1)
        waiting = [asyncio.ensure_future(gate.enter(1)) for _ in range(3)]
        pausing = asyncio.ensure_future(gate.rest(time.sleep(1000)))
        await settled()
        gate.failed(fault("auth"))
        return await asyncio.gather(*waiting, pausing, return_exceptions=True)

    errors = time.run(crowd())

    assert [type(error) for error in errors] == [ProviderError] * 4
    assert time.now == 1000
    assert gate.in_flight == 1


def test_nobody_rests_behind_an_open_circuit(time) -> None:
    gate = gate_of(time)
    gate.failed(fault("auth"))

    with pytest.raises(ProviderError, match="not asked"):
        time.run(gate.rest(time.sleep(1000)))


def test_a_rest_ends_when_its_time_is_over(time) -> None:
    gate = gate_of(time)

    time.run(gate.rest(time.sleep(7)))

    assert time.now == 1007


@pytest.mark.parametrize("kind", ["server", "timeout", "rate_limited", "bad_request", "too_large"])
def test_a_fault_of_one_request_leaves_the_circuit_closed(time, kind) -> None:
    gate = gate_of(time)

    gate.failed(fault(kind))

    assert gate.broken is None


def test_a_host_that_nobody_reaches_opens_the_circuit(time) -> None:
    gate = gate_of(time, retries=2)
    for _ in range(3):
        gate.missed(UNREACHED)

    gate.failed(UNREACHED)

    assert gate.broken is not None


def test_one_refusal_opens_the_circuit_where_nobody_ever_answered(time) -> None:
    gate = gate_of(time, retries=2)

    gate.missed(REFUSED)
    gate.failed(REFUSED)

    assert gate.broken is REFUSED


@pytest.mark.parametrize("before", ["success", "answer", "break"])
def test_a_refusal_by_who_answered_before_leaves_the_circuit_closed(time, before) -> None:
    gate = gate_of(time, retries=2)
    if before == "success":
        gate.succeeded()
    else:
        error = ProviderError("x", kind="server", status=500)
        gate.missed(error if before == "answer" else fault("network"))

    gate.missed(REFUSED)
    gate.failed(REFUSED)

    assert gate.broken is None


@pytest.mark.parametrize("kind", ["timeout", "network"])
def test_silence_is_no_answer(time, kind) -> None:
    gate = gate_of(time)
    gate.missed(UNREACHED if kind == "network" else ProviderError("x", kind="timeout"))

    assert gate.hopeless(REFUSED)


def test_connections_that_break_off_never_open_the_circuit(time) -> None:
    gate = gate_of(time, retries=2)
    for _ in range(9):
        gate.missed(fault("network"))

    gate.failed(fault("network"))

    assert gate.broken is None


@pytest.mark.parametrize("between", ["success", "answer", "break"])
def test_a_dropped_request_among_answered_ones_is_its_own_trouble(time, between) -> None:
    gate = gate_of(time, retries=2)
    for _ in range(3):
        gate.missed(UNREACHED)
        if between == "success":
            gate.succeeded()
        else:
            gate.missed(fault("server" if between == "answer" else "network"))

    gate.failed(UNREACHED)

    assert gate.broken is None


def test_the_first_fault_is_the_one_that_is_told(time) -> None:
    gate = gate_of(time)

    gate.failed(fault("auth"))
    gate.failed(fault("not_found"))

    assert gate.broken is not None
    assert gate.broken.kind == "auth"


@pytest.mark.parametrize("woken_before", [False, True])
def test_a_cancelled_waiter_passes_its_turn_on(time, woken_before) -> None:
    gate = gate_of(time, max_concurrency=1)

    async def crowd() -> bool:
        await gate.enter(1)
        first = asyncio.ensure_future(gate.enter(1))
        second = asyncio.ensure_future(gate.enter(1))
        await settled()
        if woken_before:
            gate.leave()
            first.cancel()
        else:
            first.cancel()
            gate.leave()
        await settled()
        assert first.cancelled()
        return second.done()

    assert time.run(crowd())
    assert gate.in_flight == 1


def test_who_is_cancelled_while_held_up_gives_the_place_back(time) -> None:
    gate = gate_of(time, max_concurrency=1, rpm=1)

    async def crowd() -> int:
        await gate.enter(1)
        gate.leave()
        held_up = asyncio.ensure_future(gate.enter(1))
        await settled()
        before = gate.in_flight
        held_up.cancel()
        await settled()
        return before

    assert time.run(crowd()) == 1
    assert gate.in_flight == 0


@given(st.data())
def test_whatever_happens_nobody_waits_for_ever_and_no_place_is_lost(data) -> None:
    time = Time()
    most = data.draw(st.integers(1, 4))
    gate = gate_of(time, max_concurrency=most, rpm=data.draw(st.none() | st.integers(30, 600)))
    ends = data.draw(
        st.lists(st.sampled_from(["well", "429", "server", "cancel"]), min_size=1, max_size=12)
    )
    together = []

    async def one(end: str) -> None:
        await gate.enter(1)
        together.append(gate.in_flight)
        try:
            await time.sleep(0.1)
            if end == "well":
                gate.succeeded()
        finally:
            gate.leave()
        if end == "429":
            gate.missed(throttle(0.5))
        if end == "server":
            gate.missed(fault("server"))

    async def crowd() -> None:
        tasks = [asyncio.ensure_future(one(end)) for end in ends]
        await settled()
        for task, end in zip(tasks, ends, strict=True):
            if end == "cancel":
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    time.run(crowd())

    assert gate.in_flight == 0
    assert not together or max(together) <= most
