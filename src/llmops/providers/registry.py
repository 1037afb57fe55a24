"""Providers and targets by kind: what carries a model's requests or a suite's calls.

Each is imported when it is opened: a run from recordings needs none of them.
"""

from collections.abc import Mapping

from msgspec import Struct, field

from llmops.domain.config import Via
from llmops.domain.node import Node
from llmops.domain.suite import Target
from llmops.providers.base import Load, Provider, Render, TargetProvider
from llmops.providers.recorded import RecordedProvider, Recordings


class TargetContext(Struct, frozen=True, kw_only=True):
    """What targets are made with.

    Attributes:
        root: The project's folder.
        environment: What commands see, but for keys.
        load: Loads a Python function by its reference.
        render: Fills templates over the inputs.
        allowed: Environment variables that may be sent to the target's host, by name.
    """

    root: str
    environment: Mapping[str, str]
    load: Load
    render: Render
    allowed: Mapping[str, str] = field(default_factory=dict)


def open_provider(
    via: Via,
    *,
    environment: Mapping[str, str],
    script: Node | None = None,
    recordings: Recordings | None = None,
) -> Provider:
    """Open the provider that carries a model's requests.

    Args:
        via: Which one. One `direct` or `litellm` serves all of its models; a `scripted` one serves the
            models of one script.
        environment: Where keys are looked for.
        script: What stands in the script's file, for `scripted`.
        recordings: What there is, for `recorded`.

    Raises:
        InvalidInputError: The script is wrong.
        ValueError: There is no script.
    """
    if via == "litellm":
        from llmops.providers.litellm import LitellmProvider  # noqa: PLC0415 - not before it is opened

        return LitellmProvider(environment)
    if via == "direct":
        from llmops.providers.direct.provider import DirectProvider  # noqa: PLC0415 - not before it is opened

        return DirectProvider(
            environment, lambda: open_provider("litellm", environment=environment)
        )
    if via == "recorded":
        return RecordedProvider(recordings)
    if script is None:
        msg = "a scripted model needs a script"
        raise ValueError(msg)
    from llmops.providers.scripted import ScriptedProvider  # noqa: PLC0415 - not before it is opened

    return ScriptedProvider.from_node(script)


def open_target(target: Target, context: TargetContext) -> TargetProvider:
    """Open the application that a suite tests.

    Raises:
        InvalidInputError: It is a Python function, and there is none of that name.
    """
    if target.python is not None:
        from llmops.providers.python import PythonTarget  # noqa: PLC0415 - not before it is opened

        return PythonTarget(target.python, context.root, context.load)
    if target.http is not None:
        from llmops.providers.http import HttpApplication  # noqa: PLC0415 - not before it is opened

        return HttpApplication(target.http, context.render, context.allowed)
    from llmops.providers.exec import ExecTarget  # noqa: PLC0415 - not before it is opened

    return ExecTarget(target.exec or (), context.root, context.environment)
