"""What a change is held against: the same cases on the base's prompts, in a plan of their own."""

from collections.abc import Mapping

from msgspec.structs import replace

from llmops.domain.node import Text
from llmops.domain.suite import Step, Suite
from llmops.errors import InvalidInputError, NothingSelectedError
from llmops.loading.labels import Labels, load_labels
from llmops.running.planning.plan import Plan, PlanOptions, make_plan
from llmops.versions.version import PromptVersion
from llmops.workflows.gating.governing import Governed, models_at_base

AT_BASE = "@base:"
"""Between a prompt's name and the commit that it is asked at; no name in a suite reads so."""
_SHORT = 12


def plan_base(
    governed: Governed, options: PlanOptions, names: Mapping[str, str], commit: str
) -> Plan | None:
    """Plan the cases of the change on what stood at a commit: prompts, models and parameters.

    What cannot be asked there, such as a prompt that is new or a case with a new input, is left
    out.

    Args:
        governed: The project.
        options: As for the change.
        names: What each suite was called at the base, by its name now.
        commit: The commit's full id.

    Returns:
        None when nothing can be asked there.
    """
    opened = governed.opened
    finder = _Finder(governed, commit)
    suites = {
        name: _as_before(suite, governed.before.suites.get(names.get(name, name)))
        for name, suite in opened.project.suites.items()
    }
    targets = {name for name, suite in suites.items() if suite.target is not None}
    reached = options.selection.reached or frozenset()
    selection = replace(options.selection, reached=reached - targets)
    config = replace(opened.config, models=models_at_base(governed))
    project = replace(opened.project, config=config, suites=suites)
    wished = replace(options, selection=selection, tolerant=True)
    try:
        return make_plan(project, finder.find, opened.resources, wished)
    except NothingSelectedError:
        return None


class _Finder:
    """Finds prompts as they stood at a commit."""

    def __init__(self, governed: Governed, commit: str) -> None:
        self._versions = governed.opened.versions
        self._commit = commit
        self._labels = _labels(governed)
        self._found: dict[str, PromptVersion] = {}

    def find(self, text: Text) -> PromptVersion:
        """What a name meant at the commit, under a name that says so.

        Raises:
            InvalidInputError: There was no such prompt, or it cannot be read there.
        """
        if text.text not in self._found:
            self._found[text.text] = self._find(text)
        return self._found[text.text]

    def _find(self, text: Text) -> PromptVersion:
        name, at_sign, ref = text.text.partition("@")
        if not at_sign:
            version = self._versions.at(name, self._commit, text)
        else:
            labelled = self._labels.get(name, {}).get(ref.removeprefix("label:"))
            meant = f"{name}@{labelled.text}" if labelled is not None else text.text
            version = self._versions.find(replace(text, text=meant))
        commit = version.commit or self._commit
        return replace(version, name=f"{name}{AT_BASE}{commit[:_SHORT]}")


def _labels(governed: Governed) -> Labels:
    """Labels as they stood at the base."""
    try:
        return load_labels(governed.before.tree, governed.before.config)
    except InvalidInputError:
        return {}


def _as_before(suite: Suite, before: Suite | None) -> Suite:
    """A suite's cases and assertions of now, on the prompts, models and parameters of then."""
    if before is None or suite.target is not None:
        return suite
    asked = replace(suite, models=before.models, parameters=before.parameters)
    if suite.steps:
        steps = {step.id: step for step in before.steps}
        return replace(asked, steps=tuple(_step(step, steps.get(step.id)) for step in suite.steps))
    return replace(asked, prompts=before.prompts or suite.prompts)


def _step(step: Step, before: Step | None) -> Step:
    if before is None:
        return step
    return replace(step, prompt=before.prompt, inputs=before.inputs)
