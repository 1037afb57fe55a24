import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prompt_making import PROMPT, SUITE, Project, message, needed, preset, prompt, text, user

from llmops.domain.node import Text
from llmops.domain.prompt import Example, Output, Part, Placeholder, Prompt
from llmops.errors import InvalidInputError, LlmopsError, TemplateError
from llmops.loading.project import load_project
from llmops.loading.tree import WorkTree
from llmops.location import Location
from llmops.rendering.prompt import PromptRenderer, response_format

AT = Location(PROMPT, 40, 5)


def history(at: Location = AT) -> Placeholder:
    return Placeholder(input="history", at=at)


def asked(inputs: dict[str, object] | str, output: str = "ok") -> Example:
    return Example(inputs=inputs, output=output, at=Location(PROMPT, 30, 5))


def refusal(project: Project, made: Prompt, **inputs: object) -> list[str]:
    with pytest.raises(LlmopsError) as caught:
        project.renderer.render(made, inputs, at=SUITE)
    return [str(fault) for fault in caught.value.faults]


def test_a_prompt_becomes_messages(project: Project) -> None:
    made = prompt(
        message("system", Part(type="text", text=text("You work for {{ company }}."))),
        user("{{ email }}\n"),
        inputs={"email": needed(type="string"), "company": preset("ACME")},
    )

    rendered = project.renderer.render(made, {"email": "Where is it?"})

    assert rendered.messages == (
        {"role": "system", "content": "You work for ACME."},
        {"role": "user", "content": "Where is it?\n"},
    )


def test_a_project_read_from_files_renders(project: Project) -> None:
    project.write("llmops.yaml", "prompts: texts\n")
    project.write("texts/partials/sign.md", "The {{ company }} team\r\n")
    project.write(
        "texts/support/reply.yaml",
        "inputs:\n  email: {type: string}\n  company: ACME\n"
        'system: |\n  Sign:\n  {% include "partials/sign.md" %}\nuser: "{{ email }}"\n',
    )
    loaded = load_project(project.tree)
    made = loaded.prompts["support/reply"]

    renderer = PromptRenderer(loaded.tree, loaded.config.prompts)

    assert renderer.check(made) == []
    assert renderer.render(made, {"email": "Hi"}).messages == (
        {"role": "system", "content": "Sign:\nThe ACME team\n"},
        {"role": "user", "content": "Hi"},
    )


@settings(deadline=None)
@given(value=st.text())
def test_an_input_reaches_the_messages_as_typed(
    tmp_path_factory: pytest.TempPathFactory, value: str
) -> None:
    renderer = PromptRenderer(WorkTree(tmp_path_factory.getbasetemp()), "prompts")
    typed = value + "{{ 7*7 }}{% include 'x' %}"
    made = prompt(user("<{{ email }}>"), inputs={"email": needed()})

    assert renderer.render(made, {"email": typed}).messages[0]["content"] == f"<{typed}>"


def test_a_speaker_may_have_a_name(project: Project) -> None:
    made = prompt(message("user", Part(type="text", text=text("Hi")), name="Bo"))

    assert project.renderer.render(made, {}).messages == (
        {"role": "user", "content": "Hi", "name": "Bo"},
    )


def test_renders_do_not_share_their_messages(project: Project) -> None:
    made = prompt(user("Hi"), examples=(asked("a"),))
    renderer = project.renderer
    first = renderer.render(made, {})

    for one in first.messages:
        one["content"] = "changed"  # type: ignore[index]

    assert [one["content"] for one in renderer.render(made, {}).messages] == ["a", "ok", "Hi"]


def test_messages_are_handed_in_for_a_placeholder(project: Project) -> None:
    made = prompt(message("system", Part(type="text", text=text("S"))), history(), user("U"))
    turns = [{"role": "user", "content": "{{ x }}"}, {"role": "assistant", "content": "b"}]

    rendered = project.renderer.render(made, {"history": turns})

    assert [one["content"] for one in rendered.messages] == ["S", "{{ x }}", "b", "U"]


def test_a_placeholder_without_a_value_is_empty(project: Project) -> None:
    made = prompt(history(), user("{{ history|length }} so far"))

    assert project.renderer.render(made, {}).messages == ({"role": "user", "content": "0 so far"},)


def test_a_declared_placeholder_may_be_required(project: Project) -> None:
    made = prompt(history(), user("U"), inputs={"history": needed(type="array")})

    assert "the input 'history' of 'support/reply' has no value" in refusal(project, made)[0]


def test_tool_calls_need_no_text(project: Project) -> None:
    made = prompt(history(), user("U"))
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}
    answer = {"role": "tool", "content": "5", "tool_call_id": "1"}

    rendered = project.renderer.render(made, {"history": [call, answer]})

    assert rendered.messages[:2] == (call, answer)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("hello", "the input 'history' is not a list of messages"),
        (["hello"], "message 1 of 'history' is not a mapping"),
        ([{"content": "a"}], "message 1 of 'history' has no role"),
        (
            [{"role": "user", "content": "a"}, {"role": "asistant", "content": "a"}],
            "message 2 of 'history' has the role 'asistant' [wrong-input]\n"
            "  hint: did you mean 'assistant'?",
        ),
        ([{"role": "bot", "content": "a"}], "hint: the roles are system, developer, user"),
        ([{"role": ["user"], "content": "a"}], "has the role '['user']'"),
        ([{"role": "user"}], "message 1 of 'history' has no text under 'content'"),
        ([{"role": "user", "content": 5}], "has no text under 'content'"),
        ([{"role": "user", "content": "a", "contents": "b"}], "hint: did you mean 'content'?"),
        ([{"role": "user", "content": "a", "xyz": "b"}], "hint: the keys are role, content"),
    ],
)
def test_a_wrong_message_handed_in_is_refused(
    project: Project, value: object, complaint: str
) -> None:
    found = refusal(project, prompt(history(), user("U")), history=value)

    assert found[0].startswith("suites/s.yaml:7:9: ")
    assert complaint in found[0]


def test_examples_stand_before_the_last_user_message(project: Project) -> None:
    made = prompt(
        message("system", Part(type="text", text=text("S"))),
        user("first"),
        user("<{{ email }} {{ tone }}>"),
        inputs={"email": needed(), "tone": preset("kind")},
        examples=(asked({"email": "a {{ x }}"}, "{{ out }}"), asked("as it {{ is }}", "b")),
    )

    rendered = project.renderer.render(made, {"email": "real", "tone": "cool"})

    assert [(one["role"], one["content"]) for one in rendered.messages] == [
        ("system", "S"),
        ("user", "first"),
        ("user", "<a {{ x }} kind>"),
        ("assistant", "{{ out }}"),
        ("user", "as it {{ is }}"),
        ("assistant", "b"),
        ("user", "<real cool>"),
    ]


@pytest.mark.parametrize(
    ("inputs", "complaint"),
    [
        ({"emial": "a"}, "'support/reply' has no input 'emial' [unknown-input]"),
        ({}, "the input 'email' of 'support/reply' has no value [missing-input]"),
        ({"email": 5}, "the input 'email' is wrong: 5 is not text [wrong-input]"),
        ({"email": "a", "row": {}}, "the example cannot be rendered: 'row' has no 'x'"),
    ],
)
def test_a_wrong_example_is_shown_where_it_stands(
    project: Project, inputs: dict[str, object], complaint: str
) -> None:
    made = prompt(
        message("system", Part(type="text", text=text("{{ other }}"))),
        user("{{ email }} {{ row.x if row != none }}"),
        inputs={"email": needed(type="string"), "other": needed(), "row": preset(None)},
        examples=(asked(inputs),),
    )

    found = [str(fault) for fault in project.renderer.check(made)]

    assert any(complaint in words for words in found)
    assert all(words.startswith("prompts/support/reply.yaml:30:5: ") for words in found)
    assert refusal(project, made, email="a", other="b") == found


def test_examples_need_a_message_of_the_user(project: Project) -> None:
    made = prompt(message("system", Part(type="text", text=text("S"))), examples=(asked("a"),))

    assert "[no-user-message]" in refusal(project, made)[0]


def test_missing_and_misspelt_inputs_are_all_shown(project: Project) -> None:
    made = prompt(user("{{ email }}{{ tone }}"), inputs={"email": needed(), "tone": needed()})

    assert refusal(project, made, emial="a") == [
        "suites/s.yaml:7:9: 'support/reply' has no input 'emial' [unknown-input]\n"
        "  hint: did you mean 'email'?",
        "suites/s.yaml:7:9: the input 'email' of 'support/reply' has no value [missing-input]\n"
        "  hint: write 'email' in place of 'emial'",
        "suites/s.yaml:7:9: the input 'tone' of 'support/reply' has no value [missing-input]\n"
        "  hint: add 'tone:' to the inputs",
    ]


def test_an_input_that_is_like_no_other_gets_the_list(project: Project) -> None:
    some = refusal(project, prompt(user("{{ a }}"), inputs={"a": preset(1)}), zzzzzz=1)
    none = refusal(project, prompt(user("a")), zzzzzz=1)

    assert some[0].endswith("hint: its inputs are a")
    assert none[0].endswith("hint: it has no inputs")


def test_inputs_without_a_place_are_shown_where_they_are_declared(project: Project) -> None:
    made = prompt(user("{{ email }}"), inputs={"email": needed(line=4)})

    with pytest.raises(InvalidInputError) as caught:
        project.renderer.render(made, {"x": 1})

    assert [str(fault.at) for fault in caught.value.faults] == [f"{PROMPT}:1:1", f"{PROMPT}:4:3"]


def test_faults_of_all_messages_are_shown_and_limits_last(project: Project) -> None:
    made = prompt(
        user("{{ 'a' * 10**9 }}", line=5),
        user("{{ row.x }}", line=6),
        user("{{ row.y }}", line=7),
        inputs={"row": needed()},
    )

    with pytest.raises(TemplateError) as caught:
        project.renderer.render(made, {"row": {}})

    assert [(fault.code, fault.at and fault.at.line) for fault in caught.value.faults] == [
        ("undefined-variable", 7),
        ("undefined-variable", 8),
        ("template-limit", 6),
    ]


def test_many_prompts_are_made_ready_in_turn(project: Project) -> None:
    renderer = project.renderer
    prompts = [prompt(user(f"text {number}")) for number in range(300)]

    contents = [renderer.render(one, {}).messages[0]["content"] for one in prompts * 2]

    assert contents[:300] == contents[300:] == [f"text {number}" for number in range(300)]
    assert len(renderer._plans) <= 256


def test_a_good_prompt_has_no_faults(project: Project) -> None:
    project.write("prompts/p.md", "{{ company }}")
    made = prompt(
        user("{% include 'p.md' %} {{ email }}"),
        history(),
        inputs={"email": needed(), "company": preset("x")},
    )

    assert project.renderer.check(made) == []


def test_undeclared_and_unused_inputs_are_found(project: Project) -> None:
    project.write("prompts/p.md", "\n{{ inner }}")
    made = prompt(
        user("{{ emial }}\n{{ other }}{% include 'p.md' %}", line=10),
        inputs={"email": needed(line=4)},
    )

    assert [(str(fault), fault.severity) for fault in project.renderer.check(made)] == [
        (
            "prompts/p.md:2:1: 'inner' is used but not declared [undeclared-input]\n"
            "  hint: declare it under 'inputs:', such as 'inner: {}'",
            "error",
        ),
        (
            f"{PROMPT}:11:1: 'emial' is used but not declared [undeclared-input]\n"
            "  hint: did you mean 'email'?",
            "error",
        ),
        (
            f"{PROMPT}:12:1: 'other' is used but not declared [undeclared-input]\n"
            "  hint: declare it under 'inputs:', such as 'other: {}'",
            "error",
        ),
        (
            f"{PROMPT}:4:3: the input 'email' is declared but not used [unused-input]\n"
            "  hint: write '{{ email }}' in a message, or take it out",
            "warning",
        ),
    ]


def test_every_broken_template_of_a_prompt_is_found(project: Project) -> None:
    made = prompt(
        user("{{ a", line=10),
        user("{% include 'x.md' %}", line=20),
        user("{{ b }}", line=30),
        inputs={"c": needed()},
    )

    found = [(fault.code, fault.at and fault.at.line) for fault in project.renderer.check(made)]

    assert found == [("template-syntax", 11), ("missing-partial", 21), ("undeclared-input", 31)]


SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CLOSED = {**SCHEMA, "additionalProperties": False}


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (None, None),
        (Output(format="text", at=AT), None),
        (Output(format="json", at=AT), {"type": "json_object"}),
        (
            Output(format="json", schema=SCHEMA, at=AT),
            {
                "type": "json_schema",
                "json_schema": {"name": "support_reply", "schema": SCHEMA},
            },
        ),
        (
            Output(format="json", schema=CLOSED, at=AT),
            {
                "type": "json_schema",
                "json_schema": {"name": "support_reply", "schema": CLOSED, "strict": True},
            },
        ),
    ],
)
def test_output_is_asked_from_the_provider(
    output: Output | None, expected: dict[str, object] | None
) -> None:
    assert response_format(prompt(output=output)) == expected


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        ({"type": "array", "items": {"type": "string"}}, False),
        ({**CLOSED, "properties": {"a": {"type": "string", "minLength": 1}}}, False),
        ({**CLOSED, "properties": {"a": SCHEMA}}, False),
        ({**CLOSED, "properties": {"a": {"type": "array", "items": CLOSED}}}, True),
        ({**CLOSED, "properties": {"a": {"type": ["object", "null"]}}}, False),
        ({**CLOSED, "properties": {"a": {"anyOf": [CLOSED, {"type": "null"}]}}}, True),
        ({**CLOSED, "properties": {"a": {"anyOf": 5}}}, True),
        ({**CLOSED, "properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": SCHEMA}}, False),
        ({**CLOSED, "properties": {"a": True}}, False),
        ({**CLOSED, "required": "a"}, False),
    ],
)
def test_only_a_closed_schema_is_asked_for_strictly(
    schema: dict[str, object], strict: bool
) -> None:
    asked_for = response_format(prompt(output=Output(format="json", schema=schema, at=AT)))

    assert asked_for is not None
    assert ("strict" in asked_for["json_schema"]) is strict  # type: ignore[operator]


def test_the_url_of_an_image_is_a_template(project: Project) -> None:
    url = Text("https://x.example/{{ id }}.png", Location(PROMPT, 8, 5))
    made = prompt(
        message("user", Part(type="text", text=text("See:")), Part(type="image", url=url)),
        inputs={"id": needed()},
    )

    assert project.renderer.check(made) == []
    assert project.renderer.render(made, {"id": "7"}).messages[0]["content"] == [
        {"type": "text", "text": "See:"},
        {"type": "image_url", "image_url": {"url": "https://x.example/7.png"}},
    ]
