"""Approve of a run's results one by one: what changed against the baselines, and what is decided."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from msgspec import Struct, field

from llmops.comparing.text_diff import diff_texts
from llmops.domain.baseline import ApprovedSample, Baseline
from llmops.domain.difference import TextDiff
from llmops.running.baselines import Candidate
from llmops.workflows.approving import (
    Wanted,
    baseline_path,
    open_approvable,
    refuse_ci,
    write_baseline,
)
from llmops.workflows.opening.project import OpenProject

Signature = tuple[object, ...]


class SampleChange(Struct, frozen=True, kw_only=True):
    """One sample that changed.

    Attributes:
        number: From 0.
        before: As it was approved; None when there is no such sample.
        after: As the run has it; None when the run has no such sample.
        diff: Of the outputs; everything is added or removed where a side lacks it.
    """

    number: int
    before: ApprovedSample | None
    after: ApprovedSample | None
    diff: TextDiff


class Item(Struct, frozen=True, kw_only=True):
    """One question whose answers are not those that were approved.

    Attributes:
        before: What was approved; None for a question without a baseline.
        after: What would be approved.
        samples: Those that changed, never empty.
    """

    before: Baseline | None
    after: Baseline
    samples: tuple[SampleChange, ...]

    @property
    def signature(self) -> Signature:
        """What changed: equal for equal changes of different questions."""
        return (
            self.before is None,
            self.after.status,
            *(
                (s.number, _status(s.before), _status(s.after), s.diff.signature)
                for s in self.samples
            ),
        )


class Review(Struct, kw_only=True):
    """A run under review.

    Attributes:
        run: Its id.
        items: What changed, in the order of the run.
        without_verdict: Candidates that nobody can approve of: errors and what was not judged.
        unreferenced: Files of baselines whose question no suite asks any more.
        accepted: Files written.
    """

    opened: OpenProject
    run: str
    items: tuple[Item, ...]
    without_verdict: tuple[Candidate, ...]
    unreferenced: tuple[str, ...]
    accepted: list[Path] = field(default_factory=list)
    rejected: list[Item] = field(default_factory=list)
    _decided: set[str] = field(default_factory=set)

    def open_items(self) -> list[Item]:
        """The items that nothing was decided about, in order."""
        return [item for item in self.items if item.after.key not in self._decided]

    def like(self, item: Item) -> list[Item]:
        """The open items that changed as this one did, this one included."""
        return [other for other in self.open_items() if other.signature == item.signature]

    def accept(self, items: Sequence[Item]) -> None:
        """Write the baselines of items; each is kept even when the next cannot be written.

        Raises:
            UnavailableError: One cannot be written.
        """
        for item in items:
            self.accepted.append(write_baseline(self.opened, item.after))
            self._decided.add(item.after.key)

    def reject(self, item: Item) -> None:
        """Leave the baseline as it is."""
        self.rejected.append(item)
        self._decided.add(item.after.key)

    def skip(self, item: Item) -> None:
        """Decide nothing about an item now."""
        self._decided.add(item.after.key)


def open_review(opened: OpenProject, wanted: Wanted) -> Review:
    """Open a run for review.

    Raises:
        InvalidInputError: This is a CI, or the run may not be approved of.
        NothingSelectedError: No trial of the run is selected.
        UnavailableError: The run cannot be read.
    """
    refuse_ci(opened.environment)
    approvable = open_approvable(opened, wanted)
    return Review(
        opened=opened,
        run=approvable.run.header.id,
        items=tuple(_items(approvable.candidates, approvable.kept)),
        without_verdict=tuple(
            one for one in approvable.candidates if one.status in {"error", "unscored"}
        ),
        unreferenced=tuple(baseline_path(opened, one) for one in approvable.unreferenced),
    )


def _items(candidates: Sequence[Candidate], kept: Mapping[str, Baseline]) -> list[Item]:
    return [
        Item(before=before, after=after, samples=tuple(_changes(before, after)))
        for after in (candidate.baseline for candidate in candidates)
        if after is not None
        for before in (kept.get(after.key),)
        if before is None or not before.answers_like(after)
    ]


def _changes(before: Baseline | None, after: Baseline) -> list[SampleChange]:
    old = before.samples if before is not None else ()
    return [
        SampleChange(
            number=number, before=left, after=right, diff=diff_texts(_output(left), _output(right))
        )
        for number, (left, right) in enumerate(zip_longest(old, after.samples))
        if left is None or right is None or _said(left) != _said(right)
    ]


def _said(sample: ApprovedSample) -> tuple[object, ...]:
    return (sample.status, sample.outputs)


def _status(sample: ApprovedSample | None) -> str | None:
    return None if sample is None else sample.status


def _output(sample: ApprovedSample | None) -> str:
    """All that was said in a sample: turns or steps one after the other, each with its name."""
    if sample is None:
        return ""
    if len(sample.answers) == 1:
        return sample.answers[0].output
    return "\n".join(f"[{name}]\n{output}" for name, output in sample.outputs)
