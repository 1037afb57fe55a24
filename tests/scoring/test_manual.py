import pytest
from msgspec.structs import replace

from llmops.scoring.base import ScorerExample, ScorerKind
from llmops.scoring.manual import manual_page
from llmops.scoring.registry import BUILT_IN, kinds, reference_page, scorer_schemas

OWN = {name: kind for name, kind in kinds().items() if kind.cls.__module__ in BUILT_IN}
EXAMPLES = [
    pytest.param(kind, example, id=f"{name}: {example.arguments} / {example.output[:20]}")
    for name, kind in OWN.items()
    for example in kind.examples
]
STATUS = {True: "passed", False: "failed", None: "unscored"}


@pytest.mark.parametrize(("kind", "example"), EXAMPLES)
def test_every_example_of_the_manual_is_true(
    judge, kind: ScorerKind, example: ScorerExample
) -> None:
    written = f"{kind.name}: {example.arguments}" if example.arguments else kind.name

    score = judge(written, example.output, **example.completion).score

    assert (score.status, bool(score.reason)) == (STATUS[example.passes], True), score.reason


@pytest.mark.parametrize("kind", OWN.values(), ids=OWN)
def test_every_scorer_shows_when_it_holds_and_when_not(kind: ScorerKind) -> None:
    shown = {example.passes for example in kind.examples}

    assert len(kind.examples) >= 3
    assert {True, False} <= shown


@pytest.mark.parametrize("kind", OWN.values(), ids=OWN)
def test_every_page_says_first_when_the_scorer_passes(kind: ScorerKind) -> None:
    first = kind.cls.__doc__.split("\n")[0]

    assert first.startswith("Passes when ")
    assert first.endswith(".")


@pytest.mark.parametrize("schema", scorer_schemas().items(), ids=lambda pair: pair[0])
def test_every_argument_has_its_line_in_the_manual(schema) -> None:
    properties = schema[1]["anyOf"][0]["properties"]

    assert all(part.get("description") for part in properties.values())


def test_the_scorers_that_were_promised_are_there() -> None:
    promised = """
        equals contains contains_any contains_all starts_with ends_with matches similar is_json
        json_schema json_equals is_xml is_html is_sql length language max_latency max_cost
        max_tokens finish_reason refusal no_pii python not any_of all_of at_least
    """

    assert set(promised.split()) == set(OWN)


def test_a_page_escapes_what_would_break_its_tables() -> None:
    page = manual_page(kinds()["finish_reason"], level=3)
    pattern = ScorerKind(
        name="odd",
        cls=kinds()["is_json"].cls,
        primary=None,
        free_form=False,
        examples=(ScorerExample(arguments='"a|b`c"', output="x\ny", passes=True),),
    )

    assert page.startswith("### finish_reason\n")
    assert "| assertion |" not in manual_page(replace(pattern, examples=()))
    assert '| `` odd: "a\\|b`c" `` | `x⏎y` | yes |' in manual_page(pattern)


def test_the_reference_page_is_what_the_code_says(pytestconfig, rewrite: bool) -> None:
    path = pytestconfig.rootpath / "docs" / "scorers.md"
    page = reference_page()

    if rewrite:
        path.parent.mkdir(exist_ok=True)
        path.write_text(page, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == page, "run pytest with --rewrite"
