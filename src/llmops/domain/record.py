"""Trials and completions as plain JSON values and back: the one form in files, caches and reports.

What is absent or at its default is left out, so a line stays short; reading fills it in.
"""

import json
from collections.abc import Mapping
from math import inf
from typing import Any, TypeVar

from msgspec import DecodeError, Struct, convert
from msgspec.json import decode
from msgspec.structs import asdict

from llmops.domain.completion import Completion, Request
from llmops.domain.run import (
    Arm,
    Exchange,
    Failure,
    TrialResult,
)
from llmops.domain.score import AssertionScore, Score
from llmops.location import Location

Json = dict[str, Any]
Kind = TypeVar("Kind", bound=Struct)


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
    whole = _known(completion, "tool_calls", "latency")
    if completion.latency:
        whole["latency"] = round(completion.latency, 6)
    if completion.tool_calls:
        whole["tool_calls"] = [_known(call) for call in completion.tool_calls]
    usage = _known(completion.usage)
    if usage["source"] == "none":
        del usage["source"]
    if usage:
        whole["usage"] = usage
    else:
        del whole["usage"]
    return whole


def completion_from_json(value: Mapping[str, Any]) -> Completion:
    """Read what `completion_to_json` wrote, or somebody else.

    Raises:
        ValueError: A part is missing or has the wrong type, or a number cannot be what it says.
    """
    return _sound(convert(value, Completion))


def completion_from_text(text: str | bytes) -> Completion:
    """Read a completion's JSON; raises what `completion_from_json` raises, and RecursionError."""
    try:
        completion = decode(text, type=Completion)
    except (DecodeError, UnicodeError, RecursionError):
        return completion_from_json(json.loads(text))
    return _sound(completion)


def trial_to_json(trial: TrialResult) -> Json:
    """A trial as plain values."""
    exchanges = [_exchange_to_json(exchange) for exchange in trial.exchanges]
    whole = {
        "id": trial.id,
        "suite": trial.suite,
        "path": trial.suite_path,
        "case": trial.case,
        "case_hash": trial.case_hash,
        "arm": _arm_to_json(trial.arm),
        "sample": trial.sample,
        "status": trial.status,
        "at": location_to_json(trial.at),
        "inputs": trial.inputs or None,
        "tags": trial.tags or None,
        "exchanges": exchanges or None,
        "reason": trial.reason,
        "cluster": trial.cluster,
        "quarantined": trial.quarantined,
    }
    return _told(whole)


def trial_from_json(value: Mapping[str, Any]) -> TrialResult:
    """Read what `trial_to_json` wrote.

    Raises:
        KeyError: A part is missing.
        TypeError: A part cannot be gone through.
        ValueError: A part has the wrong type, or a place cannot be read.
    """
    return held_to(
        TrialResult,
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
        quarantined=value.get("quarantined"),
    )


def held_to(shape: type[Kind], /, **parts: object) -> Kind:
    """A value of its parts, each of the type that it must have.

    Raises:
        ValueError: One is not.
    """
    return convert(parts, shape)


def _sound(completion: Completion) -> Completion:
    usage = completion.usage
    counts = (usage.input, usage.output, usage.cached, usage.cache_written, usage.reasoning)
    numbers = (*counts, completion.cost, completion.latency)
    if not all(0 <= number < inf for number in numbers if number is not None):
        msg = "a completion's tokens, cost and latency are no numbers below 0"
        raise ValueError(msg)
    return completion


def _told(whole: Json) -> Json:
    return {name: value for name, value in whole.items() if value is not None}


def _known(value: Struct, *unless_empty: str) -> Json:
    """The attributes that are not None; some of them only if there is something in them."""
    whole = _told(asdict(value))
    for name in unless_empty:
        if not whole[name]:
            del whole[name]
    return whole


def _arm_to_json(arm: Arm) -> Json:
    whole = {
        "prompt": arm.prompt,
        "model": arm.model,
        "version": arm.version,
        "hash": arm.content_hash,
        "parameters": arm.parameters or None,
    }
    return _told(whole)


def _arm_from_json(value: Mapping[str, Any]) -> Arm:
    return held_to(
        Arm,
        prompt=value["prompt"],
        model=value["model"],
        version=value.get("version"),
        content_hash=value.get("hash"),
        parameters=value.get("parameters", {}),
    )


def _exchange_to_json(exchange: Exchange) -> Json:
    whole = _known(exchange, "name", "digest", "scores", "attempts")
    if exchange.origin == "live":
        del whole["origin"]
    if exchange.request is not None:
        whole["request"] = exchange.request.as_json()
    if exchange.completion is not None:
        whole["completion"] = completion_to_json(exchange.completion)
        whole["origin"] = exchange.origin
    if exchange.failure is not None:
        whole["failure"] = _failure_to_json(exchange.failure)
    if exchange.scores:
        whole["scores"] = [_score_to_json(score) for score in exchange.scores]
    return whole


def _exchange_from_json(value: Mapping[str, Any]) -> Exchange:
    request, completion = value.get("request"), value.get("completion")
    failure = value.get("failure")
    return held_to(
        Exchange,
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
    whole = _known(failure)
    if failure.at is not None:
        whole["at"] = location_to_json(failure.at)
    return whole


def _failure_from_json(value: Mapping[str, Any]) -> Failure:
    return held_to(
        Failure,
        kind=value["kind"],
        message=value["message"],
        status=value.get("status"),
        at=_place_from_json(value),
        hint=value.get("hint"),
    )


def _score_to_json(entry: AssertionScore) -> Json:
    score = entry.score
    whole: Json = {"label": entry.label, "scorer": entry.scorer}
    if entry.at is not None:
        whole["at"] = location_to_json(entry.at)
    if entry.metric is not None:
        whole["metric"] = entry.metric
    if entry.weight != 1.0:
        whole["weight"] = entry.weight
    if entry.soft:
        whole["soft"] = True
    whole["status"], whole["value"], whole["reason"] = score.status, score.value, score.reason
    return whole


def _score_from_json(value: Mapping[str, Any]) -> AssertionScore:
    return held_to(
        AssertionScore,
        label=value["label"],
        scorer=value["scorer"],
        score=held_to(Score, status=value["status"], value=value["value"], reason=value["reason"]),
        at=_place_from_json(value),
        metric=value.get("metric"),
        weight=value.get("weight", 1.0),
        soft=value.get("soft", False),
    )


def _place_from_json(value: Mapping[str, Any]) -> Location | None:
    at = value.get("at")
    return None if at is None else location_from_json(at)
