"""Scorers of markup: whether the output is XML, whether it is HTML."""

from dataclasses import dataclass, field
from typing import ClassVar
from xml.parsers import expat

from llmops.domain.score import Score
from llmops.loading.shapes import entry
from llmops.scoring.base import ArgumentError, ScorerExample, Subject, scorer
from llmops.scoring.limits import check_length
from llmops.scoring.tags import MalformedError, Piece, cut
from llmops.scoring.wording import listing, name_of, quote

_VOID_NAMES = "area base br col embed hr img input link meta param source track wbr"
_VOID = frozenset(_VOID_NAMES.split())
"""Elements without an end."""

_OPEN_ENDED_NAMES = """
body colgroup dd dt head html li optgroup option p rp rt tbody td tfoot th thead tr
"""
_OPEN_ENDED = frozenset(_OPEN_ENDED_NAMES.split())
"""Elements whose end tag may be left out."""

_OTHERS = """
a abbr address article aside audio b bdi bdo blockquote button canvas caption cite code data
datalist del details dfn dialog div dl em fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6
header hgroup i iframe ins kbd label legend main map mark math menu meter nav noscript object ol
output picture pre progress q ruby s samp script search section select slot small span strong style
sub summary sup svg table template textarea time title u ul var video center font
"""
_KNOWN = _VOID | _OPEN_ENDED | frozenset(_OTHERS.split())


@scorer(
    "is_xml",
    primary="elements",
    examples=(
        ScorerExample(arguments="", output="<reply><date>2025-01-02</date></reply>", passes=True),
        ScorerExample(arguments="[reply/date]", output="<reply><date/></reply>", passes=True),
        ScorerExample(arguments="[reply/date]", output="<reply/>", passes=False),
        ScorerExample(arguments="", output="<reply>", passes=False),
        ScorerExample(arguments="", output="Here: <reply/>", passes=False),
        ScorerExample(
            arguments="", output='<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', passes=False
        ),
        ScorerExample(arguments="", output="", passes=False),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class IsXml:
    """Passes when the whole output is one well-formed XML document.

    White space around it is allowed, other text is not. Nothing is fetched and no entity is ever
    expanded but the five of XML itself: a document type that declares anything fails. `elements`
    are paths from the root that must be there: `reply/date` is a `date` in a root `reply`. Names
    are compared as written, with case and prefix. The value is the share of them that were found.
    An empty output fails. One of more than 1,048,576 characters leaves the assertion unscored.
    """

    slow: ClassVar[bool] = False

    elements: tuple[str, ...] | None = entry(
        "Elements that must be there, as paths from the root such as `reply/date`.", default=None
    )

    def __post_init__(self) -> None:
        if self.elements is None:
            return
        if not self.elements:
            raise ArgumentError("an empty list asks for no element", key="elements")
        for path in self.elements:
            if not all(path.split("/")):
                message = f"the path {quote(path)} has an empty step"
                raise ArgumentError(message, key="elements", hint="write it as in reply/date")

    def score(self, subject: Subject) -> Score:
        """Parse it."""
        name, text = name_of(subject), subject.text
        check_length(len(text), "parse as XML")
        try:
            found = _elements(text, frozenset(self.elements or ()))
        except (expat.ExpatError, UnicodeEncodeError, _DeclarationError) as error:
            return Score.failing(f"{name} is not XML: {_explain(error)}")
        missing = [path for path in self.elements or () if path not in found]
        if missing:
            value = 1 - len(missing) / len(self.elements or ())
            return Score.failing(f"there is no {listing(missing)} in {name}", value)
        return Score.passing(f"{name} is XML")


class _DeclarationError(Exception):
    """The document declares something of its own."""


@dataclass(slots=True)
class _Outline:
    """The wanted paths that were found, while the parser goes through the elements."""

    wanted: frozenset[str]
    found: set[str] = field(default_factory=set)
    open: list[str] = field(default_factory=list)
    depth: int = 0
    deepest: int = field(init=False)

    def __post_init__(self) -> None:
        self.deepest = max(path.count("/") for path in self.wanted) + 1

    def start(self, name: str, _attributes: object) -> None:
        self.depth += 1
        if self.depth > self.deepest:
            return
        self.open.append(name)
        path = "/".join(self.open)
        if path in self.wanted:
            self.found.add(path)

    def end(self, _name: str) -> None:
        if self.depth <= self.deepest:
            self.open.pop()
        self.depth -= 1


def _elements(text: str, wanted: frozenset[str]) -> set[str]:
    parser = expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = _refuse_declarations
    outline = _Outline(wanted) if wanted else None
    if outline:
        parser.StartElementHandler = outline.start
        parser.EndElementHandler = outline.end
    parser.Parse(text.strip().encode(), True)  # noqa: FBT003 - expat takes it by place only
    return outline.found if outline else set()


def _refuse_declarations(
    _name: str,
    _system: str | None,
    _public: str | None,
    has_own: bool,  # noqa: FBT001 - expat calls it so
) -> None:
    if has_own:
        raise _DeclarationError("its document type declares something of its own")


def _explain(error: Exception) -> str:
    if isinstance(error, expat.ExpatError):
        words = expat.ErrorString(error.code) or "not well-formed"
        return f"line {error.lineno}, column {error.offset + 1}: {words}"
    if isinstance(error, UnicodeEncodeError):
        return f"character {error.start + 1:,} is half of a surrogate pair"
    return str(error)


@scorer(
    "is_html",
    primary=None,
    examples=(
        ScorerExample(arguments="", output="<p>Hello, <b>Jo</b>!</p>", passes=True),
        ScorerExample(arguments="", output="<ul><li>one<li>two</ul>", passes=True),
        ScorerExample(arguments="", output="<p>Hello, <b>Jo</p>", passes=False),
        ScorerExample(arguments="", output="Here you are: <p>Hello!</p>", passes=False),
        ScorerExample(arguments="{whole: false}", output="Hi <b>Jo</b>", passes=True),
        ScorerExample(arguments="", output="<reply>Hello!</reply>", passes=False),
        ScorerExample(arguments="", output="", passes=False),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class IsHtml:
    """Passes when the output is HTML: known elements, each closed in turn, and nothing around.

    At least one element must be one of HTML's. Every element is closed in the order in which they
    were opened; those that HTML never closes (`br`, `img`) or need not close (`p`, `li`, `td`) may
    stay open. Text may stand in elements only, unless `whole: false`. What is in attributes,
    comments, scripts and styles is not looked at, and neither is which element may stand in which.
    An empty output fails. One of more than 1,048,576 characters leaves the assertion unscored.
    """

    slow: ClassVar[bool] = False

    whole: bool = entry("No text may stand outside of all elements.", default=True)

    def score(self, subject: Subject) -> Score:
        """Look at the tags."""
        name, text = name_of(subject), subject.text
        check_length(len(text), "look through as HTML")
        try:
            fault = self._fault(text)
        except MalformedError as error:
            fault = str(error)
        return Score.failing(f"{name}: {fault}") if fault else Score.passing(f"{name} is HTML")

    def _fault(self, text: str) -> str | None:
        opened: list[Piece] = []
        known = False
        for piece in cut(text):
            if piece.kind == "text":
                if self.whole and not opened:
                    return f"{quote(piece.name.strip(), 30)} stands outside of all elements"
                continue
            known = known or piece.name in _KNOWN
            if piece.kind == "open" and piece.name not in _VOID:
                opened.append(piece)
            elif piece.kind == "close" and not _close(opened, piece.name):
                return f"'</{piece.name}>' at character {piece.start + 1:,} closes nothing"
        return _unclosed(opened) or (None if known else "no element of HTML is in it")


def _close(opened: list[Piece], name: str) -> bool:
    """Close an element, and those in it whose end tags may be left out."""
    if name in _VOID:
        return True
    while opened and opened[-1].name != name and opened[-1].name in _OPEN_ENDED:
        opened.pop()
    if not opened or opened[-1].name != name:
        return False
    opened.pop()
    return True


def _unclosed(opened: list[Piece]) -> str | None:
    left = next((piece for piece in opened if piece.name not in _OPEN_ENDED), None)
    if left is None:
        return None
    return f"'<{left.name}>' at character {left.start + 1:,} is not closed"
