"""A prompt and its inputs in, the messages to send out."""

import re
from collections.abc import Mapping

from msgspec import Struct

from llmops.domain.prompt import Prompt, RenderedPrompt
from llmops.domain.tree import Tree
from llmops.errors import Fault, TemplateError
from llmops.location import Location
from llmops.rendering.binding import Binder
from llmops.rendering.checking import check_uses
from llmops.rendering.complaints import error_of
from llmops.rendering.messages import ChatMessage, Step, plan_steps
from llmops.rendering.strictness import is_strict
from llmops.rendering.templates import Templates

_KEPT = 256
"""Prompts that are kept ready; the oldest goes when one more comes."""
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")


class _Plan(Struct, frozen=True):
    prompt: Prompt
    binder: Binder
    steps: tuple[Step, ...]
    faults: tuple[Fault, ...]


class PromptRenderer:
    """Renders the prompts of one tree; each prompt is made ready once."""

    def __init__(self, tree: Tree, prompts_folder: str) -> None:
        """Prepare; nothing is read yet.

        Args:
            tree: Where partials and the files of parts are read from.
            prompts_folder: The folder of prompts, from the project's root.
        """
        self._tree = tree
        self._templates = Templates(tree, prompts_folder)
        self._plans: dict[int, _Plan] = {}

    def render(
        self, prompt: Prompt, inputs: Mapping[str, object], *, at: Location | None = None
    ) -> RenderedPrompt:
        """Render a prompt with the inputs of a case.

        Args:
            prompt: The prompt.
            inputs: Plain values by name. They are inserted as they are, never rendered.
            at: Where the inputs were given, for complaints about them.

        Raises:
            InvalidInputError: Inputs are missing, unknown or wrong.
            TemplateError: The prompt itself is wrong (a template, a partial, a file, an
                example), or cannot be rendered with these inputs.
        """
        plan = self._plan(prompt)
        if plan.faults:
            raise error_of([*plan.faults])
        context = plan.binder.bind(inputs, at)
        messages: list[ChatMessage] = []
        faults: list[Fault] = []
        for step in plan.steps:
            try:
                messages += step(context)
            except TemplateError as error:
                faults += error.faults
        if faults:
            raise error_of(sorted(dict.fromkeys(faults), key=_is_limit))
        return RenderedPrompt(messages=tuple(messages))

    def check(self, prompt: Prompt) -> list[Fault]:
        """Check a prompt without inputs.

        Returns:
            Templates that cannot be compiled, partials and files that are not there, examples
            that cannot be rendered, and variables that are not declared, as errors; inputs that
            nothing uses, as warnings.
        """
        faults = [*self._plan(prompt).faults]
        faults += check_uses(prompt, self._templates)
        return list(dict.fromkeys(faults))

    def _plan(self, prompt: Prompt) -> _Plan:
        plan = self._plans.get(id(prompt))
        if plan is None or plan.prompt is not prompt:
            if len(self._plans) >= _KEPT:
                del self._plans[next(iter(self._plans))]
            plan = self._plans[id(prompt)] = self._made(prompt)
        return plan

    def _made(self, prompt: Prompt) -> _Plan:
        faults: list[Fault] = []
        binder = Binder(prompt)
        steps = plan_steps(prompt, binder, self._templates, self._tree, faults)
        return _Plan(prompt, binder, steps, tuple(faults))


def response_format(prompt: Prompt) -> dict[str, object] | None:
    """What a prompt's `output` asks of the provider, in OpenAI's shape.

    Returns:
        None when text is wanted, any JSON for a prompt without a schema. A schema is asked for
        strictly where it is one that providers can hold a model to.
    """
    output = prompt.output
    if output is None or output.format == "text":
        return None
    if output.schema is None:
        return {"type": "json_object"}
    name = _NOT_A_NAME.sub("_", prompt.name).strip("_")[:64] or "output"
    whole: dict[str, object] = {"name": name, "schema": dict(output.schema)}
    if is_strict(output.schema):
        whole["strict"] = True
    return {"type": "json_schema", "json_schema": whole}


def _is_limit(fault: Fault) -> bool:
    return fault.code == "template-limit"
