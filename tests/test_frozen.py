import copy
import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.frozen import frozen


@frozen
class Point:
    """A place."""

    x: float
    y: float = 0.0
    names: list[str] = field(default_factory=list)
    note: str = field(default="", compare=False, repr=False)


@frozen(kw_only=False)
class Place:
    line: int
    column: int = 1
    path: str = field(default="", kw_only=True)


@frozen
class Empty:
    pass


@frozen
class Counted:
    start: int
    end: int = field(init=False)
    step: int = field(init=False, default=2)
    seen: list[int] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        object.__setattr__(self, "end", self.start + self.step)


@frozen
class Wider(Point):
    z: float = 1.0


@frozen
class Named:
    name: str

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named) and self.name.lower() == other.name.lower()

    def __hash__(self) -> int:
        return hash(self.name.lower())


def same(left: object, right: object) -> tuple[bool, bool]:
    return left == right, left != right


@given(
    st.floats(allow_nan=False),
    st.floats(allow_nan=False),
    st.lists(st.text()),
    st.floats(allow_nan=False),
)
def test_a_frozen_class_behaves_as_a_dataclass(
    x: float, y: float, names: list[str], other: float
) -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Model:
        x: float
        y: float = 0.0
        names: list[str] = field(default_factory=list)
        note: str = field(default="", compare=False, repr=False)

    @frozen
    class Ours:
        x: float
        y: float = 0.0
        names: list[str] = field(default_factory=list)
        note: str = field(default="", compare=False, repr=False)

    theirs, ours = Model(x=x, y=y, names=names), Ours(x=x, y=y, names=names)

    assert repr(ours) == repr(theirs).replace("Model", "Ours")
    assert asdict(ours) == asdict(theirs)
    assert [item.name for item in fields(Ours)] == [item.name for item in fields(Model)]
    assert same(ours, Ours(x=other, names=names)) == same(theirs, Model(x=other, names=names))
    assert same(ours, replace(ours, note="seen")) == same(theirs, replace(theirs, note="seen"))
    assert ours != theirs


def test_defaults_are_kept_and_lists_are_not_shared() -> None:
    first, second = Point(x=1.0), Point(x=1.0)

    first.names.append("a")

    assert (second.x, second.y, second.names, second.note) == (1.0, 0.0, [], "")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((1.0,), {}), ((), {}), ((), {"x": 1.0, "w": 2.0})],
    ids=["by position", "missing", "unknown"],
)
def test_arguments_are_named_known_and_complete(
    arguments: tuple[float, ...], named: dict[str, float]
) -> None:
    with pytest.raises(TypeError, match=r"Point\.__init__\(\)"):
        Point(*arguments, **named)


def test_nothing_can_be_set_added_or_deleted() -> None:
    point = Point(x=1.0)

    with pytest.raises(FrozenInstanceError, match="'x'"):
        point.x = 2.0  # type: ignore[misc] # that is what is tried
    with pytest.raises(FrozenInstanceError, match="'w'"):
        point.w = 2.0  # type: ignore[attr-defined] # as above
    with pytest.raises(FrozenInstanceError, match="'x'"):
        del point.x
    assert not hasattr(point, "__dict__")


def test_equal_values_have_equal_hashes() -> None:
    one, other = Counted(start=1), Counted(start=2)

    assert hash(Empty()) == hash(Empty())
    assert Empty() == Empty()
    assert one != other
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)


def test_fields_that_are_no_arguments_are_set_before_the_class_looks_at_itself() -> None:
    counted = Counted(start=3)

    assert repr(counted) == "Counted(start=3, end=5, step=2, seen=[])"


def test_arguments_may_go_by_position() -> None:
    assert Place(2) == Place(line=2, column=1, path="")
    assert repr(Place(2, 3, path="a")) == "Place(line=2, column=3, path='a')"
    with pytest.raises(TypeError, match="positional"):
        Place(2, 3, "a")  # type: ignore[misc] # that is what is tried
    match Place(4, 5):
        case Place(line, column):
            assert (line, column) == (4, 5)


def test_a_class_may_add_to_another() -> None:
    wide = Wider(x=1.0, z=3.0)

    assert repr(wide) == "Wider(x=1.0, y=0.0, names=[], z=3.0)"
    assert wide != Point(x=1.0)
    assert replace(wide, y=2.0).z == 3.0


def test_methods_of_its_own_are_kept() -> None:
    assert repr(Named(name="Ada")) == "<Ada>"
    assert len({Named(name="Ada"), Named(name="ADA")}) == 1


@pytest.mark.parametrize("value", [Point(x=1.0, names=["a"]), Wider(x=2.0), Empty()], ids=repr)
def test_values_are_copied_and_pickled(value: object) -> None:
    assert copy.deepcopy(value) == value
    assert pickle.loads(pickle.dumps(value)) == value


def test_a_value_is_matched_by_the_names_of_its_fields() -> None:
    match Point(x=1.0):
        case Point(x=x, y=0.0):
            assert x == 1.0
        case _:
            pytest.fail("no match")
