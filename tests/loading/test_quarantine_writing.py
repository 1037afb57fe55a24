from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.domain.config import Limits
from llmops.domain.flaky import Proposal
from llmops.domain.node import plain
from llmops.errors import InvalidInputError
from llmops.loading.nodes import parse_yaml
from llmops.loading.quarantine_writing import set_quarantine

PATH = "suites/say.yaml"
HEAD = "prompt: say\ncases:\n  - {id: one}\n"
ADDED = "- case: one\n    until: 2026-12-05\n    reason: It wavers.\n"


def proposal(case: str = "one", *, reason: str = "It wavers.", renewed: bool = False) -> Proposal:
    day = date(2026, 12, 5)
    return Proposal(suite="say", path=PATH, case=case, until=day, reason=reason, renewed=renewed)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (HEAD, f"{HEAD}quarantine:\n  {ADDED}"),
        (HEAD.rstrip(), f"{HEAD}quarantine:\n  {ADDED}"),
        (f"quarantine: []  # none\n{HEAD}", f"quarantine:  # none\n  {ADDED}{HEAD}"),
        (f"quarantine:\n{HEAD}", f"quarantine:\n  {ADDED}{HEAD}"),
        (f"quarantine: null\n{HEAD}", f"quarantine:\n  {ADDED}{HEAD}"),
        (
            f"quarantine:\n- case: two\n  until: 2027-01-01\n  reason: |\n    Long\n\n    words\n\n{HEAD}",
            "quarantine:\n- case: two\n  until: 2027-01-01\n  reason: |\n    Long\n\n    words\n"
            f"- case: one\n  until: 2026-12-05\n  reason: It wavers.\n\n{HEAD}",
        ),
        (
            f"quarantine:\n  - {{case: two, until: 2027-01-01, reason: x}}\n{HEAD}",
            f"quarantine:\n  - {{case: two, until: 2027-01-01, reason: x}}\n  {ADDED}{HEAD}",
        ),
    ],
)
def test_an_entry_is_added_and_nothing_else_changes(before: str, after: str) -> None:
    assert set_quarantine(before, PATH, [proposal()]) == after


def test_the_line_ends_of_the_file_stay() -> None:
    text = HEAD.replace("\n", "\r\n")

    made = set_quarantine(text, PATH, [proposal()])

    assert made == f"{HEAD}quarantine:\n  {ADDED}".replace("\n", "\r\n")


def test_several_at_once_with_one_renewed() -> None:
    text = f'quarantine:\n  - case: one\n    until: "2020-01-01"  # old\n    reason: x\n{HEAD}'

    made = set_quarantine(text, PATH, [proposal(renewed=True), proposal("two")])

    assert '    until: "2026-12-05"  # old\n' in made
    assert "  - case: two\n    until: 2026-12-05\n" in made


@pytest.mark.parametrize(
    "text",
    [
        "{prompt: say, cases: [{id: one}]}\n",
        "prompt: say\nquarantine: [{case: two, until: 2027-01-01, reason: x}]\n",
        "prompt: say\nx-words: |+\n  a\n\n...\n",
    ],
)
def test_a_form_that_is_not_edited_is_left_alone(text: str) -> None:
    with pytest.raises(InvalidInputError, match="cannot be written into"):
        set_quarantine(text, PATH, [proposal()])


def test_only_the_entry_of_the_case_gets_another_day() -> None:
    other = "  - {case: two, until: 2020-01-01, reason: x}\n"
    text = f"quarantine:\n{other}{other.replace('two', 'one')}{HEAD}"

    made = set_quarantine(text, PATH, [proposal(renewed=True)])

    assert made == text.replace("{case: one, until: 2020-01-01", "{case: one, until: 2026-12-05")


@pytest.mark.parametrize("entries", ["", "quarantine:\n  - {case: two, until: x, reason: x}\n"])
def test_an_entry_that_is_not_there_is_not_renewed(entries: str) -> None:
    with pytest.raises(InvalidInputError, match="cannot be written into"):
        set_quarantine(entries + HEAD, PATH, [proposal(renewed=True)])


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_whatever_a_case_is_called_it_is_read_back(case: str, reason: str) -> None:
    made = set_quarantine(HEAD, PATH, [proposal(case, reason=reason)])

    read = plain(parse_yaml(made.encode(), PATH, Limits()).value)

    assert read["quarantine"] == [{"case": case, "until": "2026-12-05", "reason": reason}]
    assert made.startswith(HEAD)
