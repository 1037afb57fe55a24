import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.errors import InvalidInputError
from llmops.loading.nodes import parse_yaml
from llmops.versions.bump import set_changelog, set_version

P = "prompts/p.yaml"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("version: 1.0.0\nuser: Hi\n", "version: 2.0.0\nuser: Hi\n"),
        ("user: 1.0.0\nversion: 1.0.0", "user: 1.0.0\nversion: 2.0.0"),
        ("version:   '1.0.0' # mine\nuser: Hi", "version:   '2.0.0' # mine\nuser: Hi"),
        ('"version": "1.0.0"\r\nuser: Hi\r\n', '"version": "2.0.0"\r\nuser: Hi\r\n'),
        ("{version: 1.0.0, user: Hi}", "{version: 2.0.0, user: Hi}"),
        ("version: &v 1.0.0\nuser: Hi\n", "version: &v 2.0.0\nuser: Hi\n"),
        (
            "x-a: &v 1.0.0\nversion: *v\nuser: Hi\n",
            "x-a: &v 1.0.0\nversion: 2.0.0\nuser: Hi\n",
        ),
        ('version: "1.0\\x2e0"\nuser: Hi\n', "version: 2.0.0\nuser: Hi\n"),
        ("version:\nuser: Hi\n", "version: 2.0.0\nuser: Hi\n"),
        ("version: ~ # none\nuser: Hi\n", "version: 2.0.0 # none\nuser: Hi\n"),
        ("version:\n  1.0.0\nuser: Hi\n", "version:\n  2.0.0\nuser: Hi\n"),
        ("version: >-\n  1.0.0\n\nuser: Hi\n", "version: 2.0.0\n\nuser: Hi\n"),
        ("# One.\n\n# Two.\nuser: Hi\n", "# One.\n\n# Two.\nversion: 2.0.0\nuser: Hi\n"),
        ("---\r\nuser: Hi\r\n", "---\r\nversion: 2.0.0\r\nuser: Hi\r\n"),
        ("  user: Hi\n  model: m\n", "  version: 2.0.0\n  user: Hi\n  model: m\n"),
        ("{user: Hi}\n", "{version: 2.0.0, user: Hi}\n"),
        ("\ufeffversion: 1.0.0\nuser: Hi\n", "\ufeffversion: 2.0.0\nuser: Hi\n"),
        ("\ufeffuser: Hi\n", "\ufeffversion: 2.0.0\nuser: Hi\n"),
        ("user: a\u2028b\x85c\nversion: 1.0.0\n", "user: a\u2028b\x85c\nversion: 2.0.0\n"),
    ],
)
def test_only_the_version_is_written(before: str, after: str) -> None:
    assert set_version(before, P, "2.0.0") == after


@pytest.mark.parametrize(
    ("before", "message", "after"),
    [
        ("version: 1.0.0\nuser: Hi", "Nicer.", "version: 1.0.0\nchangelog: Nicer.\nuser: Hi"),
        ("user: Hi\nversion: 1.0.0", "Nicer", "user: Hi\nversion: 1.0.0\nchangelog: Nicer\n"),
        ("{version: 1.0.0, user: Hi}", "Nicer", "{changelog: Nicer, version: 1.0.0, user: Hi}"),
        (
            "version: 1.0.0\nchangelog: Was this # then\nuser: Hi\n",
            "Is: that",
            'version: 1.0.0\nchangelog: "Is: that" # then\nuser: Hi\n',
        ),
        (
            "version: 1.0.0\nchangelog: |\n  Was\n\n  this\n\n# Next.\nuser: Hi\n",
            "Is that",
            "version: 1.0.0\nchangelog: Is that\n\n# Next.\nuser: Hi\n",
        ),
        (
            "version: 1.0.0\nchangelog: 'It''s\n  long'\nuser: Hi\n",
            "Short",
            "version: 1.0.0\nchangelog: Short\nuser: Hi\n",
        ),
        (
            "{version: 1.0.0, changelog: a b, user: Hi}",
            "c",
            "{version: 1.0.0, changelog: c, user: Hi}",
        ),
        ("version: 1.0.0\nuser: Hi\n", "yes", "version: 1.0.0\nchangelog: yes\nuser: Hi\n"),
        ("version: 1.0.0\nuser: Hi\n", "true", 'version: 1.0.0\nchangelog: "true"\nuser: Hi\n'),
        ("version: 1.0.0\nuser: Hi\n", "0", 'version: 1.0.0\nchangelog: "0"\nuser: Hi\n'),
        ("version: 1.0.0\nuser: Hi\n", "2.0.0", "version: 1.0.0\nchangelog: 2.0.0\nuser: Hi\n"),
        (
            "version: 1.0.0\nuser: Hi\n",
            "a\nb \x85",
            'version: 1.0.0\nchangelog: "a\\nb \\U00000085"\nuser: Hi\n',
        ),
    ],
)
def test_a_changelog_is_replaced_or_stands_below_the_version(
    before: str, message: str, after: str
) -> None:
    assert set_changelog(before, P, message) == after


def test_what_cannot_be_written_is_left_to_the_user() -> None:
    with pytest.raises(InvalidInputError) as caught:
        set_version("version: &v 1.0.0\nx-a: *v\nuser: Hi\n", P, "2.0.0")

    (fault,) = caught.value.faults
    assert fault.code == "not-writable"
    assert str(fault.at) == f"{P}:1:10"
    assert fault.hint == "write 'version: 2.0.0' by hand"


LINES = st.lists(
    st.sampled_from(
        [
            "# comment",
            "",
            "user: Hi",
            "model: 'a: b'  # why",
            "system: |\n  version: 1.0.0\n",
            "x-a:",
        ]
    ),
    unique=True,
)


@given(LINES, st.sampled_from(["\n", "\r\n"]), st.text(max_size=30))
def test_what_is_written_is_read_back_and_the_rest_is_as_it_was(
    lines: list[str], end: str, message: str
) -> None:
    text = end.join([*lines, "tools: []", ""]).replace("\n", end).replace("\r\r", "\r")
    before = dict(parse_yaml(text.encode(), P).value)

    try:
        made = set_changelog(set_version(text, P, "1.2.3"), P, message)
    except InvalidInputError:
        return

    after = dict(parse_yaml(made.encode(), P).value)
    assert after == {**before, "version": "1.2.3", "changelog": message}
    left = made.split(end)
    assert [line for line in left if line in text.split(end)] == text.split(end)
