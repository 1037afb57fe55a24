import base64

import pytest
from prompt_making import PROMPT, Project, message, prompt

from llmops.domain.node import Text
from llmops.domain.prompt import Part, Prompt
from llmops.errors import LlmopsError
from llmops.location import Location

CSV = b"a,b\n1,2\n"
PNG = b"\x89PNG\r\n\x1a\n"


def attached(kind: str, name: str, mime: str | None = None, path: str = PROMPT) -> Prompt:
    file = Text(name, Location(path, 12, 14))
    return prompt(message("user", Part(type=kind, file=file, mime=mime)))  # type: ignore[arg-type]


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("kind", "name", "data", "part"),
    [
        (
            "image",
            "img/a.PNG",
            PNG,
            {
                "type": "image_url",
                "image_url": {"url": f"data:image/png;base64,{encoded(PNG)}"},
            },
        ),
        (
            "file",
            "terms.pdf",
            b"%PDF",
            {
                "type": "file",
                "file": {
                    "file_data": f"data:application/pdf;base64,{encoded(b'%PDF')}",
                    "filename": "terms.pdf",
                },
            },
        ),
        (
            "file",
            "a.csv",
            CSV.replace(b"\n", b"\r\n"),
            {
                "type": "file",
                "file": {
                    "file_data": f"data:text/csv;base64,{encoded(CSV)}",
                    "filename": "a.csv",
                },
            },
        ),
        (
            "audio",
            "a.mp3",
            b"ID3",
            {"type": "input_audio", "input_audio": {"data": encoded(b"ID3"), "format": "mp3"}},
        ),
    ],
)
def test_a_file_is_sent_with_its_message(
    project: Project, kind: str, name: str, data: bytes, part: dict[str, object]
) -> None:
    project.write(f"prompts/support/{name}", data)
    made = attached(kind, name)

    assert project.renderer.check(made) == []
    assert project.renderer.render(made, {}).messages == ({"role": "user", "content": [part]},)


def test_a_file_is_found_beside_the_file_that_names_it(project: Project) -> None:
    project.write("prompts/base/a.png", PNG)
    made = attached("image", "a.png", path="prompts/base/reply.yaml")

    assert project.renderer.check(made) == []


def test_a_prompt_at_the_root_has_files_too(project: Project) -> None:
    project.write("a.png", PNG)

    assert project.renderer.check(attached("image", "a.png", path="reply.yaml")) == []


def test_the_media_type_can_be_written(project: Project) -> None:
    project.write("prompts/support/a.bin", b"x\r\n")

    [sent] = project.renderer.render(attached("audio", "a.bin", "audio/x-wav"), {}).messages

    assert sent["content"] == [
        {"type": "input_audio", "input_audio": {"data": encoded(b"x\r\n"), "format": "wav"}}
    ]


@pytest.mark.parametrize(
    ("kind", "name", "complaint"),
    [
        ("image", "gone.png", "there is no file 'prompts/support/gone.png' [missing-file]"),
        ("image", "../../secret.png", "[unsafe-path]"),
        ("image", "big.png", "more than the 1,048,576 allowed [too-large]"),
        ("file", "a.xyz", "the media type of 'a.xyz' is not known [media-type]"),
        ("image", "a.pdf", "'a.pdf' is of type application/pdf, which is no image"),
        ("audio", "a.png", "'a.png' is of type image/png, which is no audio"),
    ],
)
def test_a_wrong_file_is_shown_where_it_is_named(
    project: Project, kind: str, name: str, complaint: str
) -> None:
    project.write("secret.png", PNG)
    project.write("prompts/support/big.png", b"x" * (2**20 + 1))
    for other in ("a.xyz", "a.pdf", "a.png"):
        project.write(f"prompts/support/{other}", b"")
    made = attached(kind, name)

    found = [str(fault) for fault in project.renderer.check(made)]

    assert len(found) == 1
    assert found[0].startswith(f"{PROMPT}:12:14: ")
    assert complaint in found[0]
    with pytest.raises(LlmopsError):
        project.renderer.render(made, {})


def test_a_text_part_without_text_is_empty(project: Project) -> None:
    made = prompt(message("user", Part(type="text"), Part(type="text")))

    assert project.renderer.render(made, {}).messages[0]["content"] == [
        {"type": "text", "text": ""},
        {"type": "text", "text": ""},
    ]
