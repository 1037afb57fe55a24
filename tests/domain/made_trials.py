from llmops.domain.completion import Completion
from llmops.domain.run import Arm, Exchange, Failure, Origin, Status, TrialResult
from llmops.domain.score import AssertionScore, Score
from llmops.location import Location

AT = Location("suites/say.yaml", 3, 5)


def scored(score: Score, *, weight: float = 1.0, soft: bool = False) -> AssertionScore:
    return AssertionScore(
        label="contains 'red'", scorer="contains", score=score, at=AT, weight=weight, soft=soft
    )


def answered(
    *scores: Score, text: str = "red", origin: Origin = "live", cost: float | None = None
) -> Exchange:
    return Exchange(
        completion=Completion(text=text, cost=cost),
        origin=origin,
        scores=tuple(scored(score) for score in scores),
        attempts=1 if origin == "live" else 0,
    )


def refused(attempts: int = 0) -> Exchange:
    return Exchange(failure=Failure(kind="network", message="gone"), attempts=attempts)


def trial(*exchanges: Exchange, status: Status = "passed", id_: str = "0" * 16) -> TrialResult:
    return TrialResult(
        id=id_,
        suite="say",
        suite_path="suites/say.yaml",
        case="red",
        case_hash="0123456789ab",
        arm=Arm(prompt="say", model="fast"),
        sample=0,
        status=status,
        at=AT,
        exchanges=exchanges,
    )
