"""Check every file of a project without calling a model."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path

from msgspec import Struct, field

from llmops.domain.node import Text
from llmops.domain.prompt import Prompt
from llmops.errors import Fault, LlmopsError, UnavailableError
from llmops.history.repository import open_repository
from llmops.loading.quarantine import expired
from llmops.location import Location
from llmops.running.planning.plan import PlanOptions, make_plan
from llmops.workflows.claims.check import VersionOptions, check_versions
from llmops.workflows.executing.recordings import read_recordings
from llmops.workflows.opening.project import OpenProject, Surroundings, open_project


class Findings(Struct, frozen=True, kw_only=True):
    """What lint found.

    Attributes:
        faults: Errors and warnings, by place.
        prompts: Prompts that were read.
        suites: Suites that were read.
        trials: Trials that the suites plan; 0 when there are errors.
    """

    faults: tuple[Fault, ...]
    prompts: int = 0
    suites: int = 0
    trials: int = 0

    @property
    def errors(self) -> int:
        """How many of them are errors."""
        return sum(fault.severity == "error" for fault in self.faults)


_AS_FOUND = VersionOptions()


def lint(
    surroundings: Surroundings,
    versions: VersionOptions = _AS_FOUND,
    today: date | None = None,
) -> Findings:
    """Read every file, compile every template, build every scorer and plan every suite.

    Args:
        surroundings: The outside world.
        versions: How the versions that prompts claim are checked.
        today: In UTC; finds quarantines that are over. None does not look for them.
    """
    from llmops.workflows.opening.carriers import check_scripts

    try:
        opened = open_project(surroundings)
    except LlmopsError as error:
        return Findings(faults=error.faults)
    gathered = _Gathered()
    if _is_empty(opened):
        gathered.faults.append(_nothing(opened))
    for prompt in opened.project.prompts.values():
        gathered.faults += opened.renderer.check(prompt)
        gathered.faults += _habits(prompt)
    gathered.faults += _without_suite(opened)
    gathered.take(lambda: check_scripts(opened, opened.config.models))
    for name, suite in opened.project.suites.items():
        gathered.faults += expired(suite.quarantine, today) if today is not None else ()
        gathered.take(partial(read_recordings, opened, name))
    trials = _planned(opened, gathered) if opened.project.suites else 0
    gathered.take(lambda: gathered.faults.extend(check_versions(opened, versions)))
    gathered.faults += _tracked_secrets(opened.root)
    faults = sorted(set(gathered.faults), key=_by_place)
    return Findings(
        faults=tuple(faults),
        prompts=len(opened.project.prompts),
        suites=len(opened.project.suites),
        trials=trials,
    )


class _Gathered(Struct):
    """Faults of several checks, each of which may stop at its own."""

    faults: list[Fault] = field(default_factory=list)

    def take(self, check: Callable[[], object]) -> None:
        """Run a check and keep what it complains of."""
        try:
            check()
        except LlmopsError as error:
            self.faults += error.faults


def _planned(opened: OpenProject, gathered: _Gathered) -> int:
    try:
        options = PlanOptions(untrusted=opened.untrusted)
        return make_plan(opened.project, opened.find_prompt, opened.resources, options).planned
    except LlmopsError as error:
        gathered.faults += error.faults
        return 0


def _is_empty(opened: OpenProject) -> bool:
    project = opened.project
    return not (project.prompts or project.suites or (opened.root / "llmops.yaml").is_file())


def _nothing(opened: OpenProject) -> Fault:
    return Fault(
        code="no-project",
        message=f"there is neither a prompt nor a suite in {opened.root}",
        hint="go to a project's folder, or make one with 'llmops init'",
    )


def _habits(prompt: Prompt) -> Iterator[Fault]:
    if prompt.version is None:
        yield Fault(
            code="no-version",
            message=f"the prompt '{prompt.name}' claims no version",
            at=prompt.at,
            hint="add 'version: 1.0.0'",
            severity="warning",
        )
    for text in _texts(prompt):
        yield from _invisible(text)


def _texts(prompt: Prompt) -> Iterator[Text]:
    for message in prompt.messages:
        for part in getattr(message, "parts", ()):
            if part.text is not None:
                yield part.text


def _invisible(text: Text) -> Iterator[Fault]:
    for number, line in enumerate(text.text.split("\n"), 1):
        found = sorted({character for character in line if _is_invisible(ord(character))})
        if found:
            names = ", ".join(f"U+{ord(character):04X}" for character in found)
            yield Fault(
                code="invisible-character",
                message=f"the text holds characters that nobody sees: {names}",
                at=text.place(number),
                hint="delete them, unless they are meant",
                severity="warning",
            )


def _is_invisible(code: int) -> bool:
    return (
        0x200B <= code <= 0x200F
        or 0x202A <= code <= 0x202E
        or 0x2060 <= code <= 0x2069
        or code == 0xFEFF
        or 0xE0000 <= code <= 0xE007F
    )


def _without_suite(opened: OpenProject) -> Iterator[Fault]:
    used = {
        text.text.partition("@")[0]
        for suite in opened.project.suites.values()
        for text in (*suite.prompts, *(step.prompt for step in suite.steps))
    }
    extended = {p.extends.text for p in opened.project.prompts.values() if p.extends is not None}
    for name, prompt in opened.project.prompts.items():
        if name not in used and name not in extended:
            yield Fault(
                code="no-suite",
                message=f"no suite tests the prompt '{name}'",
                at=prompt.at,
                hint=f"write {opened.config.suites}/{name}.yaml",
                severity="warning",
            )


def _tracked_secrets(root: Path) -> Iterator[Fault]:
    if not (root / ".env").exists():
        return
    try:
        repository = open_repository(root)
        tracked = repository is not None and repository.run("ls-files", ".env")
    except UnavailableError:
        return
    if tracked:
        yield Fault(
            code="tracked-secret",
            message="the file '.env' is in git",
            at=Location(".env"),
            hint="git rm --cached .env, add it to .gitignore, and change the keys it holds",
        )


def _by_place(fault: Fault) -> tuple[str, int, int, str]:
    if fault.at is None:
        return ("", 0, 0, fault.message)
    return (fault.at.path, fault.at.line, fault.at.column, fault.message)
