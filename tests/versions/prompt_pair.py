"""Two versions of a prompt, read from files as users write them."""

from collections.abc import Mapping
from pathlib import Path

from llmops.domain.change import Change, PartChange
from llmops.domain.node import Text
from llmops.location import Location
from llmops.versions.change import change_between
from llmops.versions.version import PromptVersion
from llmops.workflows.opening.project import Surroundings, open_versions

PROMPT = "prompts/p.yaml"


class Pair:
    """A folder in which prompts are written and read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number = 0

    def version(self, prompt: str, files: Mapping[str, str] | None = None) -> PromptVersion:
        self.number += 1
        root = self.folder / str(self.number)
        for name, text in {PROMPT: prompt, "llmops.yaml": "", **(files or {})}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        versions = open_versions(Surroundings(folder=root, environment={}))
        return versions.in_work_tree(Text("p", Location("command line")))

    def change(self, before: str, after: str) -> Change:
        return change_between(self.version(before), self.version(after))

    def part(self, before: str, after: str) -> PartChange:
        (only,) = self.change(before, after).parts
        return only
