import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.scoring.tags import MalformedError, cut

LAUGHS = (
    '<!DOCTYPE a [<!ENTITY x0 "ha">'
    + "".join(f'<!ENTITY x{n} "{f"&x{n - 1};" * 10}">' for n in range(1, 12))
    + "]><a>&x11;</a>"
)


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("", "line 1, column 1: no element found"),
        ("<a>\n<b></a>", "line 2, column 6: mismatched tag"),
        ("<a/><b/>", "line 1, column 5: junk after document element"),
        ("Here: <a/>", "line 1, column 1: syntax error"),
        ("<a>&nbsp;</a>", "line 1, column 4: undefined entity"),
        ("<a>\ud800</a>", "character 4 is half of a surrogate pair"),
        ("<a b=1/>", "line 1, column 6: not well-formed (invalid token)"),
        (LAUGHS, "its document type declares something of its own"),
        (
            '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>',
            "its document type declares something of its own",
        ),
    ],
)
def test_what_is_no_xml_fails_with_its_place(judge, output: str, reason: str) -> None:
    score = judge("is_xml", output).score

    assert (score.status, score.reason) == ("failed", f"the output is not XML: {reason}")


@pytest.mark.parametrize(
    "output",
    [
        "\n <a/> \n",
        '<?xml version="1.0" encoding="latin-1"?><a>é</a>',
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://127.0.0.1:9/svg.dtd"><svg/>',
        "<a><![CDATA[<b>]]>&amp;&#233;</a>",
        "<a>" * 50_000 + "</a>" * 50_000,
    ],
)
def test_well_formed_xml_passes_and_nothing_is_fetched(status, monkeypatch, output: str) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a socket was opened"))

    assert status("is_xml", output) == "passed"


def test_elements_are_looked_for_from_the_root(judge) -> None:
    output = "<reply><body><date/></body><x:to/></reply>"

    assert judge("is_xml: [reply, reply/body/date, 'reply/x:to']", output).score.value == 1.0
    missing = judge("is_xml: [reply/date, reply/body]", output).score
    assert (missing.status, missing.value) == ("failed", 0.5)
    assert missing.reason == "there is no 'reply/date' in the output"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("is_xml: []", "an empty list asks for no element"),
        ("is_xml: [a//b]", "the path 'a//b' has an empty step"),
        ("is_xml: reply", "expected a list"),
    ],
)
def test_elements_that_make_no_sense_are_refused(refusals, written: str, message: str) -> None:
    assert message in refusals(written)[0].message


@pytest.mark.parametrize(
    "output",
    [
        "<!DOCTYPE html><html><head><title>a < b</title></head><body><p>Hi<br>you</body></html>",
        "<table><tr><td>1<td>2<tr><td>3</table>",
        "<p>1 < 2 & 3 > 2</p>",
        '<a title="x > y" href=b>z</a>',
        "<script>if (a < b) { c('</p>') }</script>",
        "<p>one<p>two",
        "<!-- <b> --><i>x</i>",
        "<DIV>x</div>",
        "<svg><path d='M0'/></svg>",
        "<my-tag><b>x</b></my-tag>",
        "<p>line</br>break</p>",
        "<?php ?><p>x</p>",
        "<input disabled/><br/>",
    ],
)
def test_html_as_people_write_it_passes(judge, output: str) -> None:
    score = judge("is_html", output).score

    assert score.status == "passed", score.reason


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("", "no element of HTML is in it"),
        ("Just text", "'Just text' stands outside of all elements"),
        ("<p>a</p> and more", "stands outside of all elements"),
        ("<b><i>x</b></i>", "'</b>' at character 8 closes nothing"),
        ("</div>", "'</div>' at character 1 closes nothing"),
        ("<div><p>x", "'<div>' at character 1 is not closed"),
        ("<order>x</order>", "no element of HTML is in it"),
        ("<p>x<!-- y", "a comment at character 5 is not closed"),
        ("<p>x<!DOCTYPE", "a declaration at character 5 is not closed"),
        ("<p>x<b", "the tag at character 5 is not closed"),
        ('<p title="x>y</p>', "the tag at character 1 is not closed"),
        ("<script>x", "the element 'script' at character 1 is not closed"),
        ("<", "stands outside"),
    ],
)
def test_what_is_no_html_fails_with_its_place(judge, output: str, reason: str) -> None:
    score = judge("is_html", output).score

    assert score.status == "failed"
    if output != "<":
        assert reason in score.reason


def test_text_around_is_allowed_when_not_the_whole_is_html(status) -> None:
    assert status("is_html: {whole: false}", "Here: <b>x</b>!") == "passed"
    assert status("is_html: {whole: false}", "no tags") == "failed"


@given(st.text(alphabet="<>/!-? ab'\"=&;", max_size=60))
def test_any_text_is_cut_or_called_malformed(text: str) -> None:
    try:
        pieces = list(cut(text))
    except MalformedError:
        pieces = []

    assert all(0 <= piece.start < len(text) for piece in pieces)


@pytest.mark.parametrize(
    "hostile",
    ["<a", "<!--", "<", "</", '<a x="', "<![", "<?", "&", "<script>", "<a =", "<b>", "' "],
)
def test_hostile_markup_is_judged_in_one_pass(status, hostile: str) -> None:
    assert status("is_html", hostile * (600_000 // len(hostile))) == "failed"
