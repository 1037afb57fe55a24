"""`llmops bisect`: the commit that broke a case."""

from typing import TYPE_CHECKING, Annotated

import typer

from llmops.cli.options import AsJson, Concurrency, Fresh, MaxCalls, MaxCost, Untrusted

if TYPE_CHECKING:
    from llmops.running.searching.breakpoints import Counts
    from llmops.workflows.bisect import BisectOptions, Told
    from llmops.workflows.bisecting.outcome import Bisected
    from llmops.workflows.opening.project import Surroundings

_SUBJECT = 72


_Name = Annotated[str, typer.Argument(metavar="NAME", help="The prompt's name.")]
_Case = Annotated[str, typer.Option("--case", metavar="ID", help="The case that broke.")]
_Suite = Annotated[
    str | None,
    typer.Option("--suite", "-s", metavar="S", help="Its suite, if several use the prompt."),
]
_Good = Annotated[
    str | None,
    typer.Option(metavar="REF", help="Where it passed; the prompt's first version if none."),
]
_Bad = Annotated[
    str | None, typer.Option(metavar="REF", help="Where it fails; the work tree if none.")
]
_Model = Annotated[
    str | None, typer.Option("--model", "-m", metavar="M", help="Ask this model instead.")
]
_Confidence = Annotated[
    float, typer.Option(metavar="SHARE", min=0.5, max=1, help="How sure it must be.")
]
_Samples = Annotated[
    int,
    typer.Option(metavar="N", min=1, max=1000, help="Asked at a time once answers vary."),
]
_MaxTrials = Annotated[
    int, typer.Option(metavar="N", min=2, max=100_000, help="Stop at so many samples.")
]
_Replay = Annotated[
    bool, typer.Option("--replay", help="Recordings and the cache only, taken as all there is.")
]
_Seed = Annotated[int, typer.Option(metavar="N", help="Of the pauses between attempts.")]


def bisect(
    name: _Name,
    case: _Case,
    suite: _Suite = None,
    good: _Good = None,
    bad: _Bad = None,
    model: _Model = None,
    confidence: _Confidence = 0.99,
    samples: _Samples = 4,
    max_trials: _MaxTrials = 400,
    max_cost: MaxCost = None,
    max_calls: MaxCalls = None,
    concurrency: Concurrency = None,
    replay: _Replay = False,
    fresh: Fresh = False,
    seed: _Seed = 0,
    untrusted: Untrusted = False,
    as_json: AsJson = False,
) -> None:
    """Find the commit that broke a case, asking again until it is sure.

    Examples:
      llmops bisect support/reply --case angry-customer
      llmops bisect support/reply --case m-201 --good 1.0.0 --bad main --max-cost 0.50
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.run_options import limits_of
    from llmops.running.searching.bisection import Rule
    from llmops.workflows.bisect import BisectOptions

    options = BisectOptions(
        prompt=name,
        case=case,
        suite=suite,
        good=good,
        bad=bad,
        model=model,
        rule=Rule(confidence=confidence, most=max_trials, samples=samples),
        limits=limits_of(max_cost, max_calls, concurrency, replay=replay, fresh=fresh, seed=seed),
    )
    raise typer.Exit(_bisect_once(options, surroundings(untrusted=untrusted), as_json=as_json))


def _bisect_once(options: "BisectOptions", world: "Surroundings", *, as_json: bool) -> int:
    from llmops.cli.terminal.clock import clock
    from llmops.cli.terminal.talk import note, say_json
    from llmops.workflows.bisect import bisect as search
    from llmops.workflows.opening.project import open_project

    found = search(open_project(world), options, clock(), _tell, note)
    if as_json:
        say_json(found.as_json())
    else:
        _say(found)
    return found.exit_code


def _tell(told: "Told") -> None:
    from llmops.cli.terminal.talk import note
    from llmops.reporting.wording import plural
    from llmops.workflows.bisecting.outcome import rate, short

    named = short(told.place)
    if told.faults:
        note(f"{named}  skipped: {told.faults[0].message}")
        return
    left = f"{plural(told.left, 'version')} suspected, {round(told.chance * 100)} %"
    note(f"{named}  {rate(told.counts)} pass   {left}")


def _say(found: "Bisected") -> None:
    from llmops.cli.terminal.talk import say

    named = f"{found.prompt} › {found.case}"
    say(f"{named}: {found.reason}{_sure(found)}")
    if found.status == "found":
        _say_suspects(found)
    for place, faults in sorted(found.skipped.items()):
        say(f"  skipped {(found.row[place].id or 'the work tree')[:12]}: {faults[0].message}")
    say(f"  {' · '.join(_spent(found))}")


def _sure(found: "Bisected") -> str:
    if found.status != "found":
        return ""
    if found.search.rule.settled:
        return ", by what is recorded and cached"
    return f" ({min(99.9, round(found.suspects[0].chance * 100, 1)):g} % sure)"


def _say_suspects(found: "Bisected") -> None:
    from llmops.cli.terminal.talk import say
    from llmops.workflows.bisecting.outcome import rate

    for place in found.suspected:
        if place.commit is None:
            say("  not committed yet")
            continue
        commit = place.commit
        say(f"  commit   {commit.id}")
        say(f"  author   {commit.author}, {commit.date[:10]}")
        say(f"  version  {place.claimed or 'none claimed'}")
        say(f"  subject  {commit.subject[:_SUBJECT]}")
    if found.change is not None:
        say(f"  changed  {', '.join(found.change.kinds)}")
    before, after = _counts(found)
    say(f"  passed   {rate(before)} before, {rate(after)} since")
    say(f"  look at  llmops diff {found.before.named} {found.suspected[-1].named}")
    if found.inside is not None:
        base, branch = found.inside
        say(f"  inside   it is a merge; look further with --good {base} --bad {branch}")


def _counts(found: "Bisected") -> tuple["Counts", "Counts"]:
    first = found.suspects[0].versions[0]
    return found.counts(0, first), found.counts(first, len(found.row))


def _spent(found: "Bisected") -> list[str]:
    from llmops.reporting.wording import money, plural

    unknown = f" and the unknown cost of {plural(found.unpriced, 'call')}" if found.unpriced else ""
    return [
        f"{len(found.search.counts)} of {plural(len(found.row), 'version')} asked",
        plural(found.search.trials, "sample"),
        f"{found.totals.recorded:,} recorded, {found.totals.cached:,} cached",
        plural(found.totals.calls, "call"),
        f"{money(found.totals.spent)}{unknown}",
    ]
