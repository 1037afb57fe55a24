"""Drift as a person sees it: a model then and now, the canaries that changed, one last line."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from llmops.domain.drift import Apart, DriftReport, MeanChange, ModelDrift, RateChange
from llmops.reporting.compare.base import p_value, points
from llmops.reporting.terminal import Screen
from llmops.reporting.wording import money, percent, plural, short_id

_COLOURS: Final = {"drifted": "red", "steady": "green", "cannot tell": "yellow"}
_MOST_CASES: Final = 10
_SHOWN: Final[Mapping[str, Callable[[float], str]]] = {
    "cost": money,
    "latency": "{:.2f} s".format,
    "output characters": "{:,.0f}".format,
}


def print_drift(report: DriftReport, screen: Screen) -> None:
    """Print what came of asking the canaries."""
    for model in report.models:
        screen.line((f" {model.model}: {model.said}", f"bold {_COLOURS[model.said]}"))
        for sentence in _sentences(model):
            screen.line(f"   {sentence}")
        _print_cases(model, screen)
        screen.line()
    if report.apart is not None:
        screen.line(f" {_apart(report.apart)}")
    for note in report.notes:
        screen.line(f" {note}")
    if report.accepted:
        screen.line(" accepted: later looks are held against these answers")
    screen.line(f" {report.verdict.line}      run {short_id(report.run)}")


def _sentences(model: ModelDrift) -> Iterator[str]:
    yield from (moved.words for moved in model.moved)
    if model.rate.cases:
        yield from _of_rate(model.rate)
        yield f"history from run {model.first} to run {model.last}"
    yield from map(_mean, model.means)
    if model.unknown:
        verb = "has" if model.unknown == 1 else "have"
        new = f"{plural(model.unknown, 'canary')} {verb} no history"
        yield f"{new}: later looks are held against this one"
    if model.others:
        yield f"{plural(model.others, 'trial')} of the history left out: another model answered"


def _of_rate(rate: RateChange) -> Iterator[str]:
    yield (
        f"pass rate {percent(rate.before)} then, {percent(rate.after)} now: "
        f"{points(rate.delta)} points ({points(rate.low)} to {points(rate.high)}), "
        f"p = {p_value(rate.p_value)}, two-sided"
    )
    seen = (
        "they can see no fall of the pass rate at all"
        if rate.smallest is None
        else f"they can see a fall of {rate.smallest * 100:.1f} points at power 0.8"
    )
    yield (
        f"{plural(rate.cases, 'canary')}, {plural(rate.then, 'trial')} then and {rate.now:,} now, "
        f"exact conditional test, bounds at {percent(rate.confidence)}, "
        f"margin {points(rate.margin)[1:]}; {seen}"
    )


def _mean(one: MeanChange) -> str:
    shown = _SHOWN.get(one.name, "{:.3f}".format)
    return f"{one.name}: {shown(one.before)} then, {shown(one.after)} now, on average"


def _print_cases(model: ModelDrift, screen: Screen) -> None:
    for one in model.cases[:_MOST_CASES]:
        then, now = (f"{passed:,}/{n:,}" for passed, n in (one.then, one.now))
        screen.line(f"   {screen.symbols.chevron} {one.suite} › {one.case}: {then} then, {now} now")
    more = len(model.cases) - _MOST_CASES
    if more > 0:
        screen.line((f"   … {plural(more, 'more canary')}; all: --json", "dim"))


def _apart(apart: Apart) -> str:
    whole, model, edit = (
        f"{points(delta)} points ({points(low)} to {points(high)})"
        for delta, low, high in (apart.whole, apart.model, apart.edit)
    )
    first, second = map(short_id, apart.runs)
    return (
        f"from run {first} to run {second} the pass rate of {plural(apart.cases, 'case')} changed by"
        f" {whole}; the canaries' by {model}; what is left for the edit is {edit}"
    )
