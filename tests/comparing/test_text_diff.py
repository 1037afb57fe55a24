import random

from hypothesis import given
from hypothesis import strategies as st

from llmops.comparing.text_diff import diff_texts, diff_words
from llmops.domain.difference import Segment, TextDiff

LINES = st.lists(st.sampled_from(["", "a b c", "a b d", "x", "x y", " x", "a b c e f"]), max_size=8)
TEXTS = st.one_of(st.text(max_size=60), LINES.map("\n".join))


def before_of(diff: TextDiff) -> str:
    lines = [line for line in diff.lines if line.kind != "added"]
    return "\n".join("".join(segment.text for segment in line.before) for line in lines)


def after_of(diff: TextDiff) -> str:
    lines = [line for line in diff.lines if line.kind != "removed"]
    return "\n".join("".join(segment.text for segment in line.after) for line in lines)


def kinds(before: str, after: str) -> list[str]:
    return [line.kind for line in diff_texts(before, after).lines]


@given(before=TEXTS, after=TEXTS)
def test_both_texts_can_be_put_together_again(before: str, after: str) -> None:
    diff = diff_texts(before, after)

    assert before_of(diff) == before
    assert after_of(diff) == after
    assert diff.same == (before == after)


@given(before=TEXTS, after=TEXTS)
def test_lines_are_numbered_as_they_stand_in_their_texts(before: str, after: str) -> None:
    diff = diff_texts(before, after)

    old = [line.number_before for line in diff.lines if line.number_before is not None]
    new = [line.number_after for line in diff.lines if line.number_after is not None]
    assert old == list(range(1, before.count("\n") + 2))
    assert new == list(range(1, after.count("\n") + 2))


@given(before=TEXTS, after=TEXTS)
def test_every_change_is_in_exactly_one_hunk(before: str, after: str) -> None:
    diff = diff_texts(before, after)

    shown = [line for hunk in diff.hunks(context=1) for line in hunk if line.kind != "kept"]

    assert tuple(shown) == diff.changes


@given(before=st.text(max_size=60), after=st.text(max_size=60))
def test_words_that_are_kept_are_the_same_on_both_sides(before: str, after: str) -> None:
    left, right = diff_words(before, after)

    assert "".join(segment.text for segment in left) == before
    assert "".join(segment.text for segment in right) == after
    assert [s.text for s in left if not s.changed] == [s.text for s in right if not s.changed]


def test_a_sentence_put_behind_another_is_the_only_change() -> None:
    (line,) = diff_texts("You help.", "You help. Be as concise as possible.").lines

    assert line.kind == "changed"
    assert line.before == (Segment("You help."),)
    assert line.after == (Segment("You help."), Segment(" Be as concise as possible.", True))


def test_words_in_the_middle_of_a_line_are_told_apart_from_the_rest() -> None:
    left, right = diff_words("answer in two short sentences", "answer in one sentence")

    assert [s.text for s in left if s.changed] == [" two short sentences"]
    assert [s.text for s in right if s.changed] == [" one sentence"]
    assert left[0] == right[0] == Segment("answer in")


def test_lines_that_have_nothing_in_common_are_removed_and_added() -> None:
    assert kinds("red green", "seven eight") == ["removed", "added"]


def test_a_changed_line_finds_its_counterpart_among_new_ones() -> None:
    before = "Be polite to them.\nKeep it short."
    after = "Say your name.\nBe polite to all of them.\nNever swear.\nKeep it very short."

    assert kinds(before, after) == ["added", "changed", "added", "changed"]


def test_a_lost_line_end_is_seen() -> None:
    assert kinds("a\n", "a") == ["kept", "removed"]
    assert kinds("a\r\nb", "a\nb") != ["kept", "kept"]


def test_texts_without_spaces_are_compared_by_character() -> None:
    left, right = diff_words("請簡短回答", "請詳細回答")

    assert left == (Segment("請"), Segment("簡短", True), Segment("回答"))
    assert right == (Segment("請"), Segment("詳細", True), Segment("回答"))


def test_huge_texts_are_compared_by_their_beginnings_and_ends() -> None:
    middle = "\n".join(["same", "other"] * 3000)

    diff = diff_texts(f"start\n{middle}\nend", f"start\n{middle[::-1]}\nend")

    assert diff.coarse
    assert diff.lines[0].kind == diff.lines[-1].kind == "kept"
    assert after_of(diff) == f"start\n{middle[::-1]}\nend"


def test_a_long_line_of_one_word_over_and_over_is_replaced_as_a_whole() -> None:
    left, right = diff_words("x a" + " b" * 400 + " e", "y a" + " c b" * 400)

    assert [segment.changed for segment in left] == [True]
    assert "".join(segment.text for segment in right) == "y a" + " c b" * 400


def test_long_texts_that_differ_in_few_places_are_compared_line_by_line() -> None:
    lines = [f"line {number}" for number in range(4_000)]
    changed = [*lines]
    changed[2_000] = "line two thousand"

    diff = diff_texts("\n".join(lines), "\n".join(changed))

    assert not diff.coarse
    assert [line.kind for line in diff.changes] == ["changed"]


def test_many_lines_exchanged_for_many_are_removed_and_added() -> None:
    chance = random.Random(1)
    old, new = ([f"{chance.random()} a" for _ in range(80)] for _ in range(2))

    diff = diff_texts("\n".join(old), "\n".join(new))

    assert {line.kind for line in diff.lines} == {"removed", "added"}


def test_hunks_that_touch_are_one() -> None:
    before = "\n".join("abcdefghijkl")
    after = before.replace("b", "B").replace("e", "E").replace("l", "L")

    sizes = [len(hunk) for hunk in diff_texts(before, after).hunks(context=1)]

    assert len(sizes) == 2
    assert sum(sizes) == 8 + 3


def test_equal_changes_of_different_texts_have_one_signature() -> None:
    added = " Be brief."

    one = diff_texts("Why is the sky blue?\nThanks", "Why is the sky blue? Be brief.\nThanks")
    two = diff_texts("hello", "hello" + added)
    other = diff_texts("hello", "hello Be long.")

    assert one.signature == two.signature != other.signature


def test_lines_of_which_little_stays_in_order_are_easier_to_read_apart() -> None:
    before = "one two three four five six seven eight"

    assert kinds(before, "eight seven six five four three two one") == ["removed", "added"]


def test_the_words_of_both_sides_make_one_row() -> None:
    (line,) = diff_texts("answer in two short words", "answer in one short word").lines

    assert list(line.words()) == [
        ("kept", "answer in"),
        ("removed", " two"),
        ("added", " one"),
        ("kept", " short"),
        ("removed", " words"),
        ("added", " word"),
    ]
