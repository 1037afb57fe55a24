"""What carries requests in a project: providers of models, targets of suites."""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from llmops.domain.config import Model
from llmops.domain.node import Node, Text
from llmops.domain.suite import Target
from llmops.loading.nodes import parse_yaml
from llmops.providers.base import Provider, TargetProvider
from llmops.providers.registry import TargetContext, open_provider, open_target
from llmops.rendering.templates import Templates
from llmops.rendering.values import render_node
from llmops.running.runner import Carriers
from llmops.workflows.opening.project import OpenProject


def carriers_of(opened: OpenProject) -> Carriers:
    """How models and targets of a project are reached."""
    return Carriers(
        provider=lambda model: provider_of_model(opened, model),
        target=lambda target: _target(opened, target),
    )


def on_cluster(carriers: Carriers, address: str, note: Callable[[str], None]) -> Carriers:
    """The same, but that live models are asked by the workers of a cluster.

    Scripted models answer and targets are called here: their files are here.

    Args:
        carriers: What carries everything else.
        address: The scheduler's, such as `tcp://host:8786`.
        note: Told of workers that are refused or gone.
    """
    from llmops.providers.cluster.provider import ClusterProvider

    cluster = ClusterProvider(address, note)
    return Carriers(
        provider=lambda model: cluster if model.is_live else carriers.provider(model),
        target=carriers.target,
    )


def check_scripts(opened: OpenProject, models: Mapping[str, Model]) -> None:
    """Read the scripts of scripted models, so that a fault is found before the first call.

    Raises:
        InvalidInputError: A script is wrong.
    """
    for model in models.values():
        if model.via == "scripted":
            provider_of_model(opened, model)


def provider_of_model(opened: OpenProject, model: Model) -> Provider:
    """Open the provider that carries a model's requests.

    Raises:
        InvalidInputError: A scripted model's script is wrong.
    """
    script = None
    if model.via == "scripted" and model.script is not None:
        data = opened.project.tree.read(model.script, limit=opened.config.limits.yaml_bytes)
        script = parse_yaml(data, model.script, opened.config.limits)
    return open_provider(model.via, environment=opened.environment, script=script)


def _target(opened: OpenProject, target: Target) -> TargetProvider:
    templates = Templates(opened.project.tree, opened.config.prompts)

    def render(part: Text | Node, inputs: Mapping[str, object]) -> object:
        if isinstance(part, Text):
            return templates.compile(part).render(inputs)
        return render_node(part, inputs, templates).value

    context = TargetContext(
        root=str(opened.root),
        environment=opened.environment,
        load=opened.functions.load,
        render=render,
        allowed=_allowed(opened, target),
    )
    return open_target(target, context)


def _allowed(opened: OpenProject, target: Target) -> dict[str, str]:
    """The keys that the configuration pairs with the target's host."""
    if target.http is None:
        return {}
    host = urlsplit(target.http.url.text).netloc
    keys = {
        model.key
        for model in opened.config.models.values()
        if model.key and model.api_base and urlsplit(model.api_base).netloc == host
    }
    return {key: opened.environment[key] for key in keys if key in opened.environment}
