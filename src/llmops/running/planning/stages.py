"""A case and an arm in, the stages of a trial out: requests rendered, assertions ready."""

import json
from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from llmops.domain.completion import Request
from llmops.domain.prompt import RenderedPrompt
from llmops.domain.run import Exchange, Failure
from llmops.domain.suite import Assertion, Case, Step, Suite, Turn
from llmops.errors import Fault, InvalidInputError, TemplateError
from llmops.rendering.templates import Templates
from llmops.rendering.values import render_node
from llmops.running.planning.arms import SuiteArm
from llmops.running.planning.assertions import AssertionBuilder, context_of
from llmops.running.planning.trial import (
    BrokenStage,
    Single,
    Stage,
    StepStage,
    TargetStage,
    TurnStage,
)
from llmops.scoring.assess import ReadyAssertion
from llmops.versions.version import PromptVersion


class StageBuilder(Struct, frozen=True, kw_only=True):
    """Makes the stages of trials."""

    assertions: AssertionBuilder
    templates: Templates

    def case(self, suite: Suite, case: Case) -> "PreparedCase":
        """Prepare a case; its arms share what is rendered."""
        return PreparedCase(builder=self, suite=suite, case=case)


class PreparedCase(Struct, kw_only=True):
    """A case whose assertions and messages are made once for all of its arms."""

    builder: StageBuilder
    suite: Suite
    case: Case
    _messages: dict[str, RenderedPrompt] = field(default_factory=dict)
    _ready: dict[tuple[Assertion, ...], tuple[ReadyAssertion, ...]] | None = None
    _own: tuple[ReadyAssertion, ...] | None = None

    def stages(self, arm: SuiteArm) -> tuple[Stage, ...]:
        """The stages of a trial on an arm.

        Raises:
            InvalidInputError: The case is wrong: an input is missing, nothing is asserted.
            TemplateError: A template is wrong, in a way that every case would meet.
        """
        if self.case.skip is not None:
            return ()
        try:
            made = self._stages(arm)
        except TemplateError as error:
            if not _of_this_case_only(error):
                raise
            return (BrokenStage(failure=_failure(error.faults[0])),)
        _check_asserted(self.case, made)
        return made

    def _stages(self, arm: SuiteArm) -> tuple[Stage, ...]:
        if self.suite.target is not None:
            values = dict(self.case.inputs)
            return (TargetStage(values=values, ready=self._case_assertions()),)
        if self.suite.steps:
            return self._steps(arm)
        version = arm.versions[0]
        opening = arm.request(version, self._render(version).messages)
        own = self.builder.assertions.of_output(version.prompt)
        if self.case.conversation:
            return self._turns(opening, own)
        return (Single(whole=opening, ready=self._case_assertions() + own),)

    def _render(self, version: PromptVersion) -> RenderedPrompt:
        found = self._messages.get(version.content_hash)
        if found is None:
            found = version.renderer.render(version.prompt, self.case.inputs, at=self.case.at)
            self._messages[version.content_hash] = found
        return found

    def _case_assertions(self) -> tuple[ReadyAssertion, ...]:
        if self._own is None:
            self._own = self.builder.assertions.ready(self.case.assertions, self._context())
        return self._own

    def _context(self) -> dict[str, object]:
        return context_of(self.case.inputs, self.case.row)

    def _turns(self, opening: Request, own: tuple[ReadyAssertion, ...]) -> tuple[Stage, ...]:
        context = self._context()
        faults: list[Fault] = []
        made: list[Stage] = []
        for number, turn in enumerate(self.case.conversation, 1):
            last = number == len(self.case.conversation)
            try:
                made.append(self._turn(opening, turn, number, context))
            except InvalidInputError as error:
                faults += error.faults
            if last and not faults:
                closing = self._case_assertions() + own
                made[-1] = _with_ready(made[-1], closing)
        if faults:
            raise InvalidInputError.of(faults)
        return tuple(made)

    def _turn(
        self, opening: Request, turn: Turn, number: int, context: Mapping[str, object]
    ) -> TurnStage:
        return TurnStage(
            opening=opening,
            user=self.builder.templates.compile(turn.user).render(context),
            ready=self.builder.assertions.ready(turn.assertions, context),
            name=f"turn {number}",
        )

    def _steps(self, arm: SuiteArm) -> tuple[Stage, ...]:
        stages: list[Stage] = []
        context = self._context()
        earlier: list[str] = []
        for step, version in zip(self.suite.steps, arm.versions, strict=True):
            last = step is self.suite.steps[-1]
            ready = self.builder.assertions.ready(step.assertions, context)
            ready += self.builder.assertions.of_output(version.prompt)
            if last:
                ready += self._case_assertions()
            self._check_step(step, version, earlier)
            stages.append(self._step(arm, step, version, ready))
            earlier.append(step.id)
        return tuple(stages)

    def _step(
        self,
        arm: SuiteArm,
        step: Step,
        version: PromptVersion,
        ready: tuple[ReadyAssertion, ...],
    ) -> StepStage:
        def render(done: Sequence[Exchange]) -> Request:
            inputs = self._step_inputs(step, version, _outputs(done))
            rendered = version.renderer.render(version.prompt, inputs, at=step.at)
            return arm.request(version, rendered.messages)

        return StepStage(name=step.id, ready=ready, render=render)

    def _step_inputs(
        self, step: Step, version: PromptVersion, outputs: Mapping[str, Mapping[str, object]]
    ) -> dict[str, object]:
        if step.inputs is not None:
            context = {**self._context(), "steps": outputs}
            node = render_node(step.inputs, context, self.builder.templates)
            return {name: child.value for name, child in node.items()}
        known = {**self.case.inputs, **{name: out["output"] for name, out in outputs.items()}}
        return {name: known[name] for name in version.prompt.inputs if name in known}

    def _check_step(self, step: Step, version: PromptVersion, earlier: Sequence[str]) -> None:
        if step.inputs is not None:
            given = set(step.inputs.value)
        else:
            given = set(self.case.inputs) | set(earlier)
        missing = [
            name
            for name, declared in version.prompt.inputs.items()
            if declared.required and name not in given
        ]
        if missing:
            raise InvalidInputError(
                f"step '{step.id}' gives no value for the input '{missing[0]}'",
                at=step.at,
                code="missing-input",
                hint=f"add it to the case's inputs, or name a step before this one '{missing[0]}'",
            )


def _outputs(done: Sequence[Exchange]) -> dict[str, dict[str, object]]:
    return {
        exchange.name: {
            "output": exchange.completion.text,
            "json": _parsed(exchange.completion.text),
        }
        for exchange in done
        if exchange.completion is not None
    }


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _with_ready(stage: Stage, ready: tuple[ReadyAssertion, ...]) -> Stage:
    if not isinstance(stage, TurnStage):
        return stage
    return TurnStage(
        opening=stage.opening, user=stage.user, ready=stage.ready + ready, name=stage.name
    )


def _of_this_case_only(error: TemplateError) -> bool:
    return error.faults[0].code == "template-limit"


def _failure(fault: Fault) -> Failure:
    return Failure(kind=fault.code, message=fault.message, at=fault.at, hint=fault.hint)


def _check_asserted(case: Case, stages: Sequence[Stage]) -> None:
    for stage in stages:
        for entry in stage.ready:
            if not entry.assertion.soft:
                return
    some = any(stage.ready for stage in stages)
    what = "every assertion of the case is soft" if some else "the case asserts nothing"
    raise InvalidInputError(
        f"{what}, so it could never fail",
        at=case.at,
        code="no-assertion",
        hint="add an assertion below 'assert:', such as '- contains: refund'",
    )
