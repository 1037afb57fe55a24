import io

from llmops.comparing.text_diff import diff_texts
from llmops.domain.baseline import ApprovedAnswer, ApprovedSample, ApprovedScore
from llmops.reporting.review import print_sample
from llmops.reporting.terminal import make_screen


def scored(label: str, status="passed", value: float = 1.0, soft: bool = False) -> ApprovedScore:
    return ApprovedScore(label=label, scorer="x", status=status, value=value, soft=soft)


def sample(text: str, *scores: ApprovedScore, status="passed") -> ApprovedSample:
    return ApprovedSample(status=status, answers=(ApprovedAnswer(output=text, scores=scores),))


def shown(before, after, *, whole: bool = False, **environment: str) -> str:
    out = io.StringIO()
    old, new = (one.answers[0].output if one else "" for one in (before, after))
    screen = make_screen(out, environment)
    print_sample(before, after, diff_texts(old, new), screen, whole=whole)
    return out.getvalue()


def test_a_new_output_has_added_lines_only() -> None:
    assert shown(None, sample("one\ntwo")) == "   new → passed\n   │ + one\n   │ + two\n"


def test_an_output_that_is_gone_has_removed_lines_only() -> None:
    assert shown(sample("one"), None) == "   passed → gone\n   │ - one\n"


def test_an_output_that_became_empty_shows_both_sides() -> None:
    assert shown(sample("one"), sample("")) == "   passed → passed\n   │ - one\n   │ + \n"


def test_hunks_stand_apart_and_the_whole_is_shown_on_demand() -> None:
    lines = [f"line {number}" for number in range(20)]
    before = "\n".join(lines)
    after = "\n".join(["first", *lines[1:19], "last"])

    part, whole = (shown(sample(before), sample(after), whole=whole) for whole in (False, True))

    assert "   │   …\n" in part
    assert "line 10" not in part
    assert "   │   line 10\n" in whole


def test_long_lines_are_cut_until_all_is_asked_for() -> None:
    after = sample("x" * 5000)

    assert "x" * 2000 not in shown(None, after)
    assert "x" * 5000 in shown(None, after, whole=True)


def test_words_that_changed_stand_out_in_colour() -> None:
    text = shown(sample("a good day"), sample("a bad day"), FORCE_COLOR="1")

    assert "\x1b[1;4;31m good\x1b[0m" in text
    assert "\x1b[1;4;32m bad\x1b[0m" in text


def test_scores_are_shown_with_what_they_were_where_they_changed() -> None:
    before = sample("a", scored("kept"), scored("fell"), scored("gone"), scored("half", value=0.5))
    after = sample(
        "b", scored("kept"), scored("fell", "failed", 0.0, soft=True), scored("half", value=0.25),
        scored("came"),
    )  # fmt: skip

    rows = shown(before, after).splitlines()[3:]

    assert rows == [
        "   kept   passed",
        "   fell   passed → failed  soft",
        "   half   passed 0.50 → passed 0.25",
        "   came   none → passed",
        "   gone   passed → none",
    ]


def test_two_scores_with_the_same_words_are_two_rows() -> None:
    text = shown(None, sample("a", scored("same"), scored("same", "unscored", 0.0)))

    assert text.splitlines()[2:] == ["   same   passed", "   same   unscored"]


def test_many_scores_are_counted() -> None:
    text = shown(None, sample("a", *(scored(f"s{number}") for number in range(25))))

    assert text.endswith("   s19   passed\n   … 5 more scores\n")
