from collections.abc import Mapping

from llmops.comparing.rendered import RenderedCase, diff_messages, diff_rendered
from llmops.domain.rendered import CaseName
from llmops.errors import Fault

FAULT = Fault(code="unknown-input", message="the prompt has no input 'tone'")


def message(role: str, content: object, **more: object) -> Mapping[str, object]:
    return {"role": role, "content": content, **more}


def case(number: int, before: object, after: object) -> RenderedCase:
    return RenderedCase(case=CaseName("s", f"c{number}"), before=before, after=after)


def test_two_hundred_equal_changes_are_one_group() -> None:
    cases = [
        case(
            number,
            [message("system", "You help."), message("user", f"question {number}")],
            [message("system", "You help. Be brief."), message("user", f"question {number}")],
        )
        for number in range(200)
    ]

    found = diff_rendered(cases)

    (group,) = found.groups
    assert len(group.cases) == found.changed == 200
    assert [change.message for change in group.changes] == ["system message"]
    assert 200 * 2 <= group.tokens_after - group.tokens_before <= 200 * 3
    assert found.tokens == (group.tokens_before, group.tokens_after)


def test_a_change_behind_an_input_on_the_same_line_is_one_for_all_inputs() -> None:
    questions = ["Why?", "Tell me about the question of answers.", "Write\ntwo lines."]

    found = diff_rendered(
        case(n, [message("user", q)], [message("user", f"{q} Be brief, please.")])
        for n, q in enumerate(questions)
    )

    assert [len(group.cases) for group in found.groups] == [3]


def test_different_changes_are_different_groups_the_largest_first() -> None:
    texts = ["a b x", "a b y", "a b y"]

    found = diff_rendered(
        case(n, [message("user", "a b")], [message("user", text)]) for n, text in enumerate(texts)
    )

    assert [[name.case for name in group.cases] for group in found.groups] == [["c1", "c2"], ["c0"]]


def test_a_case_that_cannot_be_rendered_is_listed_with_the_reason() -> None:
    found = diff_rendered([case(1, [message("user", "a")], (FAULT,)), case(2, (FAULT,), (FAULT,))])

    first, second = found.unrendered
    assert (first.before, [failure.kind for failure in first.after]) == ((), ["unknown-input"])
    assert [failure.message for failure in second.before] == [FAULT.message]
    assert second.before == second.after
    assert str(first.case) == "s::c1"


def test_cases_of_chains_are_listed_as_known_later() -> None:
    found = diff_rendered([case(1, None, None)])

    assert found.later == (CaseName("s", "c1"),)
    assert found.changed == 0


def test_cases_that_stay_the_same_are_counted() -> None:
    found = diff_rendered([case(1, [message("user", "a")], [message("user", "a")])])

    assert found.same == (CaseName("s", "c1"),)
    assert not found.groups


def test_an_added_example_does_not_shift_the_messages_behind_it() -> None:
    before = [message("system", "s"), message("user", "question")]
    after = [message("system", "s"), message("user", "e"), message("assistant", "f"), before[1]]

    changes = diff_messages(before, after)

    assert [(change.message, change.status) for change in changes] == [
        ("message 2 (user)", "added"),
        ("assistant message", "added"),
    ]


def test_a_message_that_left_is_named_as_it_was_called() -> None:
    changes = diff_messages([message("system", "s"), message("user", "u")], [message("user", "u")])

    assert [(change.message, change.status) for change in changes] == [
        ("system message", "removed")
    ]


def test_a_message_in_another_role_is_removed_and_added() -> None:
    changes = diff_messages([message("system", "s")], [message("developer", "s")])

    assert [(change.message, change.status) for change in changes] == [
        ("system message", "removed"),
        ("developer message", "added"),
    ]


def test_parts_and_names_are_part_of_a_message() -> None:
    data = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 5000}}
    other = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "B" * 5000}}
    text = {"type": "text", "text": "look"}

    (image,) = diff_messages([message("user", [text, data])], [message("user", [text, other])])
    (name,) = diff_messages([message("user", "a")], [message("user", "a", name="Ada")])
    (short,) = diff_messages([message("user", [text])], [message("user", [{"type": "x"}, None, 5])])

    shown = ["".join(s.text for s in line.after) for line in image.diff.lines]
    assert shown[0] == "look"
    assert "image_url: 5,0" in shown[1]
    assert len(shown[1]) < 100
    assert [line.kind for line in name.diff.lines] == ["kept", "added"]
    assert [line.kind for line in short.diff.lines].count("added") == 3


def test_conversations_of_a_thousand_messages_are_paired_by_place() -> None:
    before = [message("user", str(n)) for n in range(1_200)]
    after = [*before[:-1], message("assistant", "x"), message("user", "new")]

    changes = diff_messages(before, after)

    assert [(change.message, change.status) for change in changes] == [
        ("message 1200 (user)", "removed"),
        ("assistant message", "added"),
        ("message 1201 (user)", "added"),
    ]
