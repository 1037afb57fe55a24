"""The parts of a message in OpenAI's shape: text, images, files and sound."""

import base64
from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from llmops.domain.node import Text
from llmops.domain.prompt import Part
from llmops.domain.tree import Tree
from llmops.errors import Fault, InvalidInputError
from llmops.rendering.templates import Templates

Maker = Callable[[Mapping[str, object]], dict[str, object]]
"""From variables to one part of a message's content."""

_MEDIA: Mapping[str, str] = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "xml": "application/xml",
    "json": "application/json",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
}
_SOUNDS: Mapping[str, str] = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
}
_WORDY = ("application/json", "application/xml")


class PartFile(Struct, frozen=True, kw_only=True):
    """The file of a part, as it is sent.

    Attributes:
        data: Its bytes; newlines of text are LF, whatever the clone made of them.
        mime: Its media type.
        name: Its name without folders.
    """

    data: bytes
    mime: str
    name: str


def part_maker(part: Part, templates: Templates, tree: Tree) -> Maker:
    """Make ready one part of a message.

    Raises:
        TemplateError: Its template is wrong.
        InvalidInputError: Its file cannot be read, or is of no type that can be sent.
    """
    if part.file is not None:
        made = _SHAPES[part.type](read_part(part, part.file, tree))
        return lambda context: dict(made)
    if part.url is not None:
        url = templates.compile(part.url)
        return lambda context: {"type": "image_url", "image_url": {"url": url.render(context)}}
    if part.text is None:
        return lambda context: {"type": "text", "text": ""}
    text = templates.compile(part.text)
    return lambda context: {"type": "text", "text": text.render(context)}


def read_part(part: Part, file: Text, tree: Tree) -> PartFile:
    """Read the file of a part.

    Raises:
        InvalidInputError: It cannot be read, or is of no type that can be sent.
    """
    folder = file.at.path.rpartition("/")[0]
    try:
        data = tree.read(f"{folder}/{file.text}" if folder else file.text)
    except InvalidInputError as error:
        raise InvalidInputError.of([_placed(fault, file) for fault in error.faults]) from None
    mime = part.mime or _MEDIA.get(file.text.rpartition(".")[2].lower())
    if mime is None:
        raise InvalidInputError(
            f"the media type of '{file}' is not known",
            at=file.at,
            code="media-type",
            hint="write it beside the file, such as 'mime: image/png'",
        )
    _check_media(part, mime, file)
    if mime.startswith("text/") or mime in _WORDY:
        data = data.replace(b"\r\n", b"\n")
    return PartFile(data=data, mime=mime, name=file.text.rpartition("/")[2])


def _check_media(part: Part, mime: str, file: Text) -> None:
    if part.type == "image" and not mime.startswith("image/"):
        hint = "use a PNG, JPEG, GIF or WebP file, or a part of type 'file'"
    elif part.type == "audio" and mime not in _SOUNDS:
        hint = "use a WAV or MP3 file"
    else:
        return
    raise InvalidInputError(
        f"'{file}' is of type {mime}, which is no {part.type}",
        at=file.at,
        code="media-type",
        hint=hint,
    )


def _data_url(file: PartFile) -> str:
    return f"data:{file.mime};base64,{_base64(file)}"


def _base64(file: PartFile) -> str:
    return base64.b64encode(file.data).decode("ascii")


def _image(file: PartFile) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": _data_url(file)}}


def _file(file: PartFile) -> dict[str, object]:
    return {"type": "file", "file": {"file_data": _data_url(file), "filename": file.name}}


def _audio(file: PartFile) -> dict[str, object]:
    sound = {"data": _base64(file), "format": _SOUNDS[file.mime]}
    return {"type": "input_audio", "input_audio": sound}


_SHAPES: Mapping[str, Callable[[PartFile], dict[str, object]]] = {
    "image": _image,
    "file": _file,
    "audio": _audio,
}


def _placed(fault: Fault, file: Text) -> Fault:
    return replace(fault, at=fault.at or file.at)
