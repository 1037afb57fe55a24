"""Assertions made ready before any model is paid, and every one of them asked of a completion."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from llmops.domain.completion import Completion
from llmops.domain.score import AssertionScore, Score
from llmops.domain.suite import Assertion
from llmops.scoring.base import KINDS, PickError, Resources, Scorer
from llmops.scoring.labels import label_of
from llmops.scoring.outcome import outcome
from llmops.scoring.pick import Subjects

_LONG = 20_000
"""Of texts with more characters even the quick scorers take their time."""


class ReadyAssertion(Struct, frozen=True, kw_only=True, gc=False):  # no scorer leads back to it
    """An assertion with its scorer.

    Attributes:
        label: The assertion in at most 60 characters, such as `contains 'refund'`.
        on: What is judged: the assertion's word, or else the scorer's own.
    """

    assertion: Assertion
    scorer: Scorer
    label: str
    on: str

    @property
    def slow(self) -> bool:
        """Whether the scorer may take long enough to hold others up."""
        return self.scorer.slow


def takes_long(ready: Sequence[ReadyAssertion], completion: Completion) -> bool:
    """Whether to judge a completion where nobody waits, such as in a thread."""
    return len(completion.text) > _LONG or any(one.slow for one in ready)


def build(assertion: Assertion, resources: Resources) -> ReadyAssertion:
    """Make an assertion ready.

    Args:
        assertion: Its arguments have no templates left in them.
        resources: Files, functions and other scorers.

    Raises:
        InvalidInputError: No such scorer, or its arguments are wrong; all faults at once.
    """
    scorer = resources.build(assertion)
    return ReadyAssertion(
        assertion=assertion,
        scorer=scorer,
        label=label_of(assertion),
        on=assertion.on or KINDS[assertion.scorer].on,
    )


def assess(
    ready: Sequence[ReadyAssertion],
    completion: Completion,
    inputs: Mapping[str, object],
    row: Mapping[str, object] | None = None,
) -> tuple[AssertionScore, ...]:
    """Ask every assertion of a completion.

    What `on` names but the model did not give is a failing score. What cannot be judged, or a
    scorer that breaks, is an unscored one. Values lie between 0 and 1.

    Args:
        ready: The assertions.
        completion: What is judged.
        inputs: The case's inputs.
        row: The dataset's row, if there is one.

    Returns:
        One score an assertion, in their order.
    """
    subjects = Subjects(completion=completion, inputs=inputs, row=row)
    return tuple(_assessed(one, subjects) for one in ready)


def _assessed(ready: ReadyAssertion, subjects: Subjects) -> AssertionScore:
    assertion = ready.assertion
    try:
        score = outcome(ready.scorer, subjects.of, ready.on, assertion.scorer)
    except PickError as error:
        score = Score.failing(str(error))
    return AssertionScore(
        label=ready.label,
        scorer=assertion.scorer,
        score=score,
        at=assertion.at,
        metric=assertion.metric,
        weight=assertion.weight,
        soft=assertion.soft,
    )
