"""See whether a project's files changed."""

from llmops.loading.tree import WorkTree, find_root
from llmops.workflows.project import Surroundings


def snapshot(surroundings: Surroundings) -> dict[str, tuple[int, int]]:
    """Size and time of change (nanoseconds) of every file of a project, by its path."""
    root = find_root(surroundings.folder)
    found = {}
    for path in WorkTree(root).paths():
        try:
            state = (root / path).stat()
        except OSError:
            continue
        found[path] = (state.st_size, state.st_mtime_ns)
    return found
