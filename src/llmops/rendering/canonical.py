"""What a prompt is: the canonical form of all that changes the request, and its hash."""

import hashlib
import re
from collections.abc import Iterable, Iterator

from llmops.domain.completion import canonical_json
from llmops.domain.node import Text
from llmops.domain.prompt import Example, Input, Message, Part, Placeholder, Prompt
from llmops.domain.tree import Tree
from llmops.errors import InvalidInputError, TemplateError
from llmops.rendering.parts import read_part
from llmops.rendering.schemas import ANNOTATIONS
from llmops.rendering.templates import Templates

_INCLUDING = re.compile(r"\{%[-+]?\s*(?:include|import|extends|from)\b(.*?)%\}", re.DOTALL)
_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")


def content_hash(prompt: Prompt, tree: Tree) -> str:
    """12 hex digits that are equal for two prompts exactly when they send the same requests.

    Files that are not there and templates that cannot be read count as such, so that every
    version in history has a hash.

    Raises:
        InvalidInputError: A parameter or schema holds what JSON has no form for.
    """
    try:
        written = canonical_json(canonical_form(prompt, tree))
        return hashlib.sha256(written.encode()).hexdigest()[:12]
    except (ValueError, TypeError) as error:
        raise _no_form(prompt, error) from None


def canonical_form(prompt: Prompt, tree: Tree) -> dict[str, object]:
    """All that changes the request, as plain values; newlines are LF.

    The description, the changelog, the version and the metadata are left out, and so are the
    words that explain an input.
    """
    templates = Templates(tree, prompt.tree_path)
    whole: dict[str, object] = {
        "messages": [_message(message, tree) for message in prompt.messages],
        "partials": _partials(prompt, templates),
        "examples": [_example(example) for example in prompt.examples],
        "inputs": {name: _input(declared) for name, declared in prompt.inputs.items()},
        "model": str(prompt.model) if prompt.model else None,
        "parameters": dict(prompt.parameters),
        "tools": [dict(tool) for tool in prompt.tools],
        "tool_choice": prompt.tool_choice,
        "output": None,
    }
    if prompt.output is not None:
        whole["output"] = {"format": prompt.output.format, "schema": prompt.output.schema}
    return {key: value for key, value in whole.items() if value not in (None, [], {})}


def _message(message: Message | Placeholder, tree: Tree) -> dict[str, object]:
    if isinstance(message, Placeholder):
        return {"placeholder": message.input}
    parts = [_part(part, tree) for part in message.parts]
    whole: dict[str, object] = {"role": message.role, "parts": parts}
    return {**whole, "name": message.name} if message.name is not None else whole


def _part(part: Part, tree: Tree) -> dict[str, object]:
    if part.file is None:
        key = "url" if part.url else "text"
        return {"type": part.type, key: _lines(str(part.url or part.text or ""))}
    try:
        file = read_part(part, part.file, tree)
    except InvalidInputError as error:
        return {"type": part.type, "missing": part.file.text, "why": error.faults[0].code}
    digest = hashlib.sha256(file.data).hexdigest()
    return {"type": part.type, "sha256": digest, "mime": file.mime, "name": file.name}


def _example(example: Example) -> dict[str, object]:
    given = example.inputs
    asked = given if isinstance(given, str) else dict(given)
    return {"input": asked, "output": example.output}


def _input(declared: Input) -> dict[str, object]:
    schema = {key: value for key, value in declared.schema.items() if key not in ANNOTATIONS}
    if declared.required:
        return {"schema": schema}
    return {"schema": schema, "default": declared.default}


def _partials(prompt: Prompt, templates: Templates) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for text in _texts(prompt):
        for name in _names_in(text, templates):
            found[name] = _read(name, templates)
    return found


def _texts(prompt: Prompt) -> Iterator[Text]:
    for message in prompt.messages:
        for part in message.parts if isinstance(message, Message) else ():
            yield from (text for text in (part.text, part.url) if text is not None)


def _names_in(text: Text, templates: Templates) -> Iterable[str]:
    if "{%" not in text.text:  # log reads many versions, and to compile is half of the work
        return ()
    try:
        return templates.compile(text).partials
    except TemplateError:
        return _quoted_in(text.text, templates)


def _quoted_in(source: str, templates: Templates) -> list[str]:
    """What a template that cannot be compiled seems to include, and what that includes."""
    names: dict[str, None] = {}
    waiting = [source]
    while waiting:
        for tag in _INCLUDING.findall(waiting.pop()):
            for pair in _QUOTED.findall(tag):
                name = pair[0] or pair[1]
                if name not in names:
                    names[name] = None
                    waiting.append(_read(name, templates) or "")
    return list(names)


def _read(name: str, templates: Templates) -> str | None:
    try:
        return templates.partials.read(name)
    except InvalidInputError:
        return None


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _no_form(prompt: Prompt, error: Exception) -> InvalidInputError:
    return InvalidInputError(
        f"'{prompt.name}' holds a value that cannot be sent: {error}",
        at=prompt.at,
        code="no-json",
        hint="write finite numbers, texts, lists and mappings only",
    )
