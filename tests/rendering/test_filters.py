from collections.abc import Callable

import pytest
from prompt_making import Project

from llmops.errors import TemplateError

Render = Callable[..., str]
VALUES = {
    "rows": [{"k": "b", "n": 2}, {"k": "a", "n": 1}, {"k": "b", "n": 3}],
    "words": ["b", "a", "b"],
    "text": "hello big world",
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("words|join(', ')", "b, a, b"),
        ("rows|join('+', attribute='n')", "2+1+3"),
        ("'abc'|join('-')", "a-b-c"),
        ("words|sort|list", "['a', 'b', 'b']"),
        ("words|unique|list", "['b', 'a']"),
        ("words|map('upper')", "['B', 'A', 'B']"),
        ("rows|map(attribute='k')|list", "['b', 'a', 'b']"),
        ("rows|selectattr('n', '>', 1)|map(attribute='n')|list", "[2, 3]"),
        ("rows|rejectattr('k', 'equalto', 'b')|list|length", "1"),
        ("rows|sum(attribute='n')", "6"),
        ("[1, 2.5]|sum(start=1)", "4.5"),
        ("rows|max(attribute='n')", "{'k': 'b', 'n': 3}"),
        ("words|min", "a"),
        ("rows|groupby('k')|map('first')|list", "['a', 'b']"),
        ("(rows|groupby('k')|first).grouper", "a"),
        ("{'b': 1, 'a': 2}|dictsort", "[('a', 2), ('b', 1)]"),
        ("words|batch(2, 'x')", "[['b', 'a'], ['b', 'x']]"),
        ("words|slice(2)", "[['b', 'a'], ['b']]"),
        ("words|reverse", "['b', 'a', 'b']"),
        ("words|first ~ words|last", "bb"),
        ("words|select('in', ['a'])|list", "['a']"),
        ("text|title", "Hello Big World"),
        ("text|truncate(8)", "hello..."),
        ("text|wordcount", "3"),
        ("text|replace('big', 'small')", "hello small world"),
        ("text|replace('o', '0', 1)", "hell0 big world"),
        ("'aaa'|replace('', '-')", "-a-a-a-"),
        ("text|length", "15"),
        ("' a '|trim ~ 'xax'|trim('x')", "aa"),
        ("'a'|center(3) ~ '|'", " a |"),
        ("'a\nb'|indent(2)", "a\n  b"),
        ("'a\nb'|indent('> ', first=true)", "> a\n> b"),
        ("'%s=%d'|format('a', 5)", "a=5"),
        ("'%(a)5.1f'|format(a=2.25)", "  2.2"),
        ("'%s%%' % 5", "5%"),
        ("'{}: {:>4} {!r:5} {a[0]}'.format('x', 5, 'y', a=[7])", "x:    5 'y'   7"),
        ("'{:.2f} {:{w}}'.format(1.5, 'a', w=3) ~ '|'", "1.50 a  |"),
        ("'{}'.format([1])", "[1]"),
        ("'a&<b>\"'|e", "a&amp;&lt;b&gt;&quot;"),
        ("'<b>'|safe ~ '<c>'", "<b><c>"),
        ("[1]|string ~ 5|string", "[1]5"),
        ("{'b': 'é<', 'a': [1, none, true]}|tojson", '{"b": "é<", "a": [1, null, true]}'),
        ("{'a': [1]}|tojson(2)", '{\n  "a": [\n    1\n  ]\n}'),
        ("range(3)|tojson", "[0, 1, 2]"),
        ("{'a': 1}.keys()|tojson(0)", '[\n"a"\n]'),
        ("2.567|round(1) ~ 7|round(-1, 'floor')", "2.60.0"),
        ("nope|default('d') ~ ''|d('e', true)", "de"),
        ("'12'|int + '1.5'|float", "13.5"),
        ("-5|abs", "5"),
        ("1000|filesizeformat", "1.0 kB"),
        ("'a b/ü'|urlencode", "a%20b/%C3%BC"),
        ("{'a': 1}|items|list", "[('a', 1)]"),
        ("{'a': 1}.get('a') ~ {'a': 1}.get('b', 2)", "12"),
        ("'a,b'.split(',')", "['a', 'b']"),
        ("', '.join(words)", "b, a, b"),
        ("text.replace('l', 'L', 1).upper().count('L')", "3"),
        ("text.startswith('he') and text.strip('hd') and 'x'.zfill(3)", "00x"),
        ("'a'.ljust(3, '.') ~ 'a'.rjust(2) ~ 'a'.center(3)", "a.. a a "),
        ("words.index('a') ~ words.count('b')", "12"),
        ("[1] + [2] * 2", "[1, 2, 2]"),
        ("2 * [1]", "[1, 1]"),
        ("2 ** 10 - 7 % 4 + 2 * 3.5", "1028.0"),
        ("'a' * 3 ~ 'a' * -1 ~ 'a' + 'b'", "aaaab"),
        ("'a' in words and 'b' in {'b': 1} and 5 not in words", "True"),
        ("'abc' is lower and 'ABC' is upper and 5 is lower", "False"),
        ("({'a': 1, 'b': 2}.keys() - ['a'])|list", "['b']"),
        ("(5 - 2) ~ (7 // 2) ~ (1 / 2)", "330.5"),
        ("1 == 1.0 and 'a' is eq('a') and 'a' is in(words) and 3 is odd", "True"),
        ("dict(a=1)['a'] ~ dict([(1, 2)])", "1{1: 2}"),
        ("words[1:] ~ text[-5:] ~ (1, 2)[0]", "['a', 'b']world1"),
        ("{words[0]: 1, 'x': text[0]}", "{'b': 1, 'x': 'h'}"),
        ("rows[0]['k'] ~ rows[0].n", "b2"),
    ],
)
def test_filters_methods_and_operators_work(render: Render, expression: str, expected: str) -> None:
    assert render("{{ " + expression + " }}", **VALUES) == expected


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("['a']|sum", "'sum' adds numbers, not 'a'"),
        ("'%s'|format(1, a=2)", "takes values or names, not both"),
        ("namespace()|tojson", "a value of type Namespace has no form in JSON"),
        ("nope|tojson", "'nope' is not defined"),
        ("[nope]|tojson", "'nope' is not defined"),
        ("[nope]|join", "'nope' is not defined"),
        ("(1e308 * 10)|tojson", "Out of range float values"),
        ("'%s' % nope", "'nope' is not defined"),
        ("range(nope)", "'nope' is not defined"),
        ("'a'.center(nope)", "'nope' is not defined"),
        ("nope|round", "'nope' is not defined"),
        ("nope|length", "'nope' is not defined"),
        ("words[nope]", "'nope' is not defined"),
        ("nope in []", "'nope' is not defined"),
        ("5[{(1, 2): 3}]", "a number has no element {(1, 2): 3}"),
        ("'{}'.format(nope)", "'nope' is not defined"),
        ("'{!r}'.format(range)", "a function is not text"),
        ("5|join", "'int' object is not iterable"),
        ("words|batch(0)", "0 is not a whole number from 1 to 10,000"),
        ("words|slice('a')", "'a' is not a whole number from 1 to 10,000"),
        ("1|round('a')", "a precision of 'a' is too large"),
        ("words|tojson(-1)", "an indent of -1 is not between 0 and 16"),
        ("'a'.center()", "argument"),
        ("words.index('z')", "'z' is not in list"),
    ],
)
def test_a_filter_says_what_it_cannot_do(project: Project, expression: str, words: str) -> None:
    with pytest.raises(TemplateError) as caught:
        project.render("{{ " + expression + " }}", **VALUES)

    assert words in str(caught.value)


def test_a_list_that_holds_itself_ends_as_an_error(project: Project) -> None:
    endless: list[object] = []
    endless.append(endless)

    with pytest.raises(TemplateError) as caught:
        project.render("{{ x|join }}", x=endless)

    assert caught.value.faults[0].code == "template-limit"


def test_dates_and_exact_numbers_are_written_as_text(project: Project) -> None:
    from datetime import date
    from decimal import Decimal

    values = {"day": date(2026, 11, 2), "price": Decimal("1e3")}

    assert project.render("{{ day }} {{ price }} {{ '%s'|format(price) }}", **values) == (
        "2026-11-02 1E+3 1E+3"
    )
    assert project.render("{{ '{:%d.%m.}'.format(day) }}", **values) == "02.11."
    with pytest.raises(TemplateError):
        project.render("{{ '{:>9}'.format(price).nope }}", **values)
