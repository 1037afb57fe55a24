"""A change: what differs between two versions of a prompt, part by part."""

from typing import Literal, get_args

from msgspec import Struct

Kind = Literal["wording", "inputs", "output", "model", "parameters", "tools"]
"""What a part is about."""

Step = Literal["none", "patch", "minor", "major"]
"""How much of a semantic version a change asks for, the least first."""

_KINDS: tuple[Kind, ...] = get_args(Kind)
_STEPS: tuple[Step, ...] = get_args(Step)


class PartChange(Struct, frozen=True, kw_only=True):
    """One part that differs.

    Attributes:
        part: What it is called: `system message`, `input tone`, `partial partials/refund.md`.
        kind: What it is about.
        step: What it asks for by itself.
        before: The part as text, with LF line ends; None when it was added.
        after: The same; None when it was removed.
        reason: What happened, in a few words.
    """

    part: str
    kind: Kind
    step: Step
    before: str | None
    after: str | None
    reason: str


class Change(Struct, frozen=True, kw_only=True):
    """All that differs; nothing when two versions send the same requests."""

    parts: tuple[PartChange, ...]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What the change is about, each kind once."""
        found = {part.kind for part in self.parts}
        return tuple(kind for kind in _KINDS if kind in found)

    @property
    def step(self) -> Step:
        """The largest step that a part asks for."""
        return max((part.step for part in self.parts), key=_STEPS.index, default="none")
