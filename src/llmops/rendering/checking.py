"""A prompt's inputs held against its templates: what is used but not declared, and the reverse."""

from collections.abc import Iterator, Mapping

from llmops.domain.prompt import Message, Placeholder, Prompt
from llmops.errors import Fault, TemplateError, did_you_mean
from llmops.location import Location
from llmops.rendering.messages import variables_in
from llmops.rendering.templates import Templates


def check_uses(prompt: Prompt, templates: Templates) -> list[Fault]:
    """Say which variables are not declared, and which inputs nothing uses.

    Templates that cannot be compiled are passed over; as long as there is one, no input is
    called unused.
    """
    placeholders = {
        message.input for message in prompt.messages if isinstance(message, Placeholder)
    }
    used: dict[str, Location] = {}
    whole = True
    for message in prompt.messages:
        if isinstance(message, Message):
            try:
                used = {**variables_in(message, templates), **used}
            except TemplateError:
                whole = False
    faults = [
        _undeclared(name, at, prompt.inputs)
        for name, at in used.items()
        if name not in prompt.inputs and name not in placeholders
    ]
    if whole:
        faults += _unused(prompt, {*used, *placeholders})
    return faults


def _undeclared(name: str, at: Location, inputs: Mapping[str, object]) -> Fault:
    return Fault(
        code="undeclared-input",
        message=f"'{name}' is used but not declared",
        at=at,
        hint=did_you_mean(name, inputs) or f"declare it under 'inputs:', such as '{name}: {{}}'",
    )


def _unused(prompt: Prompt, used: set[str]) -> Iterator[Fault]:
    for name, declared in prompt.inputs.items():
        if name not in used:
            yield Fault(
                code="unused-input",
                message=f"the input '{name}' is declared but not used",
                at=declared.at,
                hint=f"write '{{{{ {name} }}}}' in a message, or take it out",
                severity="warning",
            )
