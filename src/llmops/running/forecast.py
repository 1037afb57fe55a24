"""A plan and what is known in, a forecast out: calls, tokens, money and time, before any is spent."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from msgspec import Struct, field

from llmops.domain.completion import Completion, Request
from llmops.domain.config import Model, Price
from llmops.domain.forecast import Expense, Forecast, Part, Span, total
from llmops.domain.run import Exchange
from llmops.domain.tokens import estimated_tokens
from llmops.running.past.habits import Habits
from llmops.running.planning.plan import Plan
from llmops.running.planning.trial import PlannedTrial
from llmops.running.runner import Progress
from llmops.running.sources import Found, Sources

_CHUNK = 256
_MILLION = 1_000_000
_CAPS = ("max_tokens", "max_completion_tokens")
_Key = tuple[str, str]
"""A suite and the label of a model."""


class Forecaster(Struct, frozen=True, kw_only=True):
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
        walk = _Walk(forecaster=self)
        trials = iter(plan.trials())
        while chunk := list(islice(trials, _CHUNK)):
            walk.take(chunk)
        parts = tuple(self._part(key, walk) for key in walk.expenses)
        labels = dict.fromkeys(key[1] for key in walk.expenses)
        seconds = {
            label: self._time(
                walk.models[label], total(p.expense for p in parts if p.model == label).calls
            )
            for label in labels
        }
        return Forecast(parts=parts, seconds=seconds)

    def requests(self, model: Model, request: Request, times: int) -> Expense:
        """What it takes to ask a request, and turns or steps like it after it."""
        habits = self.habits.get(model.label, Habits())
        read = estimated_tokens(request.messages) * habits.input_ratio * times
        usual = 1.0 if habits.output_tokens is None else habits.output_tokens
        cap = _cap(request.parameters, self.output_limit(model))
        most = None if cap is None else max(float(cap), usual) * times
        told = 0.0 if times == 1 else None if most is None else most * (times - 1) / 2
        tokens: Span = (read, None if told is None else read + told)
        written: Span = (usual * times, most)
        price = self.price(model)
        if price is None:
            return Expense(input_tokens=tokens, output_tokens=written, unpriced=times)
        return Expense(
            input_tokens=tokens, output_tokens=written, cost=_cost(price, tokens, written)
        )

    def _part(self, key: _Key, walk: "_Walk") -> Part:
        suite, model = key
        whole = walk.wholes[key]
        return Part(
            suite=suite,
            model=model,
            cases=len(walk.cases[key]),
            samples=len(walk.samples[key]),
            expense=walk.expenses[key],
            whole=whole,
            usual=self._usual(whole, model),
        )

    def _usual(self, whole: Expense, model: str) -> float | None:
        """What a trial costs: the least is what is usual where kept runs tell what that is."""
        asked = whole.trials - whole.skipped
        known = self.habits.get(model, Habits()).output_tokens is not None
        cost = whole.cost[0] if known else whole.cost[1]
        return None if cost is None or whole.unpriced or not asked else cost / asked

    def _time(self, model: Model | None, calls: int) -> float | None:
        habits = self.habits.get(model.label, Habits()) if model is not None else Habits()
        if model is None or habits.latency is None:
            return None
        seconds = habits.latency * -(-calls // model.max_concurrency)
        return seconds if model.rpm is None else max(seconds, 60.0 * calls / model.rpm)


class _Walk(Struct, kw_only=True):
    """A walk through the trials of a plan.

    Attributes:
        asked: Cache keys of the requests that will be asked.
    """

    forecaster: Forecaster
    asked: set[str] = field(default_factory=set)
    expenses: dict[_Key, Expense] = field(default_factory=dict)
    wholes: dict[_Key, Expense] = field(default_factory=dict)
    cases: dict[_Key, set[str]] = field(default_factory=dict)
    samples: dict[_Key, set[int]] = field(default_factory=dict)
    models: dict[str, Model | None] = field(default_factory=dict)

    def take(self, chunk: Sequence[PlannedTrial]) -> None:
        """Follow trials for as far as their answers are known."""
        waiting = []
        for trial in chunk:
            self._note(trial)
            progress = Progress(trial=trial)
            if progress.prepare():
                self._whole(progress)
                waiting.append(progress)
        while waiting:
            waiting = self._further(waiting)

    def _further(self, waiting: Sequence[Progress]) -> list[Progress]:
        """Look up a request of each trial; those that have another one after a known answer."""
        questions = [progress.asked for progress in waiting if progress.asked is not None]
        found = iter(self.forecaster.sources.find_many(questions))
        further = []
        for progress in waiting:
            known = next(found) if progress.asked is not None else None
            if known is None:
                self._ask(progress)
                continue
            self._add(progress.trial, _known(known))
            _answer(progress, known.completion)
            if progress.prepare():
                further.append(progress)
        return further

    def _note(self, trial: PlannedTrial) -> None:
        key = _key(trial)
        self.models.setdefault(key[1], trial.planned_arm.model)
        self.cases.setdefault(key, set())
        self.samples.setdefault(key, set())
        one = Expense(trials=1, skipped=int(trial.case.skip is not None))
        self._add(trial, one)
        self.wholes[key] = self.wholes.get(key, Expense()) + one
        if trial.case.skip is None and trial.quarantined is None:
            self.cases[key].add(trial.case.cluster or f"::{trial.case.id}")
            self.samples[key].add(trial.sample)

    def _whole(self, progress: Progress) -> None:
        """What the trial would take if nothing were known."""
        key = _key(progress.trial)
        self.wholes[key] += self._expense(progress, len(progress.trial.stages))

    def _ask(self, progress: Progress) -> None:
        """Count a request that nobody has answered yet, and those that come after it."""
        left = len(progress.trial.stages) - len(progress.done)
        model, asked = progress.trial.planned_arm.model, progress.asked
        if self.forecaster.sources.replay or (model is not None and model.via == "recorded"):
            self._add(progress.trial, Expense(missing=1))
            return
        repeated = asked is not None and asked.key in self.asked
        if asked is not None:
            self.asked.add(asked.key)
        counts = Expense(calls=left, later=left - 1, repeated=int(repeated))
        expense = self._expense(progress, left)
        if left > 1 or repeated:
            expense = self._at_most(expense, progress, certain=0 if repeated else 1)
        self._add(progress.trial, counts + expense)

    def _at_most(self, expense: Expense, progress: Progress, *, certain: int) -> Expense:
        """An expense of which only the first request is certain, or not even that."""
        least = self._expense(progress, certain) if certain else Expense()
        return Expense(
            input_tokens=(least.input_tokens[0], expense.input_tokens[1]),
            output_tokens=(least.output_tokens[0], expense.output_tokens[1]),
            cost=(least.cost[0], expense.cost[1]),
            unpriced=expense.unpriced,
        )

    def _expense(self, progress: Progress, times: int) -> Expense:
        model = progress.trial.planned_arm.model
        if model is None or progress.asked is None:
            return Expense(input_tokens=(0.0, None), output_tokens=(0.0, None), unpriced=times)
        return self.forecaster.requests(model, progress.asked.request, times)

    def _add(self, trial: PlannedTrial, expense: Expense) -> None:
        key = _key(trial)
        self.expenses[key] = self.expenses.get(key, Expense()) + expense


def _key(trial: PlannedTrial) -> _Key:
    model = trial.planned_arm.model
    return trial.suite.name, model.label if model is not None else ""


def _answer(progress: Progress, completion: Completion) -> None:
    """Take a known answer without scoring it."""
    stage = progress.stage
    if stage is not None and progress.asked is not None:
        asked = progress.asked.request
        progress.done.append(Exchange(name=stage.name, request=asked, completion=completion))


def _known(found: Found) -> Expense:
    return Expense(recorded=1) if found.origin == "recorded" else Expense(cached=1)


def _cost(price: Price, read: Span, written: Span) -> Span:
    if not price.input and not price.output:
        return 0.0, 0.0
    least = (read[0] * price.input + written[0] * price.output) / _MILLION
    if read[1] is None or written[1] is None:
        return least, None
    return least, (read[1] * price.input + written[1] * price.output) / _MILLION


def _cap(parameters: Mapping[str, object], limit: int | None) -> int | None:
    caps = [cap for cap in (*map(parameters.get, _CAPS), limit) if isinstance(cap, int)]
    return min(caps) if caps else None
