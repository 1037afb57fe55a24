"""Find the commit that broke a case, by asking versions until it is sure."""

from collections.abc import Callable

from msgspec import Struct, field
from msgspec.structs import replace

from llmops.domain.change import Change
from llmops.domain.run import Failure
from llmops.errors import Fault, InvalidInputError, NoComparisonError
from llmops.history.refs import merge_base
from llmops.location import COMMAND_LINE
from llmops.running.searching.bisection import Question, Rule, Search
from llmops.running.searching.breakpoints import Counts
from llmops.running.stop import Stop, on_signals
from llmops.versions.change import change_between
from llmops.versions.row import Ends, Place, row_of
from llmops.workflows.bisecting.outcome import Bisected, short
from llmops.workflows.bisecting.probing import AskedCase, CaseProber, Heard, suite_of
from llmops.workflows.executing.asking import Asking, AskLimits, Clock, Prober
from llmops.workflows.opening.project import OpenProject


class BisectOptions(Struct, frozen=True, kw_only=True):
    """What `llmops bisect` was asked to do.

    Attributes:
        prompt: The name of the prompt.
        case: The id of the case.
        suite: The suite it is in; None where one suite alone uses the prompt.
        good: A ref where the case passed; None for the prompt's first version.
        bad: A ref where it fails; None for the work tree.
        model: In place of the suite's own.
        rule: When it is sure, and how much it asks.
        limits: Whom to ask, and how much.
    """

    prompt: str
    case: str
    suite: str | None = None
    good: str | None = None
    bad: str | None = None
    model: str | None = None
    rule: Rule = field(default_factory=Rule)
    limits: AskLimits = field(default_factory=AskLimits)


class Told(Struct, frozen=True, kw_only=True):
    """What became of one question.

    Attributes:
        counts: All samples of the version so far.
        faults: Why it cannot be asked.
        left: Versions that are suspected still.
        chance: That it is the likeliest of them, 0 to 1.
    """

    place: Place
    counts: Counts
    faults: tuple[Fault, ...]
    left: int
    chance: float


Tell = Callable[[Told], None]


def bisect(
    opened: OpenProject,
    options: BisectOptions,
    clock: Clock,
    tell: Tell,
    note: Callable[[str], None],
) -> Bisected:
    """Find the commit that broke a case.

    Args:
        opened: The project.
        options: What to find.
        clock: The time.
        tell: Told of every question.
        note: Told what the user should know.

    Raises:
        InvalidInputError: There is no such prompt, suite or ref, or an end cannot be asked.
        NothingSelectedError: There is no such case.
        NoComparisonError: Nothing is recorded of an end, and nobody may be asked.
        UnavailableError: Git is missing or refuses.
    """
    _check(options.rule)
    suite = suite_of(opened, options.prompt, options.suite)
    ends = Ends(good=options.good, bad=options.bad, at=COMMAND_LINE)
    row = row_of(opened.versions, options.prompt, ends)
    asked = AskedCase(prompt=options.prompt, suite=suite, case=options.case, model=options.model)
    replay = options.limits.replay
    stop = Stop()
    asking = Asking(opened=opened, limits=options.limits, clock=clock, note=note, stop=stop)
    rule = replace(options.rule, settled=replay)
    with on_signals(stop), Prober(asking=asking) as prober:
        cases = CaseProber(opened=opened, asked=asked, prober=prober, replay=replay)
        cases.trials(row[-1], 0, 1)
        search = Search(len(row), rule)
        walk = _Walk(row=row, search=search, cases=cases, stop=stop, tell=tell, ends=ends)
        return walk.to_its_end()


class _Walk(Struct, kw_only=True):
    """A search that is carried out."""

    row: tuple[Place, ...]
    search: Search
    cases: CaseProber
    stop: Stop
    tell: Tell
    ends: Ends
    skipped: dict[int, tuple[Fault, ...]] = field(default_factory=dict)
    failure: Failure | None = None

    def to_its_end(self) -> Bisected:
        """Ask until it is sure, or cannot go on."""
        while self.failure is None and self.stop.reason is None:
            question = self.search.question()
            if question is None:
                break
            self._ask(question)
        return Bisected(
            prompt=self.cases.asked.prompt,
            suite=self.cases.asked.suite.name,
            case=self.cases.asked.case,
            row=self.row,
            search=self.search,
            totals=self.cases.totals,
            unpriced=self.cases.unpriced,
            skipped=self.skipped,
            change=self._change(),
            inside=self._inside(),
            failure=self.failure,
            stopped_by=self.stop.reason if self.search.end is None else None,
        )

    def _ask(self, question: Question) -> None:
        version = question.version
        place = self.row[version]
        before = self.search.counts.get(version, Counts())
        heard = self.cases.ask(place, before.asked, question.samples)
        if heard.answer.skipped:
            self._skip(version, heard)
        self.failure = heard.failure
        self.search.take(version, heard.answer)
        if heard.failure is None:
            self.tell(self._told(version, heard))

    def _skip(self, version: int, heard: Heard) -> None:
        """Go on without a version, unless it is an end that somebody named."""
        self.skipped[version] = heard.faults
        last = version == len(self.row) - 1
        if not last and not (version == 0 and self.ends.good is not None):
            return
        if heard.faults[0].code == "no_recording":
            raise NoComparisonError(
                f"nothing is recorded of {short(self.row[version])}, the {_end(last)} end",
                hint="record it, or leave out --replay",
            )
        raise InvalidInputError.of(heard.faults)

    def _told(self, version: int, heard: Heard) -> Told:
        suspects = self.search.suspects()
        return Told(
            place=self.row[version],
            counts=self.search.counts.get(version, Counts()),
            faults=heard.faults,
            left=sum(len(suspect.versions) for suspect in suspects),
            chance=suspects[0].chance if suspects else 0.0,
        )

    def _change(self) -> Change | None:
        """What changed at the place that was found, between two versions that were asked."""
        if self.search.end != "found":
            return None
        places = self.search.suspects()[0].versions
        versions = [self.row[place].version for place in (places[0] - 1, places[-1])]
        before, after = (version for version in versions if version is not None)
        return change_between(before, after)

    def _inside(self) -> tuple[str, str] | None:
        """Where the branch began and ended that a merge brought in."""
        suspects = self.search.suspects() if self.search.end == "found" else []
        commits = [self.row[place].commit for one in suspects[:1] for place in one.versions]
        if len(commits) != 1 or commits[0] is None or len(commits[0].parents) < 2:
            return None
        line, branch, *_ = commits[0].parents
        base = merge_base(self.cases.opened.versions.loader.repository, line, branch)
        return (base, branch) if base is not None else None


def _end(last: bool) -> str:  # noqa: FBT001 - which of two
    return "bad" if last else "good"


def _check(rule: Rule) -> None:
    if not 0.5 < rule.confidence < 1:
        raise InvalidInputError(
            f"nothing can be named with a confidence of {rule.confidence}",
            at=COMMAND_LINE,
            code="confidence",
            hint="write one above 0.5 and below 1, such as 0.99",
        )
