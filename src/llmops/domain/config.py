"""The project's configuration: folders, models, budget and the gate's policy."""

import dataclasses
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import fields, replace

from llmops.location import Location

Via = Literal["direct", "litellm", "recorded", "scripted"]
"""Which provider carries a model's requests."""

DIRECT_NAMES = ("openai/", "anthropic/")
"""Beginnings of the names whose format is spoken without litellm."""


class Price(Struct, frozen=True, kw_only=True):
    """What a model costs, in US dollars a million tokens.

    Attributes:
        cached_input: Of tokens read that the provider had cached; None: as `input`.
        cache_write: Of tokens read that the provider put into its cache; None: as `input`.
        reasoning: Of tokens written that were reasoning; None: as `output`.
        batch: What a batch costs, as a share of all that.
    """

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None
    reasoning: float | None = None
    batch: float = 0.5


class BatchStore(Struct, frozen=True, kw_only=True):
    """Where a model's batches lie, for providers that read them from a bucket of the project's.

    Attributes:
        bucket: `gs://` or `s3://`, the bucket's name, and perhaps a path in it.
        role: As which Amazon's service reads and writes the bucket: the ARN of a role.
        storage: Where the bucket is, in place of the provider's own host.
    """

    bucket: str
    role: str | None = None
    storage: str | None = None


class Model(Struct, frozen=True, kw_only=True):
    """An LLM as the project calls it.

    Attributes:
        label: The alias, or the full name when there is no alias; what reports show.
        name: The provider's name for it, such as `openai/gpt-4.1-mini`.
        via: Which provider carries its requests.
        parameters: Laid over the prompt's parameters; the suite's lie over these.
        api_base: Where to send requests in place of the provider's own host.
        key: The one environment variable whose value may go to `api_base`.
        price: Overrides the known price.
        max_concurrency: The most requests under way at once.
        rpm: The most requests a minute; None for no limit.
        tpm: The most tokens a minute; None for no limit.
        timeout: Seconds one attempt may take.
        deadline: Seconds that all attempts of one request may take together, waiting included.
        retries: How often a failed attempt is repeated at most.
        script: The rules of a scripted model: a file, from the project's root.
        options: Further keyword arguments for the provider, such as `api_version`.
        batch: Where its batches lie; None where no provider needs to know.
        at: Where the alias stands; None for a model named in full.
    """

    label: str
    name: str
    via: Via = "litellm"
    parameters: Mapping[str, object] = field(default_factory=dict)
    api_base: str | None = None
    key: str | None = None
    price: Price | None = None
    max_concurrency: int = 16
    rpm: int | None = None
    tpm: int | None = None
    timeout: float = 120.0
    deadline: float = 300.0
    retries: int = 4
    script: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    batch: BatchStore | None = None
    at: Location | None = None

    @property
    def is_live(self) -> bool:
        """Whether somebody is asked, by whichever lane: the answer does not depend on it."""
        return self.via in {"direct", "litellm"}


def usual_via(name: str, *, options: bool = False) -> Via:
    """Which provider carries a model's requests where nobody says so.

    Args:
        name: The provider's name for the model.
        options: Whether it has options, which only litellm understands.
    """
    if name.startswith("scripted/"):
        return "scripted"
    return "direct" if name.startswith(DIRECT_NAMES) and not options else "litellm"


class Judge(Struct, frozen=True, kw_only=True):
    """The model that judges where a scorer asks one, and how often it is asked."""

    model: str
    samples: int = 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CacheConfig:
    """Where completions are cached.

    Attributes:
        path: The file, from the project's root.
        url: A Redis server in place of the file, without a password.
        key: The environment variable that holds the server's password.
        ttl: Seconds that a completion holds; None for ever.
        at: Where the configuration says so.
    """

    path: str = ".llmops/cache.db"
    url: str | None = None
    key: str | None = None
    ttl: float | None = None
    at: Location | None = dataclasses.field(default=None, compare=False)


class Budget(Struct, frozen=True, kw_only=True):
    """What a run may spend: US dollars and calls; None for no cap."""

    max_cost: float | None = None
    max_calls: int | None = None


class Otel(Struct, frozen=True, kw_only=True):
    """Whether runs are told to an OpenTelemetry collector, and the words of prompts with them."""

    enabled: bool = True
    content: bool = False


class GatePolicy(Struct, frozen=True, kw_only=True):
    """What the gate demands.

    Attributes:
        min_pass_rate: The least share of passed trials, 0 to 1.
        against: The baseline: a git ref, `baseline` or a run.
        margin: The largest drop that counts as not worse, 0 to 1.
        confidence: Of the interval, between 0 and 1.
        on_inconclusive: What an inconclusive comparison does.
        metrics: Judged beside the pass rate.
        levels: What rules and findings about policy do to the verdict, by their names; those that
            are not named have a level of their own.
    """

    min_pass_rate: float | None = None
    against: str | None = None
    margin: float | None = None
    confidence: float | None = None
    on_inconclusive: Literal["pass", "warn", "fail"] | None = None
    metrics: tuple[str, ...] | None = None
    levels: Mapping[str, Literal["error", "warn", "info"]] | None = None
    at: Location | None = None

    def over(self, under: "GatePolicy") -> "GatePolicy":
        """This policy laid over another one: what it does not say, the other one says."""
        own = {item.name: getattr(self, item.name) for item in fields(self)}
        said = {name: value for name, value in own.items() if value is not None}
        return replace(under, **{**said, "levels": {**(under.levels or {}), **(self.levels or {})}})


class Limits(Struct, frozen=True, kw_only=True):
    """What one file may be at most. Sizes are bytes.

    Attributes:
        yaml_bytes: Size of a YAML file.
        yaml_depth: Nesting of a YAML file.
        yaml_nodes: Values in a YAML file.
        yaml_aliases: Aliases in a YAML file.
        yaml_expansion: How many times as many values a YAML file may become through aliases.
        file_bytes: Size of any other file that is read.
        dataset_bytes: Size of a dataset.
    """

    yaml_bytes: int = 5 * 2**20
    yaml_depth: int = 50
    yaml_nodes: int = 200_000
    yaml_aliases: int = 100
    yaml_expansion: int = 10
    file_bytes: int = 2**20
    dataset_bytes: int = 2**30


class Config(Struct, frozen=True, kw_only=True):
    """`llmops.yaml`, or `[tool.llmops]` in `pyproject.toml`, with every default filled in.

    Attributes:
        path: The file it came from; None when the project has none.
        models: Aliases by name.
        plugins: Python modules with scorers and reporters of the project's own.
        protected_labels: Labels that are moved only on purpose.
    """

    path: str | None = None
    prompts: str = "prompts"
    suites: str = "suites"
    recordings: str = "recordings"
    baselines: str = "baselines"
    models: Mapping[str, Model] = field(default_factory=dict)
    judge: Judge | None = None
    cache: CacheConfig = CacheConfig()
    budget: Budget = Budget()
    gate: GatePolicy = GatePolicy()
    limits: Limits = Limits()
    otel: Otel | None = None
    plugins: tuple[str, ...] = ()
    plugins_at: Location | None = None
    protected_labels: tuple[str, ...] = ()
