"""Which of the selected suites a change since a git revision can reach."""

from collections.abc import Sequence

from msgspec.structs import replace

from llmops.domain.node import Text
from llmops.errors import NothingSelectedError
from llmops.location import COMMAND_LINE
from llmops.running.planning.plan import PlanOptions
from llmops.running.planning.selection import choose_suites
from llmops.versions.impact import SuiteImpact, impact
from llmops.workflows.opening.project import OpenProject


def find_impacts(opened: OpenProject, plan: PlanOptions) -> tuple[SuiteImpact, ...]:
    """Say of each selected suite whether what changed since the selection's ref can reach it.

    Raises:
        InvalidInputError: The ref means no commit, or there is no repository.
        NothingSelectedError: A selector names no suite.
        UnavailableError: Git is missing or refuses.
    """
    selection = plan.selection
    commit = opened.versions.commit_of(Text(selection.since or "", COMMAND_LINE))
    suites = opened.project.suites.values()
    return impact(
        opened.project,
        opened.versions,
        commit,
        choose_suites(suites, selection, opened.config.suites),
        models=[text.text for text in plan.arms.models],
    )


def narrow(plan: PlanOptions, impacts: Sequence[SuiteImpact]) -> PlanOptions:
    """The same plan with nothing but the suites that are reached.

    Raises:
        NothingSelectedError: There is none.
    """
    reached = frozenset(found.suite for found in impacts if found.included)
    if not reached:
        since = plan.selection.since
        raise NothingSelectedError(
            f"nothing that the selected suites use changed since {since}",
            hint="exit code 5 says that nothing ran; where that is well, let it pass: "
            f"llmops test --since {since} || [ $? -eq 5 ]",
        )
    return replace(plan, selection=replace(plan.selection, reached=reached))
