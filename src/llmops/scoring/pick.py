"""From a completion and an assertion's `on` to what is judged."""

from collections.abc import Callable, Mapping

from msgspec import Struct, field
from msgspec.structs import asdict

from llmops.domain.completion import Completion, ToolCall
from llmops.errors import CannotScoreError
from llmops.scoring.base import PickError, Subject
from llmops.scoring.json_text import NoSuchPathError, NotJsonError, find, is_path, parse_json

_JSON = "json."


class Subjects(Struct, kw_only=True):
    """What can be judged of one completion. Each part is read once, when it is first asked for.

    A subject leads back here, so none is kept here: a ring would hold every completion of a run in
    memory until the garbage collector comes by.

    Attributes:
        inputs: The case's inputs.
        row: The dataset's row, if there is one.
    """

    completion: Completion
    inputs: Mapping[str, object] = field(default_factory=dict)
    row: Mapping[str, object] | None = None
    _picked: dict[str, object] = field(default_factory=dict)
    _refused: dict[str, str] = field(default_factory=dict)

    def of(self, on: str) -> Subject:
        """The subject for an `on`; empty stands for nothing in particular.

        Raises:
            PickError: The model did not give it.
            CannotScoreError: Nobody knows it.
        """
        if on not in self._picked:
            self._picked[on] = self._remembered(on)
        return Subject(
            completion=self.completion,
            picked=self._picked[on],
            on=on,
            inputs=self.inputs,
            row=self.row,
            part=self.of,
        )

    def _remembered(self, on: str) -> object:
        if on in self._refused:
            raise PickError(self._refused[on])
        try:
            return self._pick(on)
        except PickError as error:
            self._refused[on] = str(error)
            raise

    def _pick(self, on: str) -> object:
        if on == "text":
            return self._text()
        if on == "json":
            return self._json()
        if on.startswith(_JSON):
            return self._inside(on.removeprefix(_JSON))
        picker = _PICKERS.get(on)
        if picker is None:
            raise PickError(f"there is no '{on}' to judge")
        return picker(self.completion)

    def _text(self) -> object:
        whole = self.completion
        return whole.text if whole.output is None else whole.output

    def _json(self) -> object:
        if self.completion.output is not None:
            return self.completion.output
        try:
            return parse_json(self.completion.text)
        except NotJsonError as error:
            raise PickError(f"the output is not JSON: {error}") from None

    def _inside(self, path: str) -> object:
        try:
            return find(self.of("json").picked, path)
        except NoSuchPathError as error:
            raise PickError(f"there is no 'json.{path}': {error}") from None


def is_pick(on: str) -> bool:
    """Whether an `on` names something that can be judged, as far as can be told beforehand."""
    return not on.startswith(_JSON) or is_path(on.removeprefix(_JSON))


def json_value(subject: Subject) -> object:
    """What is judged as a JSON value: text is read as JSON, other values are taken as they are.

    Raises:
        PickError: The text is not JSON.
    """
    if subject.on == "text":
        return subject.part("json").picked
    if subject.on != "reasoning":
        return subject.picked
    try:
        return parse_json(subject.text)
    except NotJsonError as error:
        raise PickError(f"the reasoning is not JSON: {error}") from None


def _nothing(completion: Completion) -> object:
    del completion
    return None


def _reasoning(completion: Completion) -> object:
    if completion.reasoning is None:
        raise PickError("the completion has no reasoning")
    return completion.reasoning


def _tool_calls(completion: Completion) -> object:
    return [_tool_call(call) for call in completion.tool_calls]


def _tool_call(call: ToolCall) -> dict[str, object]:
    try:
        return {"name": call.name, "arguments": parse_json(call.arguments)}
    except NotJsonError:
        return {"name": call.name, "arguments": call.arguments}


def _usage(completion: Completion) -> object:
    counts = asdict(completion.usage)
    if all(count is None for name, count in counts.items() if name != "source"):
        raise CannotScoreError("nobody counted the tokens")
    return counts


def _cost(completion: Completion) -> object:
    if completion.cost is None:
        raise CannotScoreError("nobody knows what the completion cost")
    return completion.cost


def _latency(completion: Completion) -> object:
    if completion.latency <= 0:
        raise CannotScoreError("nobody knows how long the completion took")
    return completion.latency


def _finish_reason(completion: Completion) -> object:
    if not completion.finish_reason:
        raise CannotScoreError("the provider gave no finish reason")
    return completion.finish_reason


_PICKERS: Mapping[str, Callable[[Completion], object]] = {
    "": _nothing,
    "reasoning": _reasoning,
    "tool_calls": _tool_calls,
    "usage": _usage,
    "cost": _cost,
    "latency": _latency,
    "finish_reason": _finish_reason,
}
