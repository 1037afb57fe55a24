"""What a report of the gate is given, and the rows and words that its forms share."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct, field

from llmops.domain.assessment import Assessment
from llmops.domain.comparison import Comparison, Pair
from llmops.domain.difference import TextDiff
from llmops.domain.early import EarlyEnd, Savings
from llmops.domain.gate import Finding, GateVerdict, RuleResult
from llmops.domain.verdict import Totals

_SHORT: Final = 12
_SIGNS: Final = {"held": "passed", "red": "failed", "open": "unscored"}


class Reached(Struct, frozen=True, kw_only=True):
    """Whether the change can reach a suite.

    Attributes:
        reasons: What it uses and is not as it was.
    """

    suite: str
    included: bool
    reasons: tuple[str, ...] = ()


class GateReport(Struct, frozen=True, kw_only=True):
    """A change held against its base, ready to be told.

    Attributes:
        base: The commit's full id; the policy is of it.
        why: How the base was found.
        against: What the trials were compared with.
        findings: What the change does to policy, the gravest first.
        reached: The suites that were asked for, those that the change reaches first.
        rules: What the rules say.
        whole: All suites together; None when nothing was compared.
        suites: Each suite by itself.
        comparison: The pairs of trials; None when nothing was run.
        verdict: The one source of the printed line, every report and the exit code.
        totals: Of the run; None when nothing was run.
        run: The id of the run that holds both sides.
        notes: What was not compared, and why; first of all, that the run ended early.
        end: Why it ended early; None when every trial was carried out.
        savings: What that saved.
        compare: Compares two texts.
    """

    base: str
    why: str
    against: str
    findings: tuple[Finding, ...]
    verdict: GateVerdict
    compare: Callable[[str, str], TextDiff]
    reached: tuple[Reached, ...] = ()
    rules: tuple[RuleResult, ...] = ()
    whole: Assessment | None = None
    suites: Mapping[str, Assessment] = field(default_factory=dict)
    comparison: Comparison | None = None
    totals: Totals | None = None
    run: str | None = None
    notes: tuple[str, ...] = ()
    end: EarlyEnd | None = None
    savings: Savings | None = None

    @property
    def opening(self) -> str:
        """What was held against what."""
        line = f"base {self.base[:_SHORT]} ({self.why})"
        return line if self.against == "the base" else f"{line}, compared with {self.against}"

    @property
    def broken(self) -> tuple[Pair, ...]:
        """The pairs that passed at the base and do not now."""
        return self.comparison.of("broken") if self.comparison is not None else ()

    def of_pair(self, pair: Pair) -> TextDiff:
        """What was said on both sides, compared."""
        return self.compare(pair.before.output or "", pair.after.output or "")

    def shown_rules(self) -> list[RuleResult]:
        """The rules, those that turn the verdict red first."""
        order = ("red", "open", "held")
        return sorted(self.rules, key=lambda rule: order.index(rule.sign))


def sign_of(rule: RuleResult) -> str:
    """The name of the sign that a rule's result is shown with."""
    return _SIGNS[rule.sign]


def rule_title(rule: RuleResult) -> str:
    """A rule's name, what came of it, and its level where that is not the hardest."""
    level = "" if rule.level == "error" else f" ({rule.level})"
    return f"{rule.rule} {rule.outcome}{level}"


def reached_line(reached: Reached) -> str:
    """Why a suite is in or out, in one line."""
    if not reached.included:
        return f"{reached.suite}: nothing that it uses changed"
    more = f", and {len(reached.reasons) - 1:,} more" if len(reached.reasons) > 1 else ""
    return f"{reached.suite}: {reached.reasons[0] if reached.reasons else 'reached'}{more}"
