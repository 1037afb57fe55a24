"""`llmops.load_prompt`: a prompt for a program, from the work tree, git or a bundle."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from llmops.domain.node import Text
from llmops.errors import InvalidInputError
from llmops.loading.bundles import read_bundle
from llmops.loading.project import load_config
from llmops.loading.project import load_prompt as read_prompt
from llmops.loading.tree import LimitedTree, WorkTree, find_root
from llmops.location import Location
from llmops.rendering.prompt import PromptRenderer
from llmops.versions.bundled import Found, find_bundled
from llmops.versions.finder import Versions
from llmops.versions.loaded import LoadedPrompt, make_loaded

BUNDLE_VARIABLE = "LLMOPS_BUNDLE"
_CALL = Location("load_prompt", 0, 0)
_BY_NAME = "name its folder by project=…, or a bundle by bundle=… or LLMOPS_BUNDLE"


def load_prompt(
    name: str, *, project: str | Path | None = None, bundle: str | Path | None = None
) -> LoadedPrompt:
    """Load one prompt; no other prompt or suite of the project is read.

    Nothing is kept between calls: each one reads the files again. A prompt that was loaded reads
    nothing any more, and threads may share it.

    Args:
        name: `support/reply` for the prompt as its file says now, `support/reply@REF` for a
            version: what its author claims (`@1.3.0`), a label (`@production`) or a git
            revision. Only `@REF` without a bundle needs git.
        project: The project's folder or one inside of it; the current folder by default.
        bundle: A file that `llmops export bundle` wrote. By default the one that the environment
            variable LLMOPS_BUNDLE names, which goes before `project`.

    Raises:
        InvalidInputError: There is no such project, bundle, prompt or version, or the prompt is
            wrong: all that is wrong with it.
        UnavailableError: Git is needed, and missing or refuses.
    """
    chosen = bundle if bundle is not None else os.environ.get(BUNDLE_VARIABLE)
    text = Text(name, _CALL)
    with _without_place():
        if chosen:
            found = find_bundled(read_bundle(Path(chosen)), text)
            return make_loaded(found.version, found.config)
        return _from_project(Path(project) if project is not None else Path.cwd(), text)


def _from_project(folder: Path, text: Text) -> LoadedPrompt:
    root = find_root(folder)
    whole = WorkTree(root)
    config = load_config(whole)
    tree = LimitedTree(whole, config.limits)
    versions = Versions(
        root=root,
        tree=tree,
        config=config,
        read_prompt=lambda named: read_prompt(tree, config, named.text),
        renderer=PromptRenderer(tree, config.prompts),
    )
    if config.path is None and not versions.names():
        raise InvalidInputError(
            f"there is no project of llmops at or above {folder}", code="no-project", hint=_BY_NAME
        )
    found = Found(version=versions.find(text), config=config)
    loaded = make_loaded(found.version, found.config)
    if found.version.commit is not None:
        versions.loader.objects.close()
    return loaded


@contextmanager
def _without_place() -> Iterator[None]:
    """Complaints about the name itself stand in the program's own code, at no place we know."""
    try:
        yield
    except InvalidInputError as error:
        faults = [replace(fault, at=None) if fault.at == _CALL else fault for fault in error.faults]
        raise InvalidInputError.of(faults) from None
