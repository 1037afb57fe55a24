"""A suite's arms: its prompts × its models × a sweep of parameters."""

import itertools
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from llmops.domain.completion import Request, canonical_json
from llmops.domain.config import Config, Model
from llmops.domain.node import Text
from llmops.domain.run import Arm
from llmops.domain.suite import Suite, Target
from llmops.errors import InvalidInputError
from llmops.loading.project import resolve_model
from llmops.rendering.prompt import response_format
from llmops.running.planning.trial import PlannedArm
from llmops.versions.version import FindPrompt, PromptVersion


class SuiteArm(Struct, frozen=True, kw_only=True):
    """One arm of a suite, with the prompt versions it renders.

    Attributes:
        identity: What tells it from the suite's other arms, as a list in canonical JSON.
        versions: One for a prompt, one a step for a chain, none for a target.
        parameters: Laid over each prompt's own: the model's, the suite's, the command line's.
    """

    planned: PlannedArm
    identity: str
    versions: tuple[PromptVersion, ...]
    parameters: Mapping[str, object]

    def request(self, version: PromptVersion, messages: Sequence[Mapping[str, object]]) -> Request:
        """What is sent for a rendered prompt on this arm's model."""
        prompt = version.prompt
        model = self.planned.model
        return Request(
            model=model.name if model else "",
            messages=tuple(messages),
            parameters={**prompt.parameters, **self.parameters},
            tools=prompt.tools,
            tool_choice=prompt.tool_choice,
            response_format=response_format(prompt),
        )


class ArmOptions(Struct, frozen=True, kw_only=True):
    """What the command line says of arms.

    Attributes:
        models: In place of the suites' own models.
        sweep: Values of parameters; every combination is an arm of its own.
    """

    models: tuple[Text, ...] = ()
    sweep: Mapping[str, tuple[object, ...]] | None = None


def arms_of(
    suite: Suite, config: Config, find_prompt: FindPrompt, options: ArmOptions
) -> list[SuiteArm]:
    """Every arm of a suite, in the order of its file; what is named twice is one arm.

    Raises:
        InvalidInputError: A prompt or model is not known, or no model is named.
    """
    if suite.target is not None:
        return [_target_arm(suite.target)]
    points = list(_combinations(options.sweep or {}))
    arms: dict[str, SuiteArm] = {}
    for versions in _versions(suite, find_prompt):
        for model, at in _models(suite, versions, config, options):
            for point in points:
                made = _arm(suite, versions, model, at, point)
                arms.setdefault(made.identity, made)
    return list(arms.values())


def _versions(suite: Suite, find_prompt: FindPrompt) -> Iterator[tuple[PromptVersion, ...]]:
    if suite.steps:
        yield tuple(find_prompt(step.prompt) for step in suite.steps)
        return
    for text in suite.prompts:
        yield (find_prompt(text),)


def _models(
    suite: Suite, versions: tuple[PromptVersion, ...], config: Config, options: ArmOptions
) -> list[tuple[Model, Text]]:
    named = options.models or suite.models
    if not named:
        own = [version.prompt.model for version in versions if version.prompt.model is not None]
        named = tuple(own[:1])
    if not named:
        raise InvalidInputError(
            f"no model is named for '{versions[0].name}'",
            at=suite.prompts[0].at if suite.prompts else suite.at,
            code="no-model",
            hint="add 'models: […]' to the suite or 'model:' to the prompt",
        )
    return [(resolve_model(config, text), text) for text in named]


def _arm(
    suite: Suite,
    versions: tuple[PromptVersion, ...],
    model: Model,
    named: Text,
    point: Mapping[str, object],
) -> SuiteArm:
    parameters = {**model.parameters, **suite.parameters, **point}
    first = versions[0]
    arm = Arm(
        prompt=" → ".join(version.name for version in versions),
        model=model.label,
        version=str(first.prompt.version) if first.prompt.version and not suite.steps else None,
        content_hash="+".join(version.content_hash for version in versions),
        parameters={**first.prompt.parameters, **parameters},
    )
    planned = PlannedArm(arm=arm, model=model, at=named.at)
    return SuiteArm(
        planned=planned, identity=_identity(arm), versions=versions, parameters=parameters
    )


def _target_arm(target: Target) -> SuiteArm:
    arm = Arm(prompt=target.label, model="")
    planned = PlannedArm(arm=arm, model=None, at=target.at)
    return SuiteArm(planned=planned, identity=_identity(arm), versions=(), parameters={})


def _identity(arm: Arm) -> str:
    return canonical_json([arm.prompt, arm.model, dict(arm.parameters)])


def _combinations(sweep: Mapping[str, tuple[object, ...]]) -> Iterator[dict[str, object]]:
    for values in itertools.product(*sweep.values()):
        yield dict(zip(sweep, values, strict=True))
