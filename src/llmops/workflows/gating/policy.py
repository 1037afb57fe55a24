"""What a change does to policy: both sides' cases are read, and the files between them looked at."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from llmops.comparing.case_policy import MUST_PASS, inputs_key
from llmops.comparing.policy import (
    FileFinding,
    PolicyLevels,
    PolicySide,
    policy_diff,
    renamed_suites,
)
from llmops.domain.gate import Finding
from llmops.domain.project import Project
from llmops.domain.suite import Case
from llmops.domain.tree import Tree
from llmops.errors import InvalidInputError
from llmops.providers.packed import ENDING, unpack
from llmops.rendering.templates import Templates
from llmops.running.planning.arms import SuiteArm
from llmops.running.planning.cases import CaseReader
from llmops.running.planning.plan import Plan
from llmops.versions.impact import SuiteImpact
from llmops.versions.since import Since
from llmops.workflows.gating.governing import Governed, unreadable

_LARGEST = 2**30


class PolicyReading:
    """Both sides of a change, read as far as policy goes."""

    def __init__(self, governed: Governed, impacts: Sequence[SuiteImpact]) -> None:
        """Read the cases of all suites that may differ.

        Raises:
            InvalidInputError: Cases of the change cannot be read.
            NoComparisonError: Cases of the base cannot be read.
        """
        project, before = governed.opened.project, governed.before
        touched = {impact.suite for impact in impacts if impact.included}
        gone = before.suites.keys() - project.suites.keys()
        try:
            cases = _cases(before, touched | gone)
        except InvalidInputError as error:
            raise unreadable(governed.commit, error) from None
        self.before = PolicySide(config=before.config, suites=before.suites, cases=cases)
        self.after = PolicySide(
            config=governed.own, suites=project.suites, cases=_cases(project, touched)
        )
        self._governed = governed
        self._impacts = impacts

    @property
    def renamed(self) -> Mapping[str, str]:
        """New names of suites by old ones."""
        return renamed_suites(self.before, self.after)

    def must_pass(self, old: str, new: str) -> frozenset[str]:
        """Ids of the cases that must pass by the base's word: by their id then, or what they ask.

        Args:
            old: The suite's name at the base.
            new: Its name now.
        """
        tagged = [case for case in self.before.cases.get(old, ()) if MUST_PASS in case.tags]
        asked = {inputs_key(case) for case in tagged}
        now = self.after.cases.get(new, ()) if asked else ()
        return frozenset(
            [*(one.id for one in tagged), *(one.id for one in now if inputs_key(one) in asked)]
        )

    def findings(self, allowed: Collection[str]) -> tuple[Finding, ...]:
        """All by which it became easier to pass, the gravest first."""
        levels = self._levels(allowed)
        return policy_diff(self.before, self.after, list(self._files()), levels)

    def stand_ins(
        self, before: Plan | None, after: Plan, allowed: Collection[str]
    ) -> tuple[Finding, ...]:
        """Suites that a script answers now, and that it did not answer at the base."""
        known = {one.suite.name: one.arms for one in before.suites} if before is not None else {}
        level = self._levels(allowed).of("model_scripted")
        words = "a script answers now in place of a model"
        return tuple(
            Finding(kind="model_scripted", level=level, what=words, suite=name, at=one.suite.at)
            for one in after.suites
            if (name := one.suite.name) in known
            and any(map(_is_scripted, one.arms))
            and not any(map(_is_scripted, known[name]))
        )

    def _levels(self, allowed: Collection[str]) -> PolicyLevels:
        policy = self.before.config.gate.levels or {}
        return PolicyLevels(policy=policy, allowed=frozenset(allowed))

    def _files(self) -> Iterator[FileFinding]:
        opened = self._governed.opened
        since = Since(versions=opened.versions, config=opened.config, commit=self._governed.commit)
        yield from _kept_files(since, opened.project)
        yield from _judging_files(self._impacts)
        yield from _untested(since, opened.project)
        yield from _outputs(self._governed.before, opened.project)
        yield from _moved_labels(since, self.before.config.protected_labels)


def _is_scripted(arm: SuiteArm) -> bool:
    return arm.planned.model is not None and arm.planned.model.via == "scripted"


def _cases(project: Project, names: Iterable[str]) -> dict[str, tuple[Case, ...]]:
    templates = Templates(project.tree, project.config.prompts)
    reader = CaseReader(project=project, templates=templates, overrides={})
    wanted = [project.suites[name] for name in sorted(names) if name in project.suites]
    return {suite.name: tuple(reader.cases(suite)) for suite in wanted}


def _kept_files(since: Since, project: Project) -> Iterator[FileFinding]:
    """Recordings and approved results, which stand in for models and for the base."""
    config = project.config
    for path in since.below(f"{config.recordings}/"):
        added = _only_added(since, project, path)
        words = f"{path} {since.changes[path]}"
        if added:
            yield FileFinding(kind="recordings_added", what=f"{path} has more recordings")
        else:
            yield FileFinding(kind="recordings_changed", what=words)
    approved = [since.changes[path] for path in since.below(f"{config.baselines}/")]
    if approved:
        files = "file" if len(approved) == 1 else "files"
        words = f"{len(approved):,} {files} of approved results changed"
        yield FileFinding(kind="baselines_changed", what=words)


def _only_added(since: Since, project: Project, path: str) -> bool:
    """Whether every line that was there is there still."""
    try:
        now = _read(project.tree, path)
        then = _read(since.tree, path) if since.tree.holds(path) else b""
    except InvalidInputError:
        return False
    return set(then.splitlines()) <= set(now.splitlines())


def _read(tree: Tree, path: str) -> bytes:
    data = tree.read(path, limit=_LARGEST)
    return unpack(data, path) if path.endswith(ENDING) else data


def _judging_files(impacts: Sequence[SuiteImpact]) -> Iterator[FileFinding]:
    """Code, schemas and scripts that suites use; one file is named once."""
    seen: set[str] = set()
    for impact in impacts:
        for reason in impact.reasons if impact.included else ():
            judges = reason.path.endswith(".py") or reason.via.startswith("the assertion at")
            stands_in = reason.via.startswith("the script of the model")
            if reason.path in seen or not (judges or stands_in):
                continue
            seen.add(reason.path)
            kind = "scorer_changed" if judges else "recordings_changed"
            yield FileFinding(kind=kind, what=str(reason), suite=impact.suite)


def _moved_labels(since: Since, protected: Iterable[str]) -> Iterator[FileFinding]:
    """Labels that the base protects, and that mean another version now."""
    prompts = dict.fromkeys((*(since.labels or {}), *since.versions.labels))
    for label in protected:
        for prompt in prompts:
            if since.label_moved(prompt, label):
                words = f"the protected label '{label}' of {prompt} was moved"
                yield FileFinding(kind="label_moved", what=words)


def _outputs(before: Project, after: Project) -> Iterator[FileFinding]:
    """Prompts whose `output:` asserts less of every completion, or something else."""
    for name, prompt in before.prompts.items():
        now = after.prompts.get(name)
        if now is None or prompt.output is None or prompt.output.format != "json":
            continue
        if now.output is None or now.output.format != "json":
            words = f"{now.path} asks for JSON no longer, so nothing asserts it"
            yield FileFinding(kind="assertion_removed", what=words)
        elif prompt.output.schema is not None and now.output.schema is None:
            words = f"{now.path} has no schema of its output any more"
            yield FileFinding(kind="assertion_removed", what=words)
        elif prompt.output.schema != now.output.schema:
            words = f"{now.path} has another schema of its output"
            yield FileFinding(kind="assertion_changed", what=words)


def _untested(since: Since, project: Project) -> Iterator[FileFinding]:
    tested = {
        text.text
        for suite in project.suites.values()
        for text in (*suite.prompts, *(step.prompt for step in suite.steps))
    }
    for name, prompt in project.prompts.items():
        what = since.changes.get(prompt.path)
        if what is not None and name not in tested and not _is_extended(project, prompt.path):
            words = f"{prompt.path} {what}, and no suite uses it"
            yield FileFinding(kind="untested_prompt", what=words)


def _is_extended(project: Project, path: str) -> bool:
    return any(path in prompt.lineage for prompt in project.prompts.values())
