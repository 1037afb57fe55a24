import subprocess
import sys
from typing import Any

import pytest
from small_project import Project, Run
from typer.main import get_command

from llmops.cli.app import COMMANDS, program

COUNT_PYDANTIC = """
import sys
from llmops.cli.app import main
try:
    main()
finally:
    print("imported:", sum(name.partition(".")[0] == "pydantic" for name in sys.modules))
"""


def what(read: Any, *value: Any) -> object:
    """What reading a value comes to: the value, or the words of the complaint."""
    try:
        return read(*value)
    except Exception as error:
        return type(error), str(error)


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_taken_as_typed_is_what_typer_would_have_read(name: str) -> None:
    whole: Any = get_command(program())
    command = whole.commands[name]
    context = command.context_class(command)

    for parameter in command.get_params(context):
        if parameter.callback is not None:
            continue
        own = type(parameter).process_value
        several = parameter.multiple or parameter.nargs == -1
        words = [["one"], ("one", "2"), ["\udcff"]] if several else ["one", "2", "", "\udcff"]
        for value in (None, parameter.default, *words):
            taken = what(parameter.process_value, context, value)

            assert taken == what(own, parameter, context, value)


@pytest.mark.parametrize(
    "arguments",
    [["suites"], ["test", "say", "-m", "fast", "--replay"], ["lint", "--json"], ["--version"]],
)
def test_common_words_are_read_without_pydantic(project: Project, arguments: list[str]) -> None:
    project()

    command = [sys.executable, "-c", COUNT_PYDANTIC, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout.splitlines()[-1] == "imported: 0"


def test_words_that_are_numbers_are_still_read(project: Project, run: Run) -> None:
    project()

    assert "Invalid value for '--seed'" in run("test", "--seed", "x").err
    assert run("test", "--samples", "0").code == 2
    assert run("test", "--seed", "7").code == 0
