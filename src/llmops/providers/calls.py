"""A request and a model in, litellm's arguments out: what may be sent, and with which key."""

from collections.abc import Mapping
from typing import Any

from llmops.domain.completion import Request
from llmops.domain.config import Model
from llmops.domain.node import plain
from llmops.errors import ProviderError
from llmops.providers.keys import key_variables, provider_of

_NO_KEY = "llmops-no-key"
"""Sent where a server wants some key and none is bound to it."""

_OWN = frozenset(
    {"model", "messages", "api_base", "base_url", "api_key", "api_type", "timeout",
     "request_timeout", "num_retries", "max_retries", "stream", "stream_options", "n", "client",
     "shared_session", "mock_response", "mock_timeout", "mock_delay", "mock_tool_calls",
     "fallbacks", "drop_params", "additional_drop_params", "callbacks", "default_headers"}
)  # fmt: skip
"""Arguments that are ours, or would make litellm do something else than ask this model once."""

_CONFIGURED = frozenset({"api_version", "organization", "deployment_id", "model_list"})
_CONFIGURED_PREFIXES = ("aws_", "azure_", "vertex_", "s3_", "gcs_", "langfuse_", "litellm_")
"""Arguments that say where requests and logins go, so that only `llmops.yaml` may set them."""

_FREE = frozenset({"extra_headers", "extra_body", "allowed_openai_params", "thinking"})

_OWN_LOGIN = frozenset(
    {"vertex_ai", "vertex_ai_beta", "sagemaker", "sagemaker_chat", "oci", "sap", "chatgpt",
     "github_copilot"}
)  # fmt: skip
"""Providers whose login litellm makes from files or services, so that it cannot be bound."""

_GOOGLES = frozenset({"vertex_ai", "vertex_ai_beta"})

_NO_LOGIN_ELSEWHERE: Mapping[str, Mapping[str, str]] = {
    "bedrock": {"aws_access_key_id": _NO_KEY, "aws_secret_access_key": _NO_KEY},
}
"""What keeps litellm from looking for a login of its own."""

_OTHER_LOGINS: Mapping[str, tuple[str, ...]] = {
    "anthropic": ("ANTHROPIC_AUTH_TOKEN",),
    "azure": ("AZURE_AD_TOKEN", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"),
    "azure_ai": ("AZURE_AD_TOKEN", "AZURE_CLIENT_ID"),
}
"""Variables that litellm can log in with where there is no key."""


def call_arguments(
    request: Request, model: Model, key: str | None, owned: frozenset[str]
) -> dict[str, Any]:
    """The keyword arguments of `acompletion`.

    Args:
        request: What to send; nothing in it is shared with the arguments.
        model: Where to send it.
        key: The key that may go there; None leaves the look-up to litellm.
        owned: Names that litellm keeps for itself.

    Raises:
        ProviderError: A parameter or an option is none that may stand there (`bad_request`).
    """
    _check_parameters(request.parameters, owned)
    _check_options(model)
    arguments: dict[str, Any] = {
        **model.options,
        **request.parameters,
        "model": request.model,
        "messages": plain(request.messages),
        # Longer than our own clock, which is to be the one that strikes.
        "timeout": model.timeout + 30,
        "num_retries": 0,
        "max_retries": 0,
        "drop_params": False,
    }
    if request.tools:
        arguments["tools"] = plain(request.tools)
    if request.tool_choice is not None:
        arguments["tool_choice"] = plain(request.tool_choice)
    if request.response_format is not None:
        arguments["response_format"] = plain(request.response_format)
    if key is not None:
        arguments["api_key"] = key
    if model.api_base is not None:
        arguments["api_base"] = model.api_base
        if model.key is not None and provider_of(request.model) in _GOOGLES:
            # litellm would send Google's login there, whatever the key.
            named = arguments.get("extra_headers")
            own = named if isinstance(named, Mapping) else {}
            arguments["extra_headers"] = {**own, "Authorization": f"Bearer {key}"}
        if model.key is None:
            arguments |= _NO_LOGIN_ELSEWHERE.get(provider_of(request.model), {})
    return arguments


def key_for(model: Model, name: str, environment: Mapping[str, str]) -> str | None:
    """The key that may go where the request goes; None leaves the look-up to litellm.

    Args:
        model: Its host and the variable that is bound to it.
        name: The provider's name for the model, as it is asked.
        environment: Where keys are looked for.

    Raises:
        ProviderError: The key is not there (`auth`), or no key can be bound (`bad_request`).
    """
    if "://" in name:
        raise ProviderError(
            f"a model's name is no address: '{name[:80]}'",
            kind="bad_request",
            hint="name the host by 'api_base' in llmops.yaml",
        )
    provider = provider_of(name)
    if model.api_base is not None and model.key is None:
        if provider in _OWN_LOGIN:
            raise ProviderError(
                f"api_base cannot be used with {provider}: its login is bound to no host",
                kind="bad_request",
                hint="leave api_base out, or name the key that may go there by 'key'",
            )
        return _NO_KEY
    names = key_variables(model)
    guessed = (f"{provider.upper()}_API_KEY",) if provider else ()
    values = (environment.get(known, "").strip() for known in names or guessed)
    found = next((value for value in values if value), None)
    if found is None and names and not _has_other_login(model, provider, environment):
        raise ProviderError(
            f"there is no key for {model.label}: {names[0]} is not set",
            kind="auth",
            hint=f"set {names[0]} in the environment, or in .env at the project's root",
        )
    return found


def _has_other_login(model: Model, provider: str, environment: Mapping[str, str]) -> bool:
    others = _OTHER_LOGINS.get(provider, ())
    return model.key is None and any(environment.get(name) for name in others)


def _check_parameters(parameters: Mapping[str, object], owned: frozenset[str]) -> None:
    for name in parameters:
        if name in _FREE:
            continue
        configured = name in _CONFIGURED or name.startswith(_CONFIGURED_PREFIXES)
        if name in _OWN or name in owned or configured:
            raise ProviderError(
                f"'{name}' cannot be a parameter of a prompt or a suite",
                kind="bad_request",
                hint="'samples' asks for several answers"
                if name == "n"
                else "what belongs to a host stands in llmops.yaml, below 'models'",
            )


def _check_options(model: Model) -> None:
    wrong = next((name for name in model.options if name in _OWN), None)
    if wrong is not None:
        raise ProviderError(
            f"'{wrong}' cannot be an option of the model {model.label}",
            kind="bad_request",
            at=model.at,
            hint="api_base, key, timeout and retries are keys of the model itself",
        )
