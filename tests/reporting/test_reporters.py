from pathlib import Path

import pytest
from made_reports import a_full_run, written

from llmops.errors import InvalidInputError
from llmops.reporting.registry import reporter_named, reporters

GOLDEN = Path(__file__).parents[1] / "golden" / "reports"


def test_every_format_has_its_name():
    assert list(reporters()) == ["console", "csv", "github", "json", "jsonl", "junit", "markdown"]


@pytest.mark.parametrize("name", sorted(reporters()))
def test_a_whole_report_is_as_it_was(name: str, rewrite: bool):
    kind = reporters()[name]
    path = GOLDEN / f"{name}{kind.suffix}"

    text = written(kind.write, a_full_run())

    if rewrite:
        path.write_bytes(text.encode())
    assert text == path.read_bytes().decode()


def test_a_format_is_found_by_its_name():
    assert reporter_named("junit").suffix == ".xml"
    assert reporter_named("junit").about


def test_an_unknown_format_is_told_what_is_near():
    with pytest.raises(InvalidInputError) as near:
        reporter_named("junti")
    with pytest.raises(InvalidInputError) as far:
        reporter_named("zzz")

    assert "no report is called 'junti' [unknown-report]\n  hint: did you mean 'junit'?" in str(
        near.value
    )
    assert "hint: there are console, csv, github" in str(far.value)
