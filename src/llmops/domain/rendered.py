"""What the cases of a suite look like under two versions of a prompt."""

from msgspec import Struct

from llmops.domain.difference import TextDiff
from llmops.domain.run import Failure


class CaseName(Struct, frozen=True, order=True):
    """A case by its suite and id."""

    suite: str
    case: str

    def __str__(self) -> str:
        return f"{self.suite}::{self.case}"


class MessageChange(Struct, frozen=True, kw_only=True):
    """One message that differs.

    Attributes:
        message: What it is called: `system message`, `message 3 (user)`.
        status: Whether the message was added, removed or has another content.
        diff: Its text on both sides; empty text on the side that lacks it.
    """

    message: str
    status: str
    diff: TextDiff


class RenderedGroup(Struct, frozen=True, kw_only=True):
    """Cases whose messages change in the same way.

    Attributes:
        changes: As they are in the first of the cases.
        cases: In the order of the suites.
        tokens_before: An estimate of the tokens of the messages of all the cases together.
        tokens_after: The same for the second version.
    """

    changes: tuple[MessageChange, ...]
    cases: tuple[CaseName, ...]
    tokens_before: int
    tokens_after: int


class Unrendered(Struct, frozen=True, kw_only=True):
    """A case that one version or both cannot render.

    Attributes:
        before: Why the first version cannot; empty when it can.
        after: Why the second version cannot.
    """

    case: CaseName
    before: tuple[Failure, ...] = ()
    after: tuple[Failure, ...] = ()


class RenderedDiff(Struct, frozen=True, kw_only=True):
    """The messages of all cases, under two versions.

    Attributes:
        groups: The largest first.
        same: Cases whose messages are equal.
        unrendered: Cases that cannot be rendered on a side.
        later: Cases of chains, whose messages are known only as a run goes on.
    """

    groups: tuple[RenderedGroup, ...] = ()
    same: tuple[CaseName, ...] = ()
    unrendered: tuple[Unrendered, ...] = ()
    later: tuple[CaseName, ...] = ()

    @property
    def changed(self) -> int:
        """Cases whose messages differ."""
        return sum(len(group.cases) for group in self.groups)

    @property
    def tokens(self) -> tuple[int, int]:
        """Estimated tokens of all cases that change, before and after."""
        return (
            sum(group.tokens_before for group in self.groups),
            sum(group.tokens_after for group in self.groups),
        )
