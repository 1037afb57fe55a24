import csv
import html.parser
import io
import json
import re
import unicodedata
import xml.etree.ElementTree as ET

import pytest
from ci_runners import commands
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree
from made_reports import HOSTILE, hostile_texts
from markdown_it import MarkdownIt

from llmops.reporting.encoders import (
    ci_log,
    csv_cell,
    html_json,
    markdown_block,
    markdown_inline,
    one_line,
    silence,
    terminal,
    xml_attribute,
    xml_legal,
    xml_text,
)
from llmops.reporting.encoders import html as encode_html

BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def with_corpus(test):
    for text in HOSTILE:
        test = example(text)(test)
    return test


def is_hidden(character: str) -> bool:
    control = unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
    marks = character in "\u061c\u200e\u200f\ufff9\ufffa\ufffb"
    tag = 0xE0000 <= ord(character) <= 0xE007F
    return control or marks or tag or unicodedata.bidirectional(character) in BIDI


@with_corpus
@given(hostile_texts())
def test_a_terminal_gets_no_hidden_character(text):
    shown = terminal(text)

    assert not [c for c in shown if is_hidden(c) and c not in "\t\n"]
    assert terminal(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "␛[31mred"),
        ("FAIL\rPASS", "FAIL␍PASS"),
        ("\u202egnp.exe", "<U+202E>gnp.exe"),
        ("\x9b31m", "<U+009B>31m"),
        ("\x7f\x00", "␡␀"),
        ("\U000e0041", "<U+E0041>"),
        ("\ud800", "<U+D800>"),
        ("a\tb\nc", "a\tb\nc"),
        ("é 漢字 👨‍👩‍👧", "é 漢字 👨‍👩‍👧"),
    ],
)
def test_what_is_hidden_becomes_visible_and_the_rest_stays(text, shown):
    assert terminal(text) == shown


@with_corpus
@given(hostile_texts())
def test_one_line_is_one_line(text):
    shown = one_line(text)

    assert len(shown.splitlines()) <= 1
    assert "\t" not in shown
    assert one_line(shown) == shown


@with_corpus
@given(hostile_texts())
@example("###[error]")
@example(":::error::x")
@example("\x1c::error::x")
@example("\u3000 ::error::x")
def test_a_ci_log_obeys_no_text(text):
    shown = ci_log(text)

    assert commands(shown) == []
    assert ci_log(shown) == shown


@with_corpus
@given(hostile_texts())
def test_silence_takes_only_commands_apart(text):
    shown = silence(text)

    assert commands(shown) == []
    assert shown.replace("\u200b", "") == text.replace("\u200b", "")


def test_the_command_parsers_of_this_test_do_find_commands():
    assert commands("::error::x") == ["error"]
    assert commands("a\r \u3000::set-output name=a::b") == ["set-output"]
    assert commands("a ##[set-env name=A]b") == ["set-env"]
    assert commands("##VSO[task.complete]") == ["task.complete"]


def test_a_command_is_taken_apart_where_it_stands():
    assert ci_log("  ::error::x") == "  :\u200b:error::x"
    assert ci_log("see a::b and C::d") == "see a::b and C::d"
    assert ci_log("x ##vso[a]") == "x ##\u200bvso[a]"


def test_a_million_newlines_take_no_time_to_speak_of():
    blanks = "\n \t" * 300_000 + "::x"

    assert commands(ci_log(blanks)) == []
    assert len(xml_text(blanks)) > len(blanks)


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, list]] = []
        self.words = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, attrs))

    def handle_data(self, data):
        self.words += data


@with_corpus
@given(hostile_texts())
def test_html_holds_text_and_no_element(text):
    page = Page()

    page.feed(f'<p title="{encode_html(text)}">{encode_html(text)}</p>')
    page.close()

    assert page.tags == [("p", [("title", terminal(text))])]
    assert page.words == terminal(text)


@given(st.recursive(hostile_texts(), lambda inner: st.lists(inner, max_size=3)))
def test_json_in_html_ends_no_script_and_reads_back(value):
    text = html_json(value)

    assert not re.search(r"[<>&\u2028\u2029]", text)
    assert json.loads(text) == value


def test_json_in_html_holds_no_nan():
    with pytest.raises(ValueError, match="not JSON compliant"):
        html_json(float("nan"))


@pytest.mark.parametrize("parse", [ET.fromstring, etree.fromstring])
@given(text=hostile_texts())
def test_xml_parses_and_says_what_was_said(parse, text):
    document = f'<a b="{xml_attribute(text)}">{xml_text(text)}</a>'

    root = parse(document.encode())

    assert (root.text or "") == xml_legal(text)
    assert root.get("b") == xml_legal(text)
    assert len(root) == 0
    assert commands(document) == []


def test_xml_shows_what_it_cannot_hold():
    assert xml_text("\x1b[2J \x00 \ud800 \ufffe \x9b") == "#x1B[2J #x0 #xD800 #xFFFE #x9B"
    assert xml_text("a\r\nb\rc") == "a\nb\nc"
    assert xml_text("]]>") == "]]&gt;"


def visible_words(token) -> str:
    return "".join(part.content for part in token.children if part.type == "text")


def assert_harmless(tokens) -> None:
    for token in tokens:
        if token.type != "inline":
            continue
        kinds = {part.type for part in token.children}
        assert kinds <= {"text", "html_inline"}
        tags = {part.content for part in token.children if part.type == "html_inline"}
        assert tags <= {"<code>", "</code>"}
        assert not re.search(r"@\w|://|www\.", visible_words(token), re.IGNORECASE)


@with_corpus
@given(hostile_texts())
def test_text_in_a_markdown_table_is_code_and_nothing_else(text):
    cell = markdown_inline(text)
    page = f"| a | b |\n|---|---|\n| x | {cell} |\n\nthe end\n"

    tokens = GITHUB.parse(page)

    cells = [tokens[i + 1] for i, token in enumerate(tokens) if token.type == "td_open"]
    assert len(cells) == 2
    assert_harmless(tokens)
    shown = one_line(text)
    if len(shown) <= 200:
        assert visible_words(cells[1]).replace("\u200b", "") == shown.replace("\u200b", "")
    assert tokens[-2].content == "the end"


@with_corpus
@given(hostile_texts())
def test_text_in_a_markdown_line_is_code_and_nothing_else(text):
    tokens = GITHUB.parse(f"{markdown_inline(text)}\n\n- {markdown_inline(text)} end\n")

    assert_harmless(tokens)
    assert commands(markdown_inline(text)) == []


def test_a_markdown_line_is_cut_at_its_limit():
    assert markdown_inline("a" * 300) == f"<code>{'a' * 199}…</code>"
    assert markdown_inline("a" * 200) == f"<code>{'a' * 200}</code>"
    assert markdown_inline("\u202e" * 100, limit=10) == "<code>&#60;U&#43;202E&#62;&#60;…</code>"
    assert markdown_inline("") == ""


@given(st.lists(hostile_texts(), max_size=3).map("\n".join))
def test_no_text_closes_its_fence(text):
    tokens = GITHUB.parse(f"{markdown_block(text)}\nthe end\n")

    assert [token.type for token in tokens] == [
        "fence",
        "paragraph_open",
        "inline",
        "paragraph_close",
    ]
    assert tokens[0].content == f"{ci_log(text)}\n"
    assert tokens[2].content == "the end"


@given(st.lists(hostile_texts(), min_size=1, max_size=4))
def test_a_csv_cell_is_no_formula_and_reads_back(texts):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([csv_cell(text) for text in texts])

    (row,) = csv.reader(io.StringIO(out.getvalue(), newline=""))

    assert len(row) == len(texts)
    assert commands(out.getvalue()) == []
    for cell in row:
        start = cell.lstrip("\ufeff\u200b \t\n\xa0\u3000")[:1]
        number = re.fullmatch(r"-\d+(\.\d+)?([eE][+-]?\d+)?", cell)
        assert number or start not in set("=+-@＝＋－＠")
        assert csv_cell(cell) == cell


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1+1", "'-1+1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'␍=1"),
        ("\ttab", "'\ttab"),
        (" =1", "' =1"),
        ("＝1", "'＝1"),
        ("-12.5", "-12.5"),
        ("plain", "plain"),
        (-1.5, "-1.5"),
        (7, "7"),
        (0.0, "0.0"),
        (None, ""),
        (float("nan"), ""),
        (float("-inf"), ""),
    ],
)
def test_formulas_are_defused_and_numbers_stay_numbers(value, cell):
    assert csv_cell(value) == cell


def test_the_hostile_corpus_is_worth_its_name():
    assert len(HOSTILE) >= 100
    assert sum(terminal(text) != text for text in HOSTILE) > 30
    assert sum(commands(text) != [] for text in HOSTILE) > 12
