"""What a report of a diff is given, and the rows and words that its forms share."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from llmops.domain.change import Change, PartChange
from llmops.domain.comparison import Comparison, ComparisonVerdict, Outcome, Pair
from llmops.domain.difference import Line, TextDiff, WordKind
from llmops.domain.explanation import Edit, Explanation
from llmops.domain.rendered import RenderedDiff, RenderedGroup
from llmops.reporting.wording import plural

LOUDEST: Final[tuple[Outcome, ...]] = ("broken", "unknown", "fixed", "changed", "same", "skipped")
"""Outcomes in the order in which their pairs are shown."""
_KEPT_START: Final = 60
"""Characters shown of each end of a long stretch that stays."""
_LONGEST_WORDS: Final = 1_000
_NAMED_CASES: Final = 3


class VersionName(Struct, frozen=True, kw_only=True):
    """One side of a diff.

    Attributes:
        name: As it was asked for, such as `support/reply@1.1.0`.
        version: The version its author claims.
        commit: The commit's full id; None for the work tree.
    """

    name: str
    version: str | None
    content_hash: str
    commit: str | None


class DiffReport(Struct, frozen=True, kw_only=True):
    """Two versions of a prompt, ready to be told.

    Attributes:
        change: The source, part by part.
        rendered: The messages of the cases; None when no suite uses the prompt.
        comparison: What the cases came to on both sides; None when nothing was run.
        verdict: The one source of the printed line and of the exit code.
        notes: What was not looked at, and why.
        suites: Those whose cases were looked at.
        run: The id of the run that holds both sides.
        explained: Which hunks broke the cases that regressed; None when nobody asked.
        compare: Compares two texts.
    """

    before: VersionName
    after: VersionName
    change: Change
    rendered: RenderedDiff | None
    comparison: Comparison | None
    verdict: ComparisonVerdict
    compare: Callable[[str, str], TextDiff]
    notes: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    run: str | None = None
    explained: Explanation | None = None

    def of_part(self, part: PartChange) -> TextDiff:
        """The text of one part of the source, compared."""
        return self.compare(part.before or "", part.after or "")

    def of_pair(self, pair: Pair) -> TextDiff:
        """What was said on both sides, compared."""
        return self.compare(pair.before.output or "", pair.after.output or "")

    def of_edit(self, edit: Edit) -> TextDiff:
        """The text of one edit, compared."""
        return self.compare(edit.before or "", edit.after or "")

    def loudest(self) -> list[Pair]:
        """The pairs that are worth a look, what broke first."""
        pairs = self.comparison.pairs if self.comparison else ()
        shown = [pair for pair in pairs if pair.outcome not in {"same", "skipped"}]
        return sorted(shown, key=lambda pair: LOUDEST.index(pair.outcome))


class Row(Struct, frozen=True):
    """One row of a difference as it is shown.

    Attributes:
        sign: ` ` kept, `-` removed, `+` added, `~` changed inside, `…` something left out.
        words: Stretches with what became of them.
    """

    sign: str
    words: tuple[tuple[WordKind, str], ...] = ()

    @property
    def plain(self) -> str:
        """The row as text, its changed words in the brackets that git uses."""
        if self.sign != "~":
            return f"{self.sign} {''.join(text for _kind, text in self.words)}".rstrip(" ")
        return f"~ {''.join(bracketed(kind, text) for kind, text in self.words)}"


def rows(diff: TextDiff, *, most: int, context: int = 2) -> list[Row]:
    """The rows that show a difference: what changed, with a little of what stands around it.

    Args:
        diff: The difference.
        most: So many rows at most; the last one says how many more there are.
        context: Kept lines around a change.
    """
    found: list[Row] = []
    if diff.coarse:
        found.append(_aside("too long to compare line by line"))
    for number, hunk in enumerate(diff.hunks(context)):
        found += [_aside("")] if number else []
        found += [_row(line) for line in hunk]
    if len(found) <= most:
        return found
    return [*found[: most - 1], _aside(f"{len(found) - most + 1:,} more lines")]


def bracketed(kind: WordKind, text: str) -> str:
    """A stretch of a changed line, in `[-…-]` when it went and in `{+…+}` when it came."""
    return {"kept": text, "removed": f"[-{text}-]", "added": f"{{+{text}+}}"}[kind]


def part_title(part: PartChange) -> str:
    """What a part is called, and what its change is."""
    step = "" if part.step == "none" else f" ({part.step})"
    name = "" if part.part in part.reason.replace("'", "") else f"{part.part}: "
    return f"{name}{part.reason}{step}"


def group_title(group: RenderedGroup) -> str:
    """How many cases change so, which, and what that does to their length."""
    names = [str(name) for name in group.cases[:_NAMED_CASES]]
    more = len(group.cases) - len(names)
    names += [f"{more:,} more"] if more else []
    each = (group.tokens_after - group.tokens_before) / len(group.cases)
    delta = f"{signed(round(each))} tokens" + (" each" if len(group.cases) > 1 else "")
    return f"{plural(len(group.cases), 'case')}, about {delta}: {', '.join(names)}"


def rendered_title(rendered: RenderedDiff) -> str:
    """How many cases the change reaches, and by how many tokens."""
    whole = rendered.changed + len(rendered.same) + len(rendered.unrendered) + len(rendered.later)
    before, after = rendered.tokens
    words = [f"{rendered.changed:,} of {plural(whole, 'case')} changed"]
    if rendered.groups:
        words[0] += f" in {ways(len(rendered.groups))}"
        words.append(f"about {signed(after - before)} tokens in all")
    if rendered.unrendered:
        words.append(f"{len(rendered.unrendered):,} not rendered on a side")
    if rendered.later:
        words.append(f"{plural(len(rendered.later), 'case')} of chains, known as they run")
    return ", ".join(words)


def ways(count: int, more: str = "") -> str:
    """So many ways, such as `1 way` or `3 more ways`."""
    return f"{count:,} {more}way{'' if count == 1 else 's'}"


def pair_title(pair: Pair) -> str:
    """The case of a pair, its sample and its models."""
    sample = f" (sample {pair.sample + 1})" if pair.sample else ""
    models = list(dict.fromkeys(m for m in (pair.before.model, pair.after.model) if m))
    shown = f" › {' → '.join(models)}" if models else ""
    return f"{pair.suite}::{pair.case}{sample}{shown}"


def signed(number: float, text: str | None = None) -> str:
    """A number with its sign; nothing is `0`."""
    if not number:
        return "0"
    shown = text if text is not None else f"{abs(number):,}"
    return f"{'+' if number > 0 else '-'}{shown}"


def _row(line: Line) -> Row:
    if line.kind == "changed":
        words = list(line.words())
        last = len(words) - 1
        shown = [
            (kind, _shortened(text, index, last) if kind == "kept" else _cut(text))
            for index, (kind, text) in enumerate(words)
        ]
        return Row("~", tuple(shown))
    signs: dict[str, tuple[str, WordKind]] = {
        "kept": (" ", "kept"),
        "removed": ("-", "removed"),
        "added": ("+", "added"),
    }
    sign, kind = signs[line.kind]
    text = "".join(segment.text for segment in line.before or line.after)
    return Row(sign, ((kind, _cut(text)),))


def _shortened(text: str, index: int, last: int) -> str:
    """A stretch that stays, without what is far from any change."""
    start = "" if index == 0 else text[:_KEPT_START]
    end = "" if index == last else text[-_KEPT_START:]
    return text if len(text) <= 2 * _KEPT_START + 20 else f"{start}…{end}"


def _cut(text: str) -> str:
    more = len(text) - _LONGEST_WORDS
    return text if more <= 0 else f"{text[:_LONGEST_WORDS]}… ({more:,} more characters)"


def _aside(words: str) -> Row:
    return Row("…", (("kept", words),))
