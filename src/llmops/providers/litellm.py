"""Every model that litellm names, one attempt a call. The only module that knows litellm."""

import asyncio
import contextlib
import gc
import logging
import os
import threading
import time
import warnings
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

from llmops.domain.completion import Completion, Request
from llmops.domain.config import Model
from llmops.errors import ProviderError
from llmops.providers.answers import read_answer
from llmops.providers.calls import call_arguments, key_for
from llmops.providers.failures import shorten
from llmops.providers.guard import ATTEMPT, NOBODY, Attempt, HeldBack, StandIn, Unsent, guarded
from llmops.providers.keys import secrets_of
from llmops.providers.refusals import failure_of, out_of_time, without_secrets_in

_SWITCHES = {
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOG": "ERROR",
    # The guard stands on the aiohttp transport.
    "DISABLE_AIOHTTP_TRANSPORT": "False",
    "LITELLM_HTTP2": "False",
}
_INSTALL = "install another one: pip install --upgrade llmops litellm"
_LOADING = threading.Lock()

_AMAZON_LOGIN = (
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_region_name",
    "aws_session_name",
    "aws_profile_name",
    "aws_role_name",
    "aws_web_identity_token",
    "aws_sts_endpoint",
    "aws_external_id",
)

KNOWN_BAD: Mapping[str, str] = {
    **dict.fromkeys(("1.82.7", "1.82.8"), "carries a trojan"),
    **dict.fromkeys(("1.106.0", "1.106.1", "1.106.2"), "fails in every call with tools"),
}
"""Versions of litellm that are never imported, and why."""


class LitellmProvider:
    """Asks a model through litellm.

    litellm is imported when it is opened, or by the first request: that takes seconds. One provider belongs to one
    event loop.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._secrets = secrets_of(environment)
        self._loading = asyncio.Lock()
        self._litellm: Any = None
        self._owned: frozenset[str] = frozenset()

    async def open(self) -> None:
        """Import litellm."""
        await self._loaded()

    async def complete(self, request: Request, *, model: Model, sample: int) -> Completion:
        """Make one attempt, for as long as the model's time-out allows.

        Raises:
            ProviderError: There is no completion, with the kind of failure.
        """
        del sample
        return await self._tried(request, model, Attempt())

    async def rehearse(self, request: Request, *, model: Model) -> Unsent:
        """What would be sent for a request, which is not.

        Raises:
            ProviderError: Nothing would be sent.
        """
        attempt = Attempt(stand_in=NOBODY)
        with contextlib.suppress(HeldBack):
            await self._tried(request, model, attempt)
        if attempt.unsent is None:
            raise ProviderError("litellm asks nobody for this", kind="bad_request")
        return attempt.unsent

    async def understand(self, answered: StandIn, request: Request, *, model: Model) -> Completion:
        """Read an answer that came another way, as if it had come to this request.

        Raises:
            ProviderError: It is a refusal, or cannot be understood.
        """
        return await self._tried(request, model, Attempt(stand_in=answered))

    async def amazon_login(self, request: Request, *, model: Model) -> Any:  # noqa: ANN401 - botocore's Credentials
        """The credentials with which litellm would sign a request to Amazon.

        Raises:
            ProviderError: There are none (`auth`), or they cannot be had.
        """
        key = key_for(model, request.model, self._environment)
        await self._loaded()
        arguments = call_arguments(request, model, key, self._owned)
        given = {name: arguments.get(name) for name in _AMAZON_LOGIN}
        try:
            found = await asyncio.to_thread(_amazon_login, given)
        except Exception as error:
            failure = failure_of(error, Attempt(), model)
            raise without_secrets_in(failure, self._secrets) from None
        if found is None:
            raise ProviderError(
                f"there is no login of Amazon's for {model.label}",
                kind="auth",
                hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
            )
        return found

    async def _tried(self, request: Request, model: Model, attempt: Attempt) -> Completion:
        key = key_for(model, request.model, self._environment)
        litellm = await self._loaded()
        arguments = call_arguments(request, model, key, self._owned)
        attempt.secrets = tuple(s for s in self._secrets if s != key and model.api_base)
        try:
            return await _ask(litellm, arguments, attempt, model)
        except ProviderError as error:
            raise without_secrets_in(error, (*self._secrets, *([key] if key else []))) from None

    async def close(self) -> None:
        """Close litellm's connections and end its background work."""
        if self._litellm is not None:
            await _close(self._litellm)

    async def _loaded(self) -> Any:  # noqa: ANN401 - litellm is untyped
        async with self._loading:
            if self._litellm is None:
                self._litellm = await asyncio.to_thread(_load)
                self._owned = frozenset(getattr(self._litellm, "all_litellm_params", ()))
        return self._litellm


async def _ask(
    litellm: Any,  # noqa: ANN401 - litellm is untyped
    arguments: Mapping[str, Any],
    attempt: Attempt,
    model: Model,
) -> Completion:
    token = ATTEMPT.set(attempt)
    started = time.perf_counter()
    # Nobody is waited for where nothing is sent; what litellm loads first may take its time.
    clock = asyncio.timeout(model.timeout if attempt.stand_in is None else None)
    try:
        async with clock:
            answer = await litellm.acompletion(**arguments)
        return read_answer(answer, attempt, model, time.perf_counter() - started)
    except ProviderError:
        raise
    except Exception as error:
        if clock.expired():
            raise out_of_time(model) from None
        raise failure_of(error, attempt, model) from None
    finally:
        ATTEMPT.reset(token)


def _load() -> Any:  # noqa: ANN401 - litellm is untyped
    try:
        with _LOADING:
            return _load_once()
    except ImportError as error:
        raise ProviderError(
            shorten(f"litellm cannot be imported: {error}"), kind="bad_request", hint=_INSTALL
        ) from None


def refuse_known_bad(installed: str) -> None:
    """Refuse a version of litellm that must not run.

    Raises:
        ProviderError: It is one of `KNOWN_BAD`.
    """
    why = KNOWN_BAD.get(installed)
    if why is not None:
        raise ProviderError(
            f"litellm {installed} {why}, so it is not used", kind="bad_request", hint=_INSTALL
        )


@cache
def _load_once() -> Any:  # noqa: ANN401 - litellm is untyped
    """Import litellm and make it quiet: it must not print, fetch, phone home or retry."""
    refuse_known_bad(version("litellm"))
    os.environ.update(_SWITCHES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import litellm
    warnings.filterwarnings("ignore", module=r"(litellm|pydantic|openai|httpx|aiohttp)(\.|$)")
    for name in ("litellm", "LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "openai"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    settings = {
        "suppress_debug_info": True,
        "set_verbose": False,
        "disable_hf_tokenizer_download": True,
        "telemetry": False,
        "num_retries": 0,
        "drop_params": False,
    }
    for name, value in settings.items():
        setattr(litellm, name, value)
    for name in ("callbacks", "input_callback", "success_callback", "failure_callback"):
        setattr(litellm, name, [])
    _stand_guard()
    gc.collect()
    gc.freeze()
    return litellm


def _stand_guard() -> None:
    """Put the guard between every asynchronous client that litellm makes and the network."""
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

    # litellm offers no other place that all of its clients pass.
    make = AsyncHTTPHandler._create_async_transport

    def make_guarded(*positional: object, **named: object) -> Any:  # noqa: ANN401 - litellm is untyped
        transport = make(*positional, **named)
        transport.handle_async_request = guarded(transport.handle_async_request, _response_of)
        return transport

    AsyncHTTPHandler._create_async_transport = staticmethod(make_guarded)


def _amazon_login(given: Mapping[str, object]) -> Any:  # noqa: ANN401 - botocore's Credentials
    from litellm.llms.bedrock.base_aws_llm import BaseAWSLLM

    return BaseAWSLLM().get_credentials(**given)


def _response_of(stand_in: StandIn, request: Any) -> Any:  # noqa: ANN401 - httpx comes with litellm
    import httpx  # noqa: PLC0415 - late, as litellm is

    headers = {"content-type": "application/json"}
    return httpx.Response(stand_in.status, headers=headers, content=stand_in.body, request=request)


async def _close(litellm: Any) -> None:  # noqa: ANN401 - litellm is untyped
    from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2):
            await GLOBAL_LOGGING_WORKER.flush()
    await GLOBAL_LOGGING_WORKER.stop()
    await litellm.close_litellm_async_clients()
    litellm.in_memory_llm_clients_cache.flush_cache()
