import copy

import jsonschema
import pytest
from reading import node

from llmops.domain.node import plain
from llmops.loading.schemas import config_schema, prompt_schema, suite_schema

SCORERS = {
    "contains": {"type": "string", "description": "Looks for a text."},
    "max_latency": {"type": ["number", "string"]},
    "similar": {"type": "object", "required": ["to"]},
    "is_json": {"type": "null"},
    "equals": {},
    "not": {},
}
PROMPT = """\
version: 1.4.0
description: Answers a customer's e-mail.
model: openai/gpt-4.1-mini
parameters: {temperature: 0.2, max_tokens: 400}
inputs:
  email: {type: string, description: The customer's words.}
  tone: {type: string, enum: [formal, friendly], default: friendly}
  words: 100
messages:
  - role: system
    content: You answer for {{ company }}.
  - {placeholder: history}
  - role: user
    content: [{type: text, text: "{{ email }}"}, {type: image, file: a.png}, more]
examples:
  - input: {email: Where is my parcel}
    output: It left our depot yesterday.
tools: [{name: look_up, parameters: {type: object}}]
tool_choice: auto
output:
  format: json
  schema: {type: object, required: [reply], properties: {reply: {type: string}}}
changelog: Softer promise.
metadata: {owner: support-team, tags: [customer-facing]}
extends: support/base
"""
SUITE = """\
prompt: support/reply
models: [fast, anthropic/claude-haiku-4-5]
parameters: {temperature: 0}
samples: {min: 3, max: 20}
assert:
  - max_latency: 5s
cases:
  - id: angry-customer
    tags: [smoke, must_pass]
    inputs: {email: {file: data/angry.txt}, tone: formal}
    assert:
      - contains: refund
      - is_json
      - not: {contains: As an AI}
        metric: tone
        on: json.reply
      - similar: {to: We will refund you., threshold: 0.8}
        weight: 2
        soft: true
  - dataset: data/tickets.csv
    id: "{{ row.ticket_id }}"
    inputs: {email: "{{ row.body }}"}
    where: "row.lang == 'en'"
    sample: {n: 200, seed: 7}
    assert: [{equals: "{{ row.label }}"}, {similar: "{{ row.text }}"}]
  - conversation:
      - {user: Hello, assert: [{contains: help}]}
matrix: {tone: [formal, friendly]}
gate: {min_pass_rate: 0.95, against: main, margin: 0.02, confidence: 0.95}
"""
CONFIG = """\
prompts: prompts
models:
  fast: {model: openai/gpt-4.1-mini, parameters: {temperature: 0}, max_concurrency: 50, rpm: 500}
  ours: {model: openai/ours, api_base: "http://127.0.0.1:8000/v1", key: OUR_API_KEY, price: {input: 0, output: 0}}
judge: {model: openai/gpt-4.1, samples: 1}
cache: {path: .llmops/cache.db, ttl: null}
budget: {max_cost: 5.00, max_calls: 10000}
gate: {against: main, margin: 0.02, confidence: 0.95, on_inconclusive: warn}
plugins: []
"""
SCHEMAS = {"prompt": prompt_schema(), "suite": suite_schema(SCORERS), "config": config_schema()}
TEXTS = {"prompt": PROMPT, "suite": SUITE, "config": CONFIG}


def is_valid(kind: str, text: str) -> bool:
    return jsonschema.Draft7Validator(SCHEMAS[kind]).is_valid(plain(node(text).value))


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_schema_is_itself_well(kind: str) -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMAS[kind])

    assert SCHEMAS[kind]["$schema"] == "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_file_as_the_manual_shows_it_is_taken(kind: str) -> None:
    jsonschema.Draft7Validator(SCHEMAS[kind]).validate(plain(node(TEXTS[kind]).value))


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("prompt", "parameters:", "paramters:"),
        ("prompt", "role: system", "role: sytem"),
        ("prompt", "content: You", "contents: You"),
        ("prompt", "placeholder:", "placholder:"),
        ("prompt", "type: image", "type: picture"),
        ("prompt", "enum:", "enun:"),
        ("prompt", "{type: string, enum", "{type: strng, enum"),
        ("prompt", "format: json", "format: jsn"),
        ("prompt", "tool_choice: auto", "tool_choice: atuo"),
        ("prompt", "output: It", "outptu: It"),
        ("prompt", "changelog:", "system:"),
        ("prompt", "{name: look_up,", "{nme: look_up,"),
        ("suite", "cases:", "case:"),
        ("suite", "prompt: support/reply", "prmpt: support/reply"),
        ("suite", "prompt: support/reply", "prompt: a\ntarget: {python: a:b}"),
        ("suite", "assert:\n      -", "asserts:\n      -"),
        ("suite", "contains: refund", "contians: refund"),
        ("suite", "contains: refund", "contains: refund\n        equals: refund"),
        ("suite", "contains: refund", "contains: [refund]"),
        ("suite", "- is_json", "- is_jsn"),
        ("suite", "metric:", "metrc:"),
        ("suite", "weight: 2", "weight: -2"),
        ("suite", "soft: true", "soft: yes"),
        ("suite", "sample: {n: 200", "sample: {n: 0"),
        ("suite", "user: Hello", "usr: Hello"),
        ("suite", "[formal, friendly]", "formal"),
        ("suite", "confidence: 0.95", "confidence: 95"),
        ("suite", "min: 3", "mn: 3"),
        ("config", "models:", "modles:"),
        ("config", "rpm: 500", "rmp: 500"),
        ("config", "rpm: 500", "rpm: 0"),
        ("config", "key: OUR_API_KEY", "key: our key"),
        ("config", "output: 0", "outptu: 0"),
        ("config", "on_inconclusive: warn", "on_inconclusive: wran"),
        ("config", "samples: 1", "samples: 0"),
        ("config", "plugins: []", "plugins: a"),
    ],
)
def test_a_misspelt_word_is_refused(kind: str, right: str, wrong: str) -> None:
    assert right in TEXTS[kind]

    assert not is_valid(kind, TEXTS[kind].replace(right, wrong, 1))


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("user: Hello", True),
        ("system: Be kind.\nuser: Hello", True),
        ("extends: base", True),
        ("model: a/b", False),
        ("messages: [{role: user, content: a}]\nuser: b", False),
        ("user: a\ntools: tools.json\nexamples: {file: shots.yaml}", True),
        ("user: a\ntool_choice: {type: function, function: {name: b}}", True),
        ("user: a\nx-note: free", True),
    ],
)
def test_a_prompt_says_something(text: str, valid: bool) -> None:
    assert is_valid("prompt", text) is valid


@pytest.mark.parametrize(
    ("subject", "valid"),
    [
        ("target: {python: 'a:b'}", True),
        ("target: {exec: [app]}", True),
        ("target: {http: {url: 'http://x', method: GET}}", True),
        ("target: {http: {url: 'http://x', methd: GET}}", False),
        ("target: {}", False),
        ("target: {python: 'a:b', exec: [app]}", False),
        ("steps: [{prompt: a, assert: [contains: b]}]", True),
        ("steps: []", False),
        ("steps: [{prmpt: a}]", False),
        ("prompt: [a, b@main]", True),
    ],
)
def test_a_suite_tests_one_thing(subject: str, valid: bool) -> None:
    assert is_valid("suite", f"{subject}\ncases: [{{assert: [is_json]}}]\n") is valid


def test_each_key_is_explained() -> None:
    for kind in ("prompt", "suite", "config"):
        properties = SCHEMAS[kind]["properties"]

        assert all(schema.get("description") for schema in properties.values())


def test_making_a_schema_changes_nothing() -> None:
    before = copy.deepcopy(suite_schema(SCORERS))

    suite_schema({})

    assert suite_schema(SCORERS) == before
