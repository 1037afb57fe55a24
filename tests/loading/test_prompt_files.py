import json
from pathlib import Path

import pytest
from reading import refused, shown

from llmops.domain.config import Config
from llmops.domain.node import Text
from llmops.domain.prompt import Example, Input, Message, Output, Part, Placeholder, Prompt
from llmops.loading.project import load_prompt
from llmops.loading.tree import WorkTree
from llmops.location import Location

REPLY = """\
version: 1.4.0
description: Answers a customer's e-mail.
model: openai/gpt-4.1-mini
parameters: {temperature: 0.2, max_tokens: 400}
inputs:
  email: {type: string, description: The customer's words.}
  tone: {type: string, enum: [formal, friendly], default: friendly}
messages:
  - role: system
    content: |
      You answer for {{ company }}. {% include "partials/refund-policy.md" %}
  - {placeholder: history}
  - role: user
    name: customer
    content: "{{ email }}"
examples:
  - input: {email: Where is my parcel?}
    output: It left our depot yesterday.
tools: []
tool_choice: auto
output:
  format: json
  schema: {type: object, required: [reply], properties: {reply: {type: string}}}
changelog: Softer promise.
metadata: {owner: support-team, tags: [customer-facing]}
"""


def prompt_of(write, files: dict[str, str], name: str = "p") -> Prompt:
    return load_prompt(WorkTree(write(files)), Config(), name)


def faults_of(write, files: dict[str, str], name: str = "p") -> list[str]:
    return shown(refused(lambda: prompt_of(write, files, name)))


def test_a_whole_prompt_is_read(write) -> None:
    path = "prompts/support/reply.yaml"

    prompt = prompt_of(write, {path: REPLY}, "support/reply")

    system, history, user = prompt.messages
    assert (prompt.name, prompt.path, prompt.tree_path) == ("support/reply", path, "prompts")
    assert prompt.version == Text("1.4.0", Location(path, 1, 10))
    assert prompt.model == Text("openai/gpt-4.1-mini", Location(path, 3, 8))
    assert prompt.parameters == {"temperature": 0.2, "max_tokens": 400}
    assert prompt.inputs == {
        "email": Input(
            schema={"type": "string", "description": "The customer's words."},
            required=True,
            at=Location(path, 6, 3),
        ),
        "tone": Input(
            schema={"type": "string", "enum": ["formal", "friendly"]},
            required=False,
            default="friendly",
            at=Location(path, 7, 3),
        ),
    }
    assert isinstance(system, Message)
    assert system.role == "system"
    assert system.parts[0].text is not None
    assert str(system.parts[0].text.place(1)) == f"{path}:11:1"
    assert history == Placeholder(input="history", at=Location(path, 12, 5))
    assert user == Message(
        role="user",
        name="customer",
        parts=(Part(type="text", text=Text("{{ email }}", Location(path, 15, 14))),),
        at=Location(path, 13, 5),
    )
    assert prompt.examples == (
        Example(
            inputs={"email": "Where is my parcel?"},
            output="It left our depot yesterday.",
            at=Location(path, 17, 5),
        ),
    )
    assert (prompt.tools, prompt.tool_choice) == ((), "auto")
    assert prompt.output == Output(
        format="json",
        schema={
            "type": "object",
            "required": ["reply"],
            "properties": {"reply": {"type": "string"}},
        },
        at=Location(path, 22, 3),
    )
    assert prompt.changelog == "Softer promise."
    assert prompt.metadata == {"owner": "support-team", "tags": ["customer-facing"]}


def test_the_shorthand_stands_for_messages_in_order(write) -> None:
    prompt = prompt_of(write, {"prompts/p.yaml": "user: 12:30\nsystem: no\n"})

    system, user = prompt.messages
    assert (system.role, system.parts[0].text.text) == ("system", "no")
    assert (user.role, user.parts[0].text.text) == ("user", "12:30")
    assert user.at == Location("prompts/p.yaml", 1, 7)


def test_keys_without_a_value_are_not_given(write) -> None:
    text = (
        "user: a\nmodel:\nparameters:\ninputs:\nexamples:\ntools:\noutput:\nmetadata:\nversion:\n"
    )

    prompt = prompt_of(write, {"prompts/p.yaml": text})

    assert (prompt.model, prompt.version, prompt.output) == (None, None, None)
    assert (prompt.parameters, prompt.inputs, prompt.metadata) == ({}, {}, {})


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("hello", {"type": "text", "text": "hello"}),
        ("{type: text, text: 1.20}", {"type": "text", "text": "1.20"}),
        ("{type: image, file: a.png}", {"type": "image", "file": "a.png"}),
        ("{type: image, url: 'https://x.org/a.png', mime: image/png}", {"type": "image"}),
        ("{type: image, url: '{{ picture }}'}", {"type": "image", "url": "{{ picture }}"}),
        ("{type: file, file: 'a/{{ name }}.pdf'}", {"type": "file", "file": "a/{{ name }}.pdf"}),
        ("{type: audio, file: a.mp3, mime: audio/mpeg}", {"type": "audio", "mime": "audio/mpeg"}),
    ],
)
def test_each_type_of_part_holds_its_own(write, part: str, expected: dict[str, str]) -> None:
    text = f"messages:\n  - role: user\n    content:\n      - {part}\n"

    prompt = prompt_of(write, {"prompts/p.yaml": text})

    read = prompt.messages[0].parts[0]
    assert {key: str(getattr(read, key)) for key in expected} == expected


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        ("12", "4:9: expected a mapping with type, text, file, url, mime, not '12' [wrong-type]"),
        ("{type: video, file: a}", "4:16: expected one of text, image, file, audio, not text"),
        ("{type: text}", "4:9: a part of type 'text' needs 'text' [missing-key]"),
        ("{type: audio, url: 'http://x.org'}", "4:23: a part of type 'audio' has no 'url'"),
        ("{type: image, url: a.png}", "4:28: 'a.png' is no address of an image [unknown-host]"),
        ("{type: file, file: ../a.pdf}", "4:28: the path '../a.pdf' holds '..' [unsafe-path]"),
        ("{type: file, file: [a]}", "4:28: expected text, not a list [wrong-type]"),
    ],
)
def test_a_wrong_part_is_shown(write, part: str, fault: str) -> None:
    text = f"messages:\n  - role: user\n    content:\n      - {part}\n"

    (found,) = faults_of(write, {"prompts/p.yaml": text})

    assert found.startswith(f"prompts/p.yaml:{fault}")


@pytest.mark.parametrize(
    ("written", "schema", "required", "default"),
    [
        ("friendly", {"type": "string"}, False, "friendly"),
        ("no", {"type": "string"}, False, "no"),
        ("12:30", {"type": "string"}, False, "12:30"),
        ("3", {"type": "integer"}, False, 3),
        ("1.5", {"type": "number"}, False, 1.5),
        ("true", {"type": "boolean"}, False, True),
        ("''", {"type": "string"}, False, ""),
        ("", {}, True, None),
        ("{}", {}, True, None),
        ("{type: string, default: 1.20}", {"type": "string"}, False, "1.20"),
        ("{type: [string, number], default: 1.20}", {"type": ["string", "number"]}, False, 1.2),
        ("{type: number, default: 3}", {"type": "number"}, False, 3),
        ("{default: null}", {}, False, None),
        ("{type: array, default: [a]}", {"type": "array"}, False, ["a"]),
        (
            "{type: array, items: {type: string}, minItems: 1, default: [no, 1.0]}",
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
            False,
            ["no", "1.0"],
        ),
        (
            "{type: string, pattern: '^[A-Z]+$', default: AB}",
            {"type": "string", "pattern": "^[A-Z]+$"},
            False,
            "AB",
        ),
    ],
)
def test_an_input_is_a_schema_or_a_default(
    write, written: str, schema: dict[str, object], required: bool, default: object
) -> None:
    prompt = prompt_of(write, {"prompts/p.yaml": f"user: a\ninputs:\n  x: {written}\n"})

    assert prompt.inputs["x"] == Input(
        schema=schema, required=required, default=default, at=Location("prompts/p.yaml", 3, 3)
    )


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("{default: 3, type: string, minLength: -1}", "expected a whole number of 0 or more"),
        ("{type: integer, default: 1.5}", "1.5 is not of type integer"),
        ("{type: boolean, default: 1}", "1 is not of type boolean"),
        ("{type: integer, default: true}", "True is not of type integer"),
        ("{type: string, maxLength: 2, default: abc}", "'abc' is too long"),
        ("{type: string, pattern: '^[A-Z]+$', default: ab}", "'ab' does not match '^[A-Z]+$'"),
        ("{type: array, items: {type: number}, default: [x]}", "'x' is not of type 'number'"),
        ("{$ref: '#', default: 1}", "refers to itself without end"),
        ("{type: string, pattern: '[[:alpha:]', default: a}", "cannot be tried"),
        ("{tpye: string}", "'tpye' is no keyword of JSON Schema"),
        ("{zzz: 1}", "'zzz' is no keyword of JSON Schema"),
    ],
)
def test_a_wrong_input_is_shown(write, written: str, words: str) -> None:
    (found,) = faults_of(write, {"prompts/p.yaml": f"user: a\ninputs:\n  x: {written}\n"})

    assert found.startswith("prompts/p.yaml:3:")
    assert words in found


@pytest.mark.parametrize("text", ["inputs: 3\nuser: a\n", "inputs: [a]\nuser: a\n"])
def test_inputs_have_names(write, text: str) -> None:
    (found,) = faults_of(write, {"prompts/p.yaml": text})

    assert "expected inputs by name" in found


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("shots.yaml", "- {input: {n: 1.20}, output: one}\n- {input: hello, output: 2}\n"),
        (
            "shots.json",
            '[{"input": {"n": "1.20"}, "output": "one"}, {"input": "hello", "output": 2}]',
        ),
        (
            "shots.jsonl",
            '{"input": {"n": "1.20"}, "output": "one"}\n{"input": "hello", "output": 2}\n',
        ),
    ],
)
@pytest.mark.parametrize("written", ["{}", "{{file: {}}}"])
def test_examples_may_stand_in_a_file_beside_the_prompt(
    write, name: str, data: str, written: str
) -> None:
    text = f"user: a\ninputs: {{n: {{type: string}}}}\nexamples: {written.format(name)}\n"

    prompt = prompt_of(write, {"prompts/x/p.yaml": text, f"prompts/x/{name}": data}, "x/p")

    first, second = prompt.examples
    assert first.output == "one"
    assert second == Example(inputs="hello", output="2", at=second.at)
    assert second.at.path == f"prompts/x/{name}"
    assert second.at.line == (1 if name == "shots.json" else 2)


def test_values_of_an_example_are_read_by_the_declared_inputs(write) -> None:
    text = (
        "user: a\ninputs: {n: {type: string}}\nexamples: [{input: {n: 1.20, m: 1.20}, output: x}]\n"
    )

    prompt = prompt_of(write, {"prompts/p.yaml": text})

    assert prompt.examples[0].inputs == {"n": "1.20", "m": 1.2}


@pytest.mark.parametrize(
    ("examples", "fault"),
    [
        ("3", "2:11: expected a list of examples, or a file, not '3' [wrong-type]"),
        ("[{input: [a], output: b}]", "2:20: expected values of the inputs, not a list"),
        ("[{input: {a: b}, output: {c: d}}]", "2:36: expected text, not a mapping [wrong-type]"),
        ("shots.txt", "2:11: 'prompts/shots.txt' is no dataset that can be read"),
        ("[hello]", "2:12: expected a mapping with input, output, not text ('hello')"),
    ],
)
def test_wrong_examples_are_shown(write, examples: str, fault: str) -> None:
    (found,) = faults_of(write, {"prompts/p.yaml": f"user: a\nexamples: {examples}\n"})

    assert found.startswith(f"prompts/p.yaml:{fault}")


LOOK_UP = {
    "name": "look_up",
    "description": "Looks it up.",
    "parameters": {"type": "object", "properties": {"id": {"type": "string"}}},
}


def test_a_bare_function_is_wrapped_as_a_tool(write) -> None:
    tools = [LOOK_UP, {"type": "function", "function": {"name": "stop", "strict": True}}]
    text = f"user: a\ntools: {json.dumps(tools)}\n"

    prompt = prompt_of(write, {"prompts/p.yaml": text})

    assert prompt.tools == ({"type": "function", "function": LOOK_UP}, tools[1])


@pytest.mark.parametrize("written", ["tools/all.json", "{file: tools/all.json}"])
def test_tools_may_stand_in_a_file(write, written: str) -> None:
    files = {
        "prompts/x/p.yaml": f"user: a\ntools: {written}\n",
        "prompts/x/tools/all.json": json.dumps([{**LOOK_UP, "description": "Find 😀 ä"}]),
    }

    prompt = prompt_of(write, files, "x/p")

    assert prompt.tools[0]["function"]["description"] == "Find 😀 ä"


@pytest.mark.parametrize(
    ("tools", "fault"),
    [
        ("{name: a}", "2:8: expected a list of tools, not a mapping [wrong-type]"),
        ("[a]", "2:9: expected a mapping with name, description, parameters, strict, not text"),
        ("[{type: function}]", "2:9: a tool needs 'function' [missing-key]"),
        ("[{type: web, function: {name: a}}]", "2:16: expected one of function, not text ('web')"),
        ("[{name: a, parameters: {type: array}}]", "2:38: expected 'object': a tool's arguments"),
        ("[{name: a, parameters: 3}]", "2:31: expected a JSON Schema, not '3' [wrong-type]"),
        ("[{name: a, paramters: {}}]", "2:19: 'paramters' is not a key of a tool [unknown-key]"),
        ("nowhere.json", "2:8: there is no file 'prompts/nowhere.json' [missing-file]"),
    ],
)
def test_wrong_tools_are_shown(write, tools: str, fault: str) -> None:
    (found,) = faults_of(write, {"prompts/p.yaml": f"user: a\ntools: {tools}\n"})

    assert found.startswith(f"prompts/p.yaml:{fault}")


def test_a_fault_in_a_file_of_tools_is_shown_in_that_file(write) -> None:
    files = {"prompts/p.yaml": "user: a\ntools: t.json\n", "prompts/t.json": '[\n  {"nme": "a"}\n]'}

    assert faults_of(write, files) == [
        "prompts/t.json:2:4: 'nme' is not a key of a tool [unknown-key]"
    ]


def test_one_of_the_tools_may_be_chosen(write) -> None:
    choice = {"type": "function", "function": {"name": "look_up"}}
    text = f"user: a\ntools: {json.dumps([LOOK_UP])}\ntool_choice: "

    chosen = prompt_of(write, {"prompts/p.yaml": text + json.dumps(choice)})
    required = prompt_of(write, {"prompts/p.yaml": text + "required"})

    assert chosen.tool_choice == choice
    assert required.tool_choice == "required"


@pytest.mark.parametrize(
    ("choice", "hint"),
    [
        ("look_up", "write '{type: function, function: {name: look_up}}'"),
        ("atuo", "did you mean 'auto'?"),
        ("3", "write 'auto'"),
        ("{type: function}", "add 'function:'"),
        ("{type: function, function: {name: zzz}}", "the tools are look_up"),
    ],
)
def test_a_wrong_choice_is_shown_with_the_right_one(write, choice: str, hint: str) -> None:
    text = f"user: a\ntools: {json.dumps([LOOK_UP])}\ntool_choice: {choice}\n"

    (fault,) = refused(lambda: prompt_of(write, {"prompts/p.yaml": text}))

    assert fault.hint == hint


def test_a_choice_needs_tools(write) -> None:
    text = "user: a\ntool_choice: {type: function, function: {name: x}}\n"

    (fault,) = refused(lambda: prompt_of(write, {"prompts/p.yaml": text}))

    assert (fault.code, fault.hint) == ("unknown-tool", "the prompt has no 'tools:'")


@pytest.mark.parametrize(
    ("output", "form", "schema"),
    [
        ("{format: json}", "json", None),
        ("{format: text}", "text", None),
        ("{format: json, schema: }", "json", None),
        ("{schema: {type: object}}", "json", {"type": "object"}),
        ("{schema: {file: schemas/s.json}}", "json", {"type": "array"}),
        ("{schema: {file: schemas/s.yaml}}", "json", {"type": "array"}),
    ],
)
def test_a_schema_implies_json(write, output: str, form: str, schema: object) -> None:
    files = {
        "prompts/p.yaml": f"user: a\noutput: {output}\n",
        "prompts/schemas/s.json": '{"type": "array"}',
        "prompts/schemas/s.yaml": "type: array\n",
    }

    prompt = prompt_of(write, files)

    assert prompt.output is not None
    assert (prompt.output.format, prompt.output.schema) == (form, schema)


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        ("json", "2:9: expected a mapping with format, schema, not text ('json') [wrong-type]"),
        ("{}", "2:9: 'output' says nothing [missing-key]"),
        ("{schema: s.json}", "2:18: expected a JSON Schema, not text ('s.json') [wrong-type]"),
        ("{schema: {typ: object}}", "2:19: 'typ' is no keyword of JSON Schema [unknown-keyword]"),
        ("{schema: {file: 3}}", "2:18: expected a JSON Schema, not a mapping"),
    ],
)
def test_a_wrong_output_is_shown(write, output: str, fault: str) -> None:
    found = faults_of(write, {"prompts/p.yaml": f"user: a\noutput: {output}\n"})

    assert found[0].startswith(f"prompts/p.yaml:{fault}")


@pytest.mark.parametrize(
    ("version", "near"),
    [
        ("1", "1.0.0"),
        ("1.4", "1.4.0"),
        ("1.20", "1.20.0"),
        ("v2.1.0", "2.1.0"),
        ("1.4.0.1", "1.0.0"),
        ("latest", "1.0.0"),
    ],
)
def test_a_version_has_three_numbers(write, version: str, near: str) -> None:
    (fault,) = refused(
        lambda: prompt_of(write, {"prompts/p.yaml": f"user: a\nversion: {version}\n"})
    )

    assert fault.code == "version"
    assert fault.hint == f"write '{near}'"


@pytest.mark.parametrize("version", ["0.0.1", "1.20.300", "1.0.0-rc.1", "1.0.0+build.7"])
def test_a_semantic_version_is_kept_as_typed(write, version: str) -> None:
    prompt = prompt_of(write, {"prompts/p.yaml": f"user: a\nversion: {version}\n"})

    assert str(prompt.version) == version


BASE = """\
version: 1.0.0
description: The base.
changelog: First.
model: demo/base
parameters: {temperature: 0, top_p: 1}
inputs: {company: Acme, tone: formal}
metadata: {owner: us, tags: [a]}
system: You answer for {{ company }}.
user: "{{ email }}"
examples: [{input: base, output: b}]
tools: [{name: base}]
output: {format: json}
"""


def test_a_prompt_takes_over_what_it_does_not_say_itself(write) -> None:
    child = "extends: x/base\nversion: 2.0.0\nsystem: Be short.\nparameters: {temperature: 1}\n"
    child += "inputs: {tone: friendly}\nmetadata: {tags: [b]}\ntools: [{name: own}]\n"

    prompt = prompt_of(write, {"prompts/x/base.yaml": BASE, "prompts/p.yaml": child})

    system, user = prompt.messages
    assert str(prompt.version) == "2.0.0"
    assert (prompt.description, prompt.changelog) == ("The base.", None)
    assert str(prompt.model) == "demo/base"
    assert prompt.parameters == {"temperature": 1, "top_p": 1}
    assert {name: one.default for name, one in prompt.inputs.items()} == {
        "company": "Acme",
        "tone": "friendly",
    }
    assert prompt.metadata == {"owner": "us", "tags": ["b"]}
    assert (system.parts[0].text.text, system.at.path) == ("Be short.", "prompts/p.yaml")
    assert (user.parts[0].text.text, user.at.path) == ("{{ email }}", "prompts/x/base.yaml")
    assert [example.inputs for example in prompt.examples] == ["base"]
    assert [tool["function"]["name"] for tool in prompt.tools] == ["own"]
    assert prompt.output is not None
    assert prompt.lineage == ("prompts/x/base.yaml",)


def test_a_version_is_said_of_one_file_only(write) -> None:
    prompt = prompt_of(write, {"prompts/base.yaml": BASE, "prompts/p.yaml": "extends: base\n"})

    assert prompt.version is None
    assert prompt.path == "prompts/p.yaml"
    assert str(prompt.extends) == "base"


@pytest.mark.parametrize(
    ("base", "child", "said"),
    [
        (
            "messages: [{role: user, content: base}]",
            "messages: [{role: user, content: own}]",
            "own",
        ),
        ("messages: [{role: user, content: base}]", "user: own", "own"),
        ("user: base", "messages: [{role: user, content: own}]", "own"),
        ("messages: [{role: user, content: base}]", "description: none", "base"),
    ],
)
def test_messages_replace_those_of_the_base_as_a_whole(
    write, base: str, child: str, said: str
) -> None:
    files = {"prompts/base.yaml": base, "prompts/p.yaml": f"extends: base\n{child}\n"}

    prompt = prompt_of(write, files)

    assert [message.parts[0].text.text for message in prompt.messages] == [said]


def test_a_chain_of_prompts_is_merged_from_its_end(write) -> None:
    files = {
        "prompts/a.yaml": "user: a\nparameters: {x: 1, y: 1, z: 1}\n",
        "prompts/b.yaml": "extends: a\nparameters: {y: 2, z: 2}\n",
        "prompts/p.yaml": "extends: b\nparameters: {z: 3}\n",
    }

    prompt = prompt_of(write, files)

    assert prompt.parameters == {"x": 1, "y": 2, "z": 3}
    assert prompt.lineage == ("prompts/b.yaml", "prompts/a.yaml")


def test_a_circle_of_prompts_is_shown_once_as_a_chain(faults_in) -> None:
    files = {
        "prompts/b.yaml": "extends: c\n",
        "prompts/c.yaml": "extends: d\n",
        "prompts/d.yaml": "extends: b\n",
        "prompts/a.yaml": "extends: d\nuser: a\n",
    }

    assert faults_in(files) == [
        "prompts/b.yaml:1:10: the prompt extends itself: b → c → d → b [extends-cycle]"
    ]


def test_a_circle_is_shown_to_who_reads_only_what_leads_into_it(write) -> None:
    files = {
        "prompts/b.yaml": "extends: c\n",
        "prompts/c.yaml": "extends: b\n",
        "prompts/p.yaml": "extends: c\n",
    }

    assert faults_of(write, files) == [
        "prompts/b.yaml:1:10: the prompt extends itself: b → c → b [extends-cycle]"
    ]


def test_a_fault_in_the_base_is_shown_in_the_base_alone(write) -> None:
    files = {"prompts/base.yaml": "usr: a\n", "prompts/p.yaml": "extends: base\n"}

    assert faults_of(write, files) == [
        "prompts/base.yaml:1:1: 'usr' is not a key of a prompt [unknown-key]"
    ]


@pytest.mark.parametrize("name", ["''", "base@main"])
def test_only_a_prompt_of_the_tree_can_be_extended(write, name: str) -> None:
    (found,) = faults_of(write, {"prompts/p.yaml": f"extends: {name}\nuser: a\n"})

    assert found.endswith("cannot be extended [prompt-name]")


def test_two_files_with_one_name_are_refused(faults_in) -> None:
    files = {"prompts/a/p.yaml": "user: a\n", "prompts/a/p.yml": "user: a\n"}

    assert faults_in(files) == [
        "prompts/a/p.yml:1:1: the prompt 'a/p' is also in prompts/a/p.yaml [duplicate-prompt]"
    ]


@pytest.mark.parametrize("name", ["a@b", "a::b", "a\u200bb"])
def test_a_prompt_cannot_have_a_name_with_a_meaning_of_its_own(faults_in, name: str) -> None:
    (found,) = faults_in({f"prompts/{name}.yaml": "user: a\n"})

    assert found.endswith("[prompt-name]")


def test_labels_and_partials_are_no_prompts(load) -> None:
    project = load(
        {
            "prompts/labels.yaml": "production: {a: 1.0.0}\n",
            "prompts/partials/policy.yaml": "nothing: of ours\n",
            "prompts/x/partials/more/policy.yaml": "nothing: of ours\n",
            "prompts/partials.yaml": "user: a\n",
            "prompts/x/labels.yaml": "user: a\n",
            "prompts/x/old.yml": "user: a\n",
            "prompts/readme.md": "# ours\n",
            "prompts/Makefile": "",
        }
    )

    assert list(project.prompts) == ["partials", "x/labels", "x/old"]


def test_an_unknown_prompt_is_refused(write) -> None:
    tree = WorkTree(write({"prompts/reply.yaml": "user: a\n"}))

    (near,) = refused(lambda: load_prompt(tree, Config(), "replay"))
    (none,) = refused(lambda: load_prompt(WorkTree(Path("/nowhere")), Config(), "x"))

    assert (near.message, near.hint) == (
        "no prompt is called 'replay'",
        "did you mean 'reply'?",
    )
    assert none.hint == "there is no prompt yet"
    assert none.at is None


def test_the_model_of_one_prompt_is_checked(write) -> None:
    assert faults_of(write, {"prompts/p.yaml": "user: a\nmodel: gpt\n"}) == [
        "prompts/p.yaml:2:8: no model is called 'gpt' [unknown-model]"
    ]


def test_a_prompt_with_a_crowd_of_inputs_is_read(write) -> None:
    inputs = "".join(f"  n{number}: 1\n" for number in range(20_000))

    prompt = prompt_of(write, {"prompts/p.yaml": f"user: a\ninputs:\n{inputs}"})

    assert len(prompt.inputs) == 20_000
    assert prompt.inputs["n19999"].at == Location("prompts/p.yaml", 20_002, 3)
