"""How much text a scorer looks at before it says that it cannot judge."""

from llmops.errors import CannotScoreError

MEBIBYTE = 2**20
"""The longest text that is taken apart, in characters."""


def check_length(length: int, to: str, most: int = MEBIBYTE) -> None:
    """Refuse to judge a text that would hold everything up.

    Args:
        length: Of the text, in characters.
        to: What would be done with it, after `too many to`.
        most: The longest that is allowed.

    Raises:
        CannotScoreError: It is longer.
    """
    if length > most:
        raise CannotScoreError(f"{length:,} characters are too many to {to}")
