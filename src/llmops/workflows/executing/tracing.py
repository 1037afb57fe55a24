"""Whether a run is followed for OpenTelemetry, and whoever follows it."""

from collections.abc import Callable, Mapping

from llmops.domain.config import Otel
from llmops.domain.run import RunHeader
from llmops.errors import InvalidInputError
from llmops.providers.keys import redact, secrets_of
from llmops.telemetry.courier import Courier
from llmops.telemetry.trace import RunTrace
from llmops.workflows.executing.asking import Clock
from llmops.workflows.opening.project import OpenProject

_DISABLED = "OTEL_SDK_DISABLED"
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_HEADERS = (
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
)
_SPOKEN = "http/protobuf"


def wanted_otel(opened: OpenProject, *, asked: bool | None) -> Otel | None:
    """How a run is to be followed; None when it is not.

    Files that are not trusted turn nothing on, and no words are sent for them.

    Args:
        opened: The project, whose configuration may want it.
        asked: What the command line says; None when it says nothing.
    """
    said = opened.environment.get(_DISABLED, "").strip().lower()
    own = None if opened.untrusted else opened.config.otel
    on = asked if asked is not None else own is not None and own.enabled
    return (own or Otel()) if on and said != "true" else None


def open_trace(
    opened: OpenProject,
    otel: Otel,
    header: RunHeader,
    clock: tuple[Clock, float],
    note: Callable[[str], None],
) -> RunTrace:
    """Follow a run, and send what it does to the collector that `OTEL_*` name.

    Args:
        opened: The project.
        otel: How.
        header: The run.
        clock: The clock, and its seconds when the run began.
        note: Told what the user should know.

    Raises:
        InvalidInputError: The packages that speak to collectors are not installed.
    """
    try:
        from llmops.telemetry.otlp import OtlpCarrier, resource_of
        from llmops.telemetry.spans import SpanMaker
    except ImportError as error:
        message = f"OpenTelemetry needs packages that are not installed: {error}"
        hint = "pip install 'llmops[otel]', or leave --otel and 'otel' out"
        raise InvalidInputError(message, code="missing-extra", hint=hint) from None
    _warn_of_protocol(opened.environment, note)
    time, began = clock
    anchor = time.now().timestamp() - time.monotonic()
    secrets = secrets_of_all(opened.environment)
    maker = SpanMaker(
        header=header,
        resource=resource_of(header),
        began=began,
        epoch=lambda seconds: round((anchor + seconds) * 1e9),
        clean=lambda text: redact(text, secrets),
        content=otel.content,
    )
    courier = Courier(lambda: OtlpCarrier(maker, opened.environment))
    return RunTrace(courier=courier, clock=time.monotonic, note=note)


def secrets_of_all(environment: Mapping[str, str]) -> tuple[str, ...]:
    """All that must not be sent: keys, and what stands in headers for the collector."""
    pairs = [pair for name in _HEADERS for pair in environment.get(name, "").split(",")]
    values = {pair.partition("=")[2].strip() for pair in pairs}
    return (*secrets_of(environment), *(value for value in values if len(value) >= 8))


def _warn_of_protocol(environment: Mapping[str, str], note: Callable[[str], None]) -> None:
    said = next((environment[name] for name in _PROTOCOLS if environment.get(name)), _SPOKEN)
    if said != _SPOKEN:
        note(f"traces are sent by {_SPOKEN}, though OTEL_EXPORTER_OTLP_PROTOCOL says '{said}'")
