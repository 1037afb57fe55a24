"""Semantic versions: the next one after a step, and whether a claimed step is large enough."""

import re
from dataclasses import dataclass

from llmops.domain.change import Step

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?", re.ASCII)
_STEPS: tuple[Step, ...] = ("none", "patch", "minor", "major")


@dataclass(frozen=True, slots=True)
class _Version:
    numbers: tuple[int, int, int]
    pre_release: str | None

    def order(self) -> tuple[object, ...]:
        """By semver 2.0.0, §11: a pre-release comes before its release."""
        words = self.pre_release.split(".") if self.pre_release is not None else []
        parts = tuple((0, int(w), "") if w.isdecimal() else (1, 0, w) for w in words)
        return (self.numbers, self.pre_release is None, parts)


def next_version(claimed: str | None, step: Step) -> str:
    """The version to claim after a change.

    Below 1.0.0 anything may change at any time (semver 2.0.0, §4), so a major change takes a minor
    step there. A pre-release becomes its release when that is step enough.

    Args:
        claimed: What was claimed before; None for nothing.
        step: What the change asks for.
    """
    if claimed is None:
        return "1.0.0"
    version = _parsed(claimed)
    major, minor, patch = version.numbers
    if version.pre_release is not None and _STEPS.index(_reached(version.numbers)) >= (
        _STEPS.index(_softened(step, major))
    ):
        return f"{major}.{minor}.{patch}"
    match _softened(step, major):
        case "major":
            return f"{major + 1}.0.0"
        case "minor":
            return f"{major}.{minor + 1}.0"
        case "patch":
            return f"{major}.{minor}.{patch + 1}"
    return claimed


def step_between(before: str, after: str) -> Step | None:
    """The step from one claimed version to another; None when it goes backward.

    Two pre-releases of one version are a step of any size, for a pre-release promises nothing.
    """
    old, new = _parsed(before), _parsed(after)
    if old == new:
        return "none"
    if new.order() < old.order():
        return None
    if new.numbers == old.numbers:
        return _reached(new.numbers)
    place = next(i for i in range(3) if new.numbers[i] != old.numbers[i])
    return _STEPS[3 - place]


def is_enough(before: str, after: str, step: Step) -> bool:
    """Whether the step from one claimed version to another is as large as a change asks for."""
    taken = step_between(before, after)
    if taken is None:
        return False
    return _STEPS.index(taken) >= _STEPS.index(_softened(step, _parsed(before).numbers[0]))


def _softened(step: Step, major: int) -> Step:
    return "minor" if step == "major" and major == 0 else step


def _reached(numbers: tuple[int, int, int]) -> Step:
    """The step that a release of these numbers stands for."""
    if numbers[2]:
        return "patch"
    return "minor" if numbers[1] else "major"


def _parsed(version: str) -> _Version:
    found = _VERSION.fullmatch(version)
    if found is None:
        raise ValueError(f"'{version}' is no version")
    numbers = (int(found[1]), int(found[2]), int(found[3]))
    return _Version(numbers=numbers, pre_release=found[4])
