"""A baseline: what a suite's question was answered with, when somebody approved of it.

It belongs to the question (the case, what it asks, the prompt's name, the model, the suite's own
parameters) and not to the prompt's wording, so an edited prompt meets what was approved before.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct, field

from llmops.domain.completion import canonical_json
from llmops.domain.score import ScoreStatus

ApprovedStatus = Literal["passed", "failed"]
"""Nobody can approve of a trial that has no verdict."""

_SLUG: Final = re.compile(r"[^a-z0-9]+")
_LONGEST_SLUG: Final = 60
_RESERVED: Final = re.compile(r"con|prn|aux|nul|com\d|lpt\d")
"""Names that Windows keeps for devices, whatever the suffix."""


class ApprovedScore(Struct, frozen=True, kw_only=True):
    """What one assertion came to.

    Attributes:
        label: The assertion in short.
        scorer: The scorer's name.
        value: From 0 to 1, to 6 decimals.
    """

    label: str
    scorer: str
    status: ScoreStatus
    value: float
    metric: str | None = None
    weight: float = 1.0
    soft: bool = False


class ApprovedAnswer(Struct, frozen=True, kw_only=True):
    """One output of a sample: the whole of it, or one turn or step.

    Attributes:
        output: As text; calls of tools and the values of targets included.
        name: The turn or step; empty for a sample of one answer.
        model: The model id that the provider reported.
    """

    output: str
    name: str = ""
    model: str | None = None
    scores: tuple[ApprovedScore, ...] = ()


class ApprovedSample(Struct, frozen=True, kw_only=True):
    """One sample of a question, from 0 in the order of the baseline."""

    status: ApprovedStatus
    answers: tuple[ApprovedAnswer, ...]

    @property
    def outputs(self) -> tuple[tuple[str, str], ...]:
        """Each answer's name and output."""
        return tuple((answer.name, answer.output) for answer in self.answers)


class Approval(Struct, frozen=True, kw_only=True):
    """Who approved of what, and when.

    Attributes:
        run: The run's id.
        date: UTC, `2026-11-21`.
        author: Git's `user.name`; None when git knows none.
    """

    run: str
    date: str
    author: str | None = None


class Baseline(Struct, frozen=True, kw_only=True):
    """The approved answers to one question.

    Attributes:
        case_hash: 12 hex digits of what the case asks.
        prompt: The prompt as the suite names it, or the target.
        model: Its label in the suite; empty for a target.
        asked: The parameters that the suite itself sets; they belong to the question.
        parameters: All that were sent.
        version: What the prompt claimed to be.
        content_hash: 12 hex digits of the prompt's content; None for a target.
        model_name: The provider's name for the model, as it was asked.
        samples: Never empty.
    """

    suite: str
    case: str
    case_hash: str
    prompt: str
    model: str
    asked: Mapping[str, object] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)
    version: str | None = None
    content_hash: str | None = None
    model_name: str | None = None
    approval: Approval
    samples: tuple[ApprovedSample, ...]

    @property
    def key(self) -> str:
        """12 hex digits of the question: the same for whatever was answered."""
        return question_key(
            self.suite, self.case, self.case_hash, self.prompt, self.model, self.asked
        )

    @property
    def status(self) -> ApprovedStatus:
        """`passed` when every sample did."""
        return "passed" if all(s.status == "passed" for s in self.samples) else "failed"

    @property
    def file(self) -> str:
        """Where it is kept, below the folder of baselines."""
        return f"{self.suite}/{slug_of(self.case)}.{self.key}.yaml"

    @property
    def title(self) -> str:
        """The question in one line."""
        arm = f"{self.prompt} × {self.model}" if self.model else self.prompt
        return f"{self.suite} › {self.case} › {arm}"

    def answers_like(self, other: "Baseline") -> bool:
        """Whether both say the same with the same outcome, whatever the scores are."""
        return _said(self.samples) == _said(other.samples)


def question_key(
    suite: str,
    case: str,
    case_hash: str,
    prompt: str,
    model: str,
    asked: Mapping[str, object],
) -> str:
    """12 hex digits of a question; the prompt's wording is no part of it."""
    whole = canonical_json([suite, case, case_hash, prompt, model, dict(asked)])
    return hashlib.sha256(whole.encode()).hexdigest()[:12]


def slug_of(case: str) -> str:
    """A case's id as part of a file's name: short, lower case, ASCII, on every file system.

    Two ids may have one slug; the hash beside it tells them apart.
    """
    folded = unicodedata.normalize("NFKD", case[:400].casefold())
    slug = _SLUG.sub("-", folded.encode("ascii", errors="ignore").decode()).strip("-")
    slug = slug[:_LONGEST_SLUG].strip("-") or "case"
    return f"case-{slug}" if _RESERVED.fullmatch(slug) else slug


def _said(samples: Sequence[ApprovedSample]) -> list[object]:
    return [(sample.status, sample.outputs) for sample in samples]
