"""Version prompts in git and test them for regressions."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmops.errors import LlmopsError as LlmopsError
    from llmops.versions.loaded import LoadedPrompt as LoadedPrompt
    from llmops.versions.loaded import Rendered as Rendered
    from llmops.workflows.load import load_prompt as load_prompt

__all__ = ["LlmopsError", "LoadedPrompt", "Rendered", "__version__", "load_prompt"]

__version__ = "0.1.0"

_HOMES = {
    "LlmopsError": "llmops.errors",
    "LoadedPrompt": "llmops.versions.loaded",
    "Rendered": "llmops.versions.loaded",
    "load_prompt": "llmops.workflows.load",
}
"""Where each public name is; its module is imported when the name is first used."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
