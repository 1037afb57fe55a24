"""Runs as plain JSON values and back: the one form in files, caches and reports.

What is empty or at its default is left out, so a line stays short; reading fills it in.
"""

from collections.abc import Mapping
from typing import Any

from llmops.domain.completion import Completion, Request, ToolCall, Usage
from llmops.domain.run import Arm, Exchange, Failure, RunFooter, RunHeader, TrialResult
from llmops.domain.score import AssertionScore, Score
from llmops.location import Location

Json = dict[str, Any]


def location_to_json(at: Location) -> str:
    """A place as `path:line:column`."""
    return f"{at.path}:{at.line}:{at.column}"


def location_from_json(text: str) -> Location:
    """Read `path:line:column`.

    Raises:
        ValueError: It is no such text.
    """
    path, line, column = text.rsplit(":", 2)
    return Location(path, int(line), int(column))


def request_from_json(value: Mapping[str, Any]) -> Request:
    """Read what `Request.as_json` wrote.

    Raises:
        KeyError: The model or the messages are missing.
    """
    return Request(
        model=value["model"],
        messages=tuple(value["messages"]),
        parameters=value.get("parameters", {}),
        tools=tuple(value.get("tools", ())),
        tool_choice=value.get("tool_choice"),
        response_format=value.get("response_format"),
    )


def completion_to_json(completion: Completion) -> Json:
    """A completion as plain values."""
    whole: Json = {"text": completion.text}
    for name in ("output", "reasoning", "finish_reason", "cost", "model", "fingerprint"):
        value = getattr(completion, name)
        if value is not None:
            whole[name] = value
    if completion.latency:
        whole["latency"] = round(completion.latency, 6)
    if completion.logprobs is not None:
        whole["logprobs"] = completion.logprobs
    if completion.tool_calls:
        whole["tool_calls"] = [
            {"name": call.name, "arguments": call.arguments, **({"id": call.id} if call.id else {})}
            for call in completion.tool_calls
        ]
    usage = _usage_to_json(completion.usage)
    if usage:
        whole["usage"] = usage
    return whole


def completion_from_json(value: Mapping[str, Any]) -> Completion:
    """Read what `completion_to_json` wrote.

    Raises:
        KeyError: The text is missing.
        TypeError: A part has the wrong type.
    """
    usage = value.get("usage") or {}
    return Completion(
        text=value["text"],
        tool_calls=tuple(ToolCall(**call) for call in value.get("tool_calls", ())),
        output=value.get("output"),
        reasoning=value.get("reasoning"),
        finish_reason=value.get("finish_reason"),
        usage=Usage(**usage),
        cost=value.get("cost"),
        latency=value.get("latency", 0.0),
        model=value.get("model"),
        fingerprint=value.get("fingerprint"),
        logprobs=value.get("logprobs"),
    )


def trial_to_json(trial: TrialResult) -> Json:
    """A trial as plain values."""
    whole: Json = {
        "id": trial.id,
        "suite": trial.suite,
        "path": trial.suite_path,
        "case": trial.case,
        "case_hash": trial.case_hash,
        "arm": _arm_to_json(trial.arm),
        "sample": trial.sample,
        "status": trial.status,
        "at": location_to_json(trial.at),
    }
    if trial.inputs:
        whole["inputs"] = trial.inputs
    if trial.tags:
        whole["tags"] = list(trial.tags)
    if trial.exchanges:
        whole["exchanges"] = [_exchange_to_json(exchange) for exchange in trial.exchanges]
    if trial.reason is not None:
        whole["reason"] = trial.reason
    if trial.cluster is not None:
        whole["cluster"] = trial.cluster
    return whole


def trial_from_json(value: Mapping[str, Any]) -> TrialResult:
    """Read what `trial_to_json` wrote.

    Raises:
        KeyError: A part is missing.
        TypeError: A part has the wrong type.
        ValueError: A place cannot be read.
    """
    return TrialResult(
        id=value["id"],
        suite=value["suite"],
        suite_path=value["path"],
        case=value["case"],
        case_hash=value["case_hash"],
        arm=_arm_from_json(value["arm"]),
        sample=value["sample"],
        status=value["status"],
        at=location_from_json(value["at"]),
        inputs=value.get("inputs", {}),
        tags=tuple(value.get("tags", ())),
        exchanges=tuple(_exchange_from_json(item) for item in value.get("exchanges", ())),
        reason=value.get("reason"),
        cluster=value.get("cluster"),
    )


def header_to_json(header: RunHeader) -> Json:
    """A run's header as plain values."""
    whole: Json = {"id": header.id, "started": header.started, "planned": header.planned}
    for name in ("command", "selection", "models"):
        if getattr(header, name):
            whole[name] = list(getattr(header, name))
    for name in ("commit", "dirty", "seed", "untrusted"):
        if getattr(header, name):
            whole[name] = getattr(header, name)
    for name in ("prompts", "suites", "versions", "options"):
        if getattr(header, name):
            whole[name] = dict(getattr(header, name))
    return whole


def header_from_json(value: Mapping[str, Any]) -> RunHeader:
    """Read what `header_to_json` wrote.

    Raises:
        KeyError: A part is missing.
    """
    return RunHeader(
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
    whole: Json = {"finished": footer.finished, "duration": round(footer.duration, 3)}
    if footer.stopped_by is not None:
        whole["stopped_by"] = footer.stopped_by
    return whole


def footer_from_json(value: Mapping[str, Any]) -> RunFooter:
    """Read what `footer_to_json` wrote.

    Raises:
        KeyError: A part is missing.
    """
    return RunFooter(
        finished=value["finished"],
        duration=value["duration"],
        stopped_by=value.get("stopped_by"),
    )


def _usage_to_json(usage: Usage) -> Json:
    names = ("input", "output", "cached", "reasoning")
    counted = {name: getattr(usage, name) for name in names if getattr(usage, name) is not None}
    return {**counted, "source": usage.source} if usage.source != "none" or counted else {}


def _arm_to_json(arm: Arm) -> Json:
    whole: Json = {"prompt": arm.prompt, "model": arm.model}
    if arm.version is not None:
        whole["version"] = arm.version
    if arm.content_hash is not None:
        whole["hash"] = arm.content_hash
    if arm.parameters:
        whole["parameters"] = dict(arm.parameters)
    return whole


def _arm_from_json(value: Mapping[str, Any]) -> Arm:
    return Arm(
        prompt=value["prompt"],
        model=value["model"],
        version=value.get("version"),
        content_hash=value.get("hash"),
        parameters=value.get("parameters", {}),
    )


def _exchange_to_json(exchange: Exchange) -> Json:
    whole: Json = {}
    if exchange.name:
        whole["name"] = exchange.name
    if exchange.digest:
        whole["digest"] = exchange.digest
    if exchange.request is not None:
        whole["request"] = exchange.request.as_json()
    if exchange.inputs is not None:
        whole["inputs"] = exchange.inputs
    if exchange.completion is not None:
        whole["completion"] = completion_to_json(exchange.completion)
        whole["origin"] = exchange.origin
    if exchange.failure is not None:
        whole["failure"] = _failure_to_json(exchange.failure)
    if exchange.attempts:
        whole["attempts"] = exchange.attempts
    if exchange.scores:
        whole["scores"] = [_score_to_json(score) for score in exchange.scores]
    return whole


def _exchange_from_json(value: Mapping[str, Any]) -> Exchange:
    request, completion = value.get("request"), value.get("completion")
    failure = value.get("failure")
    return Exchange(
        name=value.get("name", ""),
        digest=value.get("digest", ""),
        request=request_from_json(request) if request is not None else None,
        inputs=value.get("inputs"),
        completion=completion_from_json(completion) if completion is not None else None,
        origin=value.get("origin", "live"),
        scores=tuple(_score_from_json(item) for item in value.get("scores", ())),
        failure=_failure_from_json(failure) if failure is not None else None,
        attempts=value.get("attempts", 0),
    )


def _failure_to_json(failure: Failure) -> Json:
    whole: Json = {"kind": failure.kind, "message": failure.message}
    if failure.status is not None:
        whole["status"] = failure.status
    if failure.at is not None:
        whole["at"] = location_to_json(failure.at)
    if failure.hint is not None:
        whole["hint"] = failure.hint
    return whole


def _failure_from_json(value: Mapping[str, Any]) -> Failure:
    at = value.get("at")
    return Failure(
        kind=value["kind"],
        message=value["message"],
        status=value.get("status"),
        at=location_from_json(at) if at is not None else None,
        hint=value.get("hint"),
    )


def _score_to_json(entry: AssertionScore) -> Json:
    score = entry.score
    whole: Json = {
        "label": entry.label,
        "scorer": entry.scorer,
        "status": score.status,
        "value": score.value,
        "reason": score.reason,
    }
    if entry.at is not None:
        whole["at"] = location_to_json(entry.at)
    if entry.metric is not None:
        whole["metric"] = entry.metric
    if entry.weight != 1.0:
        whole["weight"] = entry.weight
    if entry.soft:
        whole["soft"] = True
    return whole


def _score_from_json(value: Mapping[str, Any]) -> AssertionScore:
    at = value.get("at")
    return AssertionScore(
        label=value["label"],
        scorer=value["scorer"],
        score=Score(status=value["status"], value=value["value"], reason=value["reason"]),
        at=location_from_json(at) if at is not None else None,
        metric=value.get("metric"),
        weight=value.get("weight", 1.0),
        soft=value.get("soft", False),
    )
