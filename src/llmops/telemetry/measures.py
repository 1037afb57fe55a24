"""Trials and attempts in, OpenTelemetry's metrics out: time, tokens, cost, errors."""

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData
from opentelemetry.sdk.resources import Resource

from llmops.domain.attempt import MadeAttempt
from llmops.domain.completion import Completion
from llmops.domain.run import TrialResult
from llmops.telemetry.attributes import Attributes, who
from llmops.telemetry.trace import Ended

_SECONDS = [0.01 * 2**power for power in range(14)]
_TOKENS = [float(4**power) for power in range(14)]


class Measures:
    """The metrics of one run."""

    def __init__(self, resource: Resource, version: str) -> None:
        """Make the instruments.

        Args:
            resource: What the metrics are of.
            version: Of llmops.
        """
        self._reader = InMemoryMetricReader()
        self._provider = MeterProvider([self._reader], resource, shutdown_on_exit=False)
        meter = self._provider.get_meter("llmops", version)
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "How long an attempt took.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._target = meter.create_histogram(
            "llmops.target.duration",
            "s",
            "How long a call of a target took.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Tokens of a completion, as the provider counted them.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self._cost = meter.create_counter("llmops.cost", "{USD}", "What completions cost.")
        self._unpriced = meter.create_counter(
            "llmops.unpriced", "{completion}", "Completions whose cost nobody knows."
        )
        self._trials = meter.create_counter("llmops.trials", "{trial}", "Trials that ended.")

    def count(self, ended: Ended) -> None:
        """Count a trial and its attempts."""
        if ended.trial is not None:
            self._trials.add(1, _of_trial(ended.trial))
        for attempt in ended.attempts:
            self._count_attempt(attempt)

    def read(self) -> MetricsData | None:
        """All that was counted so far; None when nothing was."""
        return self._reader.get_metrics_data()

    def close(self) -> None:
        """Count nothing more."""
        self._provider.shutdown()

    def _count_attempt(self, attempt: MadeAttempt) -> None:
        asked = who(attempt)
        error: Attributes = {"error.type": attempt.failure.kind} if attempt.failure else {}
        duration = self._duration if attempt.model is not None else self._target
        duration.record(attempt.ended - attempt.began, {**asked, **error})
        if attempt.completion is not None:
            self._count_completion(attempt.completion, asked)

    def _count_completion(self, completion: Completion, asked: Attributes) -> None:
        usage = completion.usage
        if usage.source == "provider" and "gen_ai.request.model" in asked:
            for kind, tokens in (("input", usage.input), ("output", usage.output)):
                if tokens is not None:
                    self._tokens.record(tokens, {**asked, "gen_ai.token.type": kind})
        if completion.cost is None:
            self._unpriced.add(1, asked)
        else:
            self._cost.add(completion.cost, asked)


def _of_trial(trial: TrialResult) -> Attributes:
    return {
        "test.suite.name": trial.suite,
        "llmops.model": trial.arm.model,
        "llmops.trial.status": trial.status,
        "llmops.trial.quarantined": trial.quarantined is not None,
        "llmops.origin": trial.origin,
    }
