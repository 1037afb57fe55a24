"""`llmops restore`: old content as a new version."""

from typing import Annotated

import typer

from llmops.cli.options import AsJson


def restore(
    name: Annotated[str, typer.Argument(metavar="NAME@REF", help="The version to bring back.")],
    with_files: Annotated[
        bool,
        typer.Option("--with-files", help="Bring back its partials and other files, too."),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write over changes that are not committed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring an old version's content back as a new version.

    Examples:
      llmops restore support/reply@1.0.0 --with-files
      llmops restore support/reply@production
    """
    from llmops.cli.asked import surroundings
    from llmops.cli.terminal.talk import note, say, say_json
    from llmops.workflows.opening.project import open_versions
    from llmops.workflows.restore import restore as bring_back

    done = bring_back(open_versions(surroundings()), name, force=force, with_files=with_files)
    if as_json:
        say_json(done.as_json())
        return
    if not done.files:
        note(f"nothing to restore: {done.path} has the same content as {done.commit[:12]}")
        return
    for file in done.files:
        say(f"wrote {file}")
    note(
        f"{done.path} claims {done.after} (it claimed {done.before or 'nothing'}) with the content "
        f"of {done.commit[:12]}; look at it with 'git diff', and commit it"
    )
