"""A model that moved: the same name was asked on two sides, and another model answered."""

from typing import Final, Literal

from msgspec import Struct

_SHOWN: Final = 3
_LONGEST: Final = 60


class Moved(Struct, frozen=True, kw_only=True):
    """What a provider says of itself, where both sides have no word in common.

    Attributes:
        asked: The provider's name for the model, as it was asked.
        what: Which of its words.
        before: What it said on the first side, sorted; never empty.
        after: On the second side.
    """

    asked: str
    what: Literal["model id", "fingerprint"]
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def words(self) -> str:
        """The move in one line."""
        then, now = _listed(self.before), _listed(self.after)
        return f"{self.asked} moved: the {self.what} was {then} and is {now} now"


def _listed(words: tuple[str, ...]) -> str:
    more = f", and {len(words) - _SHOWN:,} more" if len(words) > _SHOWN else ""
    return f"{', '.join(word[:_LONGEST] for word in words[:_SHOWN])}{more}"
