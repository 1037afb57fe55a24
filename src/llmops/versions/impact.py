"""Which suites a change can reach, and why: prompts, partials, examples, datasets, models, code."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, field, to_builtins

from llmops.domain.node import Text
from llmops.domain.project import Project
from llmops.domain.prompt import Prompt
from llmops.domain.suite import Suite
from llmops.errors import InvalidInputError
from llmops.rendering.canonical import content_hash
from llmops.versions.finder import Versions
from llmops.versions.prompt_reach import PromptReach
from llmops.versions.reach import (
    SuiteReach,
    models_called,
    named_models,
    reach_of_suite,
)
from llmops.versions.since import Since

_LEFT = "the requests are as they were"


class Reason(Struct, frozen=True, kw_only=True):
    """One thing that a suite uses and that is not as it was.

    Attributes:
        path: A file, from the project's root, or a prompt as the suite names it.
        what: What became of it, in words that follow its name: `changed`.
        via: What it is to the suite: `included by prompts/reply.yaml`; empty where its path says
            so.
    """

    path: str
    what: str
    via: str = ""

    def __str__(self) -> str:
        return f"{self.path} {self.what}" + (f" ({self.via})" if self.via else "")


class SuiteImpact(Struct, frozen=True, kw_only=True):
    """Whether a change can reach a suite.

    Attributes:
        suite: The suite's name.
        included: Whether its result may be another than before.
        reasons: Why it is reached. For one that is not, what changed and does not matter: empty
            when nothing that it uses changed.
    """

    suite: str
    included: bool
    reasons: tuple[Reason, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The impact as plain JSON values."""
        reasons = [to_builtins(reason) for reason in self.reasons]
        return {"suite": self.suite, "included": self.included, "reasons": reasons}


def impact(
    project: Project,
    versions: Versions,
    commit: str,
    suites: Iterable[Suite],
    *,
    models: Sequence[str] = (),
) -> tuple[SuiteImpact, ...]:
    """Say of each suite whether what changed since a commit can reach it.

    A suite is left out only when all that it is made of is as it was, so that it reads, asks and
    asserts the same as at the commit. When in doubt it is reached: a file that git does not keep,
    a configuration that could not be read, code that may import anything.

    Args:
        project: As it stands in the work tree.
        versions: Of the same project.
        commit: The commit's full id; the work tree, uncommitted files too, is compared with it.
        suites: Those of the project's that are asked for.
        models: The names of models to run on, in place of the suites' own.

    Returns:
        One for each suite, in their order.

    Raises:
        InvalidInputError: The project is in no git repository.
        UnavailableError: Git is missing or refuses.
    """
    since = Since(versions=versions, config=project.config, commit=commit)
    examiner = _Examiner(
        project=project,
        versions=versions,
        since=since,
        models=models,
        reach=PromptReach(project=project),
    )
    return tuple(examiner.examine(suite) for suite in suites)


class _PromptImpact(Struct, frozen=True, kw_only=True):
    """What became of a prompt: reasons that count, and changes that its requests do not show."""

    reached: tuple[Reason, ...] = ()
    left: tuple[Reason, ...] = ()


class _Examiner(Struct, kw_only=True):
    """Examines suites, each prompt once."""

    project: Project
    versions: Versions
    since: Since
    models: Sequence[str]
    reach: PromptReach
    _prompts: dict[str, _PromptImpact] = field(default_factory=dict)
    _pins: dict[str, tuple[Prompt | None, tuple[Reason, ...]]] = field(default_factory=dict)

    def examine(self, suite: Suite) -> SuiteImpact:
        """Say whether a suite is reached."""
        named = {text.text: text for text in (*suite.prompts, *(s.prompt for s in suite.steps))}
        pinned = [self._pinned(text) for text in named.values() if "@" in text.text]
        plain = [name for name in named if "@" not in name]
        examined = [self._prompt(name) for name in plain]
        used = [self.project.prompts[name] for name in plain]
        used += [prompt for prompt, _reasons in pinned if prompt is not None]
        models = named_models(suite, used, self.models)
        reach = reach_of_suite(self.project, suite, models_called(models, self.project.config))
        reasons = [
            *self._of_files(reach),
            *(reason for one in examined for reason in one.reached),
            *(reason for _prompt, found in pinned for reason in found),
            *self._of_config(models),
            *self._of_rules(reach),
        ]
        if reasons:
            return SuiteImpact(
                suite=suite.name, included=True, reasons=tuple(dict.fromkeys(reasons))
            )
        left = [reason for one in examined for reason in one.left]
        return SuiteImpact(suite=suite.name, included=False, reasons=tuple(dict.fromkeys(left)))

    def _of_files(self, reach: SuiteReach) -> Iterator[Reason]:
        for path, via in reach.files.items():
            what = self.since.what(path)
            if what is not None:
                yield Reason(path=path, what=what, via=via)
        for path in reach.words.keys() & self.since.changes.keys():
            yield Reason(path=path, what=self.since.changes[path], via=reach.words[path])
        for beginning, via in reach.beginnings.items():
            yield from self._first(self.since.below(beginning), via)

    def _of_config(self, models: Iterable[str]) -> Iterator[Reason]:
        path = self.since.config_path
        for part in self.since.parts_of_config():
            yield Reason(path=path, what="changed", via=part)
        for name in self.since.models(models):
            yield Reason(path=path, what="changed", via=f"the model '{name}'")

    def _of_rules(self, reach: SuiteReach) -> Iterator[Reason]:
        for via in reach.code[:1]:
            yield from self._first(self.since.code(), via)
        config = self.project.config
        kept = (f"{config.suites}/", f"{config.recordings}/")
        for via in reach.anything:
            others = (path for path in self.since.changes if not path.startswith(kept))
            yield from self._first(others, via)

    def _first(self, paths: Iterator[str], via: str) -> Iterator[Reason]:
        """One reason is enough where many files may be part of a suite."""
        for path in paths:
            yield Reason(path=path, what=self.since.changes[path], via=via)
            return

    def _prompt(self, name: str) -> _PromptImpact:
        if name not in self._prompts:
            self._prompts[name] = self._examined(self.project.prompts[name])
        return self._prompts[name]

    def _examined(self, prompt: Prompt) -> _PromptImpact:
        files = self.reach.files(prompt)
        found = [(path, self.since.what(path), via) for path, via in files.items()]
        changed = [Reason(path=path, what=what, via=via) for path, what, via in found if what]
        if not changed:
            return _PromptImpact()
        if self._asks_the_same(prompt):
            left = (Reason(path=one.path, what=one.what, via=_LEFT) for one in changed)
            return _PromptImpact(left=tuple(left))
        return _PromptImpact(reached=tuple(changed))

    def _asks_the_same(self, prompt: Prompt) -> bool:
        """Whether the prompt's content is what it was, whatever its files say besides."""
        before = self.versions.loader.load(prompt.path, self.since.commit)
        if before is None or before.content_hash is None:
            return False
        return before.content_hash == content_hash(prompt, self.project.tree)

    def _pinned(self, text: Text) -> tuple[Prompt | None, tuple[Reason, ...]]:
        if text.text not in self._pins:
            self._pins[text.text] = self._examined_pin(text)
        return self._pins[text.text]

    def _examined_pin(self, text: Text) -> tuple[Prompt | None, tuple[Reason, ...]]:
        """A version that is named by a ref is as it was unless the ref means another commit now."""
        name, _, ref = text.text.partition("@")
        try:
            version = self.versions.find(text)
        except InvalidInputError as error:
            why = error.faults[0].message
            return None, (Reason(path=text.text, what="cannot be read", via=why),)
        reasons = []
        label = ref.removeprefix("label:")
        if self.since.label_moved(name, label):
            via = f"the label '{label}' of {name}"
            reasons.append(Reason(path=self.since.labels_path, what="changed", via=via))
        if version.commit is not None and self.since.is_newer(version.commit):
            via = f"{version.commit[:12]} is newer than {self.since.commit[:12]}"
            reasons.append(Reason(path=text.text, what="may mean another version", via=via))
        return version.prompt, tuple(reasons)
