"""One changed output as a reviewer sees it: what changed, line by line, and the scores beside it."""

from collections.abc import Iterator, Sequence
from typing import Final

from llmops.domain.baseline import ApprovedSample, ApprovedScore
from llmops.domain.difference import Line, Segment, TextDiff
from llmops.reporting.problems import cut
from llmops.reporting.terminal import Part, Screen

_MOST_LINES: Final = 40
_LONGEST_LINE: Final = 2_000
_LONGEST_LABEL: Final = 200
_MOST_SCORES: Final = 20
_STATUS: Final = {"passed": "green", "failed": "red"}
_REMOVED: Final = "red"
_ADDED: Final = "green"

Row = list[tuple[str, str]]
"""Text with its style, from left to right."""


def print_sample(
    before: ApprovedSample | None,
    after: ApprovedSample | None,
    diff: TextDiff,
    screen: Screen,
    *,
    whole: bool = False,
) -> None:
    """Print how one sample changed.

    Args:
        before: As it was approved; None for a new one.
        after: As it is now; None for one that is gone.
        diff: Of the outputs.
        screen: Where to.
        whole: Every line of both sides, in place of the first hunks.
    """
    screen.line("   ", _word(before, "new"), f" {screen.symbols.arrow} ", _word(after, "gone"))
    lines = diff.lines if whole else _with_gaps(diff)
    there = {"old": before is not None, "new": after is not None}
    rows = [row for line in lines for row in _rows(line, **there)]
    most = len(rows) if whole else _MOST_LINES
    for row in rows[:most]:
        parts = row if whole else [(cut(text, _LONGEST_LINE), style) for text, style in row]
        screen.line((f"   {screen.symbols.gutter} ", "dim"), *parts)
    if len(rows) > most:
        screen.line((f"   … {len(rows) - most:,} more lines; d shows them all", "dim"))
    _print_scores(before, after, screen)


def _word(sample: ApprovedSample | None, otherwise: str) -> Part:
    return (sample.status, _STATUS[sample.status]) if sample is not None else (otherwise, "cyan")


def _with_gaps(diff: TextDiff) -> Iterator[Line]:
    for number, hunk in enumerate(diff.hunks()):
        if number:
            yield Line(kind="kept", before=(Segment("…"),), after=(Segment("…"),))
        yield from hunk


def _rows(line: Line, *, old: bool, new: bool) -> Iterator[Row]:
    """A line as one row, or as two where it changed; a side that is not there has none."""
    if line.kind == "kept":
        yield [(f"  {_plain(line.after)}", "dim")]
        return
    if old and line.kind != "added":
        yield [("- ", _REMOVED), *_words(line.before, _REMOVED)]
    if new and line.kind != "removed":
        yield [("+ ", _ADDED), *_words(line.after, _ADDED)]


def _words(segments: Sequence[Segment], colour: str) -> Iterator[tuple[str, str]]:
    whole = all(segment.changed for segment in segments)
    for segment in segments:
        loud = segment.changed and not whole
        yield (segment.text, f"bold underline {colour}" if loud else colour)


def _plain(segments: Sequence[Segment]) -> str:
    return "".join(segment.text for segment in segments)


def _print_scores(
    before: ApprovedSample | None, after: ApprovedSample | None, screen: Screen
) -> None:
    rows = list(_score_rows(before, after))
    for row in rows[:_MOST_SCORES]:
        screen.line("   ", *row)
    if len(rows) > _MOST_SCORES:
        screen.line((f"   … {len(rows) - _MOST_SCORES:,} more scores", "dim"))


def _score_rows(
    before: ApprovedSample | None, after: ApprovedSample | None
) -> Iterator[list[Part]]:
    """A row an assertion: its score now, and before where that was another."""
    old, new = _by_label(before), _by_label(after)
    for label in [*new, *(label for label in old if label not in new)]:
        was, now = old.get(label), new.get(label)
        words: list[Part] = [_score(now)]
        if before is not None and _score(was) != _score(now):
            words = [_score(was), " → ", _score(now)]
        soft = "  soft" if (now or old[label]).soft else ""
        yield [f"{cut(label[1], _LONGEST_LABEL)}   ", *words, (soft, "dim")]


def _by_label(sample: ApprovedSample | None) -> dict[tuple[str, str, int], ApprovedScore]:
    """Scores by the turn, the assertion's words, and their number where two have the same."""
    found: dict[tuple[str, str, int], ApprovedScore] = {}
    for answer in sample.answers if sample is not None else ():
        before = f"{answer.name}: " if answer.name else ""
        for score in answer.scores:
            key = (answer.name, f"{before}{score.label}", 0)
            while key in found:
                key = (key[0], key[1], key[2] + 1)
            found[key] = score
    return found


def _score(score: ApprovedScore | None) -> Part:
    if score is None:
        return ("none", "dim")
    value = "" if score.value in {0.0, 1.0} else f" {score.value:.2f}"
    return (f"{score.status}{value}", _STATUS.get(score.status, "yellow"))
