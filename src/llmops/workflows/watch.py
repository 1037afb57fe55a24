"""See whether a project's files changed."""

import importlib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from llmops.loading.tree import WorkTree, find_root
from llmops.workflows.opening.project import Surroundings

State = Mapping[Path, tuple[int, int]]
"""Size and time of change (nanoseconds) of files."""


def snapshot(surroundings: Surroundings) -> State:
    """The state of every file of a project."""
    root = find_root(surroundings.folder)
    found = {}
    for path in WorkTree(root).paths():
        try:
            state = (root / path).stat()
        except OSError:
            continue
        found[root / path] = (state.st_size, state.st_mtime_ns)
    return found


def changed(before: State, now: State, *, but: Iterable[Path]) -> bool:
    """Whether a file came, went or changed, apart from those that a run wrote itself."""
    own = {path.resolve() for path in but}
    return any(
        path.resolve() not in own for path, _state in dict(before).items() ^ dict(now).items()
    )


def forget_modules(surroundings: Surroundings) -> None:
    """Let the next run import the project's own Python files as they are then."""
    own = {str(path) for path in snapshot(surroundings) if "site-packages" not in path.parts}
    for name, module in list(sys.modules.items()):
        ours = name.partition(".")[0] in {"llmops", "__main__"}
        if getattr(module, "__file__", None) in own and not ours:
            del sys.modules[name]
    importlib.invalidate_caches()
