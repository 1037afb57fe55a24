import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llmops.domain.config import Limits
from llmops.errors import InvalidInputError
from llmops.loading.labels import read_labels
from llmops.loading.nodes import parse_yaml
from llmops.versions.labels import remove_label, set_label

PATH = "prompts/labels.yaml"
Known = dict[str, dict[str, str]]


def meaning(text: str) -> Known:
    labels = read_labels(parse_yaml(text.encode(), PATH, Limits()))
    plain = {name: {key: str(at) for key, at in known.items()} for name, known in labels.items()}
    return {name: known for name, known in plain.items() if known}


def lines_of_comments(text: str) -> list[str]:
    return re.findall(r"^[ \t]*(#[^\r\n]*)", text, flags=re.MULTILINE)


def test_a_new_file_has_a_heading() -> None:
    made = set_label("", PATH, "support/reply", "production", "1.0.0")

    assert made == (
        "# Which version each label means; moved by 'llmops label'.\n"
        "support/reply:\n  production: 1.0.0\n"
    )


FILE = """\
# Ours
say:  # the one
  # deployed
  production: 1.0.0  # since Monday
  staging: '1.1.0'

other: {beta: 2.0.0, gamma: 2.1.0}
"""


@pytest.mark.parametrize(
    ("prompt", "label", "before", "after"),
    [
        ("say", "production", "production: 1.0.0  #", "production: 9.0.0  #"),
        ("say", "staging", "staging: '1.1.0'\n", "staging: 9.0.0\n"),
        ("say", "new", "'1.1.0'\n", "'1.1.0'\n  new: 9.0.0\n"),
        ("other", "beta", "{beta: 2.0.0,", "{beta: 9.0.0,"),
        ("other", "gamma", "gamma: 2.1.0}", "gamma: 9.0.0}"),
        ("other", "new", "{beta", "{new: 9.0.0, beta"),
        ("third", "new", "2.1.0}\n", "2.1.0}\nthird:\n  new: 9.0.0\n"),
    ],
)
def test_setting_a_label_changes_its_place_and_nothing_else(
    prompt: str, label: str, before: str, after: str
) -> None:
    assert set_label(FILE, PATH, prompt, label, "9.0.0") == FILE.replace(before, after)


@pytest.mark.parametrize(
    ("prompt", "label", "gone", "left"),
    [
        ("say", "production", "  production: 1.0.0  # since Monday\n", ""),
        ("say", "staging", "  staging: '1.1.0'\n", ""),
        ("other", "beta", "beta: 2.0.0, ", ""),
        ("other", "gamma", ", gamma: 2.1.0", ""),
    ],
)
def test_removing_a_label_takes_its_line_and_nothing_else(
    prompt: str, label: str, gone: str, left: str
) -> None:
    assert remove_label(FILE, PATH, prompt, label) == FILE.replace(gone, left)


def test_the_last_label_takes_the_prompt_along_and_leaves_the_comments() -> None:
    once = remove_label(FILE, PATH, "say", "staging")

    twice = remove_label(once, PATH, "say", "production")

    assert twice.startswith("# Ours\n")
    assert "# deployed" in twice
    assert meaning(twice) == {"other": {"beta": "2.0.0", "gamma": "2.1.0"}}


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("say:\n", "say:\n  x: 9.0.0\n"),
        ("say: {}\n", "say: {x: 9.0.0 }\n"),
        (
            "say: null  # none yet\nb: {c: 1.0.0}\n",
            "# none yet\nb:\n  c: 1.0.0\nsay:\n  x: 9.0.0\n",
        ),
        ("say:\n  a: 1.0.0", "say:\n  a: 1.0.0\n  x: 9.0.0\n"),
        ("say:\r\n  a: 1.0.0\r\n", "say:\r\n  a: 1.0.0\r\n  x: 9.0.0\r\n"),
        ("a: &l {p: 1.0.0}\nsay: *l\n", "a:\n  p: 1.0.0\nsay:\n  p: 1.0.0\n  x: 9.0.0\n"),
        ("{a: {b: 1.0.0}}  # all\n", "# all\na:\n  b: 1.0.0\nsay:\n  x: 9.0.0\n"),
    ],
)
def test_files_of_any_form_can_be_added_to(text: str, made: str) -> None:
    assert set_label(text, PATH, "say", "x", "9.0.0").endswith(made)
    assert meaning(made)["say"]["x"] == "9.0.0"


def test_a_file_that_cannot_be_read_is_not_touched() -> None:
    with pytest.raises(InvalidInputError):
        set_label("say: [\n", PATH, "say", "x", "1.0.0")


prompts = st.one_of(
    st.sampled_from(
        ["say", "support/reply", "größe", "null", "true", "12", "a: b", "# x", "-", "日"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8),
)
labels = st.sampled_from(["production", "staging", "true", "null", "no", "x.y-z", "L"])
targets = st.one_of(
    st.sampled_from(["1.0.0", "1.20.0-rc.1+b.5", "a" * 40, "1" * 40, "0e" + "1" * 38, "f0" * 32])
)
odd_targets = st.one_of(
    targets, st.sampled_from(["main", "a: b", "it's", 'say "x"', "# no", "1.10"])
)


def scalar(text: str) -> str:
    """A scalar in double quotes, whatever it holds."""
    plain = (one if one.isalnum() or one in " :.-/" else f"\\U{ord(one):08x}" for one in text)
    return f'"{"".join(plain)}"'


def readable(text: str) -> bool:
    try:
        meaning(text)
    except InvalidInputError:
        return False
    return True


@st.composite
def files(draw: st.DrawFn) -> str:
    """Files as people write them: block and flow, comments anywhere, any line end."""
    end = draw(st.sampled_from(["\n", "\r\n"]))
    comment = st.sampled_from(["", "", "  # why"])
    line = st.sampled_from([[], [], [""], ["# a comment"], ["  # an indented one"]])
    lines: list[str] = draw(line)
    known = draw(
        st.dictionaries(prompts, st.dictionaries(labels, odd_targets, max_size=3), max_size=4)
    )
    for prompt, said in known.items():
        name = scalar(prompt)
        if draw(st.booleans()) or not said:
            flow = ", ".join(f"{scalar(key)}: {scalar(value)}" for key, value in said.items())
            lines.append(f"{name}: {{{flow}}}{draw(comment)}")
        else:
            lines.append(f"{name}:{draw(comment)}")
            for key, value in said.items():
                lines += [*draw(line), f"  {scalar(key)}: {scalar(value)}{draw(comment)}"]
        lines += draw(line)
    return end.join(lines) + draw(st.sampled_from(["", end]))


edits = st.lists(st.tuples(st.booleans(), prompts, labels, targets), min_size=1, max_size=6)


@given(text=files().filter(readable), wishes=edits)
@example(text="say:\n  # why\n  x: 1.0.0\n", wishes=[(False, "say", "x", "")])
@example(
    text="say:\n  x:\n    1.0.0\n", wishes=[(False, "say", "x", ""), (True, "a", "b", "1.0.0")]
)
@example(text="--- # a\nsay: {x: 1.0.0} # b\n...\n", wishes=[(True, "a", "b", "1.0.0")])
@example(text="\ufeffsay: {x: 1.0.0} # b\n", wishes=[(True, "say", "x", "2.0.0")])
def test_any_edits_of_any_file_say_what_was_wanted_and_keep_its_comments(
    text: str, wishes: list[tuple[bool, str, str, str]]
) -> None:
    wanted = meaning(text)
    comments = lines_of_comments(text)

    for setting, prompt, label, target in wishes:
        if setting:
            wanted.setdefault(prompt, {})[label] = target
            text = set_label(text, PATH, prompt, label, target)
        elif label in wanted.get(prompt, {}):
            del wanted[prompt][label]
            text = remove_label(text, PATH, prompt, label)
        wanted = {name: known for name, known in wanted.items() if known}
        assert meaning(text) == wanted
        assert set(lines_of_comments(text)) >= set(comments)
