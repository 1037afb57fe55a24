"""The gate: findings about policy and rules about results in, the one verdict out."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct, to_builtins

from llmops.domain.verdict import Verdict
from llmops.location import Location

Level = Literal["error", "warn", "info"]
"""What something does to the verdict: turns it red, is named beside it, or is only listed."""

OnInconclusive = Literal["pass", "warn", "fail"]

GateStatus = Literal[
    "passed",
    "unchanged",
    "inconclusive",
    "failed",
    "error",
    "budget",
    "stopped",
    "incomparable",
    "interrupted",
]
"""`unchanged`: nothing that a suite uses is another than at the base. `error`: a provider or a
scorer failed, so that nobody knows. `incomparable`: there was nothing to compare."""

RuleOutcome = Literal["held", "broken", "inconclusive", "unknown", "incomparable"]
"""`unknown`: trials without a verdict decide it, one way or the other."""

RULES: Final[Mapping[str, Level]] = {
    "must_pass": "error",
    "min_pass_rate": "error",
    "without_base": "error",
    "worse": "error",
    "suite_worse": "warn",
}
"""Every rule about results, with its level when the policy names none."""

FINDINGS: Final[Mapping[str, Level]] = {
    "suite_removed": "error",
    "case_removed": "error",
    "case_skipped": "error",
    "must_pass_removed": "error",
    "arm_removed": "error",
    "model_scripted": "error",
    "assertion_removed": "error",
    "assertion_loosened": "error",
    "threshold_lowered": "error",
    "gate_changed": "error",
    "judge_changed": "error",
    "host_added": "error",
    "plugin_added": "error",
    "label_unprotected": "error",
    "cluster_changed": "error",
    "suite_renamed": "info",
    "case_changed": "warn",
    "assertion_changed": "warn",
    "samples_lowered": "warn",
    "quarantine_longer": "warn",
    "arm_changed": "warn",
    "target_changed": "warn",
    "budget_raised": "warn",
    "limits_changed": "warn",
    "label_moved": "warn",
    "plugin_removed": "warn",
    "scorer_changed": "warn",
    "baselines_changed": "warn",
    "recordings_changed": "warn",
    "recordings_added": "info",
    "untested_prompt": "warn",
}
"""Every kind of finding about policy, with its level when the policy names none."""

LEVELS: Final[Mapping[str, Level]] = {**RULES, **FINDINGS}
"""The usual level of everything that has one."""


class Finding(Struct, frozen=True, kw_only=True):
    """One thing by which a change makes it easier to pass.

    Attributes:
        kind: A key of `FINDINGS`.
        level: What it does to the verdict.
        what: What was done, in words without a full stop.
        suite: The suite it is about; empty for the project.
        cases: The cases it is about.
        at: Where it stands now, or stood at the base.
    """

    kind: str
    level: Level
    what: str
    suite: str = ""
    cases: tuple[str, ...] = ()
    at: Location | None = None

    @property
    def words(self) -> str:
        """The finding in one line."""
        where = f"{self.suite}: " if self.suite else ""
        named = ", ".join(self.cases[:_NAMED])
        more = len(self.cases) - _NAMED
        cases = f" ({named}{f', and {more:,} more' if more > 0 else ''})" if named else ""
        return f"{where}{self.what}{cases}"

    def as_json(self) -> dict[str, object]:
        """The finding as plain JSON values."""
        at = self.at
        place = {"path": at.path, "line": at.line, "column": at.column} if at else None
        return {**to_builtins(self), "cases": list(self.cases), "at": place}


class RuleResult(Struct, frozen=True, kw_only=True):
    """What one rule says of the results.

    Attributes:
        rule: A key of `RULES`.
        scope: A suite's name; empty for all that the change reaches together.
        outcome: Whether it holds.
        level: What it does to the verdict when it does not.
        reason: Why, in words without a full stop.
        on_inconclusive: What it does to the verdict when it cannot say.
    """

    rule: str
    scope: str
    outcome: RuleOutcome
    level: Level
    reason: str
    on_inconclusive: OnInconclusive = "warn"

    @property
    def words(self) -> str:
        """The result in one line."""
        return f"{self.scope}: {self.reason}" if self.scope else self.reason

    @property
    def sign(self) -> Literal["held", "red", "open"]:
        """How it is shown: well, turning the verdict red, or to be looked at."""
        if self.outcome == "held":
            return "held"
        hard = self.outcome in {"broken", "unknown", "incomparable"} and self.level == "error"
        undecided = self.outcome == "inconclusive" and self.on_inconclusive == "fail"
        return "red" if hard or undecided else "open"


class GateVerdict(Struct, frozen=True, kw_only=True):
    """What the gate came to: the source of the printed line, every report and the exit code.

    Attributes:
        reason: Why, in a sentence without a full stop.
        warnings: Findings and rules that do not turn it red, but should be read.
    """

    status: GateStatus
    exit_code: int
    reason: str
    warnings: int = 0

    @property
    def green(self) -> bool:
        """Whether the change may go in."""
        return self.exit_code == 0

    @property
    def line(self) -> str:
        """The verdict as it is printed, the same in every form."""
        count = f"{self.warnings:,} warning{'' if self.warnings == 1 else 's'}"
        return f"{self.status}: {self.reason}{f'; {count}' if self.warnings else ''}"

    def as_json(self) -> dict[str, object]:
        """The verdict as plain JSON values."""
        return {**to_builtins(self), "green": self.green, "line": self.line}


_NAMED: Final = 5
_STOPPED: Final = {"budget": "budget", "interrupted": "interrupted", "stopped": "stopped"}


def decide_gate(
    rules: Sequence[RuleResult],
    findings: Sequence[Finding],
    *,
    run: Verdict | None,
    unchanged: str = "",
) -> GateVerdict:
    """Decide whether a change may go in. Nothing that is not wholly known is ever green.

    Args:
        rules: What the rules say of the results.
        findings: What the change does to policy.
        run: The verdict of the run that asked; None when nothing was run.
        unchanged: Why nothing was run; empty when something was.
    """
    warnings = _warnings(rules, findings)
    if run is not None and run.status in _STOPPED:
        status: GateStatus = "budget" if run.status == "budget" else "stopped"
        status = "interrupted" if run.status == "interrupted" else status
        return GateVerdict(
            status=status, exit_code=run.exit_code, reason=run.reason, warnings=warnings
        )
    status, code, reason = _decided(rules, findings, unchanged)
    return GateVerdict(status=status, exit_code=code, reason=reason, warnings=warnings)


def _decided(
    rules: Sequence[RuleResult], findings: Sequence[Finding], unchanged: str
) -> tuple[GateStatus, int, str]:
    hard = [rule for rule in rules if rule.level == "error"]
    loosened = [finding for finding in findings if finding.level == "error"]
    broken = [rule.words for rule in hard if rule.outcome == "broken"]
    if broken or loosened:
        return "failed", 1, "; ".join([*_policy(loosened), *_first(broken)])
    for outcome, status, code in _UNDECIDED:
        found = [rule.words for rule in hard if rule.outcome == outcome]
        if found:
            return status, code, "; ".join(_first(found))
    return _without_faults(rules, unchanged)


_UNDECIDED: Final[tuple[tuple[RuleOutcome, GateStatus, int], ...]] = (
    ("unknown", "error", 3),
    ("incomparable", "incomparable", 6),
)


def _without_faults(rules: Sequence[RuleResult], unchanged: str) -> tuple[GateStatus, int, str]:
    open_ = [rule for rule in rules if rule.outcome == "inconclusive"]
    fatal = [rule for rule in open_ if rule.on_inconclusive == "fail"]
    if fatal:
        return "inconclusive", 6, "; ".join(_first(rule.words for rule in fatal))
    if unchanged:
        return "unchanged", 0, unchanged
    if not rules:
        return "incomparable", 6, "no case counts"
    told = [rule for rule in open_ if rule.on_inconclusive == "warn"]
    if told:
        return "inconclusive", 0, "; ".join(_first(rule.words for rule in told))
    return "passed", 0, _held(rules)


def _held(rules: Sequence[RuleResult]) -> str:
    compared = [rule for rule in rules if rule.rule == "worse"]
    if compared:
        return compared[0].words
    return (
        f"{len(rules):,} rule{' holds' if len(rules) == 1 else 's hold'}; no base to compare with"
    )


def _policy(loosened: Sequence[Finding]) -> list[str]:
    """How many findings turn it red, and of what kinds."""
    if not loosened:
        return []
    kinds = Counter(finding.kind for finding in loosened)
    named = [f"{kind} × {count}" if count > 1 else kind for kind, count in kinds.items()]
    many = f"{len(loosened):,} finding{'' if len(loosened) == 1 else 's'} about policy"
    return [f"{many} ({', '.join(named)})"]


def _first(words: Iterable[str]) -> list[str]:
    """The first reason, and how many more there are."""
    found = list(words)
    more = [f"and {len(found) - 1:,} more"] if len(found) > 1 else []
    return [*found[:1], *more]


def _warnings(rules: Iterable[RuleResult], findings: Iterable[Finding]) -> int:
    softer = sum(
        rule.level == "warn" and rule.outcome in {"broken", "unknown", "incomparable"}
        for rule in rules
    )
    return softer + sum(finding.level == "warn" for finding in findings)
