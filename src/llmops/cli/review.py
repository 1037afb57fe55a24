"""`llmops review`: one changed output at a time, accepted or rejected by a person."""

from typing import Annotated

import typer

from llmops.cli.options import Select, Untrusted


def review(
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="A run's id or its end; the newest if none."),
    ] = None,
    select: Select = None,
    allow_cached: Annotated[
        bool, typer.Option("--allow-cached", help="Take a run that asked nobody.")
    ] = False,
    untrusted: Untrusted = False,
) -> None:
    """Accept or reject, one by one, what was answered otherwise.

    Shown is what the run answered otherwise than was approved. What is accepted is written at once, as a file to commit. The same runs are refused as by
    approve. A CI never writes.

    Examples:
      llmops review                    the newest run
      llmops review 7c1e support/      a part of another one
    """
    from datetime import UTC, datetime

    from llmops.cli.asked import surroundings
    from llmops.cli.telling.review import review_one_by_one
    from llmops.cli.terminal.keyboard import is_terminal
    from llmops.errors import InvalidInputError
    from llmops.workflows.approving import Wanted, refuse_ci
    from llmops.workflows.opening.project import open_project
    from llmops.workflows.review import open_review

    world = surroundings(untrusted=untrusted)
    refuse_ci(world.environment)
    if not is_terminal():
        raise InvalidInputError(
            "a review needs a terminal",
            code="no-terminal",
            hint="approve without looking: llmops approve --from-run RUN",
        )
    wanted = Wanted(
        run=run,
        selectors=tuple(select or ()),
        allow_cached=allow_cached,
        today=datetime.now(UTC).date(),
    )
    raise typer.Exit(review_one_by_one(open_review(open_project(world), wanted)))
