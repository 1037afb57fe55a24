r"""Text from outside, made harmless for the place it is shown in: six encoders.

A model, a provider or a stranger's file may hold anything: escape sequences, a CI runner's
commands, markup, formulas. Nothing of it reaches a report but through one of these. What is
hidden becomes visible rather than vanishing, so that `FAIL\rPASS` cannot read `PASS`.
"""

import html as html_entities
import json
import math
import re
from typing import Final

_BREAK: Final = "\u200b"
_HIDDEN_RANGES: Final = (
    (0x80, 0x9F),  # C1 controls: 0x9B alone begins an escape sequence
    (0x061C, 0x061C),
    (0x200E, 0x200F),
    (0x2028, 0x202E),  # line and paragraph separators, bidi embeddings and overrides
    (0x2066, 0x206F),  # bidi isolates and deprecated format characters
    (0xFFF9, 0xFFFB),
    (0xD800, 0xDFFF),
    (0xE0000, 0xE007F),  # tags: a whole invisible ASCII
)
_PICTURES: Final = {code: chr(0x2400 + code) for code in range(0x20) if code not in {0x09, 0x0A}}
_VISIBLE: Final = {
    **_PICTURES,
    0x7F: "\u2421",
    **{code: f"<U+{code:04X}>" for low, high in _HIDDEN_RANGES for code in range(low, high + 1)},
}
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f"
    + "".join(f"{chr(low)}-{chr(high)}" for low, high in _HIDDEN_RANGES)
    + "]"
)

_LOGGING_COMMAND: Final = re.compile(r"##(?=\[|vso\[|teamcity\[)", re.IGNORECASE)
_WORKFLOW_COMMAND: Final = re.compile(
    r"((?:^|[\n\r\x0b\x0c\x85\u2028\u2029])[^\S\n\r\x0b\x0c\x85\u2028\u2029]*+):(?=:)"
)

_ILLEGAL_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_XML_COMMANDS: Final = re.compile(r"#(?=#(?:\[|vso\[|teamcity\[))", re.IGNORECASE)
_XML_LINE_COMMANDS: Final = re.compile(r"((?:^|[\n\u2028\u2029])[^\S\n\u2028\u2029]*+):(?=:)")

_FORMULA: Final = re.compile(r"[\s\x00-\x20\u200b\ufeff]*[=+\-@＝＋－＠]|[\t\r]")
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)

_MARKDOWN_LIMIT: Final = 200
_ACTIVE: Final = re.compile(r"@|:(?=//)|(?i:www)(?=\.)")
_MARKDOWN_ENTITIES: Final = {
    ord(character): f"&#{ord(character)};" for character in "!\"#$%&'()*+:<=>?@[\\]^_`{|}~"
}
_BACKTICKS: Final = re.compile(r"`+")


def terminal(text: str) -> str:
    """Make text harmless for a terminal; tabs and newlines stay. Encoding twice changes nothing.

    Escape becomes `␛`, a carriage return `␍`, a hidden character `<U+202E>`.
    """
    return text.translate(_VISIBLE) if _HIDDEN.search(text) else text


def one_line(text: str) -> str:
    """Make text harmless for a terminal and put it on one line: a newline becomes `⏎`."""
    return terminal(text).replace("\n", "⏎").replace("\t", " ")


def ci_log(text: str) -> str:
    """Make text harmless for a CI log: for a terminal, and for the runner that reads the log.

    GitHub, Azure and TeamCity obey commands that any program prints: `##[…` anywhere in a line,
    `::…` at its start. A zero-width space takes them apart. Encoding twice changes nothing.
    """
    return silence(terminal(text))


def silence(text: str) -> str:
    """Take a CI runner's commands apart and leave everything else as it is."""
    broken = _LOGGING_COMMAND.sub(f"##{_BREAK}", text) if "##" in text else text
    return _WORKFLOW_COMMAND.sub(rf"\1:{_BREAK}", broken) if "::" in broken else broken


def html(text: str) -> str:
    """Make text harmless as the content or a quoted attribute of HTML."""
    return html_entities.escape(terminal(text), quote=True)


def html_json(value: object) -> str:
    """Write a value as JSON that may stand in a `<script type="application/json">` block.

    Raises:
        ValueError: The value holds NaN or an infinity.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def xml_legal(text: str) -> str:
    """What an XML 1.0 parser will read: the rest visible as `#x1B`, line ends as newlines."""
    newlines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _ILLEGAL_XML.sub(lambda found: f"#x{ord(found[0]):X}", newlines)


def xml_text(text: str) -> str:
    """Make text harmless as the content of an XML 1.0 element.

    What XML cannot hold becomes visible as `#x1B`, line ends become newlines.
    """
    return _xml_silence(html_entities.escape(xml_legal(text), quote=False))


def xml_attribute(text: str) -> str:
    """Make text harmless as the value of an XML 1.0 attribute, without the quotes."""
    plain = _xml_silence(html_entities.escape(xml_legal(text), quote=True))
    return plain.replace("\t", "&#9;").replace("\n", "&#10;")


def markdown_inline(text: str, *, limit: int = _MARKDOWN_LIMIT) -> str:
    """Make text harmless in a line or a table cell of GitHub's Markdown: code, on one line.

    Entities keep it from being Markdown or HTML. They do not keep it from being a mention or an
    address, which are looked for afterwards: those are broken by a zero-width space.

    Args:
        text: Anything.
        limit: Characters shown, counted before encoding; the rest is an ellipsis.
    """
    shown = one_line(text if len(text) <= limit else text[: limit - 1])
    if len(shown) > limit or len(text) > limit:
        shown = shown[: limit - 1] + "…"
    if not shown:
        return ""
    broken = _ACTIVE.sub(lambda found: found[0] + _BREAK, shown)
    return f"<code>{broken.translate(_MARKDOWN_ENTITIES)}</code>"


def markdown_block(text: str) -> str:
    """Put text into a fence that it cannot close, with a newline at its end."""
    shown = ci_log(text)
    longest = max((len(run) for run in _BACKTICKS.findall(shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{shown}\n{fence}\n"


def csv_cell(value: str | float | None) -> str:
    """Make a value harmless as a cell of a table that a spreadsheet may open.

    What would be a formula gets a leading `'`. Numbers stay numbers; None, NaN and the
    infinities are empty. Quoting is the CSV writer's work.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return repr(value) if math.isfinite(value) else ""
    if _NUMBER.fullmatch(value):
        return value
    shown = ci_log(value.replace("\r\n", "\n"))
    return f"'{shown}" if _FORMULA.match(value) else shown


def _xml_silence(text: str) -> str:
    """Take a CI runner's commands apart by entities, which a parser puts together again."""
    broken = _XML_COMMANDS.sub("&#35;", text) if "##" in text else text
    return _XML_LINE_COMMANDS.sub(r"\1&#58;", broken) if "::" in broken else broken
