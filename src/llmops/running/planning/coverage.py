"""The cases of suites and a prompt in, out comes how many cases each of its lines reaches."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from llmops.domain.project import Project
from llmops.domain.prompt import Prompt
from llmops.domain.suite import Case, Suite
from llmops.errors import LlmopsError
from llmops.rendering.marking import lines_marked, mark_lines, without_marks
from llmops.rendering.templates import Templates
from llmops.running.planning.cases import CaseReader
from llmops.versions.version import PromptVersion


class LineCoverage(Struct, frozen=True, kw_only=True):
    """How many cases are asked with text of each line of a prompt's file.

    Attributes:
        cases: The number of cases by line, from 1; only lines that hold text of a message.
        counted: How many cases were looked at.
        unknown: Cases that cannot be told: the prompt does not render with them, or looks at its
            own text.
        chained: Suites that test the prompt in steps, whose messages hang on answers.
    """

    cases: Mapping[int, int]
    counted: int
    unknown: int
    chained: tuple[str, ...]


def cover_lines(
    project: Project, suites: Iterable[Suite], version: PromptVersion, source: Sequence[str]
) -> LineCoverage:
    """Render every case that is not skipped, and see which lines its messages hold.

    Args:
        project: Whose cases they are.
        suites: Suites that test the prompt.
        version: The prompt as it stands in one tree.
        source: The lines of its file there.

    Raises:
        InvalidInputError: A case of a suite cannot be read.
    """
    templates = Templates(project.tree, project.config.prompts)
    reader = CaseReader(project=project, templates=templates, overrides={})
    marked = mark_lines(version.prompt, source)
    reached: Counter[int] = Counter()
    counted = unknown = 0
    chained = []
    for suite in suites:
        if suite.steps:
            chained.append(suite.name)
            continue
        for case in reader.cases(suite):
            if case.skip is not None:
                continue
            lines = _lines_of(case, version, marked.prompt)
            counted += lines is not None
            unknown += lines is None
            reached.update(lines or ())
    cases = {line: reached[line] for line in sorted(marked.lines)}
    return LineCoverage(cases=cases, counted=counted, unknown=unknown, chained=tuple(chained))


def _lines_of(case: Case, version: PromptVersion, marked: Prompt) -> set[int] | None:
    """The lines that a case's messages hold; None where nobody can tell."""
    try:
        plain, shown = (
            json.dumps(rendered.messages, ensure_ascii=False)
            for rendered in (
                version.renderer.render(prompt, case.inputs, at=case.at)
                for prompt in (version.prompt, marked)
            )
        )
    except LlmopsError:
        return None
    return lines_marked(shown) if without_marks(shown) == plain else None
