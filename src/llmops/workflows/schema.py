"""JSON Schemas of the files that users write, from the code that reads them."""

import json
from functools import partial
from typing import Any, TextIO

from llmops.loading.schemas import config_schema, prompt_schema, suite_schema
from llmops.reporting.files import write_report
from llmops.scoring.registry import scorer_schemas
from llmops.workflows.opening.project import Surroundings, open_config

SCHEMA_FILES = {
    kind: f".llmops/schemas/{kind}.schema.json" for kind in ("prompt", "suite", "config")
}
"""Where editors find the schema of each kind of file, from the project's root."""


def schema_of(kind: str) -> dict[str, Any]:
    """The schema of `prompt`, `suite` or `config`.

    Raises:
        KeyError: There is no such file.
    """
    schemas = {
        "prompt": prompt_schema,
        "suite": lambda: suite_schema(scorer_schemas()),
        "config": config_schema,
    }
    return schemas[kind]()


def write_schemas(surroundings: Surroundings) -> list[str]:
    """Write all schemas below the project's root; returns the files.

    Raises:
        UnavailableError: One cannot be written.
    """
    root, _config = open_config(surroundings)
    for kind, name in SCHEMA_FILES.items():
        text = json.dumps(schema_of(kind), indent=2, ensure_ascii=False) + "\n"
        write_report(root / name, partial(_write, text=text), root=root)
    return list(SCHEMA_FILES.values())


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)
