"""What models a project names, and how they are reached."""

from msgspec import Struct
from msgspec.structs import asdict

from llmops.domain.config import Model
from llmops.domain.node import Text
from llmops.loading.config import resolve_model
from llmops.location import COMMAND_LINE
from llmops.providers.keys import key_variables
from llmops.workflows.opening.project import OpenProject


class ModelListing(Struct, frozen=True, kw_only=True):
    """A model.

    Attributes:
        key: The environment variable whose value is sent; None for none.
        key_set: Whether it is set, or none is needed.
    """

    label: str
    name: str
    via: str
    api_base: str | None
    key: str | None
    key_set: bool

    def as_json(self) -> dict[str, object]:
        """The listing as plain JSON values."""
        return asdict(self)


def list_models(opened: OpenProject) -> list[ModelListing]:
    """List the models, sorted by label."""
    return [_listing(model, opened) for model in named_models(opened)]


def named_models(opened: OpenProject) -> list[Model]:
    """Every model that the configuration, a suite or a prompt names, sorted by label."""
    named: dict[str, Text] = {name: Text(name, COMMAND_LINE) for name in opened.config.models}
    for suite in opened.project.suites.values():
        for text in suite.models:
            named.setdefault(text.text, text)
    for prompt in opened.project.prompts.values():
        if prompt.model is not None:
            named.setdefault(prompt.model.text, prompt.model)
    return [resolve_model(opened.config, text) for _name, text in sorted(named.items())]


def key_of(model: Model, opened: OpenProject) -> str | None:
    """The environment variable whose value a model is sent; None when it is sent none.

    Of several that a provider knows, the one that is set, or else the usual one.
    """
    if model.key is not None:
        return model.key
    if model.api_base is not None:
        return None
    variables = key_variables(model)
    present = (name for name in variables if opened.environment.get(name))
    return next(present, variables[0] if variables else None)


def _listing(model: Model, opened: OpenProject) -> ModelListing:
    key = key_of(model, opened)
    return ModelListing(
        label=model.label,
        name=model.name,
        via=model.via,
        api_base=model.api_base,
        key=key,
        key_set=key is None or bool(opened.environment.get(key)),
    )
