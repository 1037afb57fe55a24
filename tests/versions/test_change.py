import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_pair import Pair

from llmops.domain.change import PartChange
from llmops.versions.change import change_between


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_equal_content_is_no_change_whatever_is_said_of_it(pair: Pair) -> None:
    plain = "inputs: {a: {type: string}}\nuser: Hello {{ a }}\n"
    more = (
        "version: 2.0.0\ndescription: Greets.\nchangelog: None.\nmetadata: {owner: me}\n"
        "inputs: {a: {type: string, description: words}}\nuser: Hello {{ a }}\n"
    )

    change = pair.change(plain, more)

    assert change.parts == ()
    assert change.step == "none"
    assert change.kinds == ()


def test_wording_is_a_patch_with_both_texts(pair: Pair) -> None:
    part = pair.part("system: Be kind.\nuser: Hi\n", "system: Be short.\nuser: Hi\n")

    assert part == PartChange(
        part="system message",
        kind="wording",
        step="patch",
        before="Be kind.",
        after="Be short.",
        reason="the wording of the system message changed",
    )


def test_an_inserted_message_is_the_only_change(pair: Pair) -> None:
    one = "messages:\n  - {role: user, content: One thing}\n  - {role: user, content: Another}\n"
    two = one.replace("  - {role: user, content: An", "  - {role: assistant, content: OK}\n" * 1)
    two = (
        "messages:\n  - {role: user, content: One thing}\n  - {role: assistant, content: OK}\n"
        "  - {role: user, content: Another}\n"
    )

    part = pair.part(one, two)

    assert (part.part, part.before, part.after) == ("assistant message", None, "OK")
    assert part.reason == "the message is new"
    assert pair.part(two, one).reason == "the message was removed"


def test_messages_are_matched_by_role_and_likeness(pair: Pair) -> None:
    one = "messages:\n  - {role: user, content: Tell me about the red ball}\n"
    two = (
        "messages:\n  - {role: user, content: Something else}\n"
        "  - {role: assistant, content: Yes}\n"
        "  - {role: user, content: Tell me about the blue ball}\n"
    )

    parts = {part.part: part for part in pair.change(one, two).parts}

    assert set(parts) == {"message 1 (user)", "assistant message", "message 3 (user)"}
    assert parts["message 3 (user)"].before == "Tell me about the red ball"
    assert parts["message 1 (user)"].before is None


def test_a_moved_message_and_another_role_are_said_as_such(pair: Pair) -> None:
    one = "messages: [{role: user, content: a}, {role: user, content: b}, {role: user, content: c}]"
    moved = one.replace("content: c", "content: x").replace("content: a", "content: c")
    moved = moved.replace("content: x", "content: a").replace("b", "b")
    last = (
        "messages: [{role: user, content: b}, {role: user, content: c}, {role: user, content: a}]"
    )

    part = pair.part(one, last)
    role = pair.part("system: Hi\nuser: Go\n", "messages:\n- {role: developer, content: Hi}\n"
                     "- {role: user, content: Go}\n")  # fmt: skip

    assert (part.part, part.reason) == ("message 3 (user)", "the message was moved")
    assert part.before == part.after == "a"
    assert (role.part, role.reason) == (
        "developer message",
        "the role was system and is developer",
    )


def test_many_messages_are_matched_by_their_places(pair: Pair) -> None:
    def many(word: str, count: int) -> str:
        lines = (f"  - {{role: user, content: {word} {n}}}\n" for n in range(count))
        return "messages:\n" + "".join(lines) + "  - {role: assistant, content: end}\n"

    change = pair.change(many("old", 30), many("new", 31))

    assert len(change.parts) == 31
    assert change.parts[29].before == "old 29"
    assert change.parts[30].before is None


def test_names_and_files_of_messages_are_part_of_their_text(pair: Pair) -> None:
    files = {"prompts/a.txt": "one"}
    prompt = (
        "messages:\n  - role: user\n    name: Bo\n    content:\n"
        "      - {type: text, text: Look}\n      - {type: file, file: a.txt}\n"
        '      - {type: image, url: "https://example.org/a.png"}\n'
    )
    before = pair.version(prompt, files)
    after = pair.version(prompt, {"prompts/a.txt": "two"})
    missing = pair.version(prompt.replace("a.txt", "b.txt"), files)

    (part,) = change_between(before, after).parts
    (gone,) = change_between(before, missing).parts

    assert part.before is not None
    assert part.after is not None
    lines = part.before.split("\n")
    assert lines[:2] == ["[name Bo]", "Look"]
    assert lines[2].startswith("[file text/plain a.txt ")
    assert lines[3] == "[image https://example.org/a.png]"
    assert part.after != part.before
    assert "[file b.txt missing-file]" in str(gone.after)


def test_partials_are_compared_by_name_in_their_own_trees(pair: Pair) -> None:
    prompt = "user: \"{% include 'a.md' %}\"\n"
    before = pair.version(prompt, {"prompts/a.md": "Aye"})
    changed = pair.version(prompt, {"prompts/a.md": "Nay"})
    other = pair.version(prompt.replace("a.md", "b.md"), {"prompts/b.md": "Nay"})
    gone = pair.version(prompt)

    (part,) = change_between(before, changed).parts
    parts = change_between(before, other).parts
    (missing,) = change_between(before, gone).parts

    assert (part.part, part.before, part.after) == ("partial a.md", "Aye", "Nay")
    assert [one.reason for one in parts] == [
        "the wording of the user message changed",
        "the partial 'a.md' is not used any more",
        "the partial 'b.md' is used now",
    ]
    assert missing.after == "[cannot be read]"


def test_a_partial_that_stays_is_no_part_of_a_change(pair: Pair) -> None:
    prompt = "user: \"{% include 'a.md' %}{% include 'b.md' %}\"\n"
    before = pair.version(prompt, {"prompts/a.md": "A", "prompts/b.md": "B"})
    after = pair.version(prompt, {"prompts/a.md": "A", "prompts/b.md": "C"})

    assert [one.part for one in change_between(before, after).parts] == ["partial b.md"]


def test_examples_are_compared_one_by_one(pair: Pair) -> None:
    def shots(*pairs: tuple[str, str]) -> str:
        listed = [{"input": {"q": asked}, "output": said} for asked, said in pairs]
        return f"inputs: {{q: {{type: string}}}}\nuser: '{{{{ q }}}}'\nexamples: {json.dumps(listed)}\n"

    first, second, third = ("a", "one"), ("b", "two"), ("c", "three")

    changed = pair.part(shots(first, second), shots(first, ("b", "other")))
    new = pair.part(shots(first, second), shots(third, first, second))
    gone = pair.part(shots(first, second), shots(second))
    moved = pair.part(shots(first, second, third), shots(third, first, second))

    assert (changed.part, changed.reason) == ("example 2", "the example 2 changed")
    assert (new.part, new.reason) == ("example 1", "the example 1 is new")
    assert (gone.part, gone.after) == ("example 1", None)
    assert (moved.part, moved.reason) == ("example 1", "the example 1 was moved")


ASK = "inputs: {inputs}\nuser: '{{{{ a }}}}'\n"


def asking(inputs: Mapping[str, object]) -> str:
    words = " ".join(f"{{{{ {name} }}}}" for name in inputs)
    return json.dumps({"inputs": inputs, "user": f"Say {words}"})


@pytest.mark.parametrize(
    ("before", "after", "step", "reason"),
    [
        ({}, {"a": {"type": "string"}}, "major", "the input 'a' is new and must be given"),
        ({}, {"a": "x"}, "minor", "the input 'a' is new and need not be given"),
        ({"a": "x"}, {}, "major", "the input 'a' was removed"),
        ({"a": "x"}, {"a": {"type": "string"}}, "major", "the input 'a' must be given now"),
        (
            {"a": {"type": "string"}},
            {"a": "x"},
            "minor",
            "the input 'a' need not be given any more",
        ),
        ({"a": "x"}, {"a": "y"}, "patch", "the default of the input 'a' changed"),
        (
            {"a": {"enum": ["x", "y"]}},
            {"a": {"enum": ["x"]}},
            "major",
            "the input 'a' may refuse what it accepted: \"y\" is no longer allowed",
        ),
        (
            {"a": {"enum": ["x"]}},
            {"a": {"enum": ["x", "y"]}},
            "minor",
            "the input 'a' accepts more: \"y\" is allowed now",
        ),
        (
            {"a": {"type": "object", "properties": {}}},
            {"a": {"type": "object", "properties": {"b": {"type": "string"}}}},
            "minor",
            "the input 'a' accepts more: the field 'b' is new",
        ),
        (
            {"a": {"properties": {"b": {}}}},
            {"a": {"properties": {}}},
            "major",
            "the input 'a' may refuse what it accepted: the field 'b' was removed",
        ),
        (
            {"a": {"properties": {"b": {}}}},
            {"a": {"properties": {"b": {"description": "words"}}}},
            "patch",
            "the words of the input 'a' changed",
        ),
        (
            {"a": {"minLength": 1, "maxLength": 9, "pattern": "a", "format": "uri"}},
            {"a": {"minLength": 2, "maxLength": 8, "pattern": "b", "format": "iri"}},
            "major",
            "the input 'a' may refuse what it accepted: 'minLength' went from 1 to 2; "
            "'maxLength' went from 9 to 8; 'pattern' changed and 1 more",
        ),
    ],
)
def test_the_step_of_an_input_is_what_callers_must_do(
    pair: Pair, before: Mapping[str, object], after: Mapping[str, object], step: str, reason: str
) -> None:
    (part,) = [
        one for one in pair.change(asking(before), asking(after)).parts if one.kind == "inputs"
    ]

    assert (part.part, part.step, part.reason) == ("input a", step, reason)


def test_a_placeholder_is_an_input_that_takes_a_list(pair: Pair) -> None:
    plain = "messages: [{role: user, content: Hi}]"
    with_history = "messages: [{placeholder: h}, {role: user, content: Hi}]"

    added = {one.part: one for one in pair.change(plain, with_history).parts}
    removed = {one.part: one for one in pair.change(with_history, plain).parts}

    assert added["placeholder h"].reason == "the placeholder 'h' is new"
    assert (added["input h"].kind, added["input h"].step) == ("inputs", "minor")
    assert removed["input h"].step == "major"
    assert removed["placeholder h"].after is None


def output(value: object) -> str:
    return json.dumps({"user": "Hi", "output": value})


def fields(**properties: object) -> dict[str, object]:
    return {"type": "object", "required": sorted(properties), "properties": properties}


@pytest.mark.parametrize(
    ("before", "after", "step", "reason"),
    [
        (None, {"format": "text"}, "patch", "the output is text, as it was"),
        (None, {"format": "json"}, "major", "the output was text and is json"),
        ({"format": "json"}, None, "major", "the output was json and is text"),
        ({"format": "json"}, {"schema": fields(a={})}, "minor", "the output has a schema now"),
        (
            {"schema": fields(a={})},
            {"format": "json"},
            "major",
            "the output has no schema any more",
        ),
        (
            {"schema": fields(a={})},
            {"schema": fields(a={}, b={})},
            "minor",
            "the output says more: the field 'b' is required now; the field 'b' is new",
        ),
        (
            {"schema": fields(a={}, b={})},
            {"schema": fields(a={})},
            "major",
            "the output may be what it never was: the field 'b' may be missing now; "
            "the field 'b' was removed",
        ),
        (
            {"schema": fields(a={"type": "string"})},
            {"schema": fields(a={"type": "integer"})},
            "major",
            "the output may be what it never was: in 'a' the type was string and is integer",
        ),
        (
            {"schema": {**fields(a={}), "additionalProperties": False}},
            {"schema": fields(a={})},
            "minor",
            "the output says more: what fields without a name may hold changed",
        ),
        (
            {"schema": {"additionalProperties": {"type": "string"}}},
            {"schema": {"additionalProperties": {"type": "integer"}}},
            "major",
            "the output may be what it never was: what fields without a name may hold changed",
        ),
        (
            {"schema": fields(a={})},
            {"schema": fields(a={"description": "words"})},
            "patch",
            "the words of the output's schema changed",
        ),
    ],
)
def test_the_step_of_the_output_is_what_its_readers_must_do(
    pair: Pair, before: object, after: object, step: str, reason: str
) -> None:
    part = pair.part(output(before), output(after))

    assert (part.part, part.kind, part.step, part.reason) == ("output", "output", step, reason)


def tool(name: str, **more: object) -> dict[str, object]:
    return {"type": "function", "function": {"name": name, **more}}


def tools(*listed: object, choice: object = None) -> str:
    return json.dumps({"user": "Hi", "tools": list(listed), "tool_choice": choice})


ARGUMENTS = {"type": "object", "properties": {"a": {"type": "string"}}}
MORE = {"type": "object", "properties": {"a": {"type": "string"}, "b": {}}}


@pytest.mark.parametrize(
    ("before", "after", "step", "reason"),
    [
        ([], [tool("f")], "minor", "the tool 'f' is new"),
        ([tool("f")], [], "major", "the tool 'f' was removed"),
        ([tool("f")], [tool("f", description="d")], "patch", "the words of the tool 'f' changed"),
        (
            [tool("f", parameters=ARGUMENTS)],
            [tool("f", parameters=MORE)],
            "major",
            "the arguments of the tool 'f' changed: the field 'b' is new",
        ),
        (
            [tool("f", strict=True)],
            [tool("f", strict=False)],
            "major",
            "the tool 'f' may get arguments that break its schema",
        ),
        ([tool("f")], [tool("f", strict=True)], "patch", "the words of the tool 'f' changed"),
    ],
)
def test_the_step_of_a_tool_is_what_the_program_behind_it_must_do(
    pair: Pair, before: list[object], after: list[object], step: str, reason: str
) -> None:
    part = pair.part(tools(*before), tools(*after))

    assert (part.part, part.kind, part.step, part.reason) == ("tool f", "tools", step, reason)


def test_another_order_of_tools_is_a_patch(pair: Pair) -> None:
    part = pair.part(tools(tool("f"), tool("g")), tools(tool("g"), tool("f")))

    assert (part.part, part.step) == ("tools", "patch")


CHOSEN = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("before", "after", "step"),
    [
        (None, "auto", "patch"),
        ("auto", "none", "minor"),
        ("auto", "required", "minor"),
        ("required", CHOSEN, "minor"),
        (CHOSEN, "required", "major"),
        ("none", "auto", "major"),
        ("none", CHOSEN, "major"),
        ("required", None, "major"),
    ],
)
def test_the_step_of_a_choice_is_what_an_answer_may_be(
    pair: Pair, before: object, after: object, step: str
) -> None:
    part = pair.part(tools(tool("f"), choice=before), tools(tool("f"), choice=after))

    assert (part.part, part.step) == ("tool_choice", step)
    assert part.reason.startswith("the choice of tools was ")


def test_model_and_parameters_are_patches(pair: Pair) -> None:
    change = pair.change(
        "model: openai/a\nparameters: {temperature: 0, top_p: 1, seed: 3}\nuser: Hi\n",
        "model: openai/b\nparameters: {temperature: 0.5, max_tokens: 5, seed: 3}\nuser: Hi\n",
    )

    assert [(one.part, one.before, one.after, one.reason) for one in change.parts] == [
        ("model", "openai/a", "openai/b", "the model was 'openai/a' and is 'openai/b'"),
        ("parameter temperature", "0", "0.5", "the parameter 'temperature' changed"),
        ("parameter top_p", "1", None, "the parameter 'top_p' was removed"),
        ("parameter max_tokens", None, "5", "the parameter 'max_tokens' is new"),
    ]
    assert change.kinds == ("model", "parameters")
    assert change.step == "patch"
    assert (
        pair.part("model: openai/a\nuser: Hi\n", "user: Hi\n").reason
        == "the model was 'openai/a' and is none"
    )


def prompts() -> st.SearchStrategy[dict[str, object]]:
    word = st.sampled_from(["a", "b", "c"])
    schema = st.sampled_from(
        [{"type": "string"}, {"enum": ["a", "b"]}, {"enum": ["a"]}, {"default": "a"}, "b", None]
    )
    message = st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system"]), "content": word},
        optional={"name": word},
    )
    placeholder = st.fixed_dictionaries({"placeholder": word})
    some_tool = st.builds(
        tool, word, parameters=st.sampled_from([ARGUMENTS, MORE]), strict=st.booleans()
    )
    shot = st.fixed_dictionaries({"input": word, "output": word})
    user = {"role": "user", "content": "Go"}
    return st.fixed_dictionaries(
        {
            "messages": st.lists(st.one_of(message, placeholder), max_size=4).map(
                lambda listed: [*listed, user]
            )
        },
        optional={
            "model": st.sampled_from(["openai/a", "openai/b"]),
            "parameters": st.dictionaries(word, st.sampled_from([0, 1, 0.5, "x", None, [1]])),
            "inputs": st.dictionaries(word, schema, max_size=2),
            "examples": st.lists(shot, max_size=3),
            "tools": st.lists(some_tool, max_size=2, unique_by=lambda t: t["function"]["name"]),
            "output": st.sampled_from(
                [{"format": "json"}, {"format": "text"}, {"schema": fields(a={})}]
            ),
            "description": word,
        },
    )


@given(prompts(), prompts())
def test_there_is_no_step_exactly_when_the_contents_are_equal(
    one: dict[str, object], other: dict[str, object]
) -> None:
    with TemporaryDirectory() as folder:
        pair = Pair(Path(folder))
        before, after = pair.version(json.dumps(one)), pair.version(json.dumps(other))

        change = change_between(before, after)

    assert (change.step == "none") is (before.content_hash == after.content_hash)
    assert all(part.reason and part.step != "none" for part in change.parts)
    names = [(part.part, part.before is None, part.after is None) for part in change.parts]
    assert len(names) == len(set(names)) or "placeholder" in str(names)
