"""Where in a user's file something stands."""

from msgspec import Struct


class Location(Struct, frozen=True, gc=False):  # nothing it holds leads back to it
    """A place in a file of the project.

    Attributes:
        path: The file, relative to the project's root, with forward slashes.
        line: Line, counted from 1; 0 for a place without lines, such as the command line.
        column: Column in characters, counted from 1.
    """

    path: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path


COMMAND_LINE = Location("command line", 0, 0)
"""The place of what was typed as an argument."""
