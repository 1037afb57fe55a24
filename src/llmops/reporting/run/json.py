"""A run as one JSON document, the lossless form; trials are written as they are read."""

import json
import math
import re
from typing import Any, Final, TextIO

from llmops.domain.frame import footer_to_json, header_to_json
from llmops.domain.record import Json, location_to_json, trial_to_json
from llmops.domain.verdict import Verdict
from llmops.errors import Fault
from llmops.reporting.base import Report, reporter

SCHEMA: Final = "llmops.run/1"
_ESCAPED: Final = re.compile(
    "[\x7f-\x9f\u2028\u2029\ud800-\udfff]|#(?=#(?:\\[|vso\\[|teamcity\\[))", re.IGNORECASE
)


@reporter("json", suffix=".json", about="one document with everything, for programs")
def write_json(report: Report, out: TextIO) -> None:
    """Write header, verdict and trials as one document."""
    footer = report.footer
    whole: Json = {
        "schema": SCHEMA,
        "header": header_to_json(report.header),
        "footer": footer_to_json(footer) if footer else None,
        "verdict": verdict_to_json(report.verdict),
        "warnings": [fault_to_json(fault) for fault in report.warnings],
    }
    out.write("{\n")
    for name, value in whole.items():
        out.write(f"{json_text(name)}: {json_text(value)},\n")
    out.write('"trials": [')
    for index, trial in enumerate(report.trials()):
        out.write(",\n" if index else "\n")
        out.write(json_text(trial_to_json(trial)))
    out.write("\n]\n}\n")


def json_text(value: object) -> str:
    """Write a value as JSON on one line.

    Line separators, controls, lone surrogates and what a CI runner would obey are written as
    escapes, so the value read back is the same. What is no finite number becomes null, and a
    mapping lists the places of those under `not_finite`.
    """
    try:
        text = _dumped(value)
    except ValueError:
        text = _dumped(_finite_whole(value))
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def verdict_to_json(verdict: Verdict) -> Json:
    """A verdict as plain values."""
    rate = verdict.totals.pass_rate()
    return {
        "status": verdict.status,
        "exit_code": verdict.exit_code,
        "reason": verdict.reason,
        "pass_rate": list(rate) if rate else None,
        "totals": verdict.totals.as_json(),
    }


def fault_to_json(fault: Fault) -> Json:
    """A fault as plain values."""
    return {
        "code": fault.code,
        "severity": fault.severity,
        "message": fault.message,
        "at": location_to_json(fault.at) if fault.at else None,
        "hint": fault.hint,
    }


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)


def _finite_whole(value: object) -> object:
    places: list[str] = []
    finite = _finite(value, "", places)
    return {**finite, "not_finite": places} if isinstance(finite, dict) else finite


def _finite(value: Any, place: str, places: list[str]) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, float) and not math.isfinite(value):
        places.append(place)
        return None
    if isinstance(value, dict):
        return {
            key: _finite(part, f"{place}.{key}".lstrip("."), places) for key, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [_finite(part, f"{place}[{index}]", places) for index, part in enumerate(value)]
    return value
