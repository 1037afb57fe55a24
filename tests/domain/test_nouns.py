import importlib
import pkgutil

import pytest
from msgspec import Struct

import llmops.domain
from llmops.domain.config import Config
from llmops.domain.project import Project
from llmops.domain.prompt import Message, Part, Prompt
from llmops.domain.tree import Tree
from llmops.location import Location

AT = Location("prompts/say.yaml")
MODULES = [item.name for item in pkgutil.iter_modules(llmops.domain.__path__)]


def nouns_of(module: str) -> list[type]:
    found = vars(importlib.import_module(f"llmops.domain.{module}")).values()
    made_there = [item for item in found if getattr(item, "__module__", "").endswith(module)]
    return [item for item in made_there if isinstance(item, type) and issubclass(item, Struct)]


@pytest.mark.parametrize("module", MODULES)
def test_values_are_frozen_and_hold_nothing_but_their_fields(module: str) -> None:
    for noun in nouns_of(module):
        assert noun.__struct_config__.frozen or noun.__name__ == "Totals"
        assert "__dict__" not in dir(noun)


def test_a_prompt_needs_a_name_a_file_and_messages_only() -> None:
    message = Message(role="user", parts=(Part(type="text"),), at=AT)

    prompt = Prompt(name="say", path="prompts/say.yaml", messages=(message,), at=AT)

    assert (prompt.model, prompt.version, prompt.output) == (None, None, None)
    assert not prompt.parameters
    assert not prompt.lineage


def test_a_project_is_a_tree_read() -> None:
    class Empty:
        def paths(self, under: str = "") -> list[str]:
            return [under][:0]

        def read(self, path: str, *, limit: int | None = None) -> bytes:
            raise KeyError(path, limit)

    tree: Tree = Empty()

    project = Project(tree=tree, config=Config(), prompts={}, suites={})

    assert list(project.tree.paths()) == []
    assert project.config.cache.path == ".llmops/cache.db"
