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
Samples = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, max=10_000, help="Ask each case so many times."),
]
Replay = Annotated[
    bool, typer.Option("--replay", help="Recordings and the cache only; a miss is an error.")
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Ask anew: neither recordings nor the cache.")]
MaxCost = Annotated[
    float | None, typer.Option(metavar="DOLLARS", min=0, help="Stop at so many dollars.")
]
MaxCalls = Annotated[int | None, typer.Option(metavar="N", min=0, help="Stop at so many calls.")]
Concurrency = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, max=1000, help="Calls at a time, for each model."),
]
SetInputs = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="inputs.NAME=VALUE", help="An input for every case."),
]
Sweep = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=V[,V…]", help="A parameter; each value is an arm of its own."),
]
Shard = Annotated[str | None, typer.Option(metavar="I/N", help="The I-th of N parts, such as 2/5.")]
Cases = Annotated[
    list[str] | None,
    typer.Option("--suite", "-s", metavar="SELECT", help="Only these cases. Repeatable."),
]
TwoReports = Annotated[
    list[str] | None,
    typer.Option("--report", metavar="FORMAT[=PATH]", help="Write markdown or json. Repeatable."),
]
JsonReport = Annotated[bool, typer.Option("--json", help="Print the JSON report instead of text.")]
NoPager = Annotated[bool, typer.Option("--no-pager", help="Never use a pager.")]
Confidence = Annotated[
    float | None,
    typer.Option(metavar="SHARE", min=0.5, max=1, help="How sure a claim must be."),
]
