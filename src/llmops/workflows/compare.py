"""Arms on the same cases: models, versions and parameters in any mix, in one ordinary run."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from llmops.comparing.arms import compare_arms
from llmops.comparing.statistics.verdict import Rule
from llmops.domain.arms import ArmsComparison
from llmops.domain.completion import canonical_json
from llmops.domain.node import Text
from llmops.domain.run import Arm, TrialResult
from llmops.domain.suite import Suite
from llmops.errors import InvalidInputError, NothingSelectedError, did_you_mean
from llmops.loading.config import resolve_model
from llmops.loading.values import json_or_text
from llmops.location import COMMAND_LINE
from llmops.running.planning.arms import ArmOptions, arms_of
from llmops.running.planning.selection import choose_suites
from llmops.workflows.executing.asking import Clock
from llmops.workflows.executing.execution import TestOptions, Watcher
from llmops.workflows.opening.project import OpenProject
from llmops.workflows.test import run_tests


class AskedArm(Struct, frozen=True, kw_only=True):
    """An arm as it was asked for.

    Attributes:
        label: What was typed.
        version: `NAME` or `NAME@REF`; None for the suites' own prompts.
        model: An alias or a full name; None for the suites' own.
        parameters: Laid over all others.
    """

    label: str
    version: str | None = None
    model: str | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)

    @property
    def prompt(self) -> str | None:
        """The prompt's name, without what stands behind `@`."""
        return self.version.partition("@")[0] if self.version is not None else None


class CompareOptions(Struct, frozen=True, kw_only=True):
    """What `llmops compare` was asked to do.

    Attributes:
        arms: As typed; two at least.
        margin: The loss of pass rate that does not matter, from 0 to 1; None for the project's.
        confidence: Of each bound, between ½ and 1; None for the project's.
        metrics: Judged beside the pass rate.
        test: How to run the cases, and which.
    """

    arms: tuple[str, ...]
    margin: float | None = None
    confidence: float | None = None
    metrics: tuple[str, ...] = ()
    test: TestOptions = field(default_factory=TestOptions)


def compare(
    opened: OpenProject, options: CompareOptions, clock: Clock, watcher: Watcher
) -> ArmsComparison:
    """Compare arms.

    Raises:
        InvalidInputError: An arm means nothing, or something is wrong with the files.
        NothingSelectedError: No suite has cases for all arms.
        UnavailableError: Git is missing or refuses, or the run cannot be kept.
    """
    asked = [read_arm(word, opened) for word in options.arms]
    _check(asked)
    suites = _suites(opened, options, asked)
    planned: dict[str, Suite] = {}
    arms: dict[str, str] = {}
    for suite in suites:
        for number, arm in enumerate(asked):
            copy = _with_arm(suite, arm, asked)
            planned[f"{suite.name}@{number}"] = copy
            identity = _identity_of(opened, copy, arm.label)
            if identity in arms:
                raise _the_same(arms[identity], arm.label)
            arms[identity] = arm.label
    project = replace(opened.project, suites=planned)
    outcome = run_tests(replace(opened, project=project), options.test, clock, watcher)
    trials = _by_arm(outcome.report.trials(), arms, [arm.label for arm in asked])
    rule = _rule(opened, options)
    seed = options.test.seed
    compared = compare_arms(
        trials, rule=rule, metrics=options.metrics, seed=seed, run=outcome.verdict
    )
    return replace(compared, run=outcome.report.header.id)


def read_arm(word: str, opened: OpenProject) -> AskedArm:
    """Read `MODEL`, `NAME[@REF]` or `NAME[@REF]+MODEL`, and parameters after commas.

    Raises:
        InvalidInputError: It is none of these.
    """
    head, *settings = word.split(",")
    version, plus, model = head.partition("+")
    named = head.partition("@")[0]
    known = named.partition("+")[0] in opened.project.prompts or "@" in version
    if known and not plus and version in opened.config.models:
        raise InvalidInputError(
            f"'{version}' is a prompt and a model",
            at=COMMAND_LINE,
            code="ambiguous-arm",
            hint=f"write '{version}@HEAD' for the prompt, or the model's full name",
        )
    parameters = dict(_setting(setting, word) for setting in settings)
    if known or plus:
        _check_model(model, opened) if plus else None
        return AskedArm(label=word, version=version, model=model or None, parameters=parameters)
    if head:
        _check_model(head, opened)
    elif not parameters:
        raise InvalidInputError(
            "an arm is empty", at=COMMAND_LINE, code="usage", hint="name a model or a version"
        )
    return AskedArm(label=word, model=head or None, parameters=parameters)


def _setting(setting: str, word: str) -> tuple[str, object]:
    name, equals, value = setting.partition("=")
    if not name or not equals or not value:
        raise InvalidInputError(
            f"'{setting}' in the arm '{word}' is no NAME=VALUE",
            at=COMMAND_LINE,
            code="usage",
            hint="write fast,temperature=0.7",
        )
    return name, json_or_text(value)


def _check_model(name: str, opened: OpenProject) -> None:
    try:
        resolve_model(opened.config, Text(name, COMMAND_LINE))
    except InvalidInputError as error:
        near = did_you_mean(name, opened.project.prompts)
        if near is None:
            raise
        fault = replace(error.faults[0], hint=f"for a prompt, {near}")
        raise InvalidInputError.of([fault]) from None


def _check(asked: Sequence[AskedArm]) -> None:
    labels = [arm.label for arm in asked]
    twice = [label for label in labels if labels.count(label) > 1]
    if len(asked) < 2 or twice:
        message = f"the arm '{twice[0]}' is there twice" if twice else "one arm is none to compare"
        raise InvalidInputError(
            message, at=COMMAND_LINE, code="usage", hint="name two or more different arms"
        )
    prompts = {arm.prompt for arm in asked if arm.prompt is not None}
    if len(prompts) > 1 and any(arm.prompt is None for arm in asked):
        bare = next(arm.label for arm in asked if arm.prompt is None)
        raise InvalidInputError(
            f"the arm '{bare}' could be on any of {', '.join(sorted(prompts))}",
            at=COMMAND_LINE,
            code="ambiguous-arm",
            hint=f"write NAME+{bare}",
        )


def _suites(opened: OpenProject, options: CompareOptions, asked: Sequence[AskedArm]) -> list[Suite]:
    prompts = {arm.prompt for arm in asked if arm.prompt is not None}
    selection = options.test.plan.selection
    chosen = choose_suites(opened.project.suites.values(), selection, opened.config.suites)
    found = [suite for suite in chosen if _fits(suite, prompts)]
    if not found:
        raise NothingSelectedError(
            f"no suite asks {' or '.join(sorted(prompts)) or 'a prompt'} alone",
            hint="compare what a suite with one prompt asks; 'llmops suites' lists them",
        )
    return found


def _fits(suite: Suite, prompts: set[str]) -> bool:
    """Whether every arm has one answer to each case: the suite asks one prompt of them."""
    if suite.target is not None:
        return False
    if suite.steps:
        return not prompts
    named = {text.text.partition("@")[0] for text in suite.prompts}
    return len(named) == 1 and (not prompts or named <= prompts)


def _with_arm(suite: Suite, arm: AskedArm, asked: Sequence[AskedArm]) -> Suite:
    """The suite as one arm runs it; an arm without a version takes the work tree's."""
    prompts = suite.prompts
    version = arm.version or next((other.prompt for other in asked if other.prompt), None)
    if version is not None and not suite.steps:
        prompts = (Text(version, COMMAND_LINE),)
    models = (Text(arm.model, COMMAND_LINE),) if arm.model is not None else suite.models
    parameters = {**suite.parameters, **arm.parameters}
    return replace(suite, prompts=prompts, models=models, parameters=parameters)


def _identity_of(opened: OpenProject, suite: Suite, label: str) -> str:
    """What the trials of an arm say of it; a suite with several models is refused."""
    made = arms_of(suite, opened.config, opened.find_prompt, ArmOptions())
    if len(made) > 1:
        raise InvalidInputError(
            f"the suite '{suite.name}' asks {len(made)} models",
            at=suite.at,
            code="ambiguous-arm",
            hint=f"name one of them with the arm: {label}+MODEL, or --suite another",
        )
    return _identity(suite.name, made[0].planned.arm)


def _the_same(one: str, other: str) -> InvalidInputError:
    return InvalidInputError(
        f"the arms '{one}' and '{other}' are the same",
        at=COMMAND_LINE,
        code="usage",
        hint="leave one of them out",
    )


def _identity(suite: str, arm: Arm) -> str:
    return canonical_json([suite, arm.prompt, arm.model, dict(arm.parameters)])


def _by_arm(
    trials: Iterable[TrialResult], arms: Mapping[str, str], labels: Sequence[str]
) -> dict[str, list[TrialResult]]:
    found: dict[str, list[TrialResult]] = {label: [] for label in labels}
    for trial in trials:
        found[arms[_identity(trial.suite, trial.arm)]].append(trial)
    return found


def _rule(opened: OpenProject, options: CompareOptions) -> Rule:
    policy = opened.config.gate
    margin = options.margin if options.margin is not None else policy.margin
    confidence = options.confidence if options.confidence is not None else policy.confidence
    usual = Rule()
    try:
        return Rule(
            margin=usual.margin if margin is None else margin,
            confidence=usual.confidence if confidence is None else confidence,
        )
    except ValueError:
        raise InvalidInputError(
            f"nothing can be said with a confidence of {confidence}",
            at=policy.at,
            code="confidence",
            hint="write one above 0.5 and below 1, such as 0.95",
        ) from None
