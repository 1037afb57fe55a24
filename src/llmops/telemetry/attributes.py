"""What is said of runs, trials and attempts, under the names of OpenTelemetry's conventions."""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from llmops.domain.attempt import MadeAttempt
from llmops.domain.case_names import without_words
from llmops.domain.completion import Completion, Request, Usage
from llmops.domain.config import Model
from llmops.domain.record import location_to_json
from llmops.domain.run import RunHeader, TrialResult
from llmops.domain.score import AssertionScore
from llmops.domain.verdict import Verdict

Value = str | bool | int | float | tuple[str, ...]
Attributes = dict[str, Value]
Clean = Callable[[str], str]

_PROVIDERS: Mapping[str, str] = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "cohere_chat": "cohere",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""litellm's names of providers, where OpenTelemetry has others."""
_NUMBERS: Mapping[str, type[int] | type[float]] = {
    "temperature": float,
    "top_p": float,
    "top_k": float,
    "frequency_penalty": float,
    "presence_penalty": float,
    "max_tokens": int,
    "seed": int,
}
_SUITE_STATUS: Mapping[str, str] = {
    "passed": "success",
    "failed": "failure",
    "error": "failure",
    "empty": "skipped",
}


def of_run(header: RunHeader) -> Attributes:
    """What a run set out to do."""
    return _known(
        {
            "openinference.span.kind": "CHAIN",
            "llmops.run.id": header.id,
            "llmops.run.planned": header.planned,
            "llmops.run.models": header.models or None,
            "llmops.run.untrusted": header.untrusted,
            "vcs.ref.head.revision": header.commit,
        }
    )


def of_verdict(verdict: Verdict) -> Attributes:
    """What a run came to."""
    totals = verdict.totals
    return {
        "test.suite.run.status": _SUITE_STATUS.get(verdict.status, "aborted"),
        "llmops.verdict": verdict.status,
        "llmops.exit_code": verdict.exit_code,
        "llmops.cost": totals.spent,
        "llmops.unpriced": totals.unpriced,
        "llmops.calls": totals.calls,
        **{
            f"llmops.trials.{name}": getattr(totals, name)
            for name in ("passed", "failed", "error", "unscored", "skipped", "missing")
        },
    }


def of_trial(trial: TrialResult) -> Attributes:
    """Which trial it was, and how it ended; no word of its inputs."""
    results = {"passed": "pass", "failed": "fail"}
    costs = [e.completion.cost for e in trial.exchanges if e.completion is not None]
    known = [cost for cost in costs if cost is not None]
    return _known(
        {
            "openinference.span.kind": "CHAIN",
            "test.suite.name": trial.suite,
            "test.case.name": without_words(trial.case, trial.inputs),
            "test.case.result.status": results.get(trial.status),
            "llmops.trial.id": trial.id,
            "llmops.trial.status": trial.status,
            "llmops.trial.sample": trial.sample,
            "llmops.trial.value": trial.value,
            "llmops.trial.quarantined": trial.quarantined is not None,
            "llmops.case.at": location_to_json(trial.at),
            "llmops.case.hash": trial.case_hash,
            "llmops.case.tags": trial.tags or None,
            "llmops.model": trial.arm.model or None,
            "llmops.prompt": trial.arm.prompt,
            "llmops.prompt.version": trial.arm.version,
            "llmops.prompt.hash": trial.arm.content_hash,
            "llmops.origin": trial.origin if trial.answered else None,
            "llmops.cost": sum(known) if costs and len(known) == len(costs) else None,
            "error.type": trial.failure.kind if trial.failure is not None else None,
        }
    )


def of_score(score: AssertionScore, *, content: bool) -> Attributes:
    """What an assertion came to; why is said only where content is wanted, for it quotes."""
    unscored = score.score.status == "unscored"
    return _known(
        {
            "gen_ai.evaluation.name": score.metric or score.scorer,
            "gen_ai.evaluation.score.label": score.score.status,
            "gen_ai.evaluation.score.value": None if unscored else score.score.value,
            "gen_ai.evaluation.explanation": score.score.reason if content else None,
            "llmops.assertion": score.label if content else None,
            "llmops.assertion.at": location_to_json(score.at) if score.at is not None else None,
            "llmops.assertion.soft": score.soft,
        }
    )


def of_attempt(attempt: MadeAttempt) -> Attributes:
    """Who was asked with which parameters, and what the answer took; none of the words."""
    failure, completion = attempt.failure, attempt.completion
    whole = {
        **who(attempt),
        "llmops.attempt": attempt.number,
        "error.type": failure.kind if failure is not None else None,
        "http.response.status_code": failure.status if failure is not None else None,
    }
    if attempt.request is not None:
        whole |= _asked(attempt.request)
    if completion is not None:
        whole |= _answered(completion)
    return _known(whole)


def who(attempt: MadeAttempt) -> Attributes:
    """Who was asked: few values, so that metrics can be told apart by them."""
    model = attempt.model
    if model is None:
        return {"llmops.target": attempt.target}
    prefix, _, name = model.name.partition("/")
    return _known(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": _PROVIDERS.get(prefix, prefix),
            "gen_ai.request.model": name or prefix,
            "llmops.model": model.label,
            **_server(model),
        }
    )


def redacted(attributes: Attributes, clean: Clean) -> Attributes:
    """The same without secrets."""
    return {name: _redacted(value, clean) for name, value in attributes.items()}


def _redacted(value: Value, clean: Clean) -> Value:
    if isinstance(value, str):
        return clean(value)
    return tuple(clean(part) for part in value) if isinstance(value, tuple) else value


def _server(model: Model) -> dict[str, Value | None]:
    if model.api_base is None:
        return {}
    parts = urlsplit(model.api_base)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return {"server.address": parts.hostname, "server.port": port}


def _asked(request: Request) -> dict[str, Value | None]:
    parameters = dict(request.parameters)
    parameters.setdefault("max_tokens", parameters.get("max_completion_tokens"))
    stop = parameters.get("stop")
    stops = [stop] if isinstance(stop, str) else stop
    return {
        **{
            f"gen_ai.request.{name}": kind(value)
            for name, kind in _NUMBERS.items()
            if isinstance(value := parameters.get(name), int | float)
        },
        "gen_ai.request.stop_sequences": tuple(map(str, stops))
        if isinstance(stops, list | tuple)
        else None,
        "gen_ai.output.type": "json" if request.response_format is not None else None,
    }


def _answered(completion: Completion) -> dict[str, Value | None]:
    finish = completion.finish_reason
    return {
        "gen_ai.response.model": completion.model,
        "gen_ai.response.finish_reasons": (finish,) if finish else None,
        "llmops.cost": completion.cost,
        **_tokens(completion.usage),
    }


def _tokens(usage: Usage) -> dict[str, Value | None]:
    """Only what the provider counted goes by the names of facts."""
    if usage.source != "provider":
        return {"llmops.usage.source": usage.source}
    return {
        "gen_ai.usage.input_tokens": usage.input,
        "gen_ai.usage.output_tokens": usage.output,
        "gen_ai.usage.cache_read.input_tokens": usage.cached,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_written,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning,
    }


def _known(attributes: Mapping[str, Value | None]) -> Attributes:
    return {name: value for name, value in attributes.items() if value is not None}
