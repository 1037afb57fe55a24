"""The two versions of a diff, and a suite with one of them in place of its prompt."""

from msgspec import Struct
from msgspec.structs import replace

from llmops.domain.node import Text
from llmops.domain.suite import Step, Suite
from llmops.versions.version import PromptVersion


class Sides(Struct, frozen=True, kw_only=True):
    """Both versions, found."""

    before: PromptVersion
    after: PromptVersion

    @property
    def names(self) -> frozenset[str]:
        """The prompts' names, without what stands behind `@`."""
        return frozenset(version.name.partition("@")[0] for version in (self.before, self.after))

    @property
    def listed(self) -> str:
        """The names as a sentence has them."""
        return " or ".join(f"'{name}'" for name in sorted(self.names))


def with_version(suite: Suite, version: PromptVersion, names: frozenset[str]) -> Suite:
    """A suite with a version in place of its prompt, or of the steps that use one of the names."""
    if not suite.steps:
        return replace(suite, prompts=(Text(version.name, suite.prompts[0].at),))
    return replace(suite, steps=tuple(_step(step, version, names) for step in suite.steps))


def _step(step: Step, version: PromptVersion, names: frozenset[str]) -> Step:
    if step.prompt.text.partition("@")[0] not in names:
        return step
    return replace(step, prompt=Text(version.name, step.prompt.at))
