import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

import llmops.telemetry.courier as rules
from llmops.telemetry.courier import Courier


@dataclass
class Cart:
    """Carries numbers, as well as a test wants it to."""

    fails: int = 0
    breaks: bool = False
    gate: threading.Event | None = None
    loads: list[list[int]] = field(default_factory=list)
    closed: int = 0

    def carry(self, load: Sequence[int]) -> str | None:
        if self.gate is not None:
            self.gate.wait(5)
        if self.breaks:
            msg = "a wheel is off"
            raise ValueError(msg)
        if self.fails:
            self.fails -= 1
            return "the road is closed"
        self.loads.append(list(load))
        return None

    def close(self) -> None:
        self.closed += 1
        if self.gate is not None:
            self.gate.set()

    def summary(self, lost: int, reason: str | None) -> str:
        return f"{lost} lost, {reason}"


def carried(cart: Cart) -> list[int]:
    return [number for load in cart.loads for number in load]


def test_everything_is_carried_in_order_some_at_a_time() -> None:
    cart = Cart()
    courier = Courier(lambda: cart)

    for number in range(1000):
        courier.take(number)

    assert courier.close() == "0 lost, None"
    assert carried(cart) == list(range(1000))
    assert max(map(len, cart.loads)) <= 256
    assert cart.closed == 1


def test_a_load_that_fails_is_lost_and_the_next_one_is_tried() -> None:
    cart = Cart(fails=1)
    courier = Courier(lambda: cart)

    for number in range(256 + 1):
        courier.take(number)

    words = courier.close()
    assert words.endswith("lost, the road is closed")
    assert len(carried(cart)) + int(words.split()[0]) == 257
    assert carried(cart)[-1] == 256


def test_after_two_failures_in_a_row_nothing_more_is_tried() -> None:
    cart = Cart(fails=1000)
    courier = Courier(lambda: cart)

    for number in range(256 * 4):
        courier.take(number)

    assert courier.close() == "1024 lost, the road is closed"
    assert cart.fails == 998


def test_a_carrier_that_breaks_loses_its_load_and_says_how() -> None:
    courier = Courier(lambda: Cart(breaks=True))
    courier.take(1)

    assert courier.close() == "1 lost, ValueError: a wheel is off"


def test_a_carrier_that_cannot_be_opened_is_known_at_once() -> None:
    def broken() -> Cart:
        msg = "no cart"
        raise OSError(msg)

    with pytest.raises(OSError, match="no cart"):
        Courier(broken)


def test_nobody_waits_for_ever_for_a_carrier_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "_WAITING", 2)
    monkeypatch.setattr(rules, "_BATCH", 1)
    monkeypatch.setattr(rules, "_PATIENCE", 0.01)
    monkeypatch.setattr(rules, "_LONGEST_END", 0.01)
    cart = Cart(gate=threading.Event())
    courier = Courier(lambda: cart)

    for number in range(8):
        courier.take(number)

    words = courier.close()
    assert words.endswith("lost, it takes too long")
    assert int(words.split()[0]) >= 4
    assert cart.closed == 1
