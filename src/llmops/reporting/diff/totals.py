"""Both sides of a comparison in one table: counts, scores, cost, time and length."""

from collections.abc import Callable, Iterator

from llmops.domain.comparison import ArmTotals, MetricMean
from llmops.reporting.diff.base import DiffReport, signed
from llmops.reporting.wording import money, plural


def totals_table(report: DiffReport) -> list[list[str]]:
    """Both sides' counts, scores, cost, time and length, with their differences; heading first."""
    comparison = report.comparison
    if comparison is None:
        return []
    before, after = comparison.before, comparison.after
    table = [["", report.before.name, report.after.name, "difference"]]
    table.append(["passed", _passed(before), _passed(after), _passed_change(before, after)])
    table += _unknown_rows(before, after)
    if before.answered < min(before.asked, after.asked):
        number = f"{before.answered:,}"
        table.append(["answered on both sides, of which:", number, number, ""])
    table.append(["mean score", *_three(before.value, after.value, _score)])
    for metric in dict.fromkeys([*before.metrics, *after.metrics]):
        table.append([metric, *_metric(before.metrics.get(metric), after.metrics.get(metric))])
    table.append(["cost", _cost(before), _cost(after), _cost_change(before, after)])
    table.append(["latency, median", *_three(before.latency, after.latency, _seconds)])
    table.append(["tokens in", *_tokens(before.input_tokens, after.input_tokens, before, after)])
    table.append(["tokens out", *_tokens(before.output_tokens, after.output_tokens, before, after)])
    table.append(["characters out, mean", *_length(before.length, after.length)])
    return table


def _passed(totals: ArmTotals) -> str:
    best = f"–{totals.passed + totals.unknown:,}" if totals.unknown else ""
    return f"{totals.passed:,}{best}/{totals.asked:,}"


def _passed_change(before: ArmTotals, after: ArmTotals) -> str:
    """From the worst that the unknown could be to the best."""
    least = after.passed - before.passed - before.unknown
    most = after.passed + after.unknown - before.passed
    return signed(least) if least == most else f"{signed(least)} to {signed(most)}"


def _unknown_rows(before: ArmTotals, after: ArmTotals) -> Iterator[list[str]]:
    for name, old, new in (
        ("errors", before.error, after.error),
        ("unscored", before.unscored, after.unscored),
        ("skipped", before.skipped, after.skipped),
    ):
        if old or new:
            yield [name, f"{old:,}", f"{new:,}", signed(new - old)]


def _three(
    before: float | None, after: float | None, shown: Callable[[float], str]
) -> tuple[str, str, str]:
    """Both sides and the difference; what is not known stays so."""
    known = [shown(side) if side is not None else "unknown" for side in (before, after)]
    if before is None or after is None:
        return known[0], known[1], "unknown"
    change = shown(abs(after - before))
    return known[0], known[1], signed(after - before if change != shown(0) else 0, change)


def _metric(before: MetricMean | None, after: MetricMean | None) -> tuple[str, str, str]:
    means = [side.mean if side is not None else None for side in (before, after)]
    first, second, change = _three(means[0], means[1], _score)
    shown = [
        f"{text} ({side.unscored:,} unscored)" if side and side.unscored else text
        for text, side in ((first, before), (second, after))
    ]
    known = not any(side.unscored for side in (before, after) if side)
    return shown[0], shown[1], change if known else "unknown"


def _score(score: float) -> str:
    return f"{score:.3f}"


def _seconds(duration: float) -> str:
    return f"{duration:.2f} s"


def _cost(totals: ArmTotals) -> str:
    if totals.cost is None:
        return "unknown"
    more = f" + {plural(totals.unpriced, 'cost')} unknown" if totals.unpriced else ""
    return f"{money(totals.cost)}{more}"


def _cost_change(before: ArmTotals, after: ArmTotals) -> str:
    if before.cost is None or after.cost is None or before.unpriced or after.unpriced:
        return "unknown"
    change = after.cost - before.cost
    return signed(change, money(abs(change))) + _share(before.cost, after.cost)


def _tokens(
    old: int | None, new: int | None, before: ArmTotals, after: ArmTotals
) -> tuple[str, str, str]:
    shown = [
        "unknown" if count is None else f"{count:,}" + (" or more" if totals.uncounted else "")
        for count, totals in ((old, before), (new, after))
    ]
    if old is None or new is None or before.uncounted or after.uncounted:
        return shown[0], shown[1], "unknown"
    return shown[0], shown[1], signed(new - old) + _share(old, new)


def _length(before: float | None, after: float | None) -> tuple[str, str, str]:
    first, second, change = _three(before, after, lambda length: f"{length:,.0f}")
    if before is None or after is None:
        return first, second, change
    return first, second, change + _share(before, after)


def _share(before: float, after: float) -> str:
    """How much that is of what it was, such as ` (-41 %)`."""
    if not before or before == after:
        return ""
    return f" ({signed(after - before, f'{abs(after - before) / before:.0%}'.replace('%', ' %'))})"
