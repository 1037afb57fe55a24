from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prompt_pair import Pair

from llmops.domain.explanation import Edit
from llmops.versions.mixing import Mixer, hunks_of, mix, mixture_fault

FIRST = """model: openai/one
inputs: {a: {type: string}, b: {default: x}}
parameters: {temperature: 0.5, top_p: 1}
tools:
  - {name: find, parameters: {type: object, properties: {id: {type: string}}}}
tool_choice: required
output: {format: json}
messages:
  - {role: system, content: "Be kind. Be short."}
  - {placeholder: history}
  - {role: user, content: "{{ a }} {{ b }}\\n{% include 'shared.md' %}"}
"""
SECOND = """model: openai/two
inputs: {a: {type: string}, c: {default: y}}
parameters: {temperature: 1, max_tokens: 9}
tools:
  - {name: look, parameters: {type: object, properties: {id: {type: string}}}}
  - {name: more}
messages:
  - {role: developer, content: Mind this.}
  - {role: system, content: "Be kind. Be long. Say why."}
  - {role: user, content: "{{ a }} {{ c }}\\n{% include 'shared.md' %}\\n{% include 'new.md' %}"}
"""
OLD_FILES = {"prompts/shared.md": "One. Two now.\n", "prompts/img.png": "old"}
NEW_FILES = {
    "prompts/shared.md": "One. Three now.\n",
    "prompts/new.md": "New.\n",
    "prompts/img.png": "new",
}


@pytest.fixture(scope="module")
def mixer(tmp_path_factory: pytest.TempPathFactory) -> Mixer:
    pair = Pair(tmp_path_factory.mktemp("pair"))
    return mix(pair.version(FIRST, OLD_FILES), pair.version(SECOND, NEW_FILES))


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def sources(mixer: Mixer, *reverted: int) -> list[str]:
    messages = mixer.without(frozenset(reverted)).prompt.messages
    return [str(part.text) for message in messages for part in getattr(message, "parts", ())]


def test_every_difference_is_an_edit_of_a_part(mixer: Mixer) -> None:
    parts = [edit.part for edit in mixer.edits]

    assert parts == [
        "developer message",
        "system message",
        "system message",
        "placeholder history",
        "user message",
        "user message",
        "partial shared.md",
        "input c",
        "input b",
        "output",
        "model",
        "parameter temperature",
        "parameter max_tokens",
        "parameter top_p",
        "tool 1",
        "tool 2",
        "tool_choice",
    ]
    assert str(mixer.edits[1].at) == "prompts/p.yaml:9:29"
    assert (mixer.edits[1].before, mixer.edits[1].after) == (" Be short.", " Be long.")


def test_without_all_edits_it_is_the_first_version_and_without_none_the_second(
    mixer: Mixer,
) -> None:
    assert mixer.without(mixer.whole).content_hash == mixer.before.content_hash
    assert mixer.without(frozenset()).content_hash == mixer.after.content_hash


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_any_edits_can_be_taken_back_in_any_order(mixer: Mixer, data: st.DataObject) -> None:
    numbers = st.frozensets(st.sampled_from(sorted(mixer.whole)))
    some, more = data.draw(numbers), data.draw(numbers)

    mixed = mixer.without(some | more)

    assert mixed.content_hash == mixer.without(more | some).content_hash
    assert (mixed.content_hash == mixer.without(some).content_hash) == (more <= some)


def test_a_partial_is_taken_back_by_sentence(mixer: Mixer) -> None:
    number = [edit.part for edit in mixer.edits].index("partial shared.md")
    tree = mixer.without(frozenset({number})).tree

    assert tree.read("prompts/shared.md") == b"One. Two now.\n"
    assert tree.read("prompts/new.md") == b"New.\n"
    assert "prompts/shared.md" in tree.paths("prompts")
    assert mixer.after.tree.read("prompts/shared.md") == b"One. Three now.\n"


def test_a_message_takes_the_file_that_it_had(pair: Pair) -> None:
    prompt = "messages:\n  - {role: user, content: [{type: image, file: img.png}]}\n"
    mixer = mix(pair.version(prompt, OLD_FILES), pair.version(prompt, NEW_FILES))

    mixed = mixer.without(mixer.whole)

    assert [edit.part for edit in mixer.edits] == ["user message"]
    assert mixed.content_hash == mixer.before.content_hash
    assert mixed.renderer.render(mixed.prompt, {}).messages == (
        mixer.before.renderer.render(mixer.before.prompt, {}).messages
    )


def test_a_partial_of_the_first_version_is_there_for_it_only(pair: Pair) -> None:
    files = {"prompts/part.md": "Old words.\n"}
    first = pair.version("user: \"Hi\\n{% include 'part.md' %}\"\n", files)
    second = pair.version("user: Hi\n", {"prompts/part.md": "Other words.\n"})
    mixer = mix(first, second)

    mixed = mixer.without(mixer.whole)

    assert mixed.content_hash == first.content_hash
    assert "Old words." in str(mixed.renderer.render(mixed.prompt, {}).messages)


def test_what_cannot_be_sent_says_why(mixer: Mixer, pair: Pair) -> None:
    parts = [edit.part for edit in mixer.edits]
    undeclared = mixer.without(frozenset({parts.index("input c")}))
    chosen = mix(
        pair.version(
            "user: Hi\ntools: [{name: find}]\ntool_choice: {type: function, function: {name: find}}\n"
        ),
        pair.version("user: Hi\ntools: [{name: look}]\n"),
    )
    gone = mix(
        pair.version("messages: [{role: user, content: A}]\n"),
        pair.version("messages: [{role: assistant, content: B}]\n"),
    )

    assert mixture_fault(mixer.after) is None
    assert mixture_fault(undeclared) == "'c' is used but not declared"
    assert [edit.part for edit in chosen.edits] == ["tool 1", "tool_choice"]
    assert mixture_fault(chosen.without(frozenset({1}))) == (
        "the choice of tools names none that is there"
    )
    assert mixture_fault(chosen.without(chosen.whole)) is None
    assert mixture_fault(gone.without(frozenset({1}))) == "no message is left"


def test_few_edits_are_hunks_of_their_own_and_many_are_stretches() -> None:
    def edits(count: int) -> list[Edit]:
        return [
            Edit(part="p", before=None, after=str(number), follows=number % 3 != 0)
            for number in range(count)
        ]

    assert [hunk.edits for hunk in hunks_of(edits(4))] == [(0,), (1,), (2,), (3,)]
    assert len(hunks_of(edits(12))) == 12
    assert [hunk.edits for hunk in hunks_of(edits(13))] == [
        (0, 1, 2),
        (3, 4, 5),
        (6, 7, 8),
        (9, 10, 11),
        (12,),
    ]
