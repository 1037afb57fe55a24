"""What scorers a project may use, and their manual pages."""

from collections.abc import Sequence

from msgspec import Struct

from llmops.errors import InvalidInputError, did_you_mean
from llmops.loading.functions import add_to_path
from llmops.scoring.manual import first_sentence, manual_page
from llmops.scoring.registry import kinds, load_installed, load_plugins
from llmops.workflows.opening.project import Surroundings, open_config


class ScorerListing(Struct, frozen=True, kw_only=True):
    """A scorer: its name, the extra it needs, and its manual page's first sentence."""

    name: str
    extra: str | None
    about: str


def list_scorers(surroundings: Surroundings) -> list[ScorerListing]:
    """Every scorer, the project's plug-ins included.

    Raises:
        InvalidInputError: The configuration is wrong, or a plug-in cannot be loaded.
    """
    if not surroundings.untrusted:
        load_installed()
        root, config = open_config(surroundings)
        if config.plugins:
            add_to_path(root)
            load_plugins(config.plugins, config.plugins_at)
    return [
        ScorerListing(name=kind.name, extra=kind.extra, about=first_sentence(kind))
        for kind in kinds().values()
    ]


def page(listed: Sequence[ScorerListing], name: str) -> tuple[ScorerListing, str]:
    """A scorer and its manual page in Markdown.

    Raises:
        InvalidInputError: There is no such scorer.
    """
    found = kinds().get(name)
    if found is None:
        hint = did_you_mean(name, [kind.name for kind in listed]) or "'llmops scorers' lists them"
        raise InvalidInputError(f"no scorer is called '{name}'", code="unknown-scorer", hint=hint)
    return next(one for one in listed if one.name == name), manual_page(found)
