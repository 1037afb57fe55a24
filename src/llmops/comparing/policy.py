"""What a change does to policy: a project at the base and now in, findings out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from llmops.comparing.arm_policy import arm_changes
from llmops.comparing.case_policy import CaseSides, compare_cases, inputs_key
from llmops.comparing.gate_losses import gate_losses
from llmops.domain.config import Budget, Config, GatePolicy, Judge
from llmops.domain.gate import FINDINGS, Finding, Level
from llmops.domain.suite import Case, Suite
from llmops.location import Location

_HARDER: Final[Mapping[str, int]] = {"info": 0, "warn": 1, "error": 2}


class PolicySide(Struct, frozen=True, kw_only=True):
    """A project as far as policy goes.

    Attributes:
        suites: By name.
        cases: Of each suite that may differ, by its name, bound to rows and cells of the matrix.
    """

    config: Config
    suites: Mapping[str, Suite]
    cases: Mapping[str, Sequence[Case]]


class FileFinding(Struct, frozen=True, kw_only=True):
    """A file that judges, or stands in for a model, and is not as it was.

    Attributes:
        kind: A key of `FINDINGS`.
        what: The file, and what became of it.
    """

    kind: str
    what: str
    suite: str = ""


class PolicyLevels(Struct, frozen=True, kw_only=True):
    """What findings do to the verdict: the policy's word, and what was let through on purpose.

    Attributes:
        policy: `levels:` of the base's configuration.
        allowed: Kinds that were allowed on the command line; `all` for every one.
    """

    policy: Mapping[str, Level] = field(default_factory=dict)
    allowed: frozenset[str] = frozenset()

    def of(self, kind: str) -> Level:
        """The level of a kind."""
        level = self.policy.get(kind, FINDINGS[kind])
        allowed = kind in self.allowed or "all" in self.allowed
        return "warn" if level == "error" and allowed else level


def policy_diff(
    before: PolicySide, after: PolicySide, files: Sequence[FileFinding], levels: PolicyLevels
) -> tuple[Finding, ...]:
    """Find all by which it became easier to pass; the gravest first.

    Args:
        before: At the base.
        after: Now.
        files: Files that are not as they were.
        levels: What each kind does to the verdict.
    """
    renamed = renamed_suites(before, after)
    found = [
        *_of_config(before.config, after.config),
        *_of_suites(before, after, renamed),
        *(_finding(one.kind, one.what, suite=one.suite) for one in files),
    ]
    placed = (replace(one, level=levels.of(one.kind)) for one in found)
    return tuple(sorted(dict.fromkeys(placed), key=lambda one: -_HARDER[one.level]))


def renamed_suites(before: PolicySide, after: PolicySide) -> dict[str, str]:
    """New names by old ones, of suites that are gone and of which another holds every case."""
    gone = [name for name in before.suites if name not in after.suites]
    new = [name for name in after.suites if name not in before.suites]
    found: dict[str, str] = {}
    for old in gone:
        asked = {inputs_key(case) for case in before.cases.get(old, ())}
        for name in new:
            held = {inputs_key(case) for case in after.cases.get(name, ())}
            if asked and asked <= held and name not in found.values():
                found[old] = name
                break
    return found


def _of_suites(
    before: PolicySide, after: PolicySide, renamed: Mapping[str, str]
) -> Iterator[Finding]:
    for name, suite in before.suites.items():
        now = after.suites.get(renamed.get(name, name))
        if now is None:
            cases = tuple(case.id for case in before.cases.get(name, ()))
            yield _finding("suite_removed", "the suite was removed", name, cases, suite.at)
            continue
        if name in renamed:
            yield _finding("suite_renamed", f"the suite is called {now.name} now", name, at=now.at)
        yield from _of_suite(suite, now, before.config.gate)
        judged = _judged(suite, before.config.gate)
        sides = CaseSides(before=before.cases.get(name, ()), after=after.cases.get(now.name, ()))
        yield from compare_cases(now, sides, steps_of=suite, judged=judged)


def _judged(suite: Suite, project: GatePolicy) -> frozenset[str]:
    """The metrics that the gate judges in a suite, beside others or alone."""
    own = suite.gate.metrics if suite.gate is not None else None
    return frozenset((*(own or ()), *(project.metrics or ())))


def _of_suite(before: Suite, after: Suite, project: GatePolicy) -> Iterator[Finding]:
    if after.samples.min < before.samples.min:
        words = f"{after.samples.min} samples a case in place of {before.samples.min}"
        yield _finding("samples_lowered", words, after.name, at=after.at)
    for kind, words in arm_changes(before, after):
        yield _finding(kind, words, after.name, at=after.at)
    yield from _of_target(before, after)
    yield from _of_quarantine(before, after)
    then, now = (suite.gate or GatePolicy() for suite in (before, after))
    yield from gate_losses(then.over(project), now.over(project), after.name, now.at or after.at)


def _of_target(before: Suite, after: Suite) -> Iterator[Finding]:
    """Another application, or none any more."""
    old, new = (suite.target.label if suite.target else "none" for suite in (before, after))
    if before.target is not None and old != new:
        words = f"the target was {old} and is {new} now"
        at = after.target.at if after.target else after.at
        yield _finding("target_changed", words, after.name, at=at)


def _of_quarantine(before: Suite, after: Suite) -> Iterator[Finding]:
    """Cases that are excused, or longer than they were; here not, but once this is the base."""
    then = {entry.case.text: entry.until for entry in before.quarantine}
    for entry in after.quarantine:
        case = entry.case.text
        if case not in then or then[case] < entry.until:
            words = f"the case will be quarantined {entry.words}"
            yield _finding("quarantine_longer", words, after.name, (case,), entry.at)


def _of_config(before: Config, after: Config) -> Iterator[Finding]:
    yield from gate_losses(before.gate, after.gate, "", after.gate.at)
    yield from _of_judge(before, after)
    yield from _of_budget(before.budget, after.budget)
    yield from _of_plugins(before, after)
    for model in new_hosts(before, after):
        words = f"the model '{model}' sends a key to a host that the base does not pair it with"
        yield _finding("host_added", words, at=after.models[model].at)
    for model in _strange_hosts(before, after):
        words = f"the model '{model}' is asked at a host that the base does not name"
        yield _finding("host_added", words, at=after.models[model].at)
    for label in before.protected_labels:
        if label not in after.protected_labels:
            yield _finding("label_unprotected", f"the label '{label}' is protected no longer")
    if before.limits != after.limits:
        yield _finding("limits_changed", "the limits of files are others")


def new_hosts(before: Config, after: Config) -> list[str]:
    """The aliases that would send a key to a host that the base does not pair it with."""
    known = {(model.api_base, model.key) for model in before.models.values()}
    return [
        name
        for name, model in after.models.items()
        if model.key is not None
        and model.api_base is not None
        and (model.api_base, model.key) not in known
    ]


def _strange_hosts(before: Config, after: Config) -> list[str]:
    """The aliases that are asked, without a key, where the base asks nobody: anyone may answer."""
    known = {model.api_base for model in before.models.values()}
    return [
        name
        for name, model in after.models.items()
        if model.key is None and model.api_base not in {None, *known}
    ]


def _of_judge(before: Config, after: Config) -> Iterator[Finding]:
    if before.judge == after.judge:
        judge = before.judge
        if judge is None or _name(before, judge) == _name(after, judge):
            return
    yield _finding("judge_changed", f"the judge was {_judge(before)} and is {_judge(after)} now")


def _judge(config: Config) -> str:
    judge = config.judge
    return "none" if judge is None else f"{_name(config, judge)} (samples: {judge.samples})"


def _name(config: Config, judge: Judge) -> str:
    model = config.models.get(judge.model)
    return model.name if model is not None else judge.model


def _of_budget(before: Budget, after: Budget) -> Iterator[Finding]:
    for name in ("max_cost", "max_calls"):
        then, now = getattr(before, name), getattr(after, name)
        if then is not None and (now is None or now > then):
            words = f"the budget's {name} was {then:,} and is {now if now is not None else 'not set'} now"
            yield _finding("budget_raised", words)


def _of_plugins(before: Config, after: Config) -> Iterator[Finding]:
    for name in after.plugins:
        if name not in before.plugins:
            words = f"the plug-in '{name}' is new, and is not loaded before it is in the base"
            yield _finding("plugin_added", words, at=after.plugins_at)
    for name in before.plugins:
        if name not in after.plugins:
            yield _finding("plugin_removed", f"the plug-in '{name}' was removed")


def _finding(
    kind: str,
    what: str,
    suite: str = "",
    cases: tuple[str, ...] = (),
    at: Location | None = None,
) -> Finding:
    return Finding(kind=kind, level=FINDINGS[kind], what=what, suite=suite, cases=cases, at=at)
