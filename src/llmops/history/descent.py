"""The commits that lead from one commit to another, one after the other."""

from llmops.history.repository import Repository


def path_between(repository: Repository, old: str, new: str) -> tuple[str, ...]:
    """The ids of the commits from an older one to a newer one, both included.

    Where a merge could have come either way, the way is the line that was merged into.

    Args:
        repository: The project's.
        old: A commit's full id.
        new: Another's.

    Returns:
        The oldest first; empty when the newer one was not made from the older one.

    Raises:
        UnavailableError: Git is missing or refuses.
    """
    if old == new:
        return (old,)
    said = repository.run("rev-list", "--ancestry-path", "--parents", f"{old}..{new}", "--")
    parents = {one: rest for one, *rest in (line.split() for line in said.splitlines())}
    path = [new]
    while path[-1] != old:
        before = (one for one in parents.get(path[-1], ()) if one == old or one in parents)
        step = next(before, None)
        if step is None:
            return ()
        path.append(step)
    return tuple(reversed(path))
