import asyncio
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.errors import ProviderError
from llmops.providers.bodies import read_capped
from llmops.providers.guard import guarded


async def pieces(data, size=1000):
    for start in range(0, len(data), size):
        yield data[start : start + size]


def read(data, encoding="", most=10_000):
    return asyncio.run(read_capped(pieces(data), encoding, most=most))


@given(st.binary(max_size=5000), st.sampled_from(["", "identity", "gzip", "x-gzip", " Deflate "]))
def test_a_body_below_the_cap_is_read_whole(data, encoding):
    pack = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress}
    packed = pack.get(encoding.strip().lower(), bytes)(data)

    assert read(packed, encoding) == data


@pytest.mark.parametrize("size", [10_000, 10_001])
@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_the_cap_is_exact(size, encoding):
    data = b"\0" * size
    packed = gzip.compress(data) if encoding else data

    if size == 10_000:
        assert read(packed, encoding) == data
    else:
        with pytest.raises(ProviderError, match="larger than") as caught:
            read(packed, encoding)
        assert caught.value.kind == "too_large"


def test_a_body_that_never_ends_is_left_at_the_cap():
    taken = []

    async def forever():
        while True:
            taken.append(1)
            yield b"x" * 1000

    with pytest.raises(ProviderError):
        asyncio.run(read_capped(forever(), "", most=10_000))

    assert len(taken) == 11


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip"])
def test_what_cannot_be_decoded_is_a_bad_response(encoding):
    with pytest.raises(ProviderError) as caught:
        read(b"plain words", encoding)

    assert caught.value.kind == "bad_response"


def test_requests_that_are_not_ours_pass_untouched():
    request, response = object(), object()

    async def handle(got):
        assert got is request
        return response

    assert asyncio.run(guarded(handle, lambda *_: None)(request)) is response
