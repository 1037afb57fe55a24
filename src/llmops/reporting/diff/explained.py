"""The words in which every report tells which hunks broke the cases that regressed."""

from collections.abc import Sequence

from llmops.domain.explanation import Edit, ExplainedCase, Explanation
from llmops.reporting.wording import money, plural

_MOST_REASONS = 10


def explained_title(explained: Explanation) -> str:
    """How many of the cases that broke are explained, or why nothing was asked."""
    if explained.note is not None:
        return explained.note
    return f"{explained.found:,} of {plural(len(explained.cases), 'case')} that broke"


def case_title(case: ExplainedCase) -> str:
    """The case with its models."""
    return f"{case.suite}::{case.case}{f' › {case.model}' if case.model else ''}"


def named_edits(explained: Explanation) -> list[tuple[str, Edit]]:
    """The edits that broke cases, each once and in the order of the prompt, with a title."""
    broke: dict[int, list[str]] = {}
    for case in explained.cases:
        for edit in dict.fromkeys(edit for one in case.culprits for edit in one.edits):
            broke.setdefault(edit, []).append(f"{case.suite}::{case.case}")
    return [
        (_edit_title(explained, number, broke[number]), explained.edits[number])
        for number in sorted(broke)
    ]


def asides(explained: Explanation) -> list[str]:
    """What was not tried as it should be, and what cannot be known; each once."""
    found = [
        words
        for case in explained.cases
        for one in case.tried
        if one.reason is not None and (words := _aside(one.hunk, one.hunks, one.reason))
    ]
    listed = list(dict.fromkeys(found))
    more = len(listed) - _MOST_REASONS
    listed = [*listed[:_MOST_REASONS], *([f"{more:,} more such hunks"] if more > 0 else [])]
    if explained.unjudged:
        pairs = plural(explained.unjudged, "pair")
        listed.append(f"{pairs} without a verdict on a side: whether they broke cannot be known")
    return listed


def spent_text(explained: Explanation) -> str:
    """What the explanation took, beside the run itself."""
    totals = explained.totals
    unknown = explained.unpriced
    paid = f" and the unknown cost of {plural(unknown, 'call')}" if unknown else ""
    words = [
        plural(len(explained.hunks), "hunk"),
        plural(explained.samples, "sample"),
        f"{totals.recorded:,} recorded, {totals.cached:,} cached",
        plural(totals.calls, "call"),
        f"{money(totals.spent)}{paid}",
    ]
    return " · ".join(words)


def _edit_title(explained: Explanation, number: int, cases: Sequence[str]) -> str:
    edit = explained.edits[number]
    hunk = next(hunk.number for hunk in explained.hunks if number in hunk.edits)
    place = f", {edit.at}" if edit.at is not None else ""
    more = f" and {len(cases) - 1:,} more" if len(cases) > 1 else ""
    return f"hunk {hunk}, {edit.part}{place}: {cases[0]}{more}"


def _aside(hunk: int, hunks: Sequence[int], reason: str) -> str:
    others = ", ".join(str(number) for number in hunks if number != hunk)
    if others:
        return f"hunk {hunk} cannot be reverted without {others}: {reason}"
    return f"hunk {hunk} could not be tried: {reason}"
