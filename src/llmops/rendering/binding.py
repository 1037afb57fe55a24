"""The inputs of a case in, the variables of a prompt's templates out, every value checked."""

from collections.abc import Mapping, Sequence

from llmops.domain.prompt import Placeholder, Prompt
from llmops.errors import Fault, InvalidInputError, did_you_mean
from llmops.location import Location
from llmops.rendering.handed_in import check_messages
from llmops.rendering.schemas import Check, check_of


class Binder:
    """Checks and completes the inputs of one prompt.

    Attributes:
        names: Every input there is: the declared ones and those of placeholders.
        required: Those that have no default.
    """

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self._placeholders = {
            message.input for message in prompt.messages if isinstance(message, Placeholder)
        }
        self.names = tuple(dict.fromkeys((*prompt.inputs, *sorted(self._placeholders))))
        self._defaults: dict[str, object] = {name: [] for name in self._placeholders}
        self._checks: dict[str, Check | None] = dict.fromkeys(self.names)
        for name, declared in prompt.inputs.items():
            self._checks[name] = check_of(declared.schema)
            if not declared.required:
                self._defaults[name] = declared.default
        self.required = [name for name, one in prompt.inputs.items() if one.required]

    def bind(self, inputs: Mapping[str, object], at: Location | None) -> dict[str, object]:
        """Check inputs and add defaults.

        Args:
            inputs: Values by name.
            at: Where they were given, for complaints.

        Raises:
            InvalidInputError: One is missing, not known, or breaks its schema; all faults.
        """
        faults: list[Fault] = []
        context = self.lay(inputs, at, faults)
        faults += [self.missing(name, inputs, at) for name in self.required if name not in inputs]
        if faults:
            raise InvalidInputError.of(faults)
        return context

    def lay(
        self, inputs: Mapping[str, object], at: Location | None, faults: list[Fault]
    ) -> dict[str, object]:
        """Lay inputs over the defaults; what is wrong with them is added to `faults`."""
        context = self._defaults.copy()
        for name, value in inputs.items():
            if name not in self._checks:
                faults.append(self._unknown(name, at))
                continue
            check = self._checks[name]
            complaint = check(value) if check else None
            if complaint is not None:
                message = f"the input '{name}' is wrong: {complaint}"
                declared = self._prompt.inputs[name].at
                hint = f"its schema is at {declared}"
                place = at or declared
                faults.append(Fault(code="wrong-input", message=message, at=place, hint=hint))
            elif name in self._placeholders:
                faults += check_messages(name, value, at or self._prompt.at)
            context[name] = value
        return context

    def missing(self, name: str, given: Mapping[str, object], at: Location | None) -> Fault:
        """The complaint that an input has no value."""
        unknown = [key for key in given if key not in self._checks]
        near = did_you_mean(name, unknown)
        hint = f"add '{name}:' to the inputs"
        if near is not None:
            hint = f"write '{name}' {near.replace('did you mean', 'in place of').rstrip('?')}"
        place = at or self._prompt.inputs[name].at
        message = f"the input '{name}' of '{self._prompt.name}' has no value"
        return Fault(code="missing-input", message=message, at=place, hint=hint)

    def _unknown(self, name: str, at: Location | None) -> Fault:
        hint = did_you_mean(name, self.names) or _listing(self.names)
        message = f"'{self._prompt.name}' has no input '{name}'"
        return Fault(code="unknown-input", message=message, at=at or self._prompt.at, hint=hint)


def _listing(names: Sequence[str]) -> str:
    return f"its inputs are {', '.join(names)}" if names else "it has no inputs"
