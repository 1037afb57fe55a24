"""Export prompts in one of the forms there are."""

from collections.abc import Mapping

from llmops.errors import InvalidInputError, did_you_mean
from llmops.location import COMMAND_LINE
from llmops.versions.finder import Versions
from llmops.workflows.exporters.base import Exporter, ExportOptions
from llmops.workflows.exporters.bundle import BUNDLE
from llmops.workflows.exporters.openai import OPENAI

EXPORTERS: Mapping[str, Exporter] = {one.name: one for one in (BUNDLE, OPENAI)}
"""Every exporter by its name."""
_SPELT = {"labels": "--label", "dirty": "--dirty", "inputs": "--input", "model": "--model"}


def export(versions: Versions, form: str, options: ExportOptions) -> str:
    """Write prompts in a form.

    Args:
        versions: Of the project.
        form: The exporter's name.
        options: What is asked of it.

    Raises:
        InvalidInputError: There is no such exporter, an option means nothing to it, or what it
            complains of.
        UnavailableError: Git is needed, and missing or refuses.
    """
    exporter = EXPORTERS.get(form)
    if exporter is None:
        raise InvalidInputError(
            f"no export is called '{form}'",
            at=COMMAND_LINE,
            code="unknown-export",
            hint=did_you_mean(form, EXPORTERS) or f"there are {', '.join(EXPORTERS)}",
        )
    for name, spelt in _SPELT.items():
        if getattr(options, name) and name not in exporter.options:
            raise InvalidInputError(
                f"{spelt} means nothing to '{form}'",
                at=COMMAND_LINE,
                code="usage",
                hint=f"leave {spelt} out",
            )
    return exporter.write(versions, options)
