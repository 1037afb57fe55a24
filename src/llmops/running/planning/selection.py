"""Choose suites and cases: by path, folder, name, case, tag, expression, prompt or shard."""

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from llmops.domain.suite import Case, Suite
from llmops.errors import Fault, InvalidInputError, NothingSelectedError, did_you_mean
from llmops.running.planning.expressions import parse_expression

_TAG = "tag:"
_NEAR = 10_000
"""Among so many cases the one is looked for that a misspelt selector means."""


class Selection(Struct, frozen=True, kw_only=True):
    """What to run. Everything that is given must hold; selectors of one sort are alternatives.

    Attributes:
        selectors: As typed: a file, a folder, a suite's name, `SUITE::CASE`, or `tag:WORD`.
        expression: `-k`: words with `and`, `or`, `not` and parentheses over names and tags.
        prompt: Only suites that use this prompt.
        shard: `(i, n)`: the i-th of n parts, i from 1; the selected cases are dealt out in turn.
        since: Only suites that a change since this git revision can reach.
        reached: The names of those suites, once they are known; None for all.
    """

    selectors: tuple[str, ...] = ()
    expression: str | None = None
    prompt: str | None = None
    shard: tuple[int, int] | None = None
    since: str | None = None
    reached: frozenset[str] | None = None

    def reaches(self, suite: Suite) -> bool:
        """Whether a change since `since` can reach a suite; all are reached where none is given."""
        return self.reached is None or suite.name in self.reached

    @property
    def tags(self) -> tuple[str, ...]:
        """The words after `tag:`."""
        return tuple(s.removeprefix(_TAG) for s in self.selectors if s.startswith(_TAG))

    @property
    def places(self) -> tuple[str, ...]:
        """The selectors that are not tags."""
        return tuple(s for s in self.selectors if not s.startswith(_TAG))


def choose_suites(suites: Iterable[Suite], selection: Selection, folder: str) -> list[Suite]:
    """The suites that may hold a selected case.

    Args:
        suites: All suites of the project.
        selection: What to run.
        folder: The folder of suites, such as `suites`.

    Raises:
        NothingSelectedError: A selector names no suite, or no suite uses the prompt.
    """
    known = list(suites)
    chosen = known
    if selection.places:
        wanted = [_suites_at(place, known, folder) for place in selection.places]
        names = {suite.name for found in wanted for suite in found}
        chosen = [suite for suite in known if suite.name in names]
    if selection.prompt is not None:
        chosen = [suite for suite in chosen if selection.prompt in _prompts_of(suite)]
        if not chosen:
            prompts = {name for suite in known for name in _prompts_of(suite)}
            raise NothingSelectedError(
                f"no selected suite uses the prompt '{selection.prompt}'",
                hint=did_you_mean(selection.prompt, prompts) or "'llmops suites' lists them",
            )
    return [suite for suite in chosen if selection.reaches(suite)]


class CaseFilter:
    """Says of each case whether it is selected, and remembers which selectors found one."""

    def __init__(self, selection: Selection, suites: Sequence[Suite], folder: str) -> None:
        """Prepare the selectors.

        Args:
            selection: What to run.
            suites: All suites of the project, for a selector may name one that is not chosen.
            folder: The folder of suites.

        Raises:
            InvalidInputError: The expression cannot be read.
        """
        self._tags = selection.tags
        self._shard = selection.shard
        self._condition = (
            None if selection.expression is None else parse_expression(selection.expression)
        )
        self._whole: set[str] = set()
        self._single: dict[tuple[str, str], list[str]] = {}
        for place in selection.places:
            _suite, _, case = place.partition("::")
            found = _suites_at(place, suites, folder)
            names = [suite.name for suite in found if selection.reaches(suite)]
            if case:
                for name in names:
                    self._single.setdefault((name, case), []).append(place)
            else:
                self._whole.update(names)
        elsewhere = {tag for s in suites if not selection.reaches(s) for tag in _tags_of(s)}
        self._unused = {f"{_TAG}{tag}" for tag in selection.tags if tag not in elsewhere}
        self._unused.update(place for places in self._single.values() for place in places)
        self._everything = not selection.places
        self._seen: set[str] = set()
        self._seen_tags: set[str] = set()
        self._dealt = 0

    def __call__(self, case: Case) -> bool:
        """Whether the case is selected."""
        if self._unused and len(self._seen) < _NEAR:
            self._seen.add(f"{case.suite}::{case.id}")
        self._seen_tags.update(case.tags)
        if not self._everything and not self._placed(case):
            return False
        if self._tags and not self._tagged(case):
            return False
        if self._condition is not None and not self._condition(_words_of(case)):
            return False
        return self._shard is None or self._deal(self._shard)

    def check(self) -> None:
        """Complain about the selectors that found no case.

        Raises:
            NothingSelectedError: There are some. A misspelt name must not look like a choice.
        """
        faults = [
            Fault(
                code=NothingSelectedError.code,
                message=f"no case is selected by '{selector}'",
                hint=self._nearest(selector) or "'llmops suites' lists suites and cases",
            )
            for selector in sorted(self._unused)
        ]
        if faults:
            error = NothingSelectedError(faults[0].message)
            error.faults = tuple(faults)
            raise error

    def _nearest(self, selector: str) -> str | None:
        if selector.startswith(_TAG):
            word = selector.removeprefix(_TAG)
            return did_you_mean(word, self._seen_tags - {word})
        return did_you_mean(selector, self._seen - {selector})

    def _deal(self, shard: tuple[int, int]) -> bool:
        index, count = shard
        self._dealt += 1
        return (self._dealt - 1) % count == index - 1

    def _placed(self, case: Case) -> bool:
        named = False
        for name in {case.id, case.id.partition("[")[0]}:
            places = self._single.get((case.suite, name), ())
            self._unused.difference_update(places)
            named = named or bool(places)
        return named or case.suite in self._whole

    def _tagged(self, case: Case) -> bool:
        found = set(self._tags) & set(case.tags)
        self._unused -= {f"{_TAG}{tag}" for tag in found}
        return bool(found)


def parse_shard(text: str) -> tuple[int, int]:
    """Read `2/5`.

    Raises:
        InvalidInputError: It is no such text, or the first number is not from 1 to the second.
    """
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise InvalidInputError(
            f"'{text}' is not a shard", code="usage", hint="write 2/5 for the second of five parts"
        )
    return int(found[1]), int(found[2])


def _words_of(case: Case) -> str:
    return f"{case.suite}::{case.id} {' '.join(case.tags)}".casefold()


def _prompts_of(suite: Suite) -> set[str]:
    names = {text.text for text in suite.prompts} | {step.prompt.text for step in suite.steps}
    return names | {name.partition("@")[0] for name in names}


def _tags_of(suite: Suite) -> set[str]:
    return {*suite.tags, *(tag for entry in suite.entries for tag in entry.tags)}


def _suites_at(place: str, suites: Iterable[Suite], folder: str) -> list[Suite]:
    written = place.partition("::")[0].replace("\\", "/").removeprefix("./")
    target = written.rstrip("/")
    known = list(suites)
    for matches in (
        [s for s in known if target in {s.path, s.name} and target == written],
        [s for s in known if _below(s.path, target) or _below(s.name, target)],
        [s for s in known if s.name.rpartition("/")[2] == target and target == written],
    ):
        if matches:
            return matches
    if target in {"", ".", folder}:
        return known
    names = [name for s in known for name in (s.name, s.path, s.name.rpartition("/")[2])]
    raise NothingSelectedError(
        f"no suite is called '{target}'",
        hint=did_you_mean(target, names) or "'llmops suites' lists them",
    )


def _below(path: str, folder: str) -> bool:
    return path.startswith(folder + "/")
