"""What CI runners take for a command, read from their behaviour and written anew."""

import re

# What .NET's TrimStart takes off: spaces, tabs, line ends and the blanks of other scripts.
BLANKS = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)
LINE_ENDS = re.compile(r"\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")


def workflow_command(line: str) -> str | None:
    """`::name properties::data`, after leading blanks."""
    trimmed = line.lstrip(BLANKS)
    if not trimmed.startswith("::"):
        return None
    end = trimmed.find("::", 2)
    return trimmed[2:end].split(" ")[0] if end > 0 else None


def logging_command(line: str) -> str | None:
    """`##[name properties]data` and its kin, anywhere in the line."""
    found = re.search(r"##(?:vso|teamcity)?\[([^\]\s]*)", line, re.IGNORECASE)
    return found[1] if found else None


def commands(text: str) -> list[str]:
    """Every command that a runner would find in a log."""
    lines = LINE_ENDS.split(text)
    found = [parse(line) for line in lines for parse in (workflow_command, logging_command)]
    return [command for command in found if command is not None]
