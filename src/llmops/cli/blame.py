"""`llmops blame`: who wrote each line of a prompt."""

from typing import TYPE_CHECKING, Annotated

import typer

from llmops.cli.options import AsJson

if TYPE_CHECKING:
    from llmops.running.planning.coverage import LineCoverage
    from llmops.workflows.blame import PromptLine

_SHORT = 8
_AUTHOR = 16


def blame(
    name: Annotated[
        str, typer.Argument(metavar="NAME[@REF]", help="The prompt, maybe at a version.")
    ],
    cases: Annotated[
        bool,
        typer.Option(
            "--cases", help="Count the suites' cases that each line reaches; 0 is untested text."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the commit, author and version behind each line of a prompt.

    Examples:
      llmops blame support/reply --cases
      llmops blame support/reply@1.0.0 --json | jq -r '.[] | select(.version == "1.0.0").text'
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.terminal.talk import note, say_json, say_rows
    from llmops.workflows.blame import blame as blamed
    from llmops.workflows.blame import count_cases
    from llmops.workflows.opening.project import open_project, open_versions

    outside = surroundings()
    lines = blamed(open_versions(outside), name)
    notes: list[str] = []
    if cases:
        lines, coverage = count_cases(open_project(outside), name, lines)
        notes = _notes(coverage)
    if as_json:
        say_json([line.as_json() for line in lines])
    else:
        headings = ("commit", "date", "author", "version", *(("cases",) if cases else ()), "line")
        rows = [_row(line, counted=cases) for line in lines]
        say_rows((*headings, ""), rows, empty=f"'{name}' is empty")
    for words in notes:
        note(words)


def _notes(coverage: "LineCoverage") -> list[str]:
    """What was counted, and what could not be."""
    untested = [str(line) for line, count in coverage.cases.items() if not count]
    said = [
        f"{coverage.counted} cases; "
        + (f"none has text of line {', '.join(untested)}" if untested else "each line is in some")
    ]
    if coverage.unknown:
        said.append(
            f"{coverage.unknown} more cases cannot be told: the prompt does not render with them, "
            "or looks at its own text"
        )
    if coverage.chained:
        said.append(f"suites with steps are not counted: {', '.join(coverage.chained)}")
    return said


def _row(line: "PromptLine", *, counted: bool) -> list[str]:
    commit = line.line.commit
    cases = "" if line.cases is None else str(line.cases)
    return [
        commit.id[:_SHORT] if commit else "work tree",
        commit.date[:10] if commit else "",
        commit.author[:_AUTHOR] if commit else "",
        line.claimed or "–",
        *((cases,) if counted else ()),
        str(line.line.number),
        line.line.text,
    ]
