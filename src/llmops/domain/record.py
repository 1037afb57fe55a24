"""Runs as plain JSON values and back: the one form in files, caches and reports.

What is absent or at its default is left out, so a line stays short; reading fills it in.
"""

from collections.abc import Callable, Mapping
from functools import cache
from math import inf
from operator import attrgetter
from typing import Any, get_args

from msgspec import NODEFAULT, Struct, convert
from msgspec.structs import fields

from llmops.domain.completion import Completion, Request, Usage
from llmops.domain.run import (
    Arm,
    Exchange,
    Failure,
    Origin,
    RunFooter,
    RunHeader,
    Status,
    StoppedBy,
    TrialResult,
)
from llmops.domain.score import AssertionScore, Score, ScoreStatus
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
    whole = _sparse(completion)
    if completion.latency:
        whole["latency"] = round(completion.latency, 6)
    if completion.tool_calls:
        whole["tool_calls"] = [_sparse(call) for call in completion.tool_calls]
    if completion.usage != Usage():
        whole["usage"] = _sparse(completion.usage)
    return whole


def completion_from_json(value: Mapping[str, Any]) -> Completion:
    """Read what `completion_to_json` wrote, or somebody else.

    Raises:
        ValueError: A part is missing or has the wrong type, or a number cannot be what it says.
    """
    completion = convert(value, Completion)
    usage = completion.usage
    counts = (usage.input, usage.output, usage.cached, usage.cache_written, usage.reasoning)
    numbers = (*counts, completion.cost, completion.latency)
    if not all(0 <= number < inf for number in numbers if number is not None):
        msg = "a completion's tokens, cost and latency are no numbers below 0"
        raise ValueError(msg)
    return completion


def trial_to_json(trial: TrialResult) -> Json:
    """A trial as plain values."""
    whole = _sparse(trial, path="suite_path")
    whole |= {"arm": _sparse(trial.arm, hash="content_hash"), "at": location_to_json(trial.at)}
    if trial.exchanges:
        whole["exchanges"] = [_exchange_to_json(exchange) for exchange in trial.exchanges]
    return whole


def trial_from_json(value: Mapping[str, Any]) -> TrialResult:
    """Read what `trial_to_json` wrote.

    Raises:
        KeyError: A part is missing.
        TypeError: A part has the wrong type.
        ValueError: A place or a status cannot be read.
    """
    return TrialResult(
        id=value["id"],
        suite=value["suite"],
        suite_path=value["path"],
        case=value["case"],
        case_hash=value["case_hash"],
        arm=_arm_from_json(value["arm"]),
        sample=value["sample"],
        status=_one_of(Status, value["status"]),
        at=location_from_json(value["at"]),
        inputs=value.get("inputs", {}),
        tags=tuple(value.get("tags", ())),
        exchanges=tuple(_exchange_from_json(item) for item in value.get("exchanges", ())),
        reason=value.get("reason"),
        cluster=value.get("cluster"),
        quarantined=value.get("quarantined"),
    )


def header_to_json(header: RunHeader) -> Json:
    """A run's header as plain values."""
    return _sparse(header)


def header_from_json(value: Mapping[str, Any]) -> RunHeader:
    """Read what `header_to_json` wrote.

    Raises:
        KeyError: A part is missing.
        TypeError: A part has the wrong type.
    """
    return RunHeader(
        id=value["id"],
        started=value["started"],
        planned=value["planned"] + 0,
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
    return {**_sparse(footer), "duration": round(footer.duration, 3)}


def footer_from_json(value: Mapping[str, Any]) -> RunFooter:
    """Read what `footer_to_json` wrote.

    Raises:
        KeyError: A part is missing.
        ValueError: What stopped the run is not known.
    """
    stopped_by = value.get("stopped_by")
    return RunFooter(
        finished=value["finished"],
        duration=value["duration"],
        stopped_by=None if stopped_by is None else _one_of(StoppedBy, stopped_by),
    )


def _sparse(value: Struct, **renamed: str) -> Json:
    """The attributes that are not at their default; `renamed` is new to old name."""
    names = {old: new for new, old in renamed.items()}
    whole: Json = {}
    defaults, attributes = _defaults(type(value))
    for (name, default), attribute in zip(defaults, attributes(value), strict=True):
        if attribute is default or attribute == default:
            continue
        whole[names.get(name, name)] = list(attribute) if type(attribute) is tuple else attribute
    return whole


@cache
def _defaults(
    cls: type[Struct],
) -> tuple[tuple[tuple[str, object], ...], Callable[[object], tuple[Any, ...]]]:
    """The attributes' names with their defaults, and what takes them all from a value at once."""
    defaults = tuple(
        (item.name, item.default if item.default_factory is NODEFAULT else item.default_factory())
        for item in fields(cls)
    )
    return defaults, attrgetter(*(name for name, _default in defaults))


def _one_of(words: Any, word: Any) -> Any:  # noqa: ANN401 - a Literal in, one of its words out
    if word not in get_args(words):
        msg = f"'{word}' is none of {', '.join(get_args(words))}"
        raise ValueError(msg)
    return word


def _arm_from_json(value: Mapping[str, Any]) -> Arm:
    return Arm(
        prompt=value["prompt"],
        model=value["model"],
        version=value.get("version"),
        content_hash=value.get("hash"),
        parameters=value.get("parameters", {}),
    )


def _exchange_to_json(exchange: Exchange) -> Json:
    whole = _sparse(exchange)
    if exchange.request is not None:
        whole["request"] = exchange.request.as_json()
    if exchange.completion is not None:
        whole |= {"completion": completion_to_json(exchange.completion), "origin": exchange.origin}
    if exchange.failure is not None:
        whole["failure"] = _placed(exchange.failure)
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
        origin=_one_of(Origin, value.get("origin", "live")),
        scores=tuple(_score_from_json(item) for item in value.get("scores", ())),
        failure=_failure_from_json(failure) if failure is not None else None,
        attempts=value.get("attempts", 0),
    )


def _failure_from_json(value: Mapping[str, Any]) -> Failure:
    return Failure(
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
    told = {"metric": entry.metric, "weight": entry.weight, "soft": entry.soft}
    usual = {"metric": None, "weight": 1.0, "soft": False}
    if told != usual:
        whole |= {name: value for name, value in told.items() if value != usual[name]}
    return whole | {"status": score.status, "value": score.value, "reason": score.reason}


def _score_from_json(value: Mapping[str, Any]) -> AssertionScore:
    status = _one_of(ScoreStatus, value["status"])
    return AssertionScore(
        label=value["label"],
        scorer=value["scorer"],
        score=Score(status=status, value=value["value"], reason=value["reason"]),
        at=_place_from_json(value),
        metric=value.get("metric"),
        weight=value.get("weight", 1.0),
        soft=value.get("soft", False),
    )


def _placed(value: Failure | AssertionScore) -> Json:
    whole = _sparse(value)
    return whole if value.at is None else {**whole, "at": location_to_json(value.at)}


def _place_from_json(value: Mapping[str, Any]) -> Location | None:
    at = value.get("at")
    return None if at is None else location_from_json(at)
