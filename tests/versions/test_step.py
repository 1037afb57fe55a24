import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.domain.change import Step
from llmops.versions.step import is_enough, is_older, next_version

STEPS = st.sampled_from(("none", "patch", "minor", "major"))
NUMBERS = st.integers(0, 12)
PRES = st.sampled_from(("", "-rc.1", "-rc", "-alpha.2.beta", "-0", "-rc.1+build.5"))


@st.composite
def versions(draw: st.DrawFn) -> str:
    numbers = ".".join(str(draw(NUMBERS)) for _ in range(3))
    return numbers + draw(PRES)


@pytest.mark.parametrize(
    ("claimed", "step", "wanted"),
    [
        (None, "major", "1.0.0"),
        ("1.2.3", "none", "1.2.3"),
        ("1.2.3", "patch", "1.2.4"),
        ("1.2.3", "minor", "1.3.0"),
        ("1.2.3", "major", "2.0.0"),
        ("0.2.3", "patch", "0.2.4"),
        ("0.2.3", "minor", "0.3.0"),
        ("0.2.3", "major", "0.3.0"),
        ("1.2.3+build.7", "patch", "1.2.4"),
        ("2.0.0-rc.1", "major", "2.0.0-rc.2"),
        ("2.0.0-rc", "patch", "2.0.0-rc.1"),
        ("1.3.0-rc.9", "minor", "1.3.0-rc.10"),
        ("1.3.0-rc.9", "major", "2.0.0-rc.1"),
        ("1.2.4-beta", "minor", "1.3.0-beta"),
        ("0.3.0-rc.1", "major", "0.3.0-rc.2"),
        ("0.3.1-rc.1", "major", "0.4.0-rc.1"),
    ],
)
def test_the_next_version_follows_from_the_step(
    claimed: str | None, step: Step, wanted: str
) -> None:
    assert next_version(claimed, step) == wanted


@pytest.mark.parametrize(
    ("before", "after", "step", "enough"),
    [
        ("1.0.0", "1.0.1", "patch", True),
        ("1.0.0", "1.0.1", "minor", False),
        ("1.0.0", "1.1.0", "minor", True),
        ("1.0.0", "1.9.0", "major", False),
        ("1.0.0", "2.0.0-rc.1", "major", True),
        ("1.0.0", "1.0.0", "patch", False),
        ("1.0.0", "1.0.0+other", "patch", False),
        ("1.0.0", "1.0.0", "none", True),
        ("1.0.0", "1.1.0", "none", True),
        ("1.1.0", "1.0.0", "none", False),
        ("1.1.0", "1.0.9", "patch", False),
        ("0.4.2", "0.5.0", "major", True),
        ("0.4.2", "0.4.3", "major", False),
        ("1.3.0-rc.1", "1.3.0-rc.2", "minor", True),
        ("1.3.0-rc.1", "1.3.0", "minor", True),
        ("1.3.0-rc.1", "1.3.0", "major", False),
        ("1.3.0-rc.2", "1.3.0-rc.1", "patch", False),
    ],
)
def test_a_claimed_step_is_enough_or_too_small(
    before: str, after: str, step: Step, *, enough: bool
) -> None:
    assert is_enough(before, after, step) is enough


def test_versions_are_ordered_as_semver_orders_them() -> None:
    ordered = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1",
        "1.1.0",
        "2.0.0",
        "10.0.0",
    ]

    for number, one in enumerate(ordered):
        assert [is_older(other, one) for other in ordered] == [
            place < number for place in range(len(ordered))
        ]


def test_what_is_no_version_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match=r"'1\.0' is no semantic version"):
        is_older("1.0", "1.0.0")


@given(versions(), STEPS)
def test_the_next_version_is_always_enough(claimed: str, step: Step) -> None:
    assert is_enough(claimed, next_version(claimed, step), step)


@given(versions(), versions(), versions(), STEPS)
def test_a_later_version_is_never_less_enough(one: str, two: str, three: str, step: Step) -> None:
    if is_enough(one, two, step) and not is_older(three, two):
        assert is_enough(one, three, step)


@given(versions(), versions())
def test_of_two_versions_at_most_one_is_older(one: str, two: str) -> None:
    assert not (is_older(one, two) and is_older(two, one))
