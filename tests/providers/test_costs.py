import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lanes import ANTHROPIC, OPENAI, ask_both, facts, model

from llmops.domain.completion import Usage
from llmops.domain.config import Price
from llmops.providers.price_list import listed_price
from llmops.providers.prices import price_of

PRICE = Price(input=10.0, output=40.0, cached_input=1.0, cache_write=12.5, reasoning=60.0)
FLAT = Price(input=10.0, output=40.0)
COUNTS = st.none() | st.integers(0, 10_000)


def openai(read, written, **details):
    usage = {
        "prompt_tokens": read,
        "completion_tokens": written,
        "prompt_tokens_details": {k: v for k, v in details.items() if k != "reasoning_tokens"},
        "completion_tokens_details": {k: v for k, v in details.items() if k == "reasoning_tokens"},
    }
    return {**OPENAI, "usage": usage}


def anthropic(read, written, **rest):
    return {**ANTHROPIC, "usage": {"input_tokens": read, "output_tokens": written, **rest}}


CASES = {
    "OpenAI's cached tokens": (
        "openai",
        openai(1000, 200, cached_tokens=600, reasoning_tokens=50),
        Usage(input=1000, output=200, cached=600, reasoning=50, source="provider"),
        (400 * 10 + 600 * 1 + 150 * 40 + 50 * 60) / 1e6,
        400 * 0.15e-6 + 600 * 0.075e-6 + 200 * 0.6e-6,
    ),
    "OpenAI's format with tokens put into a cache": (
        "openai",
        openai(1000, 200, cached_tokens=500, cache_write_tokens=300),
        Usage(input=1000, output=200, cached=500, cache_written=300, source="provider"),
        (200 * 10 + 500 * 1 + 300 * 12.5 + 200 * 40) / 1e6,
        500 * 0.15e-6 + 500 * 0.075e-6 + 200 * 0.6e-6,
    ),
    "the same by their other name": (
        "openai",
        openai(1000, 200, cached_tokens=500, cache_creation_tokens=300),
        Usage(input=1000, output=200, cached=500, cache_written=300, source="provider"),
        (200 * 10 + 500 * 1 + 300 * 12.5 + 200 * 40) / 1e6,
        500 * 0.15e-6 + 500 * 0.075e-6 + 200 * 0.6e-6,
    ),
    "Anthropic's cache, read and written": (
        "anthropic",
        anthropic(300, 200, cache_read_input_tokens=600, cache_creation_input_tokens=100),
        Usage(
            input=1000, output=200, cached=600, cache_written=100, reasoning=0, source="provider"
        ),
        (300 * 10 + 600 * 1 + 100 * 12.5 + 200 * 40) / 1e6,
        300 * 1e-6 + 600 * 0.1e-6 + 100 * 1.25e-6 + 200 * 5e-6,
    ),
    "Anthropic's cache for an hour": (
        "anthropic",
        anthropic(
            300,
            200,
            cache_creation_input_tokens=100,
            cache_creation={"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 70},
        ),
        Usage(input=400, output=200, cached=0, cache_written=100, reasoning=0, source="provider"),
        (300 * 10 + 100 * 12.5 + 200 * 40) / 1e6,
        300 * 1e-6 + 30 * 1.25e-6 + 70 * 2e-6 + 200 * 5e-6,
    ),
    "Anthropic's thinking": (
        "anthropic",
        anthropic(300, 200, output_tokens_details={"thinking_tokens": 80}),
        Usage(input=300, output=200, cached=0, cache_written=0, reasoning=80, source="provider"),
        (300 * 10 + 120 * 40 + 80 * 60) / 1e6,
        300 * 1e-6 + 200 * 5e-6,
    ),
}


@pytest.mark.parametrize(
    ("provider", "answer", "usage", "own", "listed"), CASES.values(), ids=CASES
)
def test_every_kind_of_token_is_kept_and_priced_in_both_lanes(
    server, provider, answer, usage, own, listed
):
    server.says(200, answer)

    ours, theirs = ask_both(model(server, provider))
    priced, priced_too = ask_both(model(server, provider, price=PRICE))

    assert ours.usage == usage
    assert ours.cost == pytest.approx(listed)
    assert priced.cost == pytest.approx(own)
    assert facts(ours) == facts(theirs)
    assert facts(priced) == facts(priced_too)


def test_a_number_that_is_none_is_said_as_the_servers_fault(server):
    server.says(200, openai(10, 5, cache_write_tokens="many"))

    ours, _theirs = ask_both(model(server))

    assert ours.kind == "bad_response"


def test_a_price_of_one_rate_holds_for_every_kind():
    usage = Usage(input=100, output=20, cached=40, cache_written=30, reasoning=10)

    assert price_of(usage, FLAT) == pytest.approx((100 * 10 + 20 * 40) / 1e6)


@given(COUNTS, COUNTS, COUNTS)
def test_no_count_makes_a_cost_negative_or_dearer_than_its_dearest_kind(cached, kept, thought):
    usage = Usage(input=1000, output=500, cached=cached, cache_written=kept, reasoning=thought)

    cost = price_of(usage, PRICE)

    assert (1000 * 1 + 500 * 40) / 1e6 <= cost <= (1000 * 12.5 + 500 * 60) / 1e6 + 1e-12


@given(st.sampled_from(["input", "output"]))
def test_tokens_that_nobody_counted_have_no_cost(missing):
    usage = msgspec.structs.replace(Usage(input=1, output=1), **{missing: None})

    assert price_of(usage, PRICE) is None


def test_the_list_knows_what_anthropics_cache_costs(server):
    found = listed_price(model(server, "anthropic", api_base=None))

    assert found is not None
    assert (found.input, found.output) == (pytest.approx(1.0), pytest.approx(5.0))
    assert found.cached_input == pytest.approx(0.1)
    assert found.cache_write == pytest.approx(1.25)
    assert found.reasoning is None
