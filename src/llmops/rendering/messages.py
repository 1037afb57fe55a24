"""The messages of a prompt made ready: each entry becomes a step that writes messages."""

from collections.abc import Callable, Collection, Mapping

from msgspec import Struct
from msgspec.structs import replace

from llmops.domain.prompt import Example, Message, Placeholder, Prompt
from llmops.domain.tree import Tree
from llmops.errors import Fault, LlmopsError, TemplateError
from llmops.location import Location
from llmops.rendering.binding import Binder
from llmops.rendering.handed_in import handed_in
from llmops.rendering.parts import Maker, part_maker
from llmops.rendering.templates import Templates

ChatMessage = dict[str, object]
Step = Callable[[Mapping[str, object]], list[ChatMessage]]
"""From variables to messages in OpenAI's chat shape."""


class MessagePlan(Struct, frozen=True):
    """A message whose parts are ready."""

    role: str
    name: str | None
    makers: tuple[Maker, ...]
    plain: bool

    def write(self, context: Mapping[str, object]) -> ChatMessage:
        """The message with these variables.

        Raises:
            TemplateError: A template cannot be rendered with them.
        """
        if self.plain:
            content: object = self.makers[0](context)["text"]
        else:
            content = [make(context) for make in self.makers]
        return self.around(content)

    def around(self, content: object) -> ChatMessage:
        """A message of this speaker with another content."""
        if self.name is None:
            return {"role": self.role, "content": content}
        return {"role": self.role, "content": content, "name": self.name}


def plan_message(message: Message, templates: Templates, tree: Tree) -> MessagePlan:
    """Make ready one message.

    Raises:
        InvalidInputError: A file is wrong; all faults of the message.
        TemplateError: A template is wrong.
    """
    makers = tuple(part_maker(part, templates, tree) for part in message.parts)
    plain = len(message.parts) == 1 and message.parts[0].type == "text"
    return MessagePlan(message.role, message.name, makers, plain)


def plan_steps(
    prompt: Prompt, binder: Binder, templates: Templates, tree: Tree, faults: list[Fault]
) -> tuple[Step, ...]:
    """Make ready all messages of a prompt, its examples before the last one of the user.

    What is wrong is added to `faults`.
    """
    last = _last_of_user(prompt)
    steps: list[Step] = []
    if prompt.examples and last is None:
        faults.append(_no_user(prompt.examples[0]))
    for index, message in enumerate(prompt.messages):
        if isinstance(message, Placeholder):
            steps.append(_placeholder(message.input))
            continue
        try:
            plan = plan_message(message, templates, tree)
        except LlmopsError as error:
            faults += error.faults
            continue
        if index == last and prompt.examples:
            used = variables_in(message, templates)
            steps.append(_repeat(_shots(prompt.examples, plan, binder, used, faults)))
        steps.append(_write(plan))
    return tuple(steps)


def variables_in(message: Message, templates: Templates) -> dict[str, Location]:
    """Each variable that a message's templates read, with its first place.

    Raises:
        TemplateError: One of them cannot be compiled.
    """
    found: dict[str, Location] = {}
    for part in message.parts:
        for text in (part.text, part.url):
            if text is not None:
                found = {**templates.compile(text).variables, **found}
    return found


def _placeholder(name: str) -> Step:
    return lambda context: handed_in(context[name])


def _write(plan: MessagePlan) -> Step:
    return lambda context: [plan.write(context)]


def _repeat(shots: list[ChatMessage]) -> Step:
    return lambda context: [dict(shot) for shot in shots]


def _shots(
    examples: tuple[Example, ...],
    plan: MessagePlan,
    binder: Binder,
    used: Collection[str],
    faults: list[Fault],
) -> list[ChatMessage]:
    shots: list[ChatMessage] = []
    for example in examples:
        asked = _asked(example, plan, binder, used, faults)
        if asked is not None:
            shots += [asked, {"role": "assistant", "content": example.output}]
    return shots


def _asked(
    example: Example,
    plan: MessagePlan,
    binder: Binder,
    used: Collection[str],
    faults: list[Fault],
) -> ChatMessage | None:
    given = example.inputs
    if isinstance(given, str):
        return plan.around(given)
    found: list[Fault] = []
    context = binder.lay(given, example.at, found)
    absent = [name for name in binder.required if name in used and name not in given]
    found += [binder.missing(name, given, example.at) for name in absent]
    if not found:
        try:
            return plan.write(context)
        except TemplateError as error:
            found += [_in_example(fault, example) for fault in error.faults]
    faults += found
    return None


def _in_example(fault: Fault, example: Example) -> Fault:
    message = f"the example cannot be rendered: {fault.message}"
    return replace(fault, message=message, at=example.at)


def _last_of_user(prompt: Prompt) -> int | None:
    users = [
        index
        for index, message in enumerate(prompt.messages)
        if isinstance(message, Message) and message.role == "user"
    ]
    return users[-1] if users else None


def _no_user(example: Example) -> Fault:
    return Fault(
        code="no-user-message",
        message="examples stand before the last message of the user, and there is none",
        at=example.at,
        hint="add a message with 'role: user'",
    )
