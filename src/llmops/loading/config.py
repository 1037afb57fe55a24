"""`llmops.yaml`, or a table of `pyproject.toml`, in; the project's configuration out."""

from typing import Any

from llmops.domain.config import (
    DIRECT_NAMES,
    Budget,
    CacheConfig,
    Config,
    GatePolicy,
    Limits,
    Model,
    usual_via,
)
from llmops.domain.node import Node, Text
from llmops.domain.tree import Tree
from llmops.errors import Fault, InvalidInputError, did_you_mean
from llmops.loading.batch_store import read_store
from llmops.loading.complaints import all_of
from llmops.loading.config_shapes import ConfigShape, ModelShape
from llmops.loading.nodes import parse_yaml
from llmops.loading.shapes import Faults, read, refuse
from llmops.loading.toml import parse_toml
from llmops.location import Location

CONFIG_FILE = "llmops.yaml"
_MISNAMED = "llmops.yml"
PYPROJECT = "pyproject.toml"


def load_config(tree: Tree) -> Config:
    """Read a project's configuration; every default where it has none.

    Raises:
        InvalidInputError: All that is wrong with it.
    """
    node = _config_node(tree)
    if node is None or node.kind == "nothing":
        return Config(path=node.path if node else None)
    faults: Faults = []
    config = _read_config(node, faults)
    if config is None:
        raise all_of(faults)
    return config


def resolve_model(config: Config, named: Text) -> Model:
    """The model that an alias or a full name means.

    Raises:
        InvalidInputError: It is no alias and has no provider before a `/`.
    """
    fault = unknown_model(config, named)
    if fault is not None:
        raise InvalidInputError.of([fault])
    known = config.models.get(named.text)
    return known or Model(label=named.text, name=named.text, via=usual_via(named.text))


def unknown_model(config: Config, named: Text) -> Fault | None:
    """The complaint about a model that is not known; None when it is."""
    name = named.text
    provider, slash, rest = name.partition("/")
    if name in config.models or (provider and slash and rest and provider != "scripted"):
        return None
    aliases = ", ".join(config.models)
    known = f"the aliases are {aliases}" if aliases else "llmops.yaml has no alias"
    return Fault(
        code="unknown-model",
        message=f"no model is called '{name}'",
        at=named.at,
        hint=did_you_mean(name, config.models)
        or f"{known}; a full name is one such as openai/gpt-4.1-mini",
    )


def _config_node(tree: Tree) -> Node | None:
    data = _optional(tree, CONFIG_FILE)
    table = _pyproject_table(tree)
    if data is None:
        if _optional(tree, _MISNAMED) is not None:
            message, hint = f"{_MISNAMED} is not read", f"call it {CONFIG_FILE}"
            raise InvalidInputError(message, at=Location(_MISNAMED), code="file-name", hint=hint)
        return table
    if table is not None:
        raise InvalidInputError(
            f"the project is configured here and in {CONFIG_FILE}",
            at=table.at,
            code="two-configs",
            hint="keep one of them",
        )
    return parse_yaml(data, CONFIG_FILE)


def _optional(tree: Tree, path: str) -> bytes | None:
    try:
        return tree.read(path)
    except InvalidInputError as error:
        if error.faults[0].code == "missing-file":
            return None
        placed = [
            Fault(code=fault.code, message=fault.message, at=Location(path), hint=fault.hint)
            for fault in error.faults
        ]
        raise InvalidInputError.of(placed) from None


def _pyproject_table(tree: Tree) -> Node | None:
    data = _optional(tree, PYPROJECT)
    if data is None or b"llmops" not in data:
        return None
    return parse_toml(data, PYPROJECT, ("tool", "llmops"))


def _read_config(node: Node, faults: Faults) -> Config | None:
    shape = read(ConfigShape, node, faults, what="the configuration")
    models = _read_models(node.get("models"), faults) if node.kind == "mapping" else {}
    if shape is None or faults:
        return None
    plugins = node.get("plugins")
    config = Config(
        path=node.path,
        prompts=shape.prompts,
        suites=shape.suites,
        recordings=shape.recordings,
        baselines=shape.baselines,
        models=models,
        judge=shape.judge,
        cache=shape.cache if isinstance(shape.cache, CacheConfig) else CacheConfig(),
        budget=shape.budget or Budget(),
        gate=shape.gate or GatePolicy(),
        limits=shape.limits or Limits(),
        otel=shape.otel,
        plugins=shape.plugins or (),
        protected_labels=shape.protected_labels or (),
        plugins_at=plugins.at if plugins else None,
    )
    faults += _judge_faults(config, node) + _folder_faults(config, node)
    return None if faults else config


def _read_models(node: Node | None, faults: Faults) -> dict[str, Model]:
    if node is None or node.kind != "mapping":
        return {}
    found = {alias: _read_model(alias, at, child, faults) for alias, at, child in node.entries()}
    return {alias: model for alias, model in found.items() if model is not None}


def _read_model(alias: str, at: Location, node: Node, faults: Faults) -> Model | None:
    if not alias or any(character.isspace() for character in alias):
        message = f"'{alias}' cannot be a model's alias"
        hint = "write one word, such as 'fast'"
        faults.append(Fault(code="alias-name", message=message, at=at, hint=hint))
    if node.kind == "text":
        hint = f"write '{alias}: {{model: {node.typed}}}'"
        refuse(node, "wrong-type", f"expected a mapping, not text ('{node.typed}')", faults, hint)
        return None
    shape = read(ModelShape, node, faults, what=f"the model '{alias}'")
    if shape is None:
        return None
    via = shape.via or usual_via(shape.model, options=bool(shape.options))
    if (shape.script is None) is (via == "scripted"):
        _complain_about_script(node, via, faults)
        return None
    if via == "direct" and not shape.model.startswith(DIRECT_NAMES):
        _complain_about_lane(node, shape.model, faults)
        return None
    values: dict[str, Any] = {key: getattr(shape, key) for key in _SAME}
    return Model(
        label=alias,
        name=shape.model,
        via=via,
        parameters=shape.parameters or {},
        options=shape.options or {},
        batch=read_store(node, shape.model, shape.batch, faults),
        at=at,
        **values,
    )


_SAME = (
    "api_base",
    "key",
    "price",
    "max_concurrency",
    "rpm",
    "tpm",
    "timeout",
    "deadline",
    "retries",
    "script",
)
"""What a model keeps as it is written."""


def _complain_about_script(node: Node, via: str, faults: Faults) -> None:
    script = node.get("script")
    if script is None:
        hint = "add 'script: FILE'"
        refuse(node, "missing-key", "a scripted model needs 'script'", faults, hint)
        return
    message = f"'script' means nothing to a model that goes via {via}"
    refuse(script, "unused-key", message, faults, "add 'via: scripted', or leave 'script' out")


def _complain_about_lane(node: Node, name: str, faults: Faults) -> None:
    via = node.get("via")
    message = f"'{name}' does not go via direct, which speaks openai/… and anthropic/… only"
    if via is not None:
        refuse(via, "other-lane", message, faults, "leave 'via' out")


def _judge_faults(config: Config, node: Node) -> list[Fault]:
    judge = node.get("judge")
    model = judge.get("model") if judge is not None and judge.kind == "mapping" else None
    fault = unknown_model(config, model.text) if model is not None else None
    return [fault] if fault is not None else []


def _folder_faults(config: Config, node: Node) -> list[Fault]:
    names = ("prompts", "suites", "recordings", "baselines")
    folders = {name: str(getattr(config, name)) for name in names}
    found = []
    for name, path in folders.items():
        written = node.get(name)
        if written is None:
            continue
        for other, around in folders.items():
            if other != name and f"{path}/".startswith(f"{around}/"):
                message = f"the folder '{path}' of {name} lies in the one of {other}"
                hint = f"give {name} a folder of its own"
                at = written.at
                found.append(Fault(code="shared-folder", message=message, at=at, hint=hint))
    return found
