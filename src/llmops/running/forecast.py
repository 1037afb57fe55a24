"""A plan and what is known in, a forecast out: calls, tokens, money and time, before any is spent."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from llmops.domain.completion import Completion, Request
from llmops.domain.config import Model, Price
from llmops.domain.run import Exchange
from llmops.domain.tokens import estimated_tokens
from llmops.running.plan import Plan
from llmops.running.runner import Progress
from llmops.running.sources import Found, Sources

_CHUNK = 256
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What a model's kept completions are like.

    Attributes:
        output_tokens: The mean of an answer; None when nobody counted.
        latency: Seconds, the mean; None when nobody measured.
    """

    output_tokens: float | None = None
    latency: float | None = None


@dataclass(slots=True, kw_only=True)
class ModelForecast:
    """What a run asks of one model.

    Attributes:
        label: The model's; empty for a target.
        calls: Requests that have to be asked.
        later: Of these, turns and steps whose words hang on the answers before.
        input_tokens: An estimate, of the requests whose words are known.
        output_tokens: Least and most; the most is None when nothing caps it.
        cost: US dollars, least and most; None where no price or cap is known.
        seconds: At the model's concurrency and usual latency; None when it is not known.
    """

    label: str
    calls: int = 0
    later: int = 0
    input_tokens: int = 0
    output_tokens: tuple[float, float | None] = (0.0, 0.0)
    cost: tuple[float | None, float | None] = (0.0, 0.0)
    seconds: float | None = None


@dataclass(slots=True, kw_only=True)
class Forecast:
    """What a run will take.

    Attributes:
        trials: Planned, the skipped ones included.
        recorded: Requests that recordings answer.
        cached: Requests that the cache answers.
        models: By label, in the order of the plan.
    """

    trials: int = 0
    skipped: int = 0
    recorded: int = 0
    cached: int = 0
    models: dict[str, ModelForecast] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        """Requests that have to be asked."""
        return sum(model.calls for model in self.models.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecaster:
    """Foretells plans.

    Attributes:
        sources: Recordings and the cache.
        price: What a model costs.
        output_limit: The most tokens that a model can write.
        habits: What its kept completions are like, by the model's label.
    """

    sources: Sources
    price: Callable[[Model], Price | None]
    output_limit: Callable[[Model], int | None]
    habits: Mapping[str, Habits]

    def forecast(self, plan: Plan) -> Forecast:
        """Walk through a plan without asking anybody.

        The least cost takes the usual length of answers where kept runs tell it, else one token
        an answer; the most takes `max_tokens` or what the model can write.
        """
        made = Forecast()
        trials = iter(plan.trials())
        while chunk := [Progress(trial=trial) for trial in islice(trials, _CHUNK)]:
            made.trials += len(chunk)
            made.skipped += sum(not progress.trial.stages for progress in chunk)
            self._walk(chunk, made)
        for model in made.models.values():
            _time(model, self.habits.get(model.label, Habits()), plan)
        return made

    def _walk(self, waiting: Sequence[Progress], made: Forecast) -> None:
        """Follow trials for as far as their answers are known."""
        asking = [progress for progress in waiting if progress.prepare()]
        while asking:
            questions = [progress.asked for progress in asking if progress.asked is not None]
            found = iter(self.sources.find_many(questions))
            further = []
            for progress in asking:
                known = next(found) if progress.asked is not None else None
                if known is None:
                    self._ask(progress, made)
                    continue
                _count(known, made)
                _answer(progress, known.completion)
                if progress.prepare():
                    further.append(progress)
            asking = further

    def _ask(self, progress: Progress, made: Forecast) -> None:
        """Count a request that nobody has answered yet, and those that come after it."""
        model = progress.trial.planned_arm.model
        label = model.label if model is not None else ""
        forecast = made.models.setdefault(label, ModelForecast(label=label))
        left = len(progress.trial.stages) - len(progress.done)
        forecast.calls += left
        forecast.later += left - 1
        if model is None:
            forecast.cost = (None, None)
            return
        if progress.asked is not None:
            self._add(forecast, model, progress.asked.request, left)

    def _add(self, forecast: ModelForecast, model: Model, request: Request, times: int) -> None:
        read = estimated_tokens(request.messages)
        forecast.input_tokens += read * times
        usual = self.habits.get(model.label, Habits()).output_tokens
        cap = _cap(request.parameters, self.output_limit(model))
        least = (1.0 if usual is None else usual) * times
        most = None if cap is None else float(max(cap, usual or 0.0)) * times
        forecast.output_tokens = (
            forecast.output_tokens[0] + least,
            _plus(forecast.output_tokens[1], most),
        )
        price = self.price(model)
        if price is None:
            forecast.cost = (None, None)
            return
        paid = read * times * price.input
        most_paid = None if most is None else (paid + most * price.output) / _MILLION
        forecast.cost = (
            _plus(forecast.cost[0], (paid + least * price.output) / _MILLION),
            _plus(forecast.cost[1], most_paid),
        )


def habits_of(completions: Iterator[tuple[str, Completion]]) -> dict[str, Habits]:
    """What completions are like, by the label of their model."""
    tokens: dict[str, list[int]] = {}
    latencies: dict[str, list[float]] = {}
    for label, completion in completions:
        if completion.usage.output is not None:
            tokens.setdefault(label, []).append(completion.usage.output)
        if completion.latency > 0:
            latencies.setdefault(label, []).append(completion.latency)
    return {
        label: Habits(
            output_tokens=_mean(tokens.get(label, ())), latency=_mean(latencies.get(label, ()))
        )
        for label in {**tokens, **latencies}
    }


def _answer(progress: Progress, completion: Completion) -> None:
    """Take a known answer without scoring it."""
    stage = progress.stage
    if stage is not None and progress.asked is not None:
        asked = progress.asked.request
        progress.done.append(Exchange(name=stage.name, request=asked, completion=completion))


def _count(known: Found, made: Forecast) -> None:
    if known.origin == "recorded":
        made.recorded += 1
    else:
        made.cached += 1


def _cap(parameters: Mapping[str, object], limit: int | None) -> int | None:
    asked = [parameters.get(name) for name in ("max_tokens", "max_completion_tokens")]
    caps = [cap for cap in (*asked, limit) if isinstance(cap, int)]
    return min(caps) if caps else None


def _time(forecast: ModelForecast, habits: Habits, plan: Plan) -> None:
    models = [arm.planned.model for suite in plan.suites for arm in suite.arms]
    model = next((one for one in models if one is not None and one.label == forecast.label), None)
    if model is None or habits.latency is None:
        return
    seconds = habits.latency * -(-forecast.calls // model.max_concurrency)
    if model.rpm is not None:
        seconds = max(seconds, 60.0 * forecast.calls / model.rpm)
    forecast.seconds = seconds


def _plus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
