"""A run's header and footer as plain JSON values and back: what stands around its trials.

What is at its default is left out; reading fills it in.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from msgspec import NODEFAULT, Struct
from msgspec.structs import asdict, fields

from llmops.domain.record import Json, held_to
from llmops.domain.run import RunFooter, RunHeader


def header_to_json(header: RunHeader) -> Json:
    """A run's header as plain values."""
    return _sparse(header)


def header_from_json(value: Mapping[str, Any]) -> RunHeader:
    """Read what `header_to_json` wrote.

    Raises:
        KeyError: A part is missing.
        TypeError: A part cannot be gone through.
        ValueError: A part has the wrong type.
    """
    return held_to(
        RunHeader,
        id=value["id"],
        started=value["started"],
        planned=value["planned"],
        command=tuple(value.get("command", ())),
        selection=tuple(value.get("selection", ())),
        commit=value.get("commit"),
        dirty=value.get("dirty"),
        prompts=value.get("prompts", {}),
        suites=value.get("suites", {}),
        models=tuple(value.get("models", ())),
        seed=value.get("seed", 0),
        versions=value.get("versions", {}),
        untrusted=value.get("untrusted", False),
        options=value.get("options", {}),
    )


def footer_to_json(footer: RunFooter) -> Json:
    """A run's footer as plain values."""
    return {**_sparse(footer), "duration": round(footer.duration, 3)}


def footer_from_json(value: Mapping[str, Any]) -> RunFooter:
    """Read what `footer_to_json` wrote.

    Raises:
        KeyError: A part is missing.
        ValueError: A part has the wrong type, or what stopped the run is not known.
    """
    return held_to(
        RunFooter,
        finished=value["finished"],
        duration=value["duration"],
        stopped_by=value.get("stopped_by"),
    )


def _sparse(value: Struct) -> Json:
    """The attributes that are not at their default."""
    defaults = _defaults(type(value))
    return {
        name: attribute for name, attribute in asdict(value).items() if attribute != defaults[name]
    }


@cache
def _defaults(cls: type[Struct]) -> Mapping[str, object]:
    return {
        item.name: item.default if item.default_factory is NODEFAULT else item.default_factory()
        for item in fields(cls)
    }
