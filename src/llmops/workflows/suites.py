"""What suites would run."""

from msgspec import Struct, field

from llmops.running.planning.plan import PlanOptions, make_plan
from llmops.workflows.opening.project import OpenProject


class SuiteListing(Struct, kw_only=True):
    """A suite and what of it is selected.

    Attributes:
        tests: The prompts, steps or target that it tests.
        cases: Ids with their tags.
    """

    name: str
    path: str
    tests: str
    models: list[str] = field(default_factory=list)
    cases: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    trials: int = 0

    def as_json(self) -> dict[str, object]:
        """The listing as plain JSON values."""
        return {
            "name": self.name,
            "path": self.path,
            "tests": self.tests,
            "models": self.models,
            "cases": [{"id": id_, "tags": list(tags)} for id_, tags in self.cases],
            "trials": self.trials,
        }


def list_suites(opened: OpenProject, options: PlanOptions) -> list[SuiteListing]:
    """List the suites that a selection would run.

    Raises:
        InvalidInputError: Something is wrong with the files.
        NothingSelectedError: Nothing is selected.
    """
    plan = make_plan(opened.project, opened.find_prompt, opened.resources, options)
    listed = {}
    for planned in plan.suites:
        arms = [arm.planned.arm for arm in planned.arms]
        listed[planned.suite.name] = SuiteListing(
            name=planned.suite.name,
            path=planned.suite.path,
            tests=", ".join(dict.fromkeys(arm.prompt for arm in arms)),
            models=list(dict.fromkeys(arm.model for arm in arms if arm.model)),
        )
    seen: set[tuple[str, str]] = set()
    for trial in plan.trials():
        listing = listed[trial.suite.name]
        listing.trials += 1
        if (trial.suite.name, trial.case.id) not in seen:
            seen.add((trial.suite.name, trial.case.id))
            listing.cases.append((trial.case.id, trial.case.tags))
    return list(listed.values())
