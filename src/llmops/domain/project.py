"""A project: its prompts, suites and configuration, by name."""

from collections.abc import Mapping

from msgspec import Struct

from llmops.domain.config import Config
from llmops.domain.prompt import Prompt
from llmops.domain.suite import Suite
from llmops.domain.tree import Tree


class Project(Struct, frozen=True, kw_only=True):
    """All that a tree holds, read and checked.

    Attributes:
        tree: Where it was read from; partials, datasets and schemas are read from it later.
        prompts: Prompts by name, sorted.
        suites: Suites by name, sorted.
    """

    tree: Tree
    config: Config
    prompts: Mapping[str, Prompt]
    suites: Mapping[str, Suite]
