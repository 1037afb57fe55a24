"""The base: the commit that a change is held against, found or asked for, never guessed."""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from llmops.errors import InvalidInputError, NoComparisonError
from llmops.history.refs import merge_base, resolve_ref
from llmops.history.repository import Repository

_OF_THIS_MACHINE = re.compile(r"@\{(?!u\}|upstream\}|push\})")
_BRANCH_VARIABLES = (
    "GITHUB_BASE_REF",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
    "BITBUCKET_PR_DESTINATION_BRANCH",
    "SYSTEM_PULLREQUEST_TARGETBRANCH",
    "BUILDKITE_PULL_REQUEST_BASE_BRANCH",
    "CHANGE_TARGET",
    "DRONE_TARGET_BRANCH",
    "TRAVIS_PULL_REQUEST_BRANCH",
)
_COMMIT_VARIABLES = ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "BITBUCKET_PR_DESTINATION_COMMIT")
_MERGED = ("pull_request", "pull_request_target", "merge_group")
_DEFAULTS = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
_SHOWN = 80


class Base(Struct, frozen=True, kw_only=True):
    """What a change is held against.

    Attributes:
        commit: The commit's full id.
        why: How it was found, such as `GITHUB_BASE_REF is main`.
    """

    commit: str
    why: str


class _Candidate(Struct, frozen=True):
    ref: str
    why: str
    asked: bool = False
    exact: bool = False


def find_base(
    repository: Repository,
    environment: Mapping[str, str],
    asked: str | None,
    *,
    dirty: bool,
    in_ci: bool = False,
) -> Base:
    """Find the commit that the work tree is to be held against.

    What is asked for comes first, then `LLMOPS_BASE`, the variables of CI systems, the first
    parent of a pull request's merge commit, the upstream branch and the default branch. Of a
    branch, the commit that it has in common with `HEAD` is taken. When that is `HEAD` itself
    and nothing differs from it, the commit before is.

    Args:
        repository: The project's.
        environment: Variables of the outside world.
        asked: A git revision, as the user wrote it.
        dirty: Whether files of the work tree differ from `HEAD`.
        in_ci: Whether a CI asks: what it leaves lying about is no change to be held against `HEAD`,
            unless `HEAD` is asked for.

    Raises:
        InvalidInputError: What was asked for is no commit, or means another commit on every
            machine or day.
        NoComparisonError: There is no base; the message says what was looked for.
    """
    head = resolve_ref(repository, "HEAD")
    if head is None:
        raise NoComparisonError(
            "the repository has no commit yet", code="no-base", hint="commit your files first"
        )
    tried: list[str] = []
    for candidate in _candidates(repository, environment, asked, head):
        commit = _resolved(repository, candidate)
        if commit is None:
            tried.append(candidate.why)
            continue
        common = None if candidate.exact else merge_base(repository, head, commit)
        found = common or commit
        counts = dirty and (candidate.asked or not in_ci)
        if found == head and not counts and not candidate.exact:
            continue
        return Base(commit=found, why=candidate.why)
    if not dirty or in_ci:
        parent = resolve_ref(repository, f"{head}^1")
        if parent is not None:
            return Base(commit=parent, why="the commit before HEAD")
    raise _none(tried)


def _candidates(
    repository: Repository, environment: Mapping[str, str], asked: str | None, head: str
) -> Iterator[_Candidate]:
    if asked is not None:
        yield _Candidate(asked, f"--base is {asked[:_SHOWN]}", asked=True)
    own = environment.get("LLMOPS_BASE")
    if own:
        yield _Candidate(own, f"LLMOPS_BASE is {own[:_SHOWN]}", asked=True)
    yield from _of_ci(environment)
    if _is_merged_request(environment) and resolve_ref(repository, f"{head}^2") is not None:
        yield _Candidate(f"{head}^1", "the first parent of the pull request's merge", exact=True)
    yield _Candidate("@{upstream}", "the upstream branch")
    for ref in _DEFAULTS:
        yield _Candidate(ref, f"the branch {ref}")


def _of_ci(environment: Mapping[str, str]) -> Iterator[_Candidate]:
    for name in _COMMIT_VARIABLES:
        if environment.get(name):
            yield _Candidate(environment[name], f"{name} is {environment[name][:_SHOWN]}")
    for name in _BRANCH_VARIABLES:
        branch = environment.get(name, "").removeprefix("refs/heads/")
        for ref in (f"origin/{branch}", branch) if branch else ():
            yield _Candidate(ref, f"{name} is {branch[:_SHOWN]}")


def _is_merged_request(environment: Mapping[str, str]) -> bool:
    if environment.get("GITHUB_EVENT_NAME") in _MERGED:
        return True
    return any(environment.get(name) for name in (*_COMMIT_VARIABLES, *_BRANCH_VARIABLES))


def _resolved(repository: Repository, candidate: _Candidate) -> str | None:
    if candidate.asked and _OF_THIS_MACHINE.search(candidate.ref):
        raise InvalidInputError(
            f"{candidate.why}, which means another commit on each machine and day",
            code="moving-ref",
            hint="name a branch, a tag or a commit",
        )
    commit = resolve_ref(repository, candidate.ref)
    if commit is None and candidate.asked:
        shown = candidate.why.encode("unicode_escape").decode()
        raise InvalidInputError(
            f"{shown}, which is no commit of this clone",
            code="unknown-ref",
            hint="name a branch, a tag or a commit; 'git fetch' brings what is missing",
        )
    return commit


def _none(tried: list[str]) -> NoComparisonError:
    looked = f"; tried: {', '.join(dict.fromkeys(tried))}" if tried else ""
    return NoComparisonError(
        f"there is no base to compare with{looked}",
        code="no-base",
        hint="name one with --base; in GitHub's checkout set 'fetch-depth: 2', "
        "or run 'git fetch --deepen=50 origin main'",
    )
