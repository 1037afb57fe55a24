"""Optional dependencies, looked for before any model is paid."""

import importlib.util

from llmops.scoring.base import ArgumentError


def need_extra(module: str, extra: str) -> None:
    """Make sure that a package of an extra is installed. It is not imported.

    Raises:
        ArgumentError: It is not; the hint says how to install it.
    """
    if importlib.util.find_spec(module) is None:
        message = f"this needs the package '{module}', which is not installed"
        raise ArgumentError(message, hint=f"pip install 'llmops[{extra}]'")
