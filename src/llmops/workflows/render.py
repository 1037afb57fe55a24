"""A prompt with inputs, as a model would be asked."""

from collections.abc import Mapping

from msgspec import Struct

from llmops.domain.completion import Request
from llmops.domain.node import Text
from llmops.domain.tokens import estimated_tokens
from llmops.errors import InvalidInputError
from llmops.loading.values import typed_input
from llmops.location import COMMAND_LINE
from llmops.rendering.prompt import response_format
from llmops.running.planning.plan import PlanOptions, make_plan
from llmops.running.planning.selection import Selection, choose_suites
from llmops.versions.version import PromptVersion
from llmops.workflows.opening.project import OpenProject


class Rendered(Struct, frozen=True, kw_only=True):
    """A rendered prompt.

    Attributes:
        tokens: An estimate of the tokens that the messages take: four characters each.
    """

    version: PromptVersion
    request: Request
    tokens: int


def render(
    opened: OpenProject,
    name: str,
    inputs: Mapping[str, object],
    typed: Mapping[str, str],
) -> Rendered:
    """Render a prompt.

    Args:
        opened: The project.
        name: The prompt's.
        inputs: Values by name.
        typed: Values from the command line, laid over them and read as the prompt wants them.

    Raises:
        InvalidInputError: No such prompt, or an input is missing, unknown or wrong.
        TemplateError: A template fails.
    """
    version = find(opened, name)
    prompt = version.prompt
    wanted = {key: declared.schema for key, declared in prompt.inputs.items()}
    read = {key: typed_input(text, wanted.get(key, {})) for key, text in typed.items()}
    messages = version.renderer.render(prompt, {**inputs, **read}, at=COMMAND_LINE).messages
    request = Request(
        model=str(prompt.model or ""),
        messages=messages,
        parameters=prompt.parameters,
        tools=prompt.tools,
        tool_choice=prompt.tool_choice,
        response_format=response_format(prompt),
    )
    return Rendered(version=version, request=request, tokens=estimated_tokens(messages))


def inputs_of_case(opened: OpenProject, selector: str) -> Mapping[str, object]:
    """The inputs of one case, named as `SUITE::CASE`.

    Raises:
        InvalidInputError: It names no case, or several.
        NothingSelectedError: There is no such case.
    """
    options = PlanOptions(selection=Selection(selectors=(selector,)))
    suites = choose_suites(opened.project.suites.values(), options.selection, opened.config.suites)
    plan = make_plan(opened.project, opened.find_prompt, opened.resources, options)
    cases = {trial.case.id: trial.case for trial in plan.trials()}
    if len(cases) != 1 or len(suites) != 1:
        raise InvalidInputError(
            f"'{selector}' names {len(cases)} cases", code="usage", hint="write SUITE::CASE"
        )
    return next(iter(cases.values())).inputs


def find(opened: OpenProject, name: str) -> PromptVersion:
    """The version of a prompt that a name on the command line means.

    Raises:
        InvalidInputError: There is no such prompt.
    """
    return opened.find_prompt(Text(name, COMMAND_LINE))
