"""JSON Schemas (draft 7) of the three formats, made of the shapes that read them."""

from collections.abc import Mapping
from typing import Any

from llmops.loading.assertions import CommonKeys
from llmops.loading.config_shapes import ConfigShape
from llmops.loading.prompt_files import PromptShape
from llmops.loading.shapes import json_schema
from llmops.loading.suites import SuiteShape

Schema = dict[str, Any]
_DRAFT = "http://json-schema.org/draft-07/schema#"


def prompt_schema() -> Schema:
    """What a prompt file may say."""
    whole = _titled("A prompt of llmops", json_schema(PromptShape))
    whole["anyOf"] = [{"required": [key]} for key in ("messages", "system", "user", "extends")]
    whole["not"] = {
        "required": ["messages"],
        "anyOf": [{"required": ["system"]}, {"required": ["user"]}],
    }
    return whole


def suite_schema(scorers: Mapping[str, Mapping[str, Any]]) -> Schema:
    """What a suite file may say.

    Args:
        scorers: The JSON Schema of what may stand under each scorer's key.
    """
    whole = _titled("A suite of llmops", json_schema(SuiteShape))
    whole["required"] = ["cases"]
    whole["oneOf"] = [{"required": [key]} for key in ("prompt", "target", "steps")]
    whole["properties"]["target"] |= {"minProperties": 1, "maxProperties": 1}
    whole["definitions"] = {
        "assertions": {"type": "array", "items": {"$ref": "#/definitions/assertion"}},
        "assertion": _assertion_schema(scorers),
    }
    return whole


def config_schema() -> Schema:
    """What `llmops.yaml` may say."""
    return _titled("The configuration of llmops", json_schema(ConfigShape))


def _titled(title: str, schema: Schema) -> Schema:
    return {"$schema": _DRAFT, "title": title, **schema}


def _assertion_schema(scorers: Mapping[str, Mapping[str, Any]]) -> Schema:
    common = json_schema(CommonKeys)
    template = {"type": "string", "pattern": r"\{[{%]"}
    arguments = {
        name: {"anyOf": [schema, template], "description": schema.get("description", "")}
        for name, schema in scorers.items()
    }
    labelled = {
        **common,
        "properties": {**common["properties"], **arguments},
        "oneOf": [{"required": [name]} for name in scorers],
    }
    return {"anyOf": [{"enum": list(scorers)}, labelled]}
