"""A trial of a kept run beside a planned one: whether both ask and claim the very same."""

from llmops.domain.run import TrialResult
from llmops.running.planning.trial import PlannedTrial, Single


def same_request(before: TrialResult, now: PlannedTrial) -> bool:
    """Whether a trial would be asked and judged today as it was.

    Args:
        before: The trial as it was carried out.
        now: The same case on the same arm, as it is planned; its sample's number counts.
    """
    if before.case_hash != now.case_hash or not _same_claims(before, now):
        return False
    if not before.exchanges or not now.stages or not isinstance(now.stages[0], Single):
        return before.arm == now.planned_arm.arm
    return before.exchanges[0].digest == now.stages[0].whole.digest(now.sample)


def _same_claims(before: TrialResult, now: PlannedTrial) -> bool:
    """Whether what was asserted then is asserted now; else its scores would be of yesterday."""
    if (before.status == "skipped") != (now.case.skip is not None):
        return False
    then = [[(s.label, s.weight, s.soft) for s in exchange.scores] for exchange in before.exchanges]
    return then == [
        [(r.label, r.assertion.weight, r.assertion.soft) for r in stage.ready]
        for stage in now.stages
    ]
