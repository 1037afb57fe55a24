"""Arguments and options that more than one command takes, spelt once."""

from typing import Annotated

import typer

Select = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SELECT",
        help="A suite's file, folder or name, SUITE::CASE, or tag:WORD. All suites if none.",
        show_default=False,
    ),
]
Expression = Annotated[
    str | None,
    typer.Option("-k", metavar="EXPR", help="Words with and, or, not over suite, case and tags."),
]
ForPrompt = Annotated[
    str | None, typer.Option("--prompt", metavar="NAME", help="Only suites that use this prompt.")
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="REF", help="Only suites that a change since this commit can reach."
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", "-m", metavar="M", help="Run on this model instead. Repeatable."),
]
HeldAgainst = Annotated[
    str | None,
    typer.Option(
        "--base", metavar="REF", help="Hold the claimed versions against this git revision."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Untrusted = Annotated[
    bool,
    typer.Option(
        "--untrusted",
        help="Load no Python, run no command, follow no link, read no .env, write no cache.",
    ),
]
Reports = Annotated[
    list[str] | None,
    typer.Option(
        "--report",
        metavar="FORMAT[=PATH]",
        help="Write a report: json, jsonl, junit, markdown, csv or github. Repeatable.",
    ),
]
Inputs = Annotated[
    list[str] | None,
    typer.Option("--input", "-i", metavar="NAME=VALUE", help="An input's value. Repeatable."),
]
