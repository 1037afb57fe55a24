"""A suite: the cases a prompt must pass, and what each case asserts."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from llmops.domain.config import GatePolicy
from llmops.domain.node import Node, Text
from llmops.domain.quarantine import Quarantine
from llmops.location import Location


class Assertion(Struct, frozen=True, kw_only=True):
    """One claim about an output, as the suite states it.

    `scorer` is a name. `scoring.registry` turns it into a scorer before any model is
    paid, so a misspelt one is reported where it stands.

    Attributes:
        scorer: The key that names the scorer.
        arguments: What stands under that key.
        metric: A label under which scores are gathered in reports.
        weight: The share of this score in the trial's mean score; 0 or more.
        soft: Reported, but never fails the trial.
        on: What is judged: `text`, `json`, `json.<path>`, `reasoning`, `tool_calls`, `usage`,
            `cost` or `latency`; empty for what the scorer judges of itself.
        name: What reports call it in place of its own words.
        at: Where the scorer's key stands.
    """

    scorer: str
    arguments: Node
    at: Location
    metric: str | None = None
    weight: float = 1.0
    soft: bool = False
    on: str = ""
    name: str | None = None


class Turn(Struct, frozen=True, kw_only=True):
    """One turn of a conversation: what the user says, and what is asserted of the answer."""

    user: Text
    assertions: tuple[Assertion, ...]
    at: Location


class Step(Struct, frozen=True, kw_only=True):
    """One step of a chain: a prompt whose output is an input of the steps after it.

    Attributes:
        id: The name under which later steps find the output.
        prompt: The prompt's name.
        inputs: Templates for the prompt's inputs over the case's inputs and `steps.<id>.output`
            or `steps.<id>.json`; None hands over inputs and earlier outputs by name.
        assertions: Claims about this step's output.
    """

    id: str
    prompt: Text
    at: Location
    inputs: Node | None = None
    assertions: tuple[Assertion, ...] = ()


class HttpTarget(Struct, frozen=True, kw_only=True):
    """An application behind a URL.

    Attributes:
        url: Template over the inputs.
        method: HTTP method.
        headers: Templates over the inputs; `${NAME}` takes an environment variable that the
            project's configuration allows for the host.
        body: JSON body whose strings are templates over the inputs; None sends the inputs.
        output: Path into the JSON answer (`choices.0.text`); None takes the body's text.
        timeout: Seconds for one call.
    """

    url: Text
    method: str = "POST"
    headers: Node | None = None
    body: Node | None = None
    output: str | None = None
    timeout: float = 60.0


class Target(Struct, frozen=True, kw_only=True):
    """An application under test in place of a prompt. Exactly one of the three kinds is set.

    Attributes:
        python: `package.module:function`, called with the inputs as keyword arguments.
        http: A request to send.
        exec: A command; the inputs arrive as JSON on standard input.
        at: Where the target stands.
    """

    at: Location
    python: Text | None = None
    http: HttpTarget | None = None
    exec: tuple[Text, ...] | None = None

    @property
    def kind(self) -> Literal["python", "http", "exec"]:
        """Which of the three kinds is set."""
        if self.python is not None:
            return "python"
        return "http" if self.http is not None else "exec"

    @property
    def label(self) -> str:
        """The target in one word, for reports."""
        if self.python is not None:
            return f"python {self.python}"
        if self.http is not None:
            return f"http {self.http.url}"
        return f"exec {' '.join(map(str, self.exec or ()))}"


class Samples(Struct, frozen=True, kw_only=True):
    """How many times each case is asked: from `min` to `max`, both 1 or more."""

    min: int = 1
    max: int = 1


class DatasetSample(Struct, frozen=True, kw_only=True):
    """A seeded choice of `n` rows of a dataset, taken after `where`."""

    n: int
    seed: int = 0


class CaseEntry(Struct, frozen=True, kw_only=True):
    """One entry below `cases:`: a case written out, or a dataset whose rows are cases.

    Attributes:
        at: Where the entry stands.
        id: The case's id; a template over `row` for a dataset; None derives one.
        inputs: The inputs; strings are templates over `row` for a dataset.
        tags: Words to select by. `must_pass` has a meaning of its own in the gate.
        assertions: Claims about the output.
        conversation: Turns in place of one request.
        cluster: Cases of one cluster count as one in statistics; a template over `row`.
        skip: Why the case is not run; None runs it.
        dataset: The dataset's file, from the project's root; None for a case written out.
        where: An expression over `row` that picks rows.
        sample: A seeded choice of rows.
        metadata: Free words kept in the run.
    """

    at: Location
    id: Text | None = None
    inputs: Node | None = None
    tags: tuple[str, ...] = ()
    assertions: tuple[Assertion, ...] = ()
    conversation: tuple[Turn, ...] = ()
    cluster: Text | None = None
    skip: str | None = None
    dataset: Text | None = None
    where: Text | None = None
    sample: DatasetSample | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)


class Suite(Struct, frozen=True, kw_only=True):
    """A suite as its file states it. Exactly one of `prompts`, `target` and `steps` is set.

    Attributes:
        name: The path below the suites folder without suffix: `support/triage`.
        path: The file, relative to the project's root.
        prompts: Names of prompts, maybe with `@REF`.
        models: Names or aliases of models; empty takes the prompt's own.
        parameters: Laid over the prompt's parameters.
        assertions: Claims about every case.
        matrix: Values of inputs; every case runs once for each combination.
        quarantine: Cases whose failure is excused for a while.
    """

    name: str
    path: str
    at: Location
    entries: tuple[CaseEntry, ...]
    description: str | None = None
    prompts: tuple[Text, ...] = ()
    target: Target | None = None
    steps: tuple[Step, ...] = ()
    models: tuple[Text, ...] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)
    samples: Samples = Samples()
    tags: tuple[str, ...] = ()
    assertions: tuple[Assertion, ...] = ()
    matrix: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    gate: GatePolicy | None = None
    quarantine: tuple[Quarantine, ...] = ()
    metadata: Mapping[str, object] = field(default_factory=dict)

    @property
    def prompt_names(self) -> frozenset[str]:
        """The prompts that it tests, in steps too, without what stands behind `@`."""
        named = (*self.prompts, *(step.prompt for step in self.steps))
        return frozenset(text.text.partition("@")[0] for text in named)


class Case(Struct, frozen=True, kw_only=True, gc=False):  # nothing it holds leads back to it
    """One set of inputs with its assertions: an entry of a suite, bound to a row and a matrix cell.

    Attributes:
        suite: The suite's name.
        id: Stable and unique within the suite.
        inputs: Plain values by input name.
        row: The dataset's row, for assertions that quote it; None for a case written out.
        assertions: The suite's claims and the case's own, in that order.
    """

    suite: str
    id: str
    inputs: Mapping[str, object]
    assertions: tuple[Assertion, ...]
    at: Location
    tags: tuple[str, ...] = ()
    row: Mapping[str, object] | None = None
    conversation: tuple[Turn, ...] = ()
    cluster: str | None = None
    skip: str | None = None
