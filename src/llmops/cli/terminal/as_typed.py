"""Words of a command line that mean themselves are taken as they are; typer reads the others.

To read one, typer imports pydantic, which takes longer than most commands take in all.
"""

from functools import partial
from typing import Any


def take_as_typed(parameters: list[Any]) -> list[Any]:
    """Let parameters take what nobody typed, and text that is to be text, without reading it.

    Args:
        parameters: Of typer's; those that it made without a type are left alone.
    """
    for parameter in parameters:
        if "process_value" not in vars(parameter) and hasattr(parameter, "type_descriptor"):
            parameter.process_value = partial(_process, parameter, parameter.process_value)
    return parameters


def _process(parameter: Any, read: Any, context: Any, value: Any) -> object:  # noqa: ANN401 - typer carries its own copy of click
    annotation = parameter.type_descriptor.annotation
    several = parameter.multiple or parameter.nargs == -1
    if value is None and not parameter.required:
        taken: object = () if several else None
    elif type(value) is annotation:
        taken = value
    elif annotation == list[str] and several and value:
        taken = list(value)
    else:
        return read(context, value)
    if parameter.callback is None:
        return taken
    return parameter.callback(context, parameter, taken)
