"""A project on disk, texts with a place, and prompts, for the tests of rendering."""

from pathlib import Path

from llmops.domain.node import Text
from llmops.domain.prompt import Input, Message, Part, Placeholder, Prompt
from llmops.loading.tree import WorkTree
from llmops.location import Location
from llmops.rendering.prompt import PromptRenderer
from llmops.rendering.templates import Templates

SUITE = Location("suites/s.yaml", 7, 9)
PROMPT = "prompts/support/reply.yaml"


class Project:
    """A project on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tree = WorkTree(root)

    def write(self, path: str, content: str | bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    @property
    def templates(self) -> Templates:
        return Templates(self.tree, "prompts")

    @property
    def renderer(self) -> PromptRenderer:
        return PromptRenderer(self.tree, "prompts")

    def render(self, template: str, **variables: object) -> str:
        return self.templates.compile(text(template)).render(variables)


def text(written: str, line: int = 7, *, block: bool = False, path: str = "suites/s.yaml") -> Text:
    return Text(written, Location(path, line, 9), block)


def user(template: str, line: int = 10, *, block: bool = True) -> Message:
    content = Text(template, Location(PROMPT, line, 12), block)
    return message("user", Part(type="text", text=content))


def message(role: str, *parts: Part, name: str | None = None) -> Message:
    return Message(role=role, parts=parts, name=name, at=Location(PROMPT, 9, 5))  # type: ignore[arg-type]


def needed(line: int = 3, **schema: object) -> Input:
    return Input(schema=schema, required=True, at=Location(PROMPT, line, 3))


def preset(default: object, line: int = 3, **schema: object) -> Input:
    return Input(schema=schema, required=False, default=default, at=Location(PROMPT, line, 3))


def prompt(*messages: Message | Placeholder, **more: object) -> Prompt:
    return Prompt(
        name="support/reply",
        path=PROMPT,
        at=Location(PROMPT),
        messages=messages,
        **more,  # type: ignore[arg-type]
    )
