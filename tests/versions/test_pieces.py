import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.versions.pieces import split, stretches

TEXT = st.lists(
    st.sampled_from(
        ["One two.", "Three!", "1.5 is v2.", "{{ a }}", "x", ".", "答え。", " ", "\n", "\n\n"]
    )
).map("".join)


@given(text=TEXT | st.text(max_size=60))
def test_the_pieces_of_a_text_are_the_text(text: str) -> None:
    assert "".join(split(text)) == text
    assert all(split(text))


@given(before=TEXT, after=TEXT)
def test_all_of_one_side_is_that_text(before: str, after: str) -> None:
    found = stretches(before, after)

    assert "".join(one.before for one in found) == before
    assert "".join(one.after for one in found) == after
    assert (before == after) == all(one.same for one in found)


@given(before=TEXT, after=TEXT)
def test_a_stretch_stands_on_the_line_that_it_is_said_to(before: str, after: str) -> None:
    lines = after.split("\n")

    for one in stretches(before, after):
        if one.after.strip():
            assert one.after.strip().split("\n")[0] in lines[one.line - 1]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Be kind. Be short!", ["Be kind.", " Be short!"]),
        ("One\nTwo\n", ["One", "\nTwo", "\n"]),
        ("Use v1.5 (now.) Go.", ["Use v1.5 (now.)", " Go."]),
        ("短く。丁寧に。", ["短く。", "丁寧に。"]),
        ("Really?! Yes...", ["Really?!", " Yes..."]),
    ],
)
def test_sentences_and_lines_are_pieces(text: str, pieces: list[str]) -> None:
    assert split(text) == pieces


def test_a_sentence_that_was_changed_is_one_stretch() -> None:
    found = [one for one in stretches("A b c. D e f.", "A b c. D x f.") if not one.same]

    assert [(one.before, one.after) for one in found] == [(" D e f.", " D x f.")]


def test_a_sentence_put_in_front_moves_nothing_else() -> None:
    found = [one for one in stretches("D e f.\nG.", "A b c. D e f.\nG.") if not one.same]

    assert [(one.before, one.after) for one in found] == [("D e f.", "A b c. D e f.")]
    assert found[0].line == 1


def test_white_space_alone_is_a_stretch() -> None:
    found = [one for one in stretches("A. B.", "A.\n\nB.") if not one.same]

    assert [(one.before, one.after, one.line) for one in found] == [(" B.", "\n\nB.", 3)]
