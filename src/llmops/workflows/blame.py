"""Which commit and version wrote each line of a prompt, and how many cases reach it."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from llmops.domain.node import Text
from llmops.errors import InvalidInputError
from llmops.history.blame import BlamedLine
from llmops.history.blame import blame as blame_file
from llmops.loading.prompts import unknown_prompt
from llmops.location import COMMAND_LINE
from llmops.running.planning.coverage import LineCoverage, cover_lines
from llmops.versions.finder import Versions
from llmops.versions.timeline import Entry
from llmops.workflows.opening.project import OpenProject


class PromptLine(Struct, frozen=True, kw_only=True):
    """A line of a prompt's file.

    Attributes:
        claimed: The first version that has the line.
        cases: How many cases are asked with text of the line; None for a line without text of a
            message, and where nobody counted.
    """

    line: BlamedLine
    claimed: str | None
    cases: int | None = None

    def as_json(self) -> dict[str, object]:
        """The line as plain JSON values."""
        commit = self.line.commit
        return {
            "line": self.line.number,
            "text": self.line.text,
            "commit": commit.id if commit else None,
            "date": commit.date if commit else None,
            "author": commit.author if commit else None,
            "subject": commit.subject if commit else None,
            "version": self.claimed,
            "cases": self.cases,
        }


def blame(versions: Versions, named: str) -> list[PromptLine]:
    """Tell who wrote each line of a prompt, in the work tree or at a version.

    Args:
        versions: Of the project.
        named: `NAME` or `NAME@REF`.

    Raises:
        InvalidInputError: There is no such prompt or version, or no commit holds it yet.
        UnavailableError: Git is missing or refuses.
    """
    loader = versions.loader
    name, at_sign, _ref = named.partition("@")
    commit, path = None, _work_path(versions, name)
    if at_sign:
        found = versions.find(Text(named, COMMAND_LINE))
        commit, path = str(found.commit), found.prompt.path
        name = loader.name_of(path, commit)
    if path is None:
        raise InvalidInputError.of([unknown_prompt(name, versions.names(), COMMAND_LINE)])
    timeline = versions.timeline(name, commit)
    if not timeline:
        raise InvalidInputError(
            f"no commit holds the prompt '{name}' yet", code="no-commit", hint="commit it first"
        )
    lines = blame_file(loader.repository, loader.in_repository(path), commit)
    claims = _claims(timeline)
    return [
        PromptLine(line=line, claimed=claims.get(line.commit.id) if line.commit else None)
        for line in lines
    ]


def count_cases(
    opened: OpenProject, named: str, lines: Sequence[PromptLine]
) -> tuple[list[PromptLine], LineCoverage]:
    """Count for each line the cases of the suites that are asked with text of it.

    Args:
        opened: The project, whose suites are those of the work tree.
        named: `NAME` or `NAME@REF`.
        lines: What `blame` told of it.

    Raises:
        InvalidInputError: Something is wrong with the prompt, or with a case of a suite.
        UnavailableError: Git is missing or refuses.
    """
    version = opened.versions.find(Text(named, COMMAND_LINE))
    suites = [
        suite
        for suite in opened.project.suites.values()
        if named.partition("@")[0] in suite.prompt_names
    ]
    source = [line.line.text for line in lines]
    coverage = cover_lines(opened.project, suites, version, source)
    return [replace(line, cases=coverage.cases.get(line.line.number)) for line in lines], coverage


def _work_path(versions: Versions, name: str) -> str | None:
    held = set(versions.tree.paths(versions.config.prompts))
    return next((path for path in versions.loader.paths_of(name) if path in held), None)


def _claims(timeline: Sequence[Entry]) -> dict[str, str | None]:
    """What each commit claimed, or the first after it that could be read."""
    found: dict[str, str | None] = {}
    readable: str | None = None
    for entry in timeline:
        readable = entry.claimed if entry.version is not None else readable
        found[entry.commit.id] = readable
    return found
