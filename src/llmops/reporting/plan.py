"""A forecast as tables, as a person sees it and as JSON: what a run takes, and what it can see."""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import to_builtins
from msgspec.structs import asdict
from rich.cells import cell_len

from llmops.domain.forecast import Advice, Expense, Forecast, Outlook, Sight, Span
from llmops.domain.record import Json
from llmops.reporting.problems import cut
from llmops.reporting.terminal import Screen, pad
from llmops.reporting.wording import FREE, money, percent, plural, seconds

SCHEMA: Final = "llmops.plan/1"
_HEAD: Final = (
    "trials", "recorded", "cached", "to ask", "tokens in", "tokens out", "cost",
)  # fmt: skip
_UNKNOWN: Final = "unknown"
_NO_MODEL: Final = "target"
_ALL: Final = "all"
Table = list[list[str]]


def print_plan(outlook: Outlook, screen: Screen) -> None:
    """Print what a run would take and could see."""
    forecast = outlook.forecast
    tables = [suites_table(forecast)] if len(forecast.parts) > 1 else []
    for table in (*tables, models_table(forecast), sights_table(outlook)):
        if table[1:]:
            _print_table(table, screen)
            screen.line()
    if outlook.advice:
        screen.line((_asked(outlook), "bold"))
        _print_table(advice_table(outlook), screen)
        screen.line()
    for words in remarks(outlook):
        screen.line((f" {words}", "dim"))
    screen.line(f" {last_line(forecast)}")


def suites_table(forecast: Forecast) -> Table:
    """A row a suite and model; heading first."""
    rows = [[part.suite, part.model or _NO_MODEL, *_cells(part.expense)] for part in forecast.parts]
    return [["suite", "model", *_HEAD], *rows]


def models_table(forecast: Forecast) -> Table:
    """A row a model, with the time it takes, and one of several together; heading first."""
    rows = [
        [label or _NO_MODEL, *_cells(expense), _time(forecast.seconds.get(label), expense)]
        for label, expense in forecast.by_model().items()
    ]
    if len(rows) > 1:
        expense = forecast.expense
        rows.append([_ALL, *_cells(expense), _time(forecast.time, expense)])
    return [["model", *_HEAD, "time"], *rows]


def sights_table(outlook: Outlook) -> Table:
    """The smallest drop of the pass rate that each suite can show; heading first."""
    rows = [
        [
            sight.suite or _ALL,
            sight.model or _NO_MODEL,
            f"{sight.cases:,} × {sight.samples:,}",
            _drops(sight),
            _rests_on(sight),
        ]
        for sight in outlook.sights
    ]
    return [["suite", "model", "cases × samples", "smallest drop", "because"], *rows]


def advice_table(outlook: Outlook) -> Table:
    """Cases × samples for what was asked for; heading first."""
    rows = [[one.suite, one.model or _NO_MODEL, *_advice(one)] for one in outlook.advice]
    return [["suite", "model", "cases × samples", "trials", "sees a drop of", "cost"], *rows]


def remarks(outlook: Outlook) -> Iterator[str]:
    """What the numbers rest on, and what limits them."""
    expense = outlook.forecast.expense
    yield (
        "tokens are estimates; costs go from the usual length of answers, where kept runs tell it, "
        "to the longest"
    )
    yield from _of_sights(outlook)
    if outlook.advice:
        yield (
            "costs of cases × samples are those of asking for everything; they take the longest "
            "answers where no kept run tells the usual ones"
        )
    if expense.later:
        yield f"{plural(expense.later, 'call')} of later turns or steps hang on answers before them"
    if expense.repeated:
        yield f"{plural(expense.repeated, 'call')} may be spared, for another trial asks the same"
    if expense.missing:
        yield f"{plural(expense.missing, 'request')} would end as errors, for nobody may be asked"
    yield from outlook.notes


def last_line(forecast: Forecast) -> str:
    """All of it in one line."""
    expense = forecast.expense
    cost = cost_text(expense)
    return ", ".join(
        [
            plural(expense.trials, "trial"),
            f"{calls_text(expense)} to ask",
            f"cost {cost}" if expense.calls else "no cost",
            f"time {_time(forecast.time, expense)}",
        ]
    )


def plan_to_json(outlook: Outlook) -> Json:
    """All of it as plain JSON values; null means that nobody knows."""
    forecast = outlook.forecast
    return {
        "schema": SCHEMA,
        "total": {**_fields(forecast.expense), "seconds": forecast.time},
        "models": [
            {"model": label, **_fields(expense), "seconds": forecast.seconds.get(label)}
            for label, expense in forecast.by_model().items()
        ],
        "suites": [
            {
                **_fields(part.expense),
                "suite": part.suite,
                "model": part.model,
                "cases": part.cases,
                "samples": part.samples,
                "cost_per_trial": part.usual,
            }
            for part in forecast.parts
        ],
        "power": outlook.power,
        "confidence": outlook.confidence,
        "smallest_drops": [to_builtins(sight) for sight in outlook.sights],
        "detect": outlook.detect,
        "max_cost": outlook.max_cost,
        "advice": [to_builtins(one) for one in outlook.advice],
        "notes": list(outlook.notes),
    }


def drop_text(drop: float | None) -> str:
    """A drop in points."""
    if drop is None:
        return "none at all"
    points = max(0.1, drop * 100)
    return f"{points:.1f} points" if points < 9.95 else f"{points:.0f} points"


def calls_text(expense: Expense) -> str:
    """How many calls, as a range where that is all that is known."""
    if expense.exact:
        return f"{expense.calls:,}"
    return f"{expense.least_calls:,}–{expense.calls:,}"


def cost_text(expense: Expense) -> str:
    """A range of US dollars; what nobody knows is said to be unknown, and is never 0."""
    if not expense.calls:
        return money(0)
    unknown = f"{plural(expense.unpriced, 'call')} at an unknown price" if expense.unpriced else ""
    if unknown and expense.unpriced >= expense.calls:
        return "unknown price"
    low, high = expense.cost
    if high == 0 and not unknown:
        return FREE
    known = f"{money(low)} or more" if high is None else _range(money(low), money(high))
    return f"{known} + {unknown}" if unknown else known


def _cells(expense: Expense) -> list[str]:
    trials = f"{expense.trials:,}"
    if expense.skipped:
        trials += f" ({expense.skipped:,} skipped)"
    asks = calls_text(expense)
    if expense.missing:
        asks += f" ({expense.missing:,} missing)"
    return [
        trials,
        f"{expense.recorded:,}",
        f"{expense.cached:,}",
        asks,
        _tokens(expense.input_tokens),
        _tokens(expense.output_tokens),
        cost_text(expense),
    ]


def _tokens(span: Span) -> str:
    low, high = span
    if high is None:
        return f"{low:,.0f} or more" if low else _UNKNOWN
    return _range(f"{low:,.0f}", f"{high:,.0f}")


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low}–{high}"


def _time(duration: float | None, expense: Expense) -> str:
    if not expense.calls:
        return seconds(0)
    return _UNKNOWN if duration is None else f"about {seconds(duration)}"


def _of_sights(outlook: Outlook) -> Iterator[str]:
    for confidence in dict.fromkeys(sight.confidence for sight in outlook.sights):
        named = [sight.suite or _ALL for sight in outlook.sights if sight.confidence == confidence]
        whose = "" if len(named) == len(outlook.sights) else f" ({', '.join(dict.fromkeys(named))})"
        yield (
            f"a smallest drop is seen with a chance of {percent(outlook.power)}, at the gate's "
            f"confidence of {percent(confidence)}{whose}"
        )
    if any(sight.past is None and sight.drop is not None for sight in outlook.sights):
        yield (
            "with nothing known of the past, a smallest drop goes from every case that differs "
            "being a loss to half of the cases differing by chance; a kept run of another version "
            "or model tells more"
        )


def _drops(sight: Sight) -> str:
    if sight.past is not None or sight.drop is None or sight.best is None:
        return drop_text(sight.drop)
    best = drop_text(sight.best).removesuffix(" points")
    return _range(best, drop_text(sight.drop))


def _rests_on(sight: Sight) -> str:
    if sight.drop is None:
        return "too few cases"
    if sight.past is None:
        return "no two arms on 10 cases in kept runs"
    past = sight.past
    where = past.runs[0] if len(past.runs) == 1 else f"{len(past.runs)} kept runs"
    return f"{percent(past.discordance)} differ between two arms on {past.cases:,} cases, {where}"


def _asked(outlook: Outlook) -> str:
    if outlook.detect is not None:
        return f" To see a drop of {drop_text(outlook.detect)}, on both sides of a comparison:"
    return f" With {money(outlook.max_cost or 0)} for both sides of a comparison:"


def _advice(one: Advice) -> list[str]:
    if not one.cases:
        return ["–", "–", one.why, "–"]
    cost = _UNKNOWN if one.cost is None else money(one.cost)
    return [f"{one.cases:,} × {one.samples:,}", f"{one.trials:,}", drop_text(one.drop), cost]


def _fields(expense: Expense) -> Json:
    found = asdict(expense)
    spans = ("input_tokens", "output_tokens", "cost")
    return {
        **{name: list(value) if name in spans else value for name, value in found.items()},
        "least_calls": expense.least_calls,
        "cost": None
        if expense.unpriced and expense.unpriced >= expense.calls
        else list(expense.cost),
    }


def _print_table(table: Sequence[Sequence[str]], screen: Screen) -> None:
    encoded = [[screen.encode(cut(cell, 120)) for cell in row] for row in table]
    widths = [max(map(cell_len, column)) for column in zip(*encoded, strict=True)]
    for index, row in enumerate(encoded):
        cells = [pad(cell, width) for cell, width in zip(row, widths, strict=True)]
        screen.line((f" {'  '.join(cells)}".rstrip(), "" if index else "dim"))
