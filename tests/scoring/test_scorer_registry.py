import subprocess
import sys

import jsonschema
import pytest
from msgspec.structs import replace

from llmops.domain.node import node_of, plain
from llmops.domain.suite import Assertion
from llmops.errors import InvalidInputError
from llmops.loading.nodes import parse_yaml
from llmops.location import Location
from llmops.scoring.assess import build
from llmops.scoring.base import KINDS, scorer
from llmops.scoring.registry import (
    BUILT_IN,
    kinds,
    load_installed,
    load_plugins,
    reference_page,
    scorer_schemas,
)

PLUGIN = '''
from dataclasses import dataclass
from typing import ClassVar

from llmops.domain.score import Score
from llmops.loading.shapes import entry
from llmops.scoring.base import scorer


@scorer("polite", primary="word")
@dataclass(frozen=True, slots=True, kw_only=True)
class Polite:
    """Passes when the output says the word."""

    slow: ClassVar[bool] = False

    word: str = entry("The word.", default="please")

    def score(self, subject):
        return Score.of(self.word in subject.text, "so")
'''
AT = Location("llmops.yaml", 3, 11)


@pytest.fixture
def plugins(write, monkeypatch):
    """Write modules where they can be imported, and forget them afterwards."""
    before = dict(kinds())
    loaded = set(sys.modules)

    def install(files):
        monkeypatch.syspath_prepend(str(write(files)))

    yield install
    KINDS.clear()
    KINDS.update(before)
    for name in set(sys.modules) - loaded:
        del sys.modules[name]


def test_a_misspelt_scorer_is_shown_with_its_neighbour(refusals) -> None:
    fault = refusals("contians: refund")[0]

    assert str(fault) == (
        "suite.yaml:1:3: no scorer is called 'contians' [unknown-scorer]\n"
        "  hint: did you mean 'contains'?"
    )
    assert refusals("zzzzzz: x")[0].hint == "'llmops scorers' lists them"


def test_all_wrong_arguments_are_shown_at_once(refusals) -> None:
    faults = refusals("length: {mix: 3, max: many, unit: pages}")

    assert sorted(fault.code for fault in faults) == ["unknown-key", "wrong-type", "wrong-type"]


def test_a_path_with_a_gap_is_refused(refusals) -> None:
    fault = refusals("equals: x\non: json.a..b")[0]

    assert (fault.code, fault.message) == ("unknown-pick", "'json.a..b' has an empty step")


@pytest.mark.parametrize("written", ["contains: {}", "contains: []", "contains:"])
def test_arguments_that_are_not_there_are_asked_for(refusals, written: str) -> None:
    assert refusals(written)[0].code in {"missing-key", "wrong-type"}


def test_a_plug_in_s_scorer_works_like_our_own(plugins, status) -> None:
    plugins({"own_scorers.py": PLUGIN})

    load_plugins(["own_scorers"], AT)

    assert status("polite: thanks", "many thanks") == "passed"
    assert status("polite", "please") == "passed"
    assert status("polite: true", "no") == "failed"
    assert "polite" in kinds()
    assert "## polite" not in reference_page()


def test_plug_ins_that_cannot_be_imported_are_all_named(plugins) -> None:
    plugins(
        {
            "broken_scorers.py": "1 / 0\n",
            "leaving_scorers.py": "raise SystemExit(0)\n",
            "taking_scorers.py": PLUGIN.replace('"polite"', '"contains"'),
        }
    )

    with pytest.raises(InvalidInputError) as caught:
        load_plugins(["broken_scorers", "leaving_scorers", "taking_scorers", "nowhere_scorers"], AT)

    faults = caught.value.faults
    assert [str(fault.at) for fault in faults] == ["llmops.yaml:3:11"] * 4
    assert faults[0].message == (
        "the plug-in 'broken_scorers' cannot be imported: ZeroDivisionError: division by zero"
    )
    assert "SystemExit" in faults[1].message
    assert "the scorer 'contains' is there already, in llmops.scoring.text" in faults[2].message
    assert faults[3].hint == "is it installed, and spelt as in Python's 'import'?"


def test_scorers_of_installed_packages_are_found_when_they_are_named(
    plugins, resources, assertion
) -> None:
    plugins(
        {
            "own_scorers.py": PLUGIN,
            "own-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: own\nVersion: 1.0\n",
            "own-1.0.dist-info/entry_points.txt": "[llmops.scorers]\nown = own_scorers\n",
        }
    )

    with pytest.raises(InvalidInputError, match="no scorer is called 'polite'"):
        build(assertion("polite: thanks"), resources)

    trusting = replace(resources, load_installed=load_installed)
    assert build(assertion("polite: thanks"), trusting).label == "polite 'thanks'"
    with pytest.raises(InvalidInputError, match="no scorer is called 'rude'"):
        build(assertion("rude: thanks"), trusting)


def test_an_installed_package_that_breaks_is_named(plugins) -> None:
    plugins(
        {
            "own-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: own\nVersion: 1.0\n",
            "own-1.0.dist-info/entry_points.txt": "[llmops.scorers]\nown = nowhere_scorers\n",
        }
    )

    with pytest.raises(InvalidInputError, match=r"the plug-in 'own \(nowhere_scorers\)' cannot"):
        load_installed()


def test_a_module_may_be_imported_twice_but_a_name_is_taken_once() -> None:
    cls = KINDS["contains"].cls

    assert scorer("contains", primary="text", examples=KINDS["contains"].examples)(cls) is cls
    with pytest.raises(ValueError, match="the scorer 'contains' is there already"):
        scorer("contains", primary=None)(int)


def test_the_schema_of_each_scorer_takes_its_own_examples() -> None:
    schemas = scorer_schemas()

    for name, kind in kinds().items():
        validator = jsonschema.Draft7Validator(schemas[name])
        for example in kind.examples:
            written = plain(parse_yaml(example.arguments.encode(), "example.yaml").value)
            assert validator.is_valid(written), (name, example.arguments)
        assert schemas[name]["description"].startswith("Passes when")


def test_only_a_scorer_that_needs_nothing_may_stand_alone() -> None:
    schemas = scorer_schemas()

    alone = {name for name, schema in schemas.items() if {"type": "null"} in schema["anyOf"]}
    assert alone == {"is_html", "is_json", "is_sql", "is_xml", "length", "no_pii", "refusal"}


def test_every_scorer_is_listed_under_its_module() -> None:
    found = {name: kind.cls.__module__ for name, kind in kinds().items()}

    assert found == {name: module for module, names in BUILT_IN.items() for name in names}


def test_a_scorer_is_built_without_the_modules_of_others() -> None:
    code = (
        "import sys\n"
        "from llmops.domain.node import node_of\n"
        "from llmops.domain.suite import Assertion\n"
        "from llmops.location import Location\n"
        "from llmops.scoring.assess import build\n"
        "from llmops.scoring.registry import BUILT_IN, ScorerResources\n"
        "resources = ScorerResources(read_file=None, load_function=None)\n"
        "at = Location('suite.yaml')\n"
        "build(Assertion(scorer='contains', arguments=node_of('a', at), at=at), resources)\n"
        "print([name for name in BUILT_IN if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "['llmops.scoring.text']\n"


def test_an_assertion_of_the_prompt_itself_is_built_from_plain_values(resources) -> None:
    from llmops.domain.completion import Completion
    from llmops.scoring.assess import assess

    at = Location("prompts/reply.yaml", 9, 3)
    schema = {"schema": {"type": "object", "required": ["reply"]}}
    ready = build(
        Assertion(scorer="json_schema", arguments=node_of(schema, at), at=at, name="its format"),
        resources,
    )

    score = assess([ready], Completion(text="{}"), {})[0]

    assert (score.label, score.score.reason) == ("its format", "'reply' is a required property")


def test_faults_of_plain_values_are_placed_where_they_came_from(resources) -> None:
    at = Location("prompts/reply.yaml", 9, 3)
    schema = {"schema": {"type": "object", "requried": ["reply"]}}

    with pytest.raises(InvalidInputError) as caught:
        build(Assertion(scorer="json_schema", arguments=node_of(schema, at), at=at), resources)

    assert str(caught.value.faults[0].at) == "prompts/reply.yaml:9:3"
