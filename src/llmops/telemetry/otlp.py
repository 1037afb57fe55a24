"""OTLP over HTTP: spans and metrics of a run sent to a collector."""

import logging
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExportResult
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from llmops.domain.run import RunHeader
from llmops.telemetry.measures import Measures
from llmops.telemetry.spans import SpanMaker, trace_id_of
from llmops.telemetry.trace import Ended, Over

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_USUAL = "http://localhost:4318"
_TIMEOUTS = ("OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_{}_TIMEOUT")
_SECONDS = 2.0
"""For one load, where no variable says otherwise: nobody waits long for a collector."""
_BETWEEN_METRICS = 60.0
"""Seconds; and once more when the run is over."""
_LOGGER = "opentelemetry"
_WORDS: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"[Rr]efused"), "the connection is refused"),
    (re.compile(r"timed out"), "there is no answer in time"),
    (re.compile(r"resol|getaddrinfo|Name or service"), "the host is not known"),
    (re.compile(r"code: (\d{3})"), "it answers with the status {}"),
    (re.compile(r"Transient error ([\w ]+) encountered"), "it answers '{}'"),
    (
        re.compile(r"Invalid (IPv6 )?URL|Failed to parse|No connection adapters"),
        "what names its address is none",
    ),
    (re.compile(r"due to timeout, max retries"), "it is not there, or not in time"),
)


class OtlpCarrier:
    """Sends what is over to a collector, in the courier's thread."""

    def __init__(self, maker: SpanMaker, environment: Mapping[str, str]) -> None:
        """Open the connection.

        Args:
            maker: Makes the spans.
            environment: For what stands in `OTEL_*`; the exporters read the process's own.
        """
        self._maker = maker
        self._ear = _Ear()
        self._where = _where(environment)
        self._sent = 0
        self._measured = maker.began
        self._measures = Measures(maker.resource, maker.header.versions.get("llmops", ""))
        self._spans = (
            OTLPSpanExporter(timeout=_timeout(environment, "TRACES"))
            if _wanted(environment, "TRACES")
            else None
        )
        self._metrics = (
            OTLPMetricExporter(timeout=_timeout(environment, "METRICS"))
            if _wanted(environment, "METRICS")
            else None
        )

    def carry(self, load: Sequence[Ended | Over]) -> str | None:
        """Send spans, and metrics when the run is over; returns why that failed, or None."""
        spans: list[ReadableSpan] = []
        for thing in load:
            if isinstance(thing, Over):
                spans.append(self._maker.of_run(thing))
            else:
                spans += self._maker.of_trial(thing)
                self._measures.count(thing)
        return self._send_spans(spans) or self._send_metrics(load[-1])

    def close(self) -> None:
        """Close the connections; a load under way is given up."""
        for exporter in (self._spans, self._metrics):
            if exporter is not None:
                exporter.shutdown()
        self._measures.close()
        self._ear.stop()

    def summary(self, lost: int, reason: str | None) -> str:
        """What was sent, and why not all of it was."""
        del lost  # trials, of which nobody knows how many spans they would have been
        if reason is None:
            trace = f"{trace_id_of(self._maker.header.id):032x}"
            return f"{self._sent} spans sent to {self._where}, trace {trace}"
        return (
            f"not all traces could be sent to {self._where}: {reason}; "
            "the run and its verdict are not touched by that"
        )

    def _send_spans(self, spans: Sequence[ReadableSpan]) -> str | None:
        if self._spans is None:
            return None
        self._ear.heard.clear()
        if self._spans.export(spans) is SpanExportResult.SUCCESS:
            self._sent += len(spans)
            return None
        return self._ear.reason()

    def _send_metrics(self, last: Ended | Over) -> str | None:
        soon = last.ended - self._measured < _BETWEEN_METRICS
        if self._metrics is None or (soon and not isinstance(last, Over)):
            return None
        self._measured = last.ended
        data = self._measures.read()
        if data is None:
            return None
        self._ear.heard.clear()
        if self._metrics.export(data) is MetricExportResult.SUCCESS:
            return None
        return self._ear.reason()


def resource_of(header: RunHeader) -> Resource:
    """What sends: llmops, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` say otherwise."""
    version = header.versions.get("llmops", "")
    own = Resource.create({"service.name": "llmops", "service.version": version})
    return own.merge(OTELResourceDetector().detect())


def _wanted(environment: Mapping[str, str], signal: str) -> bool:
    return environment.get(f"OTEL_{signal}_EXPORTER", "").strip().lower() != "none"


def _timeout(environment: Mapping[str, str], signal: str) -> float | None:
    said = any(environment.get(name.format(signal)) for name in _TIMEOUTS)
    return None if said else _SECONDS


def _where(environment: Mapping[str, str]) -> str:
    """The collector's host: what else stands in its address may be secret."""
    named = next((environment[name] for name in _ENDPOINTS if environment.get(name)), _USUAL)
    try:
        host = urlsplit(named).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return host or "the collector"


class _Ear(logging.Handler):
    """Hears what the exporters have to say, in place of the terminal."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []
        self._logger = logging.getLogger(_LOGGER)
        self._spread = self._logger.propagate
        self._logger.propagate = False
        self._logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Remember what is said."""
        self.heard.append(record.getMessage())

    def reason(self) -> str:
        """Why something was not sent, in few words."""
        said = " ".join(self.heard)
        for pattern, words in _WORDS:
            found = pattern.search(said)
            if found is not None:
                return words.format(*found.groups())
        return said[:200] or "nobody said why"

    def stop(self) -> None:
        """Hear nothing more."""
        self._logger.removeHandler(self)
        self._logger.propagate = self._spread
