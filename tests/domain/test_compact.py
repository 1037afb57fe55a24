from hypothesis import given
from hypothesis import strategies as st

from llmops.domain.compact import Offsets, TextSet


@given(st.lists(st.text()))
def test_a_set_of_texts_knows_what_was_added(texts) -> None:
    found = TextSet()

    new = [found.add(text) for text in texts]

    assert new == [text not in texts[:number] for number, text in enumerate(texts)]
    assert all(text in found for text in texts)
    assert len(found) == len(set(texts))
    assert "another, which nobody added" not in found


def test_a_set_of_many_texts_keeps_a_few_bytes_of_each() -> None:
    found = TextSet()

    assert all(found.add(f"case {number}") for number in range(20_000))
    assert len(found) == 20_000
    assert not any(found.add(f"case {number}") for number in range(20_000))
    assert "case 20000" not in found
    assert found._slots.itemsize * len(found._slots) <= 40 * 20_000


@given(
    st.lists(
        st.tuples(st.one_of(st.integers(0, 300), st.integers(0, 2**70)), st.integers(0, 2**40))
    )
)
def test_offsets_are_as_a_sorted_mapping(pairs) -> None:
    found = Offsets()

    for index, offset in pairs:
        found.put(index, offset)

    assert list(found.items()) == sorted(dict(pairs).items())
    assert len(found) == len(dict(pairs))
    assert (-1 in found, 2**71 in found) == (False, False)


def test_an_index_far_away_costs_no_more_than_a_near_one() -> None:
    found = Offsets()

    found.put(10**15, 1)
    found.put(0, 2)

    assert list(found) == [0, 10**15]
    assert len(found._near) == 1
