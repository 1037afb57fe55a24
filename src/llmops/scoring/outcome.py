"""A scorer and a subject in, a score out, whatever the scorer does."""

import math
from collections.abc import Callable

from llmops.domain.score import Score
from llmops.errors import CannotScoreError
from llmops.scoring.base import PickError, Scorer, Subject
from llmops.scoring.wording import shorten

_STATUSES = frozenset({"passed", "failed", "unscored"})


def outcome(scorer: Scorer, part: Callable[[str], Subject], on: str, name: str) -> Score:
    """Ask a scorer. That it cannot judge, or breaks, is an unscored score, never an exception.

    Args:
        scorer: Whom to ask.
        part: Gives the subject for an `on`.
        on: What is judged.
        name: The scorer's name, for the words about one that breaks.

    Raises:
        PickError: What is judged is not there. The claim fails, and `not` does not turn that round.
    """
    try:
        score = scorer.score(part(on))
    except PickError:
        raise
    except CannotScoreError as error:
        return Score.unscored(error.reason)
    except (Exception, SystemExit) as error:  # a scorer's bug must not end the run, nor pass
        return Score.unscored(f"the scorer '{name}' broke, a bug in it: {_words(error)}")
    value = getattr(score, "value", None)
    if type(value) is float and 0.0 <= value <= 1.0 and score.status in _STATUSES:
        return score
    return _mended(score, name)


def _mended(score: object, name: str) -> Score:
    if not isinstance(score, Score) or score.status not in _STATUSES:
        return Score.unscored(f"the scorer '{name}' gave no score, a bug in it")
    try:
        value = float(score.value)
    except (TypeError, ValueError):
        value = math.nan
    if math.isnan(value):
        return Score.unscored(f"the scorer '{name}' gave no number as value, a bug in it")
    return Score(status=score.status, value=min(1.0, max(0.0, value)), reason=score.reason)


def _words(error: BaseException) -> str:
    said = shorten(" ".join(str(error).split()), 160)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
