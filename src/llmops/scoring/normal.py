"""Text in the form in which it is compared: NFC, and case-folded where case is ignored."""

from unicodedata import normalize


def normal(text: str) -> str:
    """Compose a text's characters (NFC), so that `é` is one character however it was written."""
    return text if text.isascii() else normalize("NFC", text)


def folded(text: str) -> str:
    """The NFC form of a text with differences of case removed (Unicode case folding)."""
    if text.isascii():
        return text.lower()
    return normalize("NFC", normalize("NFC", text).casefold())


def comparable(text: str, *, ignore_case: bool) -> str:
    """A text as scorers compare it."""
    return folded(text) if ignore_case else normal(text)
