"""Words that reasons and labels share: quoting, shortening, listing, counting."""

from collections.abc import Iterable

from llmops.scoring.base import Subject

_NAMES = {
    "": "the output",
    "text": "the output",
    "json": "the output's JSON",
    "reasoning": "the reasoning",
    "tool_calls": "the tool calls",
}


def quote(text: str, limit: int = 60) -> str:
    """Quote a text on one line; what cannot be printed is escaped, what is too long is cut."""
    return repr(text) if len(text) <= limit else f"{text[: limit - 1]!r}…"


def shorten(text: str, limit: int) -> str:
    """Cut a text to a number of characters, the last of which is then an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def name_of(subject: Subject) -> str:
    """What reasons call the thing that is judged: `the output`, `'json.reply'`."""
    return _NAMES.get(subject.on) or f"'{subject.on}'"


def listing(texts: Iterable[str], limit: int = 5) -> str:
    """Quote some texts in a row; after a few it says how many more there are."""
    quoted = [quote(text, 40) for text in texts]
    rest = len(quoted) - limit
    return ", ".join(quoted[:limit]) + (f" and {rest:,} more" if rest > 0 else "")


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 word`, `2 words`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
