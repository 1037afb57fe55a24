"""Counts, shares, money and time as every report words them."""

import math
from typing import Final

from llmops.domain.run import RunFooter, RunHeader
from llmops.domain.verdict import Totals, Verdict
from llmops.reporting.summary import Mean, Tally


def plural(count: int, noun: str) -> str:
    """A count with its noun: `1 suite`, `2,000 suites`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun[:-1]}ies" if noun.endswith("y") else f"{count:,} {noun}s"


def percent(share: float) -> str:
    """A share as a percentage; only the whole is ever 100 %, and only nothing is 0 %."""
    if share in {0.0, 1.0}:
        return f"{share:.0%}".replace("%", " %")
    return f"{min(99.9, max(0.1, round(share * 100, 1))):g} %"


def share_range(low: float, high: float) -> str:
    """Two shares as a range of percentages, or as one when they are the same."""
    if low == high:
        return percent(low)
    return f"{percent(low).removesuffix(' %')}–{percent(high)}"


def tally_text(tally: Tally) -> str:
    """Passed of asked, such as `17/20`; `17–19/20 (2 errors)` when two are unknown."""
    rest = [
        f"{count:,} {word}"
        for count, word in (
            (tally.unscored, "unscored"),
            (tally.skipped, "skipped"),
            (tally.quarantined, "quarantined"),
        )
        if count
    ]
    if tally.error:
        rest.insert(0, plural(tally.error, "error"))
    best = f"–{tally.passed + tally.unknown:,}" if tally.unknown else ""
    rate = f"{tally.passed:,}{best}/{tally.asked:,}" if tally.asked else ""
    return " ".join(filter(None, [rate, f"({', '.join(rest)})" if rest else ""]))


def mean_text(mean: Mean) -> str:
    """A mean with the number of its scores, such as `0.85 (n=20)`."""
    low, high = (f"{_floor(bound):.2f}" for bound in mean.bounds())
    unscored = f", {mean.unscored:,} unscored" if mean.unscored else ""
    return f"{low if low == high else f'{low}–{high}'} (n={mean.count:,}{unscored})"


def counts(totals: Totals) -> list[str]:
    """The counts of a run in words: passed, failed and errors always, the rest where there are."""
    found = [
        f"{totals.passed:,} passed",
        f"{totals.failed:,} failed",
        plural(totals.error, "error"),
    ]
    found += [
        f"{count:,} {word}"
        for count, word in ((totals.unscored, "unscored"), (totals.skipped, "skipped"))
        if count
    ]
    if totals.quarantined:
        failed = f" ({totals.quarantined_failed:,} failed)" if totals.quarantined_failed else ""
        found.append(f"{totals.quarantined:,} quarantined{failed}")
    if totals.missing:
        found.append(f"{totals.missing:,} not run")
    if totals.empty_completions:
        found.append(plural(totals.empty_completions, "empty output"))
    return found


def pass_rate(totals: Totals) -> str | None:
    """The pass rate, from all that is unknown failing to all of it passing; None for no trial."""
    rate = totals.pass_rate()
    return f"pass rate {share_range(*rate)}" if rate else None


FREE: Final = "$0.00 (free)"
"""What is known to cost nothing, such as a script's answers."""


def cost(totals: Totals) -> str:
    """What the run paid of what its completions cost, and how many costs nobody knows."""
    unknown = f"{plural(totals.unpriced, 'cost')} unknown" if totals.unpriced else ""
    if unknown and not totals.value:
        return unknown
    answered = totals.live + totals.cached + totals.recorded
    if answered and not totals.error and not totals.value:
        return FREE
    known = f"{money(totals.spent)} of {money(totals.value)}"
    return f"{known} + {unknown}" if unknown else known


def money(dollars: float) -> str:
    """US dollars: two decimals, or two digits that count below a dollar."""
    if not math.isfinite(dollars):
        return "$?"
    if dollars == 0 or abs(dollars) >= 1:
        return f"${dollars:,.2f}"
    if abs(dollars) < 1e-6:
        return "<$0.000001"
    decimals = max(2, 1 - math.floor(math.log10(abs(dollars))))
    digits = f"{dollars:.{decimals}f}"
    return f"${digits[:-1] if decimals > 2 and digits.endswith('0') else digits}"


def seconds(duration: float) -> str:
    """A time as people say it: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 4 min`."""
    if duration < 9.95:
        return f"{duration:.1f} s"
    whole = round(duration)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def ended(footer: RunFooter | None) -> str:
    """How long the run took."""
    return seconds(footer.duration) if footer else "no end recorded"


def opening(header: RunHeader, verdict: Verdict, suites: int) -> list[str]:
    """What was run: the version, suites, models, trials and where their completions came from."""
    totals = verdict.totals
    version = header.versions.get("llmops")
    origins = [
        f"{getattr(totals, name):,} {name}"
        for name in ("live", "cached", "recorded")
        if getattr(totals, name)
    ]
    trials = plural(header.planned, "trial") + (f" ({', '.join(origins)})" if origins else "")
    models = [plural(len(header.models), "model")] if header.models else []
    untrusted = ["untrusted"] if header.untrusted else []
    name = f"llmops {version}" if version else "llmops"
    return [name, plural(suites, "suite"), *models, trials, *untrusted]


def short_id(run_id: str) -> str:
    """The end of a run's id, which is enough to find it."""
    return run_id.rsplit("-", 1)[-1]


def _floor(share: float) -> float:
    return math.floor(share * 100 + 1e-9) / 100
