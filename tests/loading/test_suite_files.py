import pytest
from reading import node, shown

from llmops.domain.config import GatePolicy
from llmops.domain.node import Text
from llmops.domain.suite import DatasetSample, Samples, Suite
from llmops.errors import Fault
from llmops.loading.suites import read_suite
from llmops.location import Location

WHOLE = """\
prompt: support/reply
description: The customers' words.
models: [fast, anthropic/claude-haiku-4-5]
parameters: {temperature: 0}
samples: {min: 3, max: 20}
tags: [support]
assert:
  - max_latency: 5s
cases:
  - id: angry-customer
    tags: [smoke, must_pass]
    inputs: {email: {file: data/angry.txt}, version: 1.20}
    cluster: angry
    metadata: {ticket: 12}
    assert:
      - contains: refund
      - not: {contains: As an AI}
        metric: tone
  - dataset: data/tickets.csv
    id: "{{ row.ticket_id }}"
    inputs: {email: "{{ row.body }}"}
    where: "row.lang == 'en'"
    sample: {n: 200, seed: 7}
    assert: [{equals: "{{ row.label }}"}]
  - conversation:
      - {user: Hello, assert: [{contains: help}]}
      - user: My name?
  - skip: flaky since May
matrix: {tone: [formal, friendly], length: [1, null]}
gate: {min_pass_rate: 0.95, against: main, margin: 0.02, confidence: 0.95}
metadata: {owner: us}
x-note: free
"""


def suite_of(text: str) -> tuple[Suite | None, list[Fault]]:
    faults: list[Fault] = []
    return read_suite(node(text), "a", faults), faults


def well(text: str) -> Suite:
    suite, faults = suite_of(text)
    assert faults == []
    assert suite is not None
    return suite


def fault_of(text: str) -> str:
    suite, faults = suite_of(text)
    assert suite is None
    (fault,) = shown(faults)
    return fault


def test_a_whole_suite_is_read() -> None:
    suite = well(WHOLE)

    angry, tickets, talk, flaky = suite.entries
    assert (suite.name, suite.path, suite.at) == ("a", "f.yaml", Location("f.yaml", 1, 1))
    assert suite.prompts == (Text("support/reply", Location("f.yaml", 1, 9)),)
    assert [str(model) for model in suite.models] == ["fast", "anthropic/claude-haiku-4-5"]
    assert suite.parameters == {"temperature": 0}
    assert suite.samples == Samples(min=3, max=20)
    assert suite.tags == ("support",)
    assert [claim.scorer for claim in suite.assertions] == ["max_latency"]
    assert suite.matrix == {"tone": ("formal", "friendly"), "length": (1, None)}
    assert suite.gate == GatePolicy(
        min_pass_rate=0.95,
        against="main",
        margin=0.02,
        confidence=0.95,
        at=Location("f.yaml", 30, 7),
    )
    assert (suite.description, suite.metadata) == ("The customers' words.", {"owner": "us"})
    assert (str(angry.id), angry.tags, str(angry.cluster)) == (
        "angry-customer",
        ("smoke", "must_pass"),
        "angry",
    )
    assert angry.inputs is not None
    assert angry.inputs.get("version").typed == "1.20"
    assert angry.metadata == {"ticket": 12}
    assert [claim.scorer for claim in angry.assertions] == ["contains", "not"]
    assert angry.at == Location("f.yaml", 10, 5)
    assert (str(tickets.dataset), str(tickets.where)) == ("data/tickets.csv", "row.lang == 'en'")
    assert tickets.sample == DatasetSample(n=200, seed=7)
    assert [str(turn.user) for turn in talk.conversation] == ["Hello", "My name?"]
    assert [len(turn.assertions) for turn in talk.conversation] == [1, 0]
    assert flaky.skip == "flaky since May"


@pytest.mark.parametrize(
    ("samples", "expected"),
    [("3", Samples(min=3, max=3)), ("{min: 2, max: 2}", Samples(min=2, max=2))],
)
def test_samples_are_a_number_or_a_range(samples: str, expected: Samples) -> None:
    suite = well(f"prompt: a\nsamples: {samples}\ncases: [{{}}]\n")

    assert suite.samples == expected


def test_a_case_is_asked_once_unless_the_suite_says_more() -> None:
    assert well("prompt: a\ncases: [{}]\n").samples == Samples(min=1, max=1)


def test_keys_without_a_value_are_not_given() -> None:
    suite = well(
        "prompt: [a, b@main]\ntarget:\nsteps:\nmodels:\nassert:\nmatrix:\ngate:\ntags:\n"
        "cases:\n  - {id: , tags: , inputs: , assert: , conversation: , skip: , dataset: }\n"
    )

    assert [str(prompt) for prompt in suite.prompts] == ["a", "b@main"]
    assert suite.entries[0].id is None
    assert suite.entries[0].dataset is None


def test_a_function_may_be_tested() -> None:
    for reference in ("app.main:answer", "app:answer", "tools/app.py:answer"):
        suite = well(f"target: {{python: '{reference}'}}\ncases: [{{}}]\n")

        assert suite.target is not None
        assert (suite.target.kind, str(suite.target.python)) == ("python", reference)
        assert suite.target.at == Location("f.yaml", 1, 9)


def test_a_web_application_may_be_tested() -> None:
    suite = well(
        "target:\n  http:\n    url: http://127.0.0.1:8000/{{ path }}\n    method: PUT\n"
        "    headers: {x-key: '${APP_KEY}'}\n    body: [{q: '{{ q }}'}]\n"
        "    output: choices.0.text\n    timeout: 200ms\ncases: [{}]\n"
    )

    assert suite.target is not None
    http = suite.target.http
    assert http is not None
    assert (str(http.url), http.method) == ("http://127.0.0.1:8000/{{ path }}", "PUT")
    assert http.headers is not None
    assert str(http.headers.get("x-key").at) == "f.yaml:5:22"
    assert http.body is not None
    assert (http.body.kind, http.output, http.timeout) == ("list", "choices.0.text", 0.2)


def test_a_command_may_be_tested() -> None:
    suite = well("target: {exec: [python, app.py, 1.20]}\ncases: [{}]\n")

    assert suite.target is not None
    assert [str(word) for word in suite.target.exec] == ["python", "app.py", "1.20"]


def test_a_chain_of_prompts_may_be_tested() -> None:
    suite = well(
        "steps:\n  - prompt: support/triage-mail@main\n  - prompt: support/reply\n    id: answer\n"
        "    inputs: {label: '{{ steps.triage_mail.output }}'}\n    assert: [contains: hello]\n"
        "cases: [{}]\n"
    )

    first, second = suite.steps
    assert (first.id, str(first.prompt), first.inputs) == (
        "triage_mail",
        "support/triage-mail@main",
        None,
    )
    assert (second.id, second.at) == ("answer", Location("f.yaml", 3, 5))
    assert second.inputs is not None
    assert [claim.scorer for claim in second.assertions] == ["contains"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("- a\n", "1:1: expected a mapping with prompt, target, steps, description, models,"),
        ("prompt: ''\ncases: [{}]\n", "1:9: nothing is written here [empty]"),
        ("prompt: []\ncases: [{}]\n", "1:9: nothing is listed here [empty]"),
        ("prompt: [a, '']\ncases: [{}]\n", "1:13: nothing is written here [empty]"),
        ("prompt: {a: b}\ncases: [{}]\n", "1:9: expected text or a list, not a mapping"),
        ("prompt: a\nmodels: []\ncases: [{}]\n", "2:9: nothing is listed here [empty]"),
        ("prompt: a\nmodels: [b, b]\ncases: [{}]\n", "2:13: 'b' is listed twice [listed-twice]"),
        ("prompt:\ncases: [{}]\n", "1:1: a suite needs one of 'prompt', 'target' and 'steps'"),
        ("prompt: a\nsteps: [{prompt: a}]\ncases: [{}]\n", "2:1: 'prompt' and 'steps' cannot"),
        ("prompt: a\ncases:\n", "2:7: the suite has no case [no-cases]"),
        ("prompt: a\ncases: {a: b}\n", "2:8: expected a list of cases, not a mapping"),
        ("prompt: a\ncases: [{id: ''}]\n", "2:14: '' cannot be the id of a case [case-id]"),
        ('prompt: a\ncases: [{id: "a\\nb"}]\n', "2:14: 'a⏎b' cannot be the id of a case"),
        ("prompt: a\ncases: [{id: [a]}]\n", "2:14: expected text, not a list [wrong-type]"),
        ("prompt: a\ncases: [{tags: a}]\n", "2:16: expected a list, not text ('a')"),
        ("prompt: a\ncases: [{tags: ['']}]\n", "2:17: '' cannot be a tag [tag-name]"),
        ("prompt: a\ncases: [{sample: {n: 3}}]\n", "2:10: 'sample' picks rows"),
        ("prompt: a\ncases: [{dataset: a.xls}]\n", "2:19: 'a.xls' is no dataset"),
        ("prompt: a\ncases: [{dataset: ../a.csv}]\n", "2:19: the path '../a.csv' holds '..'"),
        ("prompt: a\ncases: [{conversation: hi}]\n", "2:24: expected a list of turns, not text"),
        ("prompt: a\ncases: [{conversation: [hi]}]\n", "2:25: expected a mapping with user"),
        ("prompt: a\nmatrix: [a]\ncases: [{}]\n", "2:9: expected values by input, not a list"),
        ("prompt: a\nmatrix: {a-b: [1]}\ncases: [{}]\n", "2:10: 'a-b' cannot be the name of an"),
        ("prompt: a\nsamples: x\ncases: [{}]\n", "2:10: expected a number or a mapping, not text"),
        ("prompt: a\nsamples: {min: 1}\ncases: [{}]\n", "2:10: 'samples' needs 'max'"),
        ("target: {}\ncases: [{}]\n", "1:9: a target is one of 'python', 'http' and 'exec', and"),
        ("target: app\ncases: [{}]\n", "1:9: expected a mapping with python, http, exec, not text"),
        ("target: {exec: []}\ncases: [{}]\n", "1:16: the command names no program [empty]"),
        ("target: {http: {url: 'http://x', headers: [a]}}\ncases: [{}]\n", "1:43: expected a map"),
        ("target: {http: {url: 'http://x', timeout: 0}}\ncases: [{}]\n", "1:43: expected a dura"),
        ("target: {exec: [a]}\nparameters: {b: c}\ncases: [{}]\n", "2:1: 'parameters' means"),
        ("steps: {prompt: a}\ncases: [{}]\n", "1:8: expected a list of steps, not a mapping"),
        ("steps: [{id: a}]\ncases: [{}]\n", "1:9: a step needs 'prompt' [missing-key]"),
        ("steps: [{prompt: 1-a}]\ncases: [{}]\n", "1:18: '1_a' cannot be the id of a step"),
        ("steps: [{prompt: a, inputs: b}]\ncases: [{}]\n", "1:29: expected a mapping, not text"),
        ("steps: [{prompt: a}]\ncases: [{conversation: [{user: b}]}]\n", "2:25: a conversation is"),
    ],
)
def test_a_wrong_suite_is_shown_where_it_is_wrong(text: str, fault: str) -> None:
    assert fault_of(text).startswith(f"f.yaml:{fault}")


def test_every_twin_of_an_id_is_shown_with_the_first() -> None:
    text = (
        "prompt: a\ncases:\n  - id: one\n  - id: one\n  - {id: one, dataset: a.csv}\n  - id: one\n"
    )

    _, faults = suite_of(text)

    assert [(str(fault.at), fault.hint) for fault in faults] == [
        ("f.yaml:4:9", "the first is at f.yaml:3:9"),
        ("f.yaml:6:9", "the first is at f.yaml:3:9"),
    ]


def test_all_faults_of_a_suite_are_found_at_once() -> None:
    text = (
        "promt: a\nmodels: fast\ncases:\n  - id: a::b\n    asserts: []\n"
        "  - assert: [{soft: true}]\nmatrix: {tone: []}\n"
    )

    _, faults = suite_of(text)

    assert sorted((str(fault.at), fault.code) for fault in faults) == [
        ("f.yaml:1:1", "missing-key"),
        ("f.yaml:1:1", "unknown-key"),
        ("f.yaml:2:9", "wrong-type"),
        ("f.yaml:5:5", "unknown-key"),
        ("f.yaml:6:14", "missing-key"),
        ("f.yaml:7:16", "empty"),
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("prompt: [{}]\ncases: [{{}}]\n", "f.yaml:1:9: 1,001 names are listed here [too-many]"),
        (
            "prompt: a\nmodels: [{}]\ncases: [{{}}]\n",
            "f.yaml:2:9: 1,001 names are listed here [too-many]",
        ),
    ],
)
def test_a_suite_names_a_thousand_prompts_and_models_at_most(text: str, fault: str) -> None:
    names = [f"n{number}" for number in range(1001)]

    assert well(text.format(", ".join(names[1:])))
    assert fault_of(text.format(", ".join(names))) == fault


def test_a_chain_has_a_thousand_steps_at_most() -> None:
    steps = "".join(f"  - prompt: p{number}\n" for number in range(1001))

    fault = fault_of(f"steps:\n{steps}cases: [{{}}]\n")

    assert fault == "f.yaml:2:3: the chain has 1,001 steps [too-many]"
