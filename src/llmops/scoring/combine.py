"""Scorers made of others: not, any_of, all_of, at_least."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct

from llmops.domain.node import Node
from llmops.domain.score import Score
from llmops.domain.suite import Assertion
from llmops.errors import Fault, InvalidInputError, LlmopsError
from llmops.loading.assertions import read_assertion, read_assertions
from llmops.loading.shapes import entry
from llmops.scoring.base import (
    KINDS,
    ArgumentError,
    PickError,
    Resources,
    Scorer,
    ScorerExample,
    Subject,
    scorer,
)
from llmops.scoring.labels import label_of
from llmops.scoring.outcome import outcome
from llmops.scoring.wording import shorten

_OUTER_KEYS = ("metric", "weight", "soft")
_LONGEST = 400


@scorer(
    "not",
    primary="assertion",
    free_form=True,
    on="",
    examples=(
        ScorerExample(arguments="{contains: As an AI}", output="Gladly.", passes=True),
        ScorerExample(arguments="{contains: As an AI}", output="As an AI, no.", passes=False),
        ScorerExample(arguments="refusal", output="", passes=True),
        ScorerExample(arguments="{max_cost: 1}", output="Gladly.", passes=None),
        ScorerExample(
            arguments="{contains: no, on: json.reply}", output="not JSON at all", passes=False
        ),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """Passes when the assertion inside fails.

    An assertion that cannot be judged stays unscored. When what is judged is not there at all (`on:
    json.reply` in an output that is no JSON), the claim fails, turned round or not, for then nobody
    looked. The value is 1 less the value inside. `on` is handed on to the assertion inside, unless
    that has its own. `metric`, `weight` and `soft` belong beside `not`.
    """

    assertion: Node = entry("The assertion that must not hold.")

    def bind(self, resources: Resources, node: Node) -> Scorer:
        """Build the assertion inside."""
        del node
        faults: list[Fault] = []
        assertion = read_assertion(self.assertion, faults)
        inner = _build([assertion] if assertion else [], [self.assertion], resources, faults)
        return _Reversed(inner=inner[0])


class _Inner(Struct, frozen=True, kw_only=True):
    """An assertion inside another, ready.

    Attributes:
        on: What it says it judges; empty when it leaves that to the combinator, or to its scorer.
        own_on: What its scorer judges of itself.
    """

    name: str
    label: str
    scorer: Scorer
    on: str
    own_on: str

    def ask(self, subject: Subject) -> Score:
        """Judge; raises `PickError` when what is judged is not there."""
        return outcome(self.scorer, subject.part, self.on or subject.on or self.own_on, self.name)


class _Reversed(Struct, frozen=True, kw_only=True):
    """The scorer `not` with its assertion."""

    inner: _Inner

    @property
    def slow(self) -> bool:
        return self.inner.scorer.slow

    def score(self, subject: Subject) -> Score:
        score = self.inner.ask(subject)
        if score.status == "unscored":
            return score
        return Score.of(score.status == "failed", score.reason, 1 - score.value)


@scorer(
    "any_of",
    primary="of",
    on="",
    examples=(
        ScorerExample(arguments="[contains: sorry, refusal]", output="We are sorry.", passes=True),
        ScorerExample(arguments="[contains: sorry, refusal]", output="Gladly.", passes=False),
        ScorerExample(arguments="[contains: sorry, max_cost: 1]", output="sorry", passes=True),
        ScorerExample(arguments="[contains: sorry, max_cost: 1]", output="Gladly.", passes=None),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """Passes when at least one of the assertions inside passes.

    A pass outweighs what cannot be judged, and that outweighs a failure: only if all fail does it
    fail. The value is the best of the values inside. `on` is handed on to assertions without their
    own. `metric`, `weight` and `soft` belong beside `any_of`.
    """

    of: Node = entry("The assertions, as a list.")

    def bind(self, resources: Resources, node: Node) -> Scorer:
        """Build the assertions inside."""
        del node
        return _AtLeast(inner=_build_all(self.of, resources), n=1)


@scorer(
    "all_of",
    primary="of",
    on="",
    examples=(
        ScorerExample(arguments="[contains: a, contains: b]", output="ab", passes=True),
        ScorerExample(arguments="[contains: a, contains: b]", output="a", passes=False),
        ScorerExample(arguments="[contains: a, max_cost: 1]", output="a", passes=None),
        ScorerExample(arguments="[contains: a, max_cost: 1]", output="b", passes=False),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """Passes when every one of the assertions inside passes.

    A failure outweighs what cannot be judged, and that outweighs a pass. The value is the worst of
    the values inside. Its use is inside of the other combinators; a suite's own list is all of its
    assertions already. `on` is handed on to assertions without their own. `metric`, `weight` and
    `soft` belong beside `all_of`.
    """

    of: Node = entry("The assertions, as a list.")

    def bind(self, resources: Resources, node: Node) -> Scorer:
        """Build the assertions inside."""
        del node
        inner = _build_all(self.of, resources)
        return _AtLeast(inner=inner, n=len(inner))


@scorer(
    "at_least",
    primary=None,
    on="",
    examples=(
        ScorerExample(
            arguments="{n: 2, of: [contains: a, contains: b, contains: c]}",
            output="ac",
            passes=True,
        ),
        ScorerExample(
            arguments="{n: 2, of: [contains: a, contains: b, contains: c]}",
            output="c",
            passes=False,
        ),
        ScorerExample(
            arguments="{n: 2, of: [contains: a, contains: b, max_cost: 1]}", output="b", passes=None
        ),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeast:
    """Passes when at least `n` of the assertions inside pass.

    It is unscored when those that cannot be judged could make up the number, and fails when even
    they could not. The value is the n-th best of the values inside. `on` is handed on to assertions
    without their own. `metric`, `weight` and `soft` belong beside `at_least`.
    """

    n: int = entry("How many must pass.", minimum=1)
    of: Node = entry("The assertions, as a list.")

    def bind(self, resources: Resources, node: Node) -> Scorer:
        """Build the assertions inside."""
        del node
        inner = _build_all(self.of, resources)
        if self.n > len(inner):
            message = f"{self.n} of {len(inner)} assertions can never pass"
            raise ArgumentError(message, key="n", hint=f"ask for at most {len(inner)}")
        return _AtLeast(inner=inner, n=self.n)


class _AtLeast(Struct, frozen=True, kw_only=True):
    """The scorers that count, with their assertions."""

    inner: Sequence[_Inner]
    n: int

    @property
    def slow(self) -> bool:
        return any(one.scorer.slow for one in self.inner)

    def score(self, subject: Subject) -> Score:
        scores: list[Score] = []
        absent = False
        for one in self.inner:
            try:
                scores.append(one.ask(subject))
            except PickError as error:
                absent = True
                scores.append(Score.failing(str(error)))
        passed = sum(score.status == "passed" for score in scores)
        unscored = sum(score.status == "unscored" for score in scores)
        if passed >= self.n:
            reason = self._reasons(scores, "passed")
            return Score.passing(f"{passed} of {len(scores)} hold: {reason}", self._value(scores))
        wanted = f"{passed} of {len(scores)} hold, {self.n} wanted"
        if passed + unscored >= self.n:
            return Score.unscored(f"{wanted}: {self._reasons(scores, 'unscored')}")
        reason = f"{wanted}: {self._reasons(scores, 'failed')}"
        if absent:
            raise PickError(reason)
        return Score.failing(reason, self._value(scores))

    def _value(self, scores: Sequence[Score]) -> float:
        known = sorted((one.value for one in scores if one.status != "unscored"), reverse=True)
        return known[self.n - 1] if len(known) >= self.n else 0.0

    def _reasons(self, scores: Sequence[Score], status: str) -> str:
        pairs = zip(self.inner, scores, strict=True)
        said = [f"{one.label}: {score.reason}" for one, score in pairs if score.status == status]
        return shorten("; ".join(said), _LONGEST)


def _build_all(of: Node, resources: Resources) -> Sequence[_Inner]:
    if of.kind == "list" and not of.value:
        raise ArgumentError("an empty list of assertions claims nothing", key="of")
    faults: list[Fault] = []
    assertions = read_assertions(of, faults)
    written = list(of.elements()) if of.kind == "list" else []
    return _build(assertions, written, resources, faults)


def _build(
    assertions: Sequence[Assertion],
    written: Sequence[Node],
    resources: Resources,
    faults: list[Fault],
) -> Sequence[_Inner]:
    """Build the scorers inside, or raise all that is wrong with them."""
    for node in written:
        faults += _outer_keys(node)
    inner: list[_Inner] = []
    for assertion in assertions:
        try:
            inner.append(_inner(assertion, resources))
        except LlmopsError as error:
            faults += error.faults
    if faults:
        raise InvalidInputError.of(faults)
    return inner


def _inner(assertion: Assertion, resources: Resources) -> _Inner:
    return _Inner(
        name=assertion.scorer,
        label=label_of(assertion),
        scorer=resources.build(assertion),
        on=assertion.on,
        own_on=KINDS[assertion.scorer].on,
    )


def _outer_keys(node: Node) -> list[Fault]:
    if node.kind != "mapping":
        return []
    return [
        Fault(
            code="misplaced-key",
            message=f"'{key}' has no meaning for an assertion inside another",
            at=node.key_at(key),
            hint="put it beside the outer scorer",
        )
        for key in _OUTER_KEYS
        if key in node.value
    ]
