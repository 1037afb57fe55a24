import math

import pytest
from msgspec.structs import replace
from prompt_making import PROMPT, Project, message, needed, preset, prompt, text, user

from llmops.domain.node import Text
from llmops.domain.prompt import Example, Output, Part, Placeholder, Prompt
from llmops.errors import InvalidInputError
from llmops.location import Location
from llmops.rendering.canonical import canonical_form, content_hash

AT = Location(PROMPT, 2, 3)


def whole(**changes: object) -> Prompt:
    made = prompt(
        message("system", Part(type="text", text=text("Be kind. {% include 'p.md' %}"))),
        Placeholder(input="history", at=AT),
        user("{{ email }}"),
        version=Text("1.0.0", AT),
        model=Text("demo/large", AT),
        parameters={"temperature": 0},
        inputs={"email": needed(type="string", description="words"), "tone": preset("kind")},
        examples=(Example(inputs={"email": "a"}, output="b", at=AT),),
        tools=({"type": "function"},),
        tool_choice="auto",
        output=Output(format="json", schema={"type": "object"}, at=AT),
        description="d",
        changelog="c",
        metadata={"owner": "o"},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def partials(project: Project) -> Project:
    project.write("prompts/p.md", "P {% include 'q.md' %}\n")
    project.write("prompts/q.md", "Q\n")
    return project


def test_a_hash_is_twelve_hexadecimal_digits(partials: Project) -> None:
    found = content_hash(whole(), partials.tree)

    assert len(found) == 12
    assert int(found, 16) >= 0
    assert found == content_hash(whole(), partials.tree)


@pytest.mark.parametrize(
    "change",
    [
        {"messages": (user("{{ email }}!"),)},
        {"messages": (message("system", Part(type="text", text=text("{{ email }}"))),)},
        {"messages": (message("user", Part(type="text", text=text("{{ email }}")), name="Bo"),)},
        {"messages": (Placeholder(input="other", at=AT),)},
        {"model": Text("demo/small", AT)},
        {"model": None},
        {"parameters": {"temperature": 1}},
        {"parameters": {}},
        {"inputs": {"email": needed(type="string")}},
        {"inputs": {"email": needed(type="integer"), "tone": preset("kind")}},
        {"inputs": {"email": needed(type="string"), "tone": preset("formal")}},
        {"inputs": {"email": needed(type="string"), "tone": needed()}},
        {"examples": ()},
        {"examples": (Example(inputs="a", output="b", at=AT),)},
        {"tools": ()},
        {"tool_choice": "none"},
        {"output": None},
        {"output": Output(format="json", at=AT)},
        {"output": Output(format="text", at=AT)},
    ],
)
def test_what_changes_the_request_changes_the_hash(
    partials: Project, change: dict[str, object]
) -> None:
    assert content_hash(whole(**change), partials.tree) != content_hash(whole(), partials.tree)


@pytest.mark.parametrize(
    "change",
    [
        {"version": Text("2.0.0", AT)},
        {"description": "other"},
        {"changelog": None},
        {"metadata": {}},
        {"name": "other", "path": "prompts/other.yaml"},
        {"at": Location("x.yaml", 9, 9)},
        {"model": Text("demo/large", Location("x.yaml", 9, 9))},
        {"inputs": {"tone": preset("kind", title="t"), "email": needed(9, type="string")}},
    ],
)
def test_what_does_not_change_the_request_keeps_the_hash(
    partials: Project, change: dict[str, object]
) -> None:
    assert content_hash(whole(**change), partials.tree) == content_hash(whole(), partials.tree)


@pytest.mark.parametrize("partial", ["p.md", "q.md"])
def test_partials_count_however_deep(partials: Project, partial: str) -> None:
    before = content_hash(whole(), partials.tree)

    partials.write(f"prompts/{partial}", "changed")

    assert content_hash(whole(), partials.tree) != before


def test_a_windows_clone_has_the_same_hash(partials: Project) -> None:
    before = content_hash(whole(), partials.tree)
    lines = prompt(user("a\nb {{ email }}\n"))
    windows = prompt(user("a\r\nb {{ email }}\r\n"))

    partials.write("prompts/p.md", b"\xef\xbb\xbfP {% include 'q.md' %}\r\n")
    partials.write("prompts/q.md", b"Q\r\n")

    assert content_hash(whole(), partials.tree) == before
    assert content_hash(windows, partials.tree) == content_hash(lines, partials.tree)


def test_the_bytes_of_a_part_count(project: Project) -> None:
    project.write("prompts/support/a.png", b"one\r\n")
    file = Text("a.png", AT)
    made = prompt(message("user", Part(type="image", file=file)))
    before = content_hash(made, project.tree)

    project.write("prompts/support/a.png", b"one\n")

    assert content_hash(made, project.tree) != before


def test_a_part_file_that_is_gone_and_a_url_have_a_hash(project: Project) -> None:
    gone = prompt(message("user", Part(type="image", file=Text("a.png", AT))))
    there = prompt(message("user", Part(type="image", url=Text("https://x.example/a.png", AT))))

    assert content_hash(gone, project.tree) != content_hash(there, project.tree)


def test_a_missing_partial_has_a_hash_of_its_own(partials: Project) -> None:
    before = content_hash(whole(), partials.tree)

    (partials.root / "prompts/q.md").unlink()

    assert content_hash(whole(), partials.tree) != before
    assert canonical_form(whole(), partials.tree)["partials"] == {
        "p.md": "P {% include 'q.md' %}\n",
        "q.md": None,
    }


def test_a_template_that_cannot_be_read_has_a_hash_with_its_partials(partials: Project) -> None:
    broken = prompt(user("{% include 'p.md' %}{% from \"p.md\" import x %}{{ x"))
    before = content_hash(broken, partials.tree)

    partials.write("prompts/q.md", "changed")

    assert content_hash(broken, partials.tree) != before


def test_the_form_leaves_out_what_is_empty(project: Project) -> None:
    made = prompt(user("Hi"), tools=(), tool_choice=None)

    assert canonical_form(made, project.tree) == {
        "messages": [{"role": "user", "parts": [{"type": "text", "text": "Hi"}]}]
    }


@pytest.mark.parametrize("value", [math.nan, math.inf, {1, 2}])
def test_what_cannot_be_sent_is_an_error(project: Project, value: object) -> None:
    made = prompt(user("Hi"), parameters={"temperature": value})

    with pytest.raises(InvalidInputError) as caught:
        content_hash(made, project.tree)

    assert str(caught.value).startswith(f"{PROMPT}:1:1: 'support/reply' holds a value that cannot")
    assert caught.value.faults[0].code == "no-json"
