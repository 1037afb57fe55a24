"""A version made ready for a program: render it, and ask litellm or OpenAI's client."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from llmops.domain.completion import Request
from llmops.domain.config import Config, Model
from llmops.domain.node import plain
from llmops.domain.prompt import Input, Placeholder, Prompt
from llmops.errors import InvalidInputError
from llmops.loading.project import resolve_model
from llmops.providers.calls import call_arguments, key_for
from llmops.rendering.prompt import PromptRenderer, response_format
from llmops.versions.version import PromptVersion

_OURS = frozenset({"timeout", "num_retries", "max_retries", "drop_params"})
"""What `llmops test` decides of a call, and a program decides for itself."""

_LITELLM_ONLY = frozenset({"allowed_openai_params"})
_OPENAI = "openai"
_CLIENT_KNOWS = frozenset(
    {"audio", "extra_body", "extra_headers", "extra_query", "frequency_penalty", "function_call",
     "functions", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "metadata",
     "modalities", "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key",
     "reasoning_effort", "safety_identifier", "seed", "service_tier", "stop", "store",
     "temperature", "top_logprobs", "top_p", "user", "verbosity", "web_search_options"}
)  # fmt: skip
"""Parameters that OpenAI's client takes by name; others go into `extra_body`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPrompt:
    """One version of a prompt, ready to render. Threads may share it.

    Attributes:
        name: The prompt's name, without `@REF`.
        version: What its author claims, such as `1.3.0`.
        content_hash: 12 hex digits of all that changes the request; log it with every answer.
        commit: The commit's full id; None for the work tree.
        model: The provider's name for the model, such as `openai/gpt-4.1-mini`, behind the alias
            that the prompt names; None when it names none.
        api_base: Where requests go in place of the provider's own host.
        parameters: The prompt's, with the alias's laid over them.
        inputs: By name: its JSON `schema`, whether it is `required`, its `default`.
        description: As the author wrote it.
        metadata: As the author wrote it.
    """

    name: str
    version: str | None
    content_hash: str
    commit: str | None
    model: str | None
    api_base: str | None
    parameters: Mapping[str, Any]
    inputs: Mapping[str, Input]
    description: str | None
    metadata: Mapping[str, Any]
    _prompt: Prompt = field(repr=False)
    _renderer: PromptRenderer = field(repr=False, compare=False)
    _alias: Model | None = field(repr=False)

    def render(self, given: Mapping[str, object] | None = None, /, **inputs: object) -> "Rendered":
        """Render with these inputs.

        Args:
            given: Values by name, for names that Python cannot spell.
            inputs: Values by name, laid over `given`. They are inserted as they are, never
                rendered.

        Raises:
            InvalidInputError: An input is missing, unknown or breaks its schema.
            TemplateError: A template cannot be rendered with these values.
        """
        values = {**(given or {}), **inputs}
        messages = self._renderer.render(self._prompt, values).messages
        request = Request(
            model=self.model or "",
            messages=messages,
            parameters=self.parameters,
            tools=self._prompt.tools,
            tool_choice=self._prompt.tool_choice,
            response_format=response_format(self._prompt),
        )
        return Rendered(prompt=self, request=request)


class Rendered(Struct, frozen=True, kw_only=True):
    """A prompt with its inputs.

    Attributes:
        prompt: What was rendered.
        request: The request that `llmops test` would send.
    """

    prompt: LoadedPrompt
    request: Request

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages in OpenAI's chat shape; a copy."""
        return [_copy(message) for message in self.request.messages]

    def for_litellm(self, *, model: str | None = None) -> dict[str, Any]:
        """The keyword arguments of `litellm.completion` and `acompletion`.

        A model with an `api_base` goes there, with the one key that the project's configuration
        binds to it, read from the environment now, or with a placeholder when none is: litellm
        would send another host's.

        Args:
            model: Ask this one instead, by litellm's name, at its provider's own host.

        Raises:
            InvalidInputError: There is no model, or it is recorded or scripted.
            ProviderError: A parameter is none that may stand in a prompt (`bad_request`), or the
                environment variable of the key is not set (`auth`).
        """
        alias = self._model(model)
        request = _with_model(self.request, alias)
        key = key_for(alias, alias.name, os.environ) if alias.api_base is not None else None
        arguments = call_arguments(request, alias, key, frozenset())
        return {name: value for name, value in arguments.items() if name not in _OURS}

    def for_openai(self, *, model: str | None = None) -> dict[str, Any]:
        """The keyword arguments of `OpenAI().chat.completions.create`.

        Where and with which key is for the client that is called: see `LoadedPrompt.api_base`.
        What the client does not know by name is in `extra_body`.

        Args:
            model: Ask this one instead, by OpenAI's name; it is sent as it is.

        Raises:
            InvalidInputError: There is no model, it is recorded or scripted, or it is another
                provider's.
            ProviderError: A parameter is none that may stand in a prompt (`bad_request`).
        """
        name = model or _openai_name(self._model(None))
        alias = Model(label=name, name=name)
        arguments = call_arguments(_with_model(self.request, alias), alias, None, frozenset())
        kept = {key: value for key, value in arguments.items() if key not in _OURS | _LITELLM_ONLY}
        other = {key: kept.pop(key) for key in self.prompt.parameters if _is_extra(key, kept)}
        if other:
            kept["extra_body"] = {**other, **kept.get("extra_body", {})}
        return kept

    def _model(self, asked: str | None) -> Model:
        alias = self.prompt._alias if asked is None else Model(label=asked, name=asked)
        if alias is None:
            raise InvalidInputError(
                f"no model is named for '{self.prompt.name}'",
                at=self.prompt._prompt.at,
                code="no-model",
                hint="pass model=…, or add 'model:' to the prompt",
            )
        if not alias.is_live:
            raise InvalidInputError(
                f"the model '{alias.label}' is {alias.via}, so nobody can be asked",
                at=alias.at,
                code="no-live-model",
                hint="pass model=…",
            )
        return alias


def make_loaded(version: PromptVersion, config: Config) -> LoadedPrompt:
    """Make a version ready, so that nothing is read when it is rendered.

    Args:
        version: The prompt's.
        config: What its model's alias means.

    Raises:
        InvalidInputError: It cannot be rendered whatever its inputs, or the model is not known.
    """
    prompt = version.prompt
    faults = [one for one in version.renderer.check(prompt) if one.severity == "error"]
    if faults:
        raise InvalidInputError.of(faults)
    alias = resolve_model(config, prompt.model) if prompt.model is not None else None
    parameters = {**prompt.parameters, **(alias.parameters if alias else {})}
    return LoadedPrompt(
        name=version.name.partition("@")[0],
        version=str(prompt.version) if prompt.version is not None else None,
        content_hash=version.content_hash,
        commit=version.commit,
        model=alias.name if alias else None,
        api_base=alias.api_base if alias else None,
        parameters=_copy(parameters),
        inputs=_inputs(prompt),
        description=prompt.description,
        metadata=_copy(prompt.metadata),
        _prompt=prompt,
        _renderer=version.renderer,
        _alias=alias,
    )


def _inputs(prompt: Prompt) -> dict[str, Input]:
    handed_in = {
        message.input: Input(schema={"type": "array"}, required=False, at=message.at, default=[])
        for message in prompt.messages
        if isinstance(message, Placeholder)
    }
    return {**handed_in, **prompt.inputs}


def _with_model(request: Request, model: Model) -> Request:
    return Request(
        model=model.name,
        messages=request.messages,
        parameters=request.parameters,
        tools=request.tools,
        tool_choice=request.tool_choice,
        response_format=request.response_format,
    )


def _openai_name(model: Model) -> str:
    provider, slash, name = model.name.partition("/")
    if slash and provider != _OPENAI:
        raise InvalidInputError(
            f"the model {model.name} is not one of OpenAI's client",
            at=model.at,
            code="other-provider",
            hint="use for_litellm(), or pass model=…",
        )
    return name if slash else model.name


def _is_extra(key: str, arguments: Mapping[str, Any]) -> bool:
    return key in arguments and key not in _CLIENT_KNOWS


def _copy(value: Any) -> Any:  # noqa: ANN401 - as deep and of the same form as what is copied
    return plain(value)
