"""The exporter `openai`: one rendered prompt as the body of a request to OpenAI."""

import json

from llmops.errors import InvalidInputError
from llmops.loading.values import typed_input
from llmops.location import COMMAND_LINE
from llmops.versions.finder import Versions
from llmops.versions.loaded import make_loaded
from llmops.workflows.exporters.base import Exporter, ExportOptions

_NO_BODY = ("extra_body", "extra_headers", "extra_query")


def _write(versions: Versions, options: ExportOptions) -> str:
    if len(options.names) != 1:
        raise InvalidInputError(
            f"'openai' exports one prompt, not {len(options.names)}",
            at=COMMAND_LINE,
            code="usage",
            hint="write llmops export openai NAME -i input=value",
        )
    prompt = make_loaded(versions.find(options.names[0]), versions.config)
    schemas = {name: declared.schema for name, declared in prompt.inputs.items()}
    values = {
        name: typed_input(text, schemas.get(name, {})) for name, text in options.inputs.items()
    }
    arguments = prompt.render(values).for_openai(model=options.model)
    body = {name: value for name, value in arguments.items() if name not in _NO_BODY}
    body |= arguments.get("extra_body", {})
    return json.dumps(body, indent=2, allow_nan=False) + "\n"


OPENAI = Exporter(
    name="openai",
    summary="the body of a request to OpenAI",
    options=frozenset({"inputs", "model"}),
    write=_write,
)
