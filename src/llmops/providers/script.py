"""A script: the rules of a scripted model, read from what stands in its file.

The file's format is told in `docs/scripted.md`.
"""

import json
from typing import Any, cast, get_args

import regex
from msgspec import Struct

from llmops.domain.completion import Completion, ToolCall, Usage
from llmops.domain.node import Node, plain
from llmops.errors import InvalidInputError, ProviderErrorKind, did_you_mean
from llmops.providers.fields import (
    Faults,
    complain,
    expect_mapping,
    read_count,
    read_flag,
    read_number,
    read_text,
)

_SCRIPT = ("seed", "rules", "default", "description")
_RULE = ("when", "reply", "replies", "echo", "error", "probability")
_CONDITION = ("contains", "equals", "matches", "role", "model", "ignore_case")
_REPLY = (
    "text", "tool_calls", "finish_reason", "usage", "cost", "reasoning", "latency", "wait",
    "model", "fingerprint",
)  # fmt: skip
_CALL = ("name", "arguments", "id")
_USAGE = ("input", "output", "cached", "cache_written", "reasoning")
_ERROR = ("kind", "message", "status", "retry_after", "times")
_ROLES = ("system", "user", "assistant", "tool", "any")
_KINDS = get_args(ProviderErrorKind)


class Condition(Struct, frozen=True, kw_only=True):
    """What a request must look like; everything that is set must hold.

    Attributes:
        contains: Texts that must all stand in it.
        equals: The whole text, without white space around it.
        matches: A pattern that is found in it.
        role: Whose messages are looked at: all messages of a role, of which there must be one;
            `any` for all there are; None for the last message of the user.
        model: The provider's name for the model.
        ignore_case: Whether capitals do not count.
    """

    contains: tuple[str, ...] = ()
    equals: str | None = None
    matches: "regex.Pattern[str] | None" = None
    role: str | None = None
    model: str | None = None
    ignore_case: bool = False


class Reply(Struct, frozen=True, kw_only=True):
    """What a rule answers.

    Attributes:
        completion: The answer.
        wait: Whether its latency is really waited for.
    """

    completion: Completion
    wait: bool = False


class ScriptedError(Struct, frozen=True, kw_only=True):
    """A failure that a rule plays.

    Attributes:
        times: For how many attempts at a request; None for all of them.
    """

    kind: ProviderErrorKind
    message: str
    status: int | None = None
    retry_after: float | None = None
    times: int | None = None


class Rule(Struct, frozen=True, kw_only=True):
    """A condition and what follows from it.

    Attributes:
        replies: The sample's number picks one, in turn.
        echo: Whether the last message of the user is the answer.
        error: Comes first; when it has been played often enough, the reply follows.
        probability: How often the rule holds where its condition does, 0 to 1.
    """

    when: Condition = Condition()
    replies: tuple[Reply, ...] = ()
    echo: bool = False
    error: ScriptedError | None = None
    probability: float = 1.0


class Script(Struct, frozen=True, kw_only=True):
    """Rules in the order in which they are tried, and the seed of their chances."""

    rules: tuple[Rule, ...]
    seed: int = 0


def read_script(node: Node) -> Script:
    """Read a script.

    Raises:
        InvalidInputError: All that is wrong with it.
    """
    faults: Faults = []
    rules: list[Rule] = []
    seed = None
    if expect_mapping(node, "a script", _SCRIPT, faults):
        seed = read_count(node.get("seed"), "the seed", faults)
        rules = _rules(node, faults)
    if faults:
        raise InvalidInputError.of(faults)
    return Script(rules=tuple(rules), seed=seed or 0)


def _rules(node: Node, faults: Faults) -> list[Rule]:
    listed, default = node.get("rules"), node.get("default")
    if listed is None and default is None:
        complain(node, "a script needs 'rules' or a 'default'", faults)
        return []
    rules: list[Rule] = []
    if listed is not None and listed.kind != "list":
        complain(listed, "'rules' must be a list", faults, "write '- ' before each rule")
    elif listed is not None:
        rules = [_rule(entry, faults) for entry in listed.elements()]
    if default is not None:
        rules.append(Rule(replies=(_reply(default, faults),)))
    return rules


def _rule(node: Node, faults: Faults) -> Rule:
    if not expect_mapping(node, "a rule", _RULE, faults):
        return Rule()
    when, error = node.get("when"), node.get("error")
    echo = read_flag(node.get("echo"), "'echo'", faults)
    replies = _replies(node, faults)
    if bool(replies) and echo:
        complain(node, "a rule cannot both reply and echo", faults)
    if not {"reply", "replies", "echo", "error"}.intersection(node.value):
        complain(node, "a rule needs 'reply', 'replies', 'echo' or 'error'", faults)
    probability = read_number(node.get("probability"), "'probability'", faults, most=1)
    return Rule(
        when=_condition(when, faults) if when is not None else Condition(),
        replies=replies,
        echo=echo,
        error=_error(error, faults) if error is not None else None,
        probability=1.0 if probability is None else probability,
    )


def _replies(node: Node, faults: Faults) -> tuple[Reply, ...]:
    one, several = node.get("reply"), node.get("replies")
    if one is not None and several is not None:
        complain(several, "'reply' and 'replies' exclude each other", faults)
    if several is not None:
        if several.kind != "list" or not several.value:
            complain(several, "'replies' must be a list of replies", faults)
            return ()
        return tuple(_reply(entry, faults) for entry in several.elements())
    return (_reply(one, faults),) if one is not None else ()


def _condition(node: Node, faults: Faults) -> Condition:
    if not expect_mapping(node, "'when'", _CONDITION, faults):
        return Condition()
    role = node.get("role")
    if role is not None and role.value not in _ROLES:
        hint = did_you_mean(str(role.value), _ROLES)
        complain(role, f"'role' must be one of {', '.join(_ROLES)}", faults, hint)
    ignore_case = read_flag(node.get("ignore_case"), "'ignore_case'", faults)
    return Condition(
        contains=_contains(node.get("contains"), faults),
        equals=read_text(node.get("equals"), "'equals'", faults),
        matches=_pattern(node.get("matches"), faults, ignore_case=ignore_case),
        role=role.value if role is not None else None,
        model=read_text(node.get("model"), "'model'", faults),
        ignore_case=ignore_case,
    )


def _contains(node: Node | None, faults: Faults) -> tuple[str, ...]:
    if node is None:
        return ()
    parts = list(node.elements()) if node.kind == "list" else [node]
    texts = [read_text(part, "'contains'", faults) for part in parts]
    return tuple(text for text in texts if text is not None)


def _pattern(
    node: Node | None, faults: Faults, *, ignore_case: bool
) -> "regex.Pattern[str] | None":
    text = read_text(node, "'matches'", faults)
    if node is None or text is None:
        return None
    try:
        return regex.compile(text, regex.IGNORECASE if ignore_case else 0)
    except regex.error as error:
        complain(node, f"'{text}' is no pattern: {error}", faults)
        return None


def _reply(node: Node, faults: Faults) -> Reply:
    if node.kind != "mapping":
        text = read_text(node, "a reply", faults)
        return Reply(completion=Completion(text=text or "", finish_reason="stop"))
    expect_mapping(node, "a reply", _REPLY, faults)
    calls = _tool_calls(node.get("tool_calls"), faults)
    reason = read_text(node.get("finish_reason"), "'finish_reason'", faults)
    return Reply(
        completion=Completion(
            text=read_text(node.get("text"), "'text'", faults) or "",
            tool_calls=calls,
            reasoning=read_text(node.get("reasoning"), "'reasoning'", faults),
            finish_reason=reason or ("tool_calls" if calls else "stop"),
            usage=_usage(node.get("usage"), faults),
            cost=read_number(node.get("cost"), "'cost'", faults),
            latency=read_number(node.get("latency"), "'latency'", faults) or 0.0,
            model=read_text(node.get("model"), "'model'", faults),
            fingerprint=read_text(node.get("fingerprint"), "'fingerprint'", faults),
        ),
        wait=read_flag(node.get("wait"), "'wait'", faults),
    )


def _tool_calls(node: Node | None, faults: Faults) -> tuple[ToolCall, ...]:
    if node is None:
        return ()
    if node.kind != "list":
        complain(node, "'tool_calls' must be a list", faults, "write '- ' before each call")
        return ()
    return tuple(_tool_call(entry, faults) for entry in node.elements())


def _tool_call(node: Node, faults: Faults) -> ToolCall:
    if not expect_mapping(node, "a tool call", _CALL, faults):
        return ToolCall(name="", arguments="")
    name = read_text(node.get("name"), "'name'", faults)
    if node.get("name") is None:
        complain(node, "a tool call needs 'name'", faults)
    arguments = node.get("arguments")
    return ToolCall(
        name=name or "",
        arguments=_as_json_text(arguments.value) if arguments is not None else "{}",
        id=read_text(node.get("id"), "'id'", faults),
    )


def _as_json_text(value: Any) -> str:  # noqa: ANN401 - any value of a file
    return value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False)


def _usage(node: Node | None, faults: Faults) -> Usage:
    if node is None or not expect_mapping(node, "'usage'", _USAGE, faults):
        return Usage()
    counts = {key: read_count(node.get(key), f"'{key}'", faults) for key in _USAGE}
    return Usage(**counts, source="provider")


def _error(node: Node, faults: Faults) -> ScriptedError | None:
    if not expect_mapping(node, "an error", _ERROR, faults):
        return None
    kind = node.get("kind")
    if kind is None or kind.value not in _KINDS:
        hint = did_you_mean(str(kind.value), _KINDS) if kind is not None else None
        complain(kind or node, f"'kind' must be one of {', '.join(_KINDS)}", faults, hint)
        return None
    return ScriptedError(
        kind=cast("ProviderErrorKind", kind.value),
        message=read_text(node.get("message"), "'message'", faults) or "the script says so",
        status=read_count(node.get("status"), "'status'", faults),
        retry_after=read_number(node.get("retry_after"), "'retry_after'", faults),
        times=read_count(node.get("times"), "'times'", faults),
    )
