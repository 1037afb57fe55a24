import io

from llmops.errors import Fault
from llmops.location import Location
from llmops.reporting.faults import print_faults
from llmops.reporting.terminal import make_screen

SUITE = ["cases:", "  - assert:", "      - contian: refund"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def fault(message: str = "no scorer is called 'contian'", **more) -> Fault:
    more = {"at": Location("suites/a.yaml", 3, 9), "hint": "did you mean 'contains'?", **more}
    return Fault(code="unknown-scorer", message=message, **more)


def printed(*faults: Fault, source=SUITE, stream=None, environment=None) -> str:
    stream = stream or Terminal()

    def read_line(path: str, line: int) -> str | None:
        return source[line - 1] if path == "suites/a.yaml" and line <= len(source) else None

    environment = {"NO_COLOR": "1", "COLUMNS": "80", **(environment or {})}
    print_faults(faults, make_screen(stream, environment), read_line=read_line)
    return stream.getvalue()


def test_a_fault_is_shown_with_its_line_and_a_caret():
    assert printed(fault()) == (
        "suites/a.yaml:3:9: no scorer is called 'contian' [unknown-scorer]\n"
        "   2 │   - assert:\n"
        "   3 │       - contian: refund\n"
        "     │         ^\n"
        "  hint: did you mean 'contains'?\n"
    )


def test_a_pipe_gets_the_words_alone():
    faults = [fault(), fault("is wrong", at=None, hint=None)]

    shown = printed(*faults, stream=io.StringIO())

    assert shown == "".join(f"{item}\n" for item in faults)


def test_nobody_has_to_hand_in_the_lines():
    stream = Terminal()

    print_faults([fault()], make_screen(stream, {"NO_COLOR": "1"}))

    assert stream.getvalue() == f"{fault()}\n"


def test_a_line_that_is_gone_is_left_out():
    assert printed(fault(), source=[]) == f"{fault()}\n"


def test_the_first_line_has_none_before_it():
    shown = printed(fault(at=Location("suites/a.yaml", 1, 1)))

    assert "   1 │ cases:\n     │ ^\n" in shown
    assert "   0 " not in shown


def test_tabs_and_wide_characters_do_not_move_the_caret():
    source = ["", "", "\t漢字: \x1bx"]

    shown = printed(fault(at=Location("suites/a.yaml", 3, 6)), source=source)

    assert "   3 │     漢字: ␛x\n     │           ^\n" in shown


def test_a_long_line_is_shown_around_the_place():
    source = ["a" * 300, "b" * 300, "c" * 195 + "X" + "c" * 300]

    lines = printed(fault(at=Location("suites/a.yaml", 3, 196)), source=source).splitlines()

    assert len(lines[1]) <= 110
    assert lines[1][lines[2].index("^")] == "X"
    assert not any("bbb" in line for line in lines)


def test_a_place_behind_the_end_of_a_line_still_has_a_caret():
    shown = printed(fault(at=Location("suites/a.yaml", 1, 500)))

    assert "^" in shown


def test_a_warning_says_that_it_is_one():
    shown = printed(fault("is old", severity="warning"), environment={"NO_COLOR": "", "TERM": "x"})

    assert "\x1b[33mwarning: \x1b[0m\x1b[33mis old\x1b[0m" in shown


def test_a_message_of_several_lines_is_indented():
    shown = printed(fault("is wrong:\n::error::x", at=None, hint="either\nor"))

    assert shown == ("is wrong:\n  ::error::x [unknown-scorer]\n  hint: either\n        or\n")


def test_a_runner_hears_nothing_of_a_fault():
    shown = printed(
        fault("is ##[error] wrong\n::error::x", at=None, hint="::x::"),
        environment={"GITHUB_ACTIONS": "true"},
    )

    assert "##\u200b[error]" in shown
    assert "\n  :\u200b:error::x" in shown
