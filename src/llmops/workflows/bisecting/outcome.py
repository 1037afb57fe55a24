"""What a search for the commit that broke a case came to."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from llmops.domain.change import Change
from llmops.domain.run import Failure, StoppedBy
from llmops.domain.verdict import Totals, decide
from llmops.errors import Fault
from llmops.running.searching.bisection import Search, Suspect
from llmops.running.searching.breakpoints import Counts
from llmops.versions.row import Place

Status = Literal["found", "same", "unsure", "error", "interrupted"]
_SHORT = 12


class Bisected(Struct, frozen=True, kw_only=True):
    """What a search came to.

    Attributes:
        row: The versions between good and bad, the good one first; equal ones once.
        search: What was asked of them, and what follows.
        totals: Of all trials.
        unpriced: Completions that were asked for and whose cost nobody knows.
        skipped: Why versions cannot be asked, by their places in the row.
        change: What changed from the last good version to the first bad one; None while they are
            not known.
        inside: The commits between which to look further, if it is a merge that broke it.
        failure: Why a provider or a scorer gave no answer, which ended the search.
        stopped_by: What ended it early.
    """

    prompt: str
    suite: str
    case: str
    row: tuple[Place, ...]
    search: Search
    totals: Totals = field(default_factory=Totals)
    unpriced: int = 0
    skipped: Mapping[int, tuple[Fault, ...]] = field(default_factory=dict)
    change: Change | None = None
    inside: tuple[str, str] | None = None
    failure: Failure | None = None
    stopped_by: StoppedBy | None = None

    @property
    def status(self) -> Status:
        """The one word."""
        if self.stopped_by not in {None, "budget"}:
            return "interrupted"
        if self.failure is not None:
            return "error"
        end = self.search.end
        return end if end in {"found", "same"} else "unsure"

    @property
    def exit_code(self) -> int:
        """What the process ends with."""
        if self.status == "interrupted":
            return decide(self.totals, stopped_by=self.stopped_by).exit_code
        return {"found": 0, "error": 3}.get(self.status, 6)

    @property
    def suspects(self) -> list[Suspect]:
        """Where it may have broken, the likeliest first."""
        return [] if self.status == "same" else self.search.suspects()

    @property
    def suspected(self) -> list[Place]:
        """The versions of the likeliest place; several where nothing tells them apart."""
        return [self.row[one] for suspect in self.suspects[:1] for one in suspect.versions]

    @property
    def before(self) -> Place:
        """The version before the likeliest place; the good end where there is none."""
        places = [suspect.versions[0] for suspect in self.suspects[:1]]
        return self.row[places[0] - 1 if places else 0]

    @property
    def reason(self) -> str:
        """What it came to, in a sentence without a full stop."""
        if self.status == "same":
            return self._same()
        if self.status == "found":
            named = self.suspected
            if len(named) == 1:
                return f"{short(named[0])} broke it"
            return f"one of these {len(named)} broke it; all but the last cannot be asked"
        why = self._why()
        left = self._left()
        return f"{why}: {left}" if left else why

    def counts(self, first: int, last: int) -> Counts:
        """How the samples of a stretch of the row ended, from one place to before another."""
        known = (one for place, one in self.search.counts.items() if first <= place < last)
        return sum(known, Counts())

    def as_json(self) -> dict[str, object]:
        """All of it as plain JSON values."""
        return {
            "prompt": self.prompt,
            "suite": self.suite,
            "case": self.case,
            "status": self.status,
            "exit_code": self.exit_code,
            "reason": self.reason,
            "same": self.search.same,
            "suspects": [
                {
                    "chance": suspect.chance,
                    "versions": [_place_json(self.row[one]) for one in suspect.versions],
                }
                for suspect in self.suspects
            ],
            "before": _place_json(self.before),
            "kinds": list(self.change.kinds) if self.change is not None else None,
            "inside": list(self.inside) if self.inside is not None else None,
            "versions": len(self.row),
            "asked": [
                _place_json(self.row[place]) | {"passed": one.passed, "failed": one.failed}
                for place, one in sorted(self.search.counts.items())
            ],
            "skipped": [
                _place_json(self.row[place]) | {"faults": [str(fault) for fault in faults]}
                for place, faults in sorted(self.skipped.items())
            ],
            "samples": self.search.trials,
            "calls": self.totals.calls,
            "spent": self.totals.spent,
            "unpriced": self.unpriced,
            "cached": self.totals.cached,
            "recorded": self.totals.recorded,
        }

    def _same(self) -> str:
        good, bad = (self._rate(place) for place in (self.search.open[0], self.search.open[-1]))
        return f"the case passes as often at good as at bad: {good} at good, {bad} at bad"

    def _rate(self, place: int) -> str:
        return rate(self.search.counts.get(place, Counts()))

    def _why(self) -> str:
        if self.stopped_by is not None:
            return {"budget": "the budget is spent"}.get(self.stopped_by, "interrupted")
        if self.failure is not None:
            return self.failure.message
        if len(self.row) == 1:
            return "the prompt is the same at good and at bad"
        return {
            "spent": "the trials are spent",
            "silent": "there are no more samples",
            "alone": "no two versions can be asked",
        }.get(self.search.end or "", "not sure")

    def _left(self) -> str:
        """What is left: the stretch that it is in, and the likeliest place there."""
        suspects = self.suspects
        if not suspects or not self.search.counts:
            return ""
        places = [place for suspect in suspects for place in suspect.versions]
        first, last = self.row[min(places) - 1], self.row[max(places)]
        stretch = f"between {short(first)} and {short(last)}, " if len(places) > 1 else ""
        likely = " or ".join(short(one) for one in self.suspected)
        share = round(suspects[0].chance * 100)
        nothing = round(self.search.same * 100)
        return f"{stretch}most likely {likely} ({share} %); {nothing} % that nothing broke it"


def short(place: Place) -> str:
    """A version in a word: the first digits of its commit, and what it claims."""
    name = place.id[:_SHORT] if place.id is not None else "the work tree"
    return f"{name} {place.claimed}" if place.claimed else name


def rate(counts: Counts) -> str:
    """Passed of asked, such as `7/8`."""
    return f"{counts.passed:,}/{counts.asked:,}"


def _place_json(place: Place) -> dict[str, object]:
    commit = place.commit
    return {
        "name": place.named,
        "commit": place.id,
        "version": place.claimed,
        "hash": place.content_hash,
        "date": commit.date if commit else None,
        "author": commit.author if commit else None,
        "subject": commit.subject if commit else None,
    }
