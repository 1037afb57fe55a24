"""The cases of suites, rendered by two versions of a prompt before anything is asked."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from llmops.domain.project import Project
from llmops.domain.suite import Case, Suite
from llmops.errors import Fault, LlmopsError
from llmops.rendering.templates import Templates
from llmops.running.planning.cases import CaseReader, case_hash
from llmops.running.planning.selection import CaseFilter, Selection
from llmops.versions.version import PromptVersion

Messages = tuple[Mapping[str, object], ...]
Rendering = Messages | tuple[Fault, ...] | None
"""What a version made of a case: messages, or why there are none; None for a chain, whose messages
are made of what is answered."""


class TwiceRendered(Struct, frozen=True, kw_only=True):
    """One case under two versions.

    Attributes:
        digest: The hash of what the case asks.
        renderings: One a version.
    """

    case: Case
    digest: str
    renderings: tuple[Rendering, Rendering]


def render_twice(
    project: Project,
    suites: Sequence[Suite],
    selection: Selection,
    versions: tuple[PromptVersion, PromptVersion],
) -> Iterator[TwiceRendered]:
    """Render every selected case that is not skipped.

    Raises:
        InvalidInputError: A case of a suite cannot be read.
        NothingSelectedError: A selector finds no case.
    """
    templates = Templates(project.tree, project.config.prompts)
    reader = CaseReader(project=project, templates=templates, overrides={})
    chosen = CaseFilter(selection, suites, project.config.suites)
    for suite in suites:
        for case in reader.cases(suite):
            if not chosen(case) or case.skip is not None:
                continue
            before, after = (_rendering(suite, case, version) for version in versions)
            yield TwiceRendered(case=case, digest=case_hash(case), renderings=(before, after))
    chosen.check()


def _rendering(suite: Suite, case: Case, version: PromptVersion) -> Rendering:
    if suite.steps:
        return None
    try:
        return version.renderer.render(version.prompt, case.inputs, at=case.at).messages
    except LlmopsError as error:
        return error.faults
