import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.errors import InvalidInputError
from llmops.providers.packed import pack, unpack


@given(st.binary(max_size=2000))
def test_what_is_packed_comes_back_and_is_the_same_bytes_each_time(data: bytes) -> None:
    assert unpack(pack(data), "r.jsonl.gz") == data
    assert pack(data) == pack(data)


@given(st.binary(max_size=200))
def test_what_is_not_packed_is_a_complaint_with_a_place(data: bytes) -> None:
    with pytest.raises(InvalidInputError, match=r"^r\.jsonl\.gz:1:1: "):
        unpack(data + b"no end", "r.jsonl.gz")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"no gzip at all", "damaged"),
        (pack(b"text" * 100)[:-9], "it has no end"),
        (pack(b"text") + b"more", "something follows its end"),
        (pack(b"text")[:-5] + b"\xff" + pack(b"text")[-4:], "damaged"),
        (b"", "it has no end"),
    ],
)
def test_a_damaged_file_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words) as raised:
        unpack(data, "r.jsonl.gz")

    assert raised.value.faults[0].code == "recording-syntax"


def test_a_file_that_swells_is_refused_before_it_is_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 5_000_000)

    with pytest.raises(InvalidInputError, match="more than 1,000 bytes"):
        unpack(bomb, "r.jsonl.gz", most=1000)
    assert unpack(gzip.compress(b"\0" * 1000), "r.jsonl.gz", most=1000) == b"\0" * 1000
