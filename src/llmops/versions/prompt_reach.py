"""What a prompt is made of: its file, what it extends, its partials, examples, tools and files."""

from collections.abc import Iterator

from msgspec import Struct, field

from llmops.domain.node import Text
from llmops.domain.project import Project
from llmops.domain.prompt import Message, Part, Prompt
from llmops.errors import TemplateError
from llmops.loading.prompts import PromptReader
from llmops.rendering.canonical import content_hash
from llmops.rendering.templates import Templates
from llmops.versions.noting import NotingTree


class PromptReach(Struct, kw_only=True):
    """Finds what prompts of the work tree are made of; a partial is compiled once for all.

    Attributes:
        project: As it stands in the work tree.
    """

    project: Project
    _tree: NotingTree | None = None
    _templates: Templates | None = None
    _there: set[str] = field(default_factory=set)

    def files(self, prompt: Prompt) -> dict[str, str]:
        """The files of one prompt.

        Returns:
            Paths from the project's root, with what each is to the prompt. Files that are looked
            for and are not there are among them, those of other prompts' partials, too.

        Raises:
            InvalidInputError: The prompt holds a value that has no form in JSON.
        """
        found = {prompt.path: ""}
        for path in prompt.lineage:
            found[path] = f"extended by {prompt.path}"
        for path in sorted(self._read_with(prompt) - found.keys()):
            found[path] = f"part of {prompt.path}"
        for path in _files_sent(prompt):
            found.setdefault(path, f"sent by {prompt.path}")
        for path in sorted(self._partials(prompt) - found.keys()):
            found[path] = f"included by {prompt.path}"
        return found

    def _read_with(self, prompt: Prompt) -> set[str]:
        """What is read when the prompt's file is read once more."""
        noting = NotingTree(self.project.tree)
        config = self.project.config
        files = (prompt.path, *prompt.lineage)
        named = {path.removeprefix(f"{config.prompts}/").rpartition(".")[0]: path for path in files}
        paths = {name: (path,) for name, path in named.items()}
        PromptReader(tree=noting, config=config, paths=paths).read(prompt.name)
        return noting.read_paths

    def _partials(self, prompt: Prompt) -> set[str]:
        texts = [text for text in _texts(prompt) if "{%" in text.text]
        if not texts:
            return set()
        noting, templates = self._compiler()
        found: set[str] = set()
        try:
            for text in texts:
                found.update(f"{templates.folder}/{n}" for n in templates.compile(text).partials)
        except TemplateError:
            return self._read_by_hashing(prompt)
        self._there |= found
        return found | (noting.read_paths - self._there)

    def _compiler(self) -> tuple[NotingTree, Templates]:
        if self._tree is None or self._templates is None:
            self._tree = NotingTree(self.project.tree)
            self._templates = Templates(self._tree, self.project.config.prompts)
        return self._tree, self._templates

    def _read_by_hashing(self, prompt: Prompt) -> set[str]:
        """What a template that cannot be compiled seems to include."""
        noting = NotingTree(self.project.tree)
        content_hash(prompt, noting)
        return {plain_path(path) for path in noting.read_paths}


def plain_path(path: str) -> str:
    """A path, or the beginning of one, without empty parts and `.`."""
    return "/".join(part for part in path.split("/") if part not in {"", "."})


def _parts(prompt: Prompt) -> Iterator[Part]:
    for message in prompt.messages:
        yield from message.parts if isinstance(message, Message) else ()


def _texts(prompt: Prompt) -> Iterator[Text]:
    for part in _parts(prompt):
        yield from (text for text in (part.text, part.url) if text is not None)


def _files_sent(prompt: Prompt) -> Iterator[str]:
    for part in _parts(prompt):
        if part.file is not None:
            folder = part.file.at.path.rpartition("/")[0]
            yield plain_path(f"{folder}/{part.file}")
