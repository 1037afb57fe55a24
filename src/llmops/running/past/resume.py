"""A run that was not finished, gone on with: what was asked for, and what is done already."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from msgspec import Struct

from llmops.domain.node import Text
from llmops.domain.run import TrialResult
from llmops.errors import InvalidInputError
from llmops.location import COMMAND_LINE
from llmops.running.keeping.store import KeptRun, read_run
from llmops.running.past.sameness import same_request
from llmops.running.planning.arms import ArmOptions
from llmops.running.planning.plan import Plan, PlanOptions
from llmops.running.planning.selection import Selection

_DONE = frozenset({"passed", "failed", "skipped"})


class Before(Struct, frozen=True, kw_only=True):
    """An earlier run and the options it was started with."""

    run: KeptRun
    options: PlanOptions

    def finished(self, plan: Plan) -> Iterator[TrialResult]:
        """The trials that need not be carried out again.

        Errors and unscored trials are tried again, and so is a trial whose request or assertions
        have changed.

        Raises:
            InvalidInputError: The suites plan other trials now.
        """
        if plan.planned != self.run.header.planned:
            raise _stale(self.run)
        planned = plan.trials()
        for index, trial in self.run.indexed_trials():
            now = next((one for one in planned if one.index == index), None)
            if now is None or now.id != trial.id:
                raise _stale(self.run)
            alike = trial.quarantined == now.quarantined and same_request(trial, now)
            if trial.status in _DONE and alike:
                yield trial


def read_before(path: Path, options: Callable[[Mapping[str, Any]], PlanOptions]) -> Before:
    """Read the run that is to be resumed.

    Raises:
        InvalidInputError: It is finished, or its file is broken.
    """
    run = read_run(path)
    if run.footer is not None and run.footer.stopped_by is None and not _open_trials(run):
        raise InvalidInputError(
            f"the run {run.header.id} is finished",
            code="finished-run",
            hint="start a new one without --resume",
        )
    return Before(run=run, options=options(run.header.options))


def options_to_json(options: PlanOptions) -> dict[str, Any]:
    """What a plan was made from, as plain JSON values."""
    selection = options.selection
    whole: dict[str, Any] = {
        "selectors": list(selection.selectors),
        "expression": selection.expression,
        "prompt": selection.prompt,
        "shard": list(selection.shard) if selection.shard else None,
        "since": selection.since,
        "reached": sorted(selection.reached) if selection.reached is not None else None,
        "models": [text.text for text in options.arms.models],
        "sweep": {name: list(values) for name, values in (options.arms.sweep or {}).items()},
        "samples": options.samples,
        "inputs": dict(options.inputs),
        "only": sorted(options.only) if options.only is not None else None,
        "known": sorted(options.known),
        "today": options.today.isoformat() if options.today is not None else None,
        "purpose": options.purpose,
    }
    return {
        key: value
        for key, value in whole.items()
        if value not in (None, [], {}) or (key in {"only", "reached"} and value is not None)
    }


def options_from_json(value: Mapping[str, Any]) -> PlanOptions:
    """Read what `options_to_json` wrote.

    Whether the run is trusted is no part of it: that is decided anew, from outside.
    """
    shard = value.get("shard")
    sweep = {name: tuple(values) for name, values in value.get("sweep", {}).items()}
    return PlanOptions(
        selection=Selection(
            selectors=tuple(value.get("selectors", ())),
            expression=value.get("expression"),
            prompt=value.get("prompt"),
            shard=(shard[0], shard[1]) if shard else None,
            since=value.get("since"),
            reached=frozenset(value["reached"]) if "reached" in value else None,
        ),
        arms=ArmOptions(
            models=tuple(Text(name, COMMAND_LINE) for name in value.get("models", ())),
            sweep=sweep,
        ),
        samples=value.get("samples"),
        inputs=value.get("inputs", {}),
        only=frozenset(value["only"]) if "only" in value else None,
        known=frozenset(value.get("known", ())),
        today=date.fromisoformat(value["today"]) if "today" in value else None,
        purpose=value.get("purpose"),
    )


def _stale(run: KeptRun) -> InvalidInputError:
    return InvalidInputError(
        f"the suites plan other trials than the run {run.header.id} did",
        code="stale-run",
        hint="start a new run; what was answered is in the cache",
    )


def _open_trials(run: KeptRun) -> bool:
    if len(run.places) < run.header.planned:
        return True
    return any(trial.status not in _DONE for trial in run.trials())
