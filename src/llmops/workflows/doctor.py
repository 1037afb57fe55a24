"""Look at what a project needs of its machine: git, keys, packages, the cache."""

import importlib.util
import os
import platform
import time
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from llmops import __version__
from llmops.domain.config import Model
from llmops.errors import LlmopsError
from llmops.history.repository import Repository, open_repository
from llmops.reporting.wording import plural
from llmops.workflows.models import key_of, named_models
from llmops.workflows.opening.caches import CacheWorld, open_cache, redis_server
from llmops.workflows.opening.project import OpenProject, Surroundings, open_project

_BAD_LITELLM = {
    "1.82.7": "was trojaned in March 2026",
    "1.82.8": "was trojaned in March 2026",
    "1.106.0": "fails every call with tools",
    "1.106.1": "fails every call with tools",
    "1.106.2": "fails every call with tools",
}
_NEW_CACHE = "delete the file to begin a new one"
_EXTRAS = {
    "sqlglot": "sql",
    "py3langid": "language",
    "pyarrow": "parquet",
    "redis": "redis",
    "opentelemetry.exporter.otlp.proto.http": "otel",
}


class Check(Struct, frozen=True, kw_only=True):
    """One thing that was looked at.

    Attributes:
        state: `ok`, `warning` (some command will not work), or `error`.
        hint: What to do, where there is something.
    """

    name: str
    state: Literal["ok", "warning", "error"]
    words: str
    hint: str | None = None


def examine(surroundings: Surroundings) -> list[Check]:
    """Look at everything; a part that cannot be looked at is an error of its own."""
    checks = [Check(name="llmops", state="ok", words=f"{__version__}, {_python()}")]
    checks += _packages()
    checks += _git(surroundings)
    opened: OpenProject | None = None
    try:
        opened = open_project(surroundings)
    except LlmopsError as error:
        words = f"{plural(len(error.faults), 'fault')} in its files"
        checks.append(
            Check(name="project", state="error", words=words, hint="'llmops lint' shows them")
        )
    if opened is not None:
        checks += _project(opened)
    return checks


def _python() -> str:
    return f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"


def _packages() -> Iterator[Check]:
    try:
        litellm = version("litellm")
    except PackageNotFoundError:
        yield Check(
            name="litellm",
            state="error",
            words="not installed",
            hint="pip install --upgrade llmops",
        )
    else:
        fault = _BAD_LITELLM.get(litellm)
        yield Check(
            name="litellm",
            state="error" if fault else "ok",
            words=f"{litellm} {fault}" if fault else litellm,
            hint="pip install --upgrade llmops, and change every key this machine knew"
            if fault and "trojan" in fault
            else None,
        )
    for module, extra in _EXTRAS.items():
        words = (
            "installed" if _is_there(module) else f"not installed; pip install 'llmops[{extra}]'"
        )
        yield Check(name=f"extra {extra}", state="ok", words=words)


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package around it
        return False


def _git(surroundings: Surroundings) -> Iterator[Check]:
    try:
        repository = open_repository(surroundings.folder)
    except LlmopsError as error:
        fault = error.faults[0]
        yield Check(name="git", state="warning", words=fault.message, hint=fault.hint)
        return
    if repository is None:
        yield Check(
            name="git",
            state="warning",
            words="this folder is in no repository",
            hint="'git init'; versions of prompts live in git",
        )
        return
    yield from _history(repository)


def _history(repository: Repository) -> Iterator[Check]:
    try:
        state = repository.state()
        shallow = repository.run("rev-parse", "--is-shallow-repository").strip() == "true"
    except LlmopsError as error:
        fault = error.faults[0]
        yield Check(name="git", state="warning", words=fault.message, hint=fault.hint)
        return
    words = f"commit {state.commit[:12]}" if state.commit else "no commit yet"
    yield Check(name="git", state="ok", words=words + (", with changes" if state.dirty else ""))
    if shallow:
        yield Check(
            name="git history",
            state="warning",
            words="the clone is shallow: old versions are not there",
            hint="git fetch --unshallow, or fetch-depth: 0 in actions/checkout",
        )


def _project(opened: OpenProject) -> Iterator[Check]:
    project = opened.project
    prompts, suites = len(project.prompts), len(project.suites)
    yield Check(
        name="project",
        state="ok" if prompts or suites else "warning",
        words=f"{plural(prompts, 'prompt')}, {plural(suites, 'suite')} at {opened.root}",
        hint=None if prompts or suites else "'llmops init' makes a project",
    )
    for model in named_models(opened):
        yield _key(model, opened)
    yield _cache(opened)


def _key(model: Model, opened: OpenProject) -> Check:
    name = f"model {model.label}"
    if not model.is_live:
        return Check(name=name, state="ok", words=f"{model.via}; needs no key")
    key = key_of(model, opened)
    if key is None:
        where = f"at {model.api_base}, without a key" if model.api_base else "needs no known key"
        return Check(name=name, state="ok", words=where)
    if opened.environment.get(key):
        return Check(name=name, state="ok", words=f"{key} is set")
    return Check(
        name=name,
        state="warning",
        words=f"{key} is not set",
        hint=f"export {key}=…" + (", or put it into .env" if key.endswith("_API_KEY") else ""),
    )


def _cache(opened: OpenProject) -> Check:
    config = opened.config.cache
    complaints: list[str] = []
    world = CacheWorld(
        root=opened.root,
        environment=opened.environment,
        untrusted=opened.untrusted,
        now=time.time,
        warn=complaints.append,
    )
    try:
        with closing(open_cache(config, world, read_only=True)) as cache:
            cache.ready()
            if config.url is not None:
                words = f"{redis_server(config, opened.environment)} answers"
                return Check(name="cache", state="ok", words=words)
            cache.stats()
        if complaints:
            return Check(name="cache", state="warning", words=complaints[0], hint=_NEW_CACHE)
        return Check(name="cache", **_writable((opened.root / config.path).parent))
    except LlmopsError as error:
        fault = error.faults[0]
        return Check(name="cache", state="error", words=fault.message, hint=fault.hint)


def _writable(folder: Path) -> dict[str, Any]:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if existing.is_dir() and os.access(existing, os.W_OK):
        return {"state": "ok", "words": f"{folder} can be written"}
    return {
        "state": "warning",
        "words": f"{folder} cannot be written",
        "hint": "runs go on without a cache, but cannot be kept",
    }
