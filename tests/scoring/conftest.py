import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from llmops.domain.completion import Completion, ToolCall, Usage
from llmops.domain.score import AssertionScore
from llmops.domain.suite import Assertion
from llmops.errors import Fault, InvalidInputError
from llmops.loading.assertions import read_assertions
from llmops.loading.nodes import parse_yaml
from llmops.scoring.assess import ReadyAssertion, assess, build
from llmops.scoring.registry import ScorerResources

PROJECT = Path(__file__).parent / "project"

Judge = Callable[..., AssertionScore]
Ready = Callable[[str], ReadyAssertion]
Refusals = Callable[[str], list[Fault]]


@pytest.fixture(scope="session")
def resources() -> ScorerResources:
    """The files and functions of the folder `project`."""
    modules: dict[str, ModuleType] = {}

    def read(path, at):
        found = PROJECT / path
        if not found.is_file():
            raise InvalidInputError(f"there is no file '{path}'", at=at, code="no-file")
        return found.read_bytes()

    def load(reference, at):
        file, _, name = reference.rpartition(":")
        if file not in modules:
            spec = importlib.util.spec_from_file_location("checks", PROJECT / file)
            modules[file] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(modules[file])
        if not hasattr(modules[file], name):
            raise InvalidInputError(f"there is no '{reference}'", at=at, code="no-function")
        return getattr(modules[file], name)

    return ScorerResources(read_file=read, load_function=load)


@pytest.fixture
def assertion() -> Callable[[str], Assertion]:
    """Read one assertion written as in a suite, without the dash before it."""

    def read_one(written: str) -> Assertion:
        faults: list[Fault] = []
        listed = "- " + written.replace("\n", "\n  ")
        found = read_assertions(parse_yaml(listed.encode(), "suite.yaml"), faults)
        if faults:
            raise InvalidInputError.of(faults)
        return found[0]

    return read_one


@pytest.fixture
def ready(resources: ScorerResources, assertion) -> Ready:
    """Make an assertion ready."""
    return lambda written: build(assertion(written), resources)


@pytest.fixture
def judge(ready: Ready) -> Judge:
    """Ask an assertion of an output: `judge("contains: refund", "your refund")`."""

    def ask(written, text="", *, inputs=None, row=None, **fields) -> AssertionScore:
        usage = fields.pop("usage", {})
        calls = tuple(ToolCall(**call) for call in fields.pop("tool_calls", ()))
        completion = Completion(text=text, usage=Usage(**usage), tool_calls=calls, **fields)
        return assess([ready(written)], completion, inputs or {}, row)[0]

    return ask


@pytest.fixture
def status(judge: Judge) -> Callable[..., str]:
    """Ask an assertion of an output, and tell only whether it passed, failed or was unscored."""
    return lambda *given, **fields: judge(*given, **fields).score.status


@pytest.fixture
def refusals(ready: Ready) -> Refusals:
    """The faults for which an assertion is refused before anything is asked of it."""

    def refuse(written: str) -> list[Fault]:
        with pytest.raises(InvalidInputError) as caught:
            ready(written)
        return list(caught.value.faults)

    return refuse
