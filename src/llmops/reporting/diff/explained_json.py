"""An explanation of a regression as plain JSON values, complete."""

from llmops.domain.explanation import Culprit, Edit, ExplainedCase, Explanation, Passes, Tried
from llmops.domain.record import Json, location_to_json


def explained_to_json(explained: Explanation) -> Json:
    """All of an explanation."""
    totals = explained.totals
    return {
        "edits": [_edit(edit) for edit in explained.edits],
        "hunks": [{"number": one.number, "edits": list(one.edits)} for one in explained.hunks],
        "cases": [_case(case) for case in explained.cases],
        "unjudged": explained.unjudged,
        "samples": explained.samples,
        "calls": totals.calls,
        "spent": totals.spent,
        "unpriced": explained.unpriced,
        "cached": totals.cached,
        "recorded": totals.recorded,
        "stopped_by": explained.stopped_by,
        "note": explained.note,
    }


def _edit(edit: Edit) -> Json:
    return {
        "part": edit.part,
        "before": edit.before,
        "after": edit.after,
        "at": location_to_json(edit.at) if edit.at else None,
    }


def _case(case: ExplainedCase) -> Json:
    return {
        "suite": case.suite,
        "case": case.case,
        "model": case.model,
        "status": case.status,
        "reason": case.reason,
        "before": _passes(case.before),
        "after": _passes(case.after),
        "culprits": [_culprit(one) for one in case.culprits],
        "tried": [_tried(one) for one in case.tried],
    }


def _culprit(culprit: Culprit) -> Json:
    return {
        "hunks": list(culprit.hunks),
        "edits": list(culprit.edits),
        "without": _passes(culprit.passes),
        "smallest": culprit.smallest,
        "bound": culprit.bound,
    }


def _tried(tried: Tried) -> Json:
    return {
        "hunk": tried.hunk,
        "hunks": list(tried.hunks),
        "judgement": tried.judgement,
        "without": _passes(tried.passes),
        "reason": tried.reason,
    }


def _passes(passes: Passes) -> Json:
    return {"passed": passes.passed, "asked": passes.asked}
