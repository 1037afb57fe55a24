import json
import subprocess
import sys
from pathlib import Path

import pytest
from prompt_making import Project, text

from llmops.errors import TemplateError

MEGABYTES = 100
BOMBS = {
    "constant repetition": "{{ 'a' * 10**9 }}",
    "repetition of what is large already": "{{ ('a' * 10**6) * 10 }}",
    "list repetition": "{{ [[1] * 100000] * 100000 }}",
    "power": "{{ 2 ** 10000000 }}",
    "squares of squares": "{% set n = namespace(a=10) %}{% for i in range(999) %}"
    "{% set n.a = n.a * n.a %}{% endfor %}",
    "center filter": "{{ 'x'|center(10**9) }}",
    "center method": "{{ 'x'.center(10**9) }}",
    "ljust": "{{ 'x'.ljust(10**9) }}",
    "zfill": "{{ 'x'.zfill(10**9) }}",
    "method kept in a variable": "{% set f = 'x'.rjust %}{{ f(10**9) }}",
    "format filter": "{{ '%1000000000d'|format(1) }}",
    "format operator": "{{ '%1000000000d' % 1 }}",
    "format with a width handed in": "{{ '%*d' % (10**9, 1) }}",
    "format method": "{{ '{:1000000000}'.format(1) }}",
    "format method with a width handed in": "{{ '{:{}}'.format(1, 10**9) }}",
    "format of one value many times": "{{ ('{0}' * 100000).format(large) }}",
    "printf of one value many times": "{{ ('%(a)s' * 100000) % {'a': large} }}",
    "printf of huge numbers": "{{ ('%(a)f' * 200000) % {'a': 1e308} }}",
    "replace filter": "{{ large|replace('x', large) }}",
    "replace method": "{{ large.replace('', large) }}",
    "join": "{{ range(99999)|join(large) }}",
    "join method": "{{ large.join(['a'] * 1000) }}",
    "indent": "{{ ('\\n' * 10**6)|indent(100) }}",
    "indent by a text": "{{ 'a\\nb'|indent(large * 2) }}",
    "escape": "{{ ('&' * 10**6)|escape }}",
    "batch": "{{ [1]|batch(10**9, 'x')|list }}",
    "slice": "{{ [1]|slice(10**9)|list }}",
    "round": "{{ 1|round(-10**9, 'ceil') }}",
    "indented JSON": "{{ [1]|tojson(10**9) }}",
    "mapped filter": "{{ range(99999)|map('center', 1000000)|list }}",
    "number out of text": "{{ ('f' * 10**6)|int(base=16) }}",
    "trim of many characters": "{{ large|trim(large) }}",
    "strip of many characters": "{{ large.strip(large) }}",
    "doubling with ~": "{% set n = namespace(a='aaaa') %}{% for i in range(999) %}"
    "{% set n.a = n.a ~ n.a %}{% endfor %}",
    "doubling with +": "{% set n = namespace(a='aaaa') %}{% for i in range(999) %}"
    "{% set n.a = n.a + n.a %}{% endfor %}",
    "doubling a list": "{% set n = namespace(a=[1]) %}{% for i in range(999) %}"
    "{% set n.a = n.a + n.a %}{% endfor %}",
    "a list that holds itself twice": "{% set n = namespace(a=[1]) %}{% for i in range(999) %}"
    "{% set n.a = [n.a, n.a] %}{% endfor %}{{ n.a }}",
    "a mapping that holds itself twice": "{% set n = namespace(a=1) %}{% for i in range(999) %}"
    "{% set n.a = {'a': n.a, 'b': n.a} %}{% endfor %}{{ n.a }}",
    "comparing nested lists": "{% set n = namespace(a=1, b=1) %}{% for i in range(40) %}"
    "{% set n.a = [n.a, n.a] %}{% set n.b = [n.b, n.b] %}{% endfor %}{{ n.a == n.b }}",
    "hashing a deep tuple": "{% set n = namespace(a=(1,)) %}{% for i in range(99999) %}"
    "{% set n.a = (n.a,) %}{% endfor %}{{ {n.a: 1} }}",
    "a huge range": "{% for i in range(10**9) %}{% endfor %}",
    "loops in loops": "{% for i in range(99999) %}{% for j in range(99999) %}"
    "{% endfor %}{% endfor %}",
    "loops that write": "{% for i in range(99999) %}{% for j in range(99999) %}x"
    "{% endfor %}{% endfor %}",
    "loops whose condition never holds": "{% for i in range(99999) %}"
    "{% for j in range(99999) if j < 0 %}x{% endfor %}{% endfor %}",
    "the same large text again and again": "{% for i in range(99999) %}{{ large }}{% endfor %}",
    "large texts thrown away": "{% for i in range(99999) %}{% set x %}{{ large }}{% endset %}"
    "{% endfor %}",
    "searching in a loop": "{% for i in range(99999) %}{{ 'xxxxxxxxxxy' in large }}{% endfor %}",
    "sorting in a loop": "{% for i in range(99999) %}{% set x = range(9999)|sort %}{% endfor %}",
    "filters that keep nothing": "{% for i in range(99999) %}"
    "{% set x = range(99999)|reject|reject|list %}{% endfor %}",
    "tests in a loop": "{% for i in range(99999) %}{{ large is lower }}{% endfor %}",
    "differences in a loop": "{% set d = dict(range(2000)|map('string')|batch(2)) %}"
    "{% for i in range(99999) %}{% set x = d.keys() - [i] %}{% endfor %}",
    "slices in a loop": "{% for i in range(99999) %}{% set x = large[::-1] %}{% endfor %}",
    "a macro that calls itself": "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "a macro that calls itself twice": "{% macro a(n) %}{% if n %}{{ a(n - 1) }}{{ a(n - 1) }}"
    "{% endif %}{% endmacro %}{{ a(40) }}",
    "a block that calls itself": "{% block a %}{{ self.a() }}{% endblock %}",
    "a loop that calls itself": "{% for i in [1] recursive %}{{ loop([1, 1]) }}{% endfor %}",
    "a partial in a loop": "{% for i in range(99999) %}{% include 'wide.md' %}{% endfor %}",
    "a macro of a partial in a loop": "{% from 'macros.md' import f %}"
    "{% for i in range(99999) %}{% set x = f() %}{% endfor %}",
}
BLOATED = {
    "nested brackets": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "a long sum": "{{ 1" + "+1" * 5000 + " }}",
    "many tags": "{{ a }}" * 200_000,
    "many elements": "{{ [" + "1," * 400_000 + "] }}",
    "many comments": "{#- a -#}\n" * 100_000,
    "many branches": "{% if a %}1" + "{% elif a %}2" * 9000 + "{% endif %}",
    "a number of a million digits": "{{ " + "9" * 1_000_000 + " }}",
    "a number of a million hexadecimal digits": "{{ 0x" + "f" * 1_000_000 + " }}",
    "many backslashes": "{{ '" + "\\n" * 500_000 + "' }}",
    "nested conditions": "{% if a %}" * 2000 + "{% endif %}" * 2000,
    "nested loops": "{% for i in a %}" * 30 + "{% endfor %}" * 30,
    "open tags": "{{" * 500_000,
    "open comments": "{#" * 500_000,
    "a text of two million characters": "x" * 2_000_000 + "{{ a }}",
}
PARTIALS = {
    "wide.md": "{{ small }}" * 500,
    "macros.md": "{% macro f() %}{% for i in range(99999) %}{% endfor %}{% endmacro %}",
}
PLACES = {
    "suites/s.yaml:21:1",
    "suites/s.yaml:22:1",
    "prompts/macros.md:1:1",
    "prompts/wide.md:1:1",
}
MEASURE = """
import json, os, resource, sys
from pathlib import Path
from llmops.domain.node import Text
from llmops.errors import TemplateError
from llmops.loading.tree import WorkTree
from llmops.location import Location
from llmops.rendering.templates import Templates

root, bombs = Path(sys.argv[1]), json.loads(sys.stdin.read())
place = Location("suites/s.yaml", 20, 3)
unit = 2**20 if sys.platform == "darwin" else 2**10


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def measure(template):
    resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
    templates = Templates(WorkTree(root), "prompts")
    context = {"large": "x" * 10**6, "small": "x"}
    before = peak()
    try:
        templates.compile(Text(f"Dear customer,\\n{template}", place, block=True)).render(context)
    except TemplateError as error:
        fault = error.faults[0]
        return [fault.code, str(fault.at), bool(fault.hint), peak() - before]
    return ["none", "", False, peak() - before]


for name, template in bombs.items():
    child = os.fork()
    if not child:
        print(json.dumps([name, *measure(template)]), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.fixture
def with_partials(project: Project) -> Project:
    for name, content in PARTIALS.items():
        project.write(f"prompts/{name}", content)
    return project


@pytest.mark.skipif(sys.platform == "win32", reason="Windows measures no peak of memory")
def test_bombs_end_as_errors_where_they_stand_in_little_memory(
    with_partials: Project, tmp_path: Path
) -> None:
    bombs = BOMBS | BLOATED

    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)],
        input=json.dumps(bombs),
        capture_output=True,
        text=True,
        check=True,
    )

    measured = {name: found for name, *found in map(json.loads, done.stdout.splitlines())}
    assert set(measured) == set(bombs)
    assert {name: code for name, (code, *_) in measured.items()} == {
        **dict.fromkeys(BOMBS, "template-limit"),
        **dict.fromkeys(BLOATED, "template-syntax"),
    }
    assert {measured[name][1] for name in BOMBS} <= PLACES
    assert {measured[name][1].partition(":")[0] for name in BLOATED} == {"suites/s.yaml"}
    assert {name for name in BOMBS if not measured[name][2]} == set()
    assert {name: grown for name, (*_, grown) in measured.items() if grown > MEGABYTES} == {}


def test_a_template_after_a_bomb_renders(with_partials: Project) -> None:
    templates = with_partials.templates
    bomb = templates.compile(text(BOMBS["loops in loops"]))
    with pytest.raises(TemplateError):
        bomb.render({})

    rendered = templates.compile(text("{% for i in range(3) %}{{ i }}{% endfor %}")).render({})

    assert rendered == "012"


def test_a_table_of_ten_thousand_rows_is_no_bomb(project: Project) -> None:
    rows = [{"name": f"n{number}", "price": number} for number in range(10_000)]
    template = (
        "{% for row in rows %}{% if row.price > 10 and row.name != 'x' %}"
        "{{ loop.index }} {{ row.name|upper }}: {{ '%.2f'|format(row.price) }}\n"
        "{% endif %}{% endfor %}"
    )

    rendered = project.render(template, rows=rows)

    assert rendered.count("\n") == 9_989


def test_a_large_text_can_be_formatted(project: Project) -> None:
    document = "x" * 900_000

    assert len(project.render("{{ '%s %s%%'|format(d, 5) }}", d=document)) == 900_003
    assert len(project.render("{{ '%(a)s %(b)s' % {'a': d, 'b': d[:9]} }}", d=document)) == 900_010
    assert len(project.render("{{ '{} {}'.format(d, 5) }}", d=document)) == 900_002
    with pytest.raises(TemplateError, match="grows larger"):
        project.render("{{ '{}{}'.format(d, d) }}", d=document)


def test_a_large_text_can_stand_in_a_list(project: Project) -> None:
    document = "x" * 900_000

    assert project.render("{{ {'a': [d]}|tojson }}", d=document).startswith('{"a": ["xxx')


def test_a_document_of_a_megabyte_can_be_inserted(project: Project) -> None:
    document = "word " * 200_000

    assert project.render("Read this:\n{{ document }}", document=document).endswith("word ")
