"""Say what a run would take and could see, before anything is asked or written."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from llmops.comparing.foresight import (
    MOST_SAMPLES,
    WORST,
    Wavering,
    best_drop,
    cases_for,
    drop_seen,
    plan_for_drop,
    plan_for_trials,
    wavering_of,
)
from llmops.comparing.gate import rule_of
from llmops.comparing.statistics.planning import Aim
from llmops.comparing.statistics.planning import Plan as CasePlan
from llmops.domain.config import GatePolicy, Model, Price
from llmops.domain.forecast import Advice, Forecast, Outlook, Part, PastArms, Sight
from llmops.errors import InvalidInputError
from llmops.providers.price_list import listed_output_limit, listed_price
from llmops.running.forecast import Forecaster
from llmops.running.keeping.run_names import FOLDER
from llmops.running.past.habits import Past, TwoArms, past_of
from llmops.running.planning.plan import Plan, PlanOptions, make_plan
from llmops.running.stop import Stop
from llmops.workflows.executing.asking import Asking, AskLimits, Clock
from llmops.workflows.opening.project import OpenProject

_ROUNDING: Final = 1e-9
"""Money that pays for whole trials pays for them in floating point, too."""


class ForecastOptions(Struct, frozen=True, kw_only=True):
    """What `llmops plan` was asked.

    Attributes:
        plan: What would be run.
        replay: Recordings and the cache only.
        fresh: Neither recordings nor the cache.
        detect: The drop of the pass rate to be seen, above 0 and at most 1.
        max_cost: US dollars that a comparison may cost.
    """

    plan: PlanOptions = field(default_factory=PlanOptions)
    replay: bool = False
    fresh: bool = False
    detect: float | None = None
    max_cost: float | None = None


def foretell(opened: OpenProject, options: ForecastOptions, clock: Clock) -> Outlook:
    """Say what a run would take and could see. Nobody is asked, and nothing is written.

    Raises:
        InvalidInputError: Something is wrong with the files.
        NothingSelectedError: No trial is left.
    """
    notes: list[str] = []
    aims = _aims(opened)
    today = options.plan.today or clock.now().astimezone(UTC).date()
    asked = replace(options.plan, untrusted=opened.untrusted, today=today)
    plan = make_plan(opened.project, opened.find_prompt, opened.resources, asked)
    past = past_of(opened.root / FOLDER)
    forecast = _forecast(opened, options, (plan, past), clock, notes)
    aim = aims[""]
    return Outlook(
        forecast=forecast,
        sights=tuple(_sights(forecast, past, aims)),
        power=aim.power,
        confidence=_confidence(aim),
        detect=options.detect,
        max_cost=options.max_cost,
        advice=tuple(_advice(forecast, past, aims, options)),
        notes=(*notes, *_notes(opened, plan, forecast)),
    )


def _forecast(
    opened: OpenProject,
    options: ForecastOptions,
    known: tuple[Plan, Past],
    clock: Clock,
    notes: list[str],
) -> Forecast:
    plan, past = known
    limits = AskLimits(replay=options.replay, fresh=options.fresh)
    asking = Asking(
        opened=opened, limits=limits, clock=clock, note=notes.append, stop=Stop(), read_only=True
    )
    with ExitStack() as stack:
        sources = asking.sources()
        if sources.cache is not None:
            stack.callback(sources.cache.close)
        return Forecaster(
            sources=sources,
            price=_price,
            output_limit=listed_output_limit,
            habits=past.habits,
        ).forecast(plan)


def _aims(opened: OpenProject) -> Mapping[str, Aim]:
    """How surely the gate wants a drop to be seen: by suite, and under an empty name by default."""
    project = opened.config.gate
    aims = {"": _aim(project, project)}
    for name, suite in opened.project.suites.items():
        aims[name] = _aim(suite.gate or project, project)
    return aims


def _aim(policy: GatePolicy, project: GatePolicy) -> Aim:
    said = policy if policy.confidence is not None else project
    try:
        return Aim(alpha=rule_of(said).alpha)
    except ValueError:
        raise InvalidInputError(
            f"nothing can be said with a confidence of {said.confidence}",
            at=said.at,
            code="confidence",
            hint="write one above 0.5 and below 1, such as 0.95",
        ) from None


def _confidence(aim: Aim) -> float:
    return round(1 - aim.alpha, 12)


def _sights(forecast: Forecast, past: Past, aims: Mapping[str, Aim]) -> Iterator[Sight]:
    """What each suite can see, and for each model what its suites see together."""
    parts = [part for part in forecast.parts if part.cases]
    for part in parts:
        arms = past.arms_of(part.suite, part.model)
        yield _sight((part.suite, part.model), (part.cases, part.samples), arms, aims[part.suite])
    for model in dict.fromkeys(part.model for part in parts):
        own = [part for part in parts if part.model == model]
        if len(own) > 1:
            arms = past.arms_together([part.suite for part in own], model)
            counts = sum(part.cases for part in own), min(part.samples for part in own)
            yield _sight(("", model), counts, arms, aims[""])


def _sight(
    named: tuple[str, str], counts: tuple[int, int], arms: TwoArms | None, aim: Aim
) -> Sight:
    wavering = _wavering(arms)
    said = None
    if arms is not None:
        discordance = wavering.discordance
        said = PastArms(runs=arms.runs, cases=len(arms.cases), discordance=discordance)
    return Sight(
        suite=named[0],
        model=named[1],
        cases=counts[0],
        samples=counts[1],
        confidence=_confidence(aim),
        drop=drop_seen(wavering, *counts, aim),
        best=best_drop(counts[0], aim),
        past=said,
    )


def _wavering(arms: TwoArms | None) -> Wavering:
    return WORST if arms is None else wavering_of(arms.cases)


def _advice(
    forecast: Forecast, past: Past, aims: Mapping[str, Aim], options: ForecastOptions
) -> Iterator[Advice]:
    """Cases × samples for each part: for a drop, or for its share of the money."""
    parts = [part for part in forecast.parts if part.cases]
    whole = sum((part.usual or 0.0) * part.cases for part in parts)
    for part in parts:
        known = _wavering(past.arms_of(part.suite, part.model)), aims[part.suite]
        if options.detect is not None:
            yield _for_drop(part, options.detect, *known)
        elif options.max_cost is not None:
            yield _for_money(part, options.max_cost / whole if whole else 0.0, *known)


def _for_drop(part: Part, drop: float, wavering: Wavering, aim: Aim) -> Advice:
    plan = plan_for_drop(wavering, drop, part.cases, aim)
    if plan is not None:
        return _advised(part, plan, wavering, aim)
    needed = cases_for(wavering, drop, aim)
    why = "needs more than a million cases" if needed is None else f"needs about {needed:,} cases"
    return _none(part, why)


def _for_money(part: Part, share: float, wavering: Wavering, aim: Aim) -> Advice:
    """Of the money, each case of all suites and models gets the same number of trials' worth.

    Args:
        part: A suite and a model.
        share: How often the money pays for a trial of every case.
        wavering: Of its cases.
        aim: How surely.
    """
    if part.usual is None:
        return _none(part, "nobody knows what a trial costs")
    if not part.usual:
        return _none(part, "costs nothing, however often it is asked")
    trials = int(min(share, 2.0 * MOST_SAMPLES) * part.cases + _ROUNDING)
    plan = plan_for_trials(wavering, trials, part.cases, aim)
    return (
        _none(part, "too little to see any drop")
        if plan is None
        else _advised(part, plan, wavering, aim)
    )


def _advised(part: Part, plan: CasePlan, wavering: Wavering, aim: Aim) -> Advice:
    return Advice(
        suite=part.suite,
        model=part.model,
        cases=plan.cases,
        samples=plan.samples,
        trials=plan.trials,
        drop=drop_seen(wavering, plan.cases, plan.samples, aim),
        cost=None if part.usual is None else part.usual * plan.trials,
    )


def _none(part: Part, why: str) -> Advice:
    return Advice(suite=part.suite, model=part.model, why=why)


def _price(model: Model) -> Price | None:
    """What a model costs; a script is free unless it is given a price."""
    known = listed_price(model)
    return Price(input=0.0, output=0.0) if known is None and model.via == "scripted" else known


def _notes(opened: OpenProject, plan: Plan, forecast: Forecast) -> Iterator[str]:
    expense, budget = forecast.expense, opened.config.budget
    if budget.max_calls is not None and expense.calls > budget.max_calls:
        yield f"the project's budget stops a run at {budget.max_calls:,} calls"
    most = expense.cost[1]
    if budget.max_cost is not None and (most is None or expense.unpriced or most > budget.max_cost):
        yield f"the project's budget stops a run at ${budget.max_cost:,.2f}"
    if plan.options.samples is None:
        for planned in plan.suites:
            allowed = planned.suite.samples
            if allowed.max > allowed.min:
                name = planned.suite.name
                yield (
                    f"'{name}' allows up to {allowed.max} samples a case where a gate needs them; "
                    f"this counts {allowed.min}"
                )
