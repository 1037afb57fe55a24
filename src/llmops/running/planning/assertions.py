"""Assertions made ready: templates in their arguments filled in, their scorers built."""

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from llmops.domain.node import Text, node_of
from llmops.domain.prompt import Prompt
from llmops.domain.suite import Assertion
from llmops.errors import Fault, InvalidInputError, LlmopsError
from llmops.rendering.templates import Templates
from llmops.rendering.values import is_templated, render_node
from llmops.scoring.assess import ReadyAssertion, build
from llmops.scoring.registry import ScorerResources


class AssertionBuilder(Struct, kw_only=True):
    """Builds scorers: once for assertions without templates, for each case otherwise."""

    templates: Templates
    resources: ScorerResources
    _known: dict[int, tuple[Assertion, ReadyAssertion | None]] = field(default_factory=dict)
    _outputs: dict[str, ReadyAssertion | None] = field(default_factory=dict)

    def ready(
        self, assertions: tuple[Assertion, ...], context: Mapping[str, object]
    ) -> tuple[ReadyAssertion, ...]:
        """Make assertions ready for a case.

        Args:
            assertions: As the suite states them.
            context: What their templates may name: the inputs, and `row`.

        Raises:
            InvalidInputError: All that is wrong with them.
        """
        faults: list[Fault] = []
        made = []
        for assertion in assertions:
            try:
                made.append(self._one(assertion, context))
            except LlmopsError as error:
                faults += error.faults
        if faults:
            raise InvalidInputError.of(faults)
        return tuple(made)

    def of_output(self, prompt: Prompt) -> tuple[ReadyAssertion, ...]:
        """What the prompt's own `output` asserts of every completion.

        Raises:
            InvalidInputError: Its schema is no JSON Schema.
        """
        if prompt.output is None or prompt.output.format != "json":
            return ()
        key = f"{prompt.path}:{prompt.output.at}"
        if key not in self._outputs:
            schema, at = prompt.output.schema, prompt.output.at
            arguments = node_of({"schema": schema}, at) if schema else node_of(None, at)
            assertion = Assertion(
                scorer="json_schema" if schema else "is_json",
                arguments=arguments,
                at=at,
                name="the prompt's output format",
            )
            self._outputs[key] = build(assertion, self.resources)
        found = self._outputs[key]
        return (found,) if found is not None else ()

    def _one(self, assertion: Assertion, context: Mapping[str, object]) -> ReadyAssertion:
        known = self._known.get(id(assertion))
        if known is None:
            made = None if _has_templates(assertion) else build(assertion, self.resources)
            self._known[id(assertion)] = known = (assertion, made)
        _, ready = known
        return self._filled(assertion, context) if ready is None else ready

    def _filled(self, assertion: Assertion, context: Mapping[str, object]) -> ReadyAssertion:
        arguments = render_node(assertion.arguments, context, self.templates)
        filled = replace(
            assertion,
            arguments=arguments,
            metric=self._word(assertion.metric, assertion, context),
            name=self._word(assertion.name, assertion, context),
        )
        return build(filled, self.resources)

    def _word(
        self, word: str | None, assertion: Assertion, context: Mapping[str, object]
    ) -> str | None:
        if word is None or "{{" not in word:
            return word
        return self.templates.compile(Text(word, assertion.at)).render(context)


def _has_templates(assertion: Assertion) -> bool:
    words = (assertion.metric or "") + (assertion.name or "")
    return is_templated(assertion.arguments) or "{{" in words


def context_of(inputs: Mapping[str, object], row: Mapping[str, object] | None) -> dict[str, object]:
    """What templates in assertions may name: each input, `inputs`, and `row`."""
    context: dict[str, object] = {**inputs, "inputs": inputs}
    if row is not None:
        context["row"] = row
    return context
