"""Python functions that a user's files name: loaded only when the run is trusted."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from msgspec import Struct

from llmops.errors import InvalidInputError, did_you_mean
from llmops.location import Location

GROUP = "llmops.functions"
"""The entry-point group under which a package offers functions by name."""

_BREAKS = (Exception, SystemExit)
"""A module that calls `sys.exit` must not end the run, least of all with 0."""


class FunctionLoader(Struct, frozen=True, kw_only=True):
    """Loads functions by reference.

    Attributes:
        root: The project's folder; files and modules are looked up below it first.
        trusted: Whether the user's code may be loaded at all.
    """

    root: Path
    trusted: bool = True

    def load(self, reference: str, at: Location) -> Callable[..., Any]:
        """Load `file.py:function`, `package.module:function`, or an entry point's name.

        Raises:
            InvalidInputError: There is no such function, its module breaks when it is imported,
                or the run is untrusted.
        """
        if not self.trusted:
            raise InvalidInputError(
                f"'{reference}' is Python code, which an untrusted run does not load",
                at=at,
                code="untrusted",
                hint="review the change and run it without --untrusted",
            )
        where, colon, name = reference.rpartition(":")
        if not colon:
            return self._entry_point(reference, at)
        module = self._file(where, at) if where.endswith(".py") else self._module(where, at)
        return _function(module, name, reference, at)

    def _file(self, path: str, at: Location) -> ModuleType:
        root = self.root.resolve()
        file = _inside(root, path)
        if file is None:
            raise InvalidInputError(
                f"there is no file '{path}'",
                at=at,
                code="missing-file",
                hint="a path begins at the project's root and stays inside it",
            )
        name = "llmops_user_" + "_".join(file.relative_to(root).with_suffix("").parts)
        known = sys.modules.get(name)
        if known is not None and getattr(known, "__file__", None) == str(file):
            return known
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            msg = f"importlib knows no loader for {file}"
            raise ValueError(msg)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except _BREAKS as error:
            sys.modules.pop(name, None)
            raise _broken(path, error, at) from error
        return module

    def _module(self, name: str, at: Location) -> ModuleType:
        add_to_path(self.root)
        try:
            return importlib.import_module(name)
        except _BREAKS as error:
            raise _broken(name, error, at) from error

    def _entry_point(self, name: str, at: Location) -> Callable[..., Any]:
        from importlib.metadata import entry_points  # noqa: PLC0415 - heavy, and seldom needed

        found = {point.name: point for point in entry_points(group=GROUP)}
        if name not in found:
            hint = did_you_mean(name, found) or "write file.py:function or package.module:function"
            raise InvalidInputError(
                f"no function is called '{name}'", at=at, code="missing-function", hint=hint
            )
        try:
            loaded: Callable[..., Any] = found[name].load()
        except _BREAKS as error:
            raise _broken(name, error, at) from error
        if not callable(loaded):
            raise InvalidInputError(
                f"the entry point '{name}' is no function", at=at, code="missing-function"
            )
        return loaded


def _inside(root: Path, path: str) -> Path | None:
    try:
        file = (root / path).resolve()
        return file if file.is_relative_to(root) and file.is_file() else None
    except (OSError, ValueError, RuntimeError):  # too long, a NUL, links in a circle
        return None


def add_to_path(root: Path) -> None:
    """Let modules below a trusted project's root be imported by name."""
    folder = str(root.resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)


def _function(module: ModuleType, name: str, reference: str, at: Location) -> Callable[..., Any]:
    found = getattr(module, name, None)
    if callable(found):
        function: Callable[..., Any] = found
        return function
    known = [key for key, value in vars(module).items() if callable(value)]
    raise InvalidInputError(
        f"'{reference}' names no function",
        at=at,
        code="missing-function",
        hint=did_you_mean(name, known) or f"define '{name}' there",
    )


def _broken(name: str, error: BaseException, at: Location) -> InvalidInputError:
    return InvalidInputError(
        f"'{name}' cannot be imported: {type(error).__name__}: {error}"[:300],
        at=at,
        code="broken-module",
        hint="import it in Python to see the whole error",
    )
