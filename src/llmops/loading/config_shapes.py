"""What `llmops.yaml` may say: one shape for each of its mappings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from llmops.domain.config import (
    BatchStore,
    Budget,
    CacheConfig,
    GatePolicy,
    Judge,
    Limits,
    Otel,
    Price,
    Via,
)
from llmops.domain.node import Node, Text
from llmops.loading.batch_store import bucket, role
from llmops.loading.cache_values import cache_place, cache_url
from llmops.loading.shapes import Duration, entry, json_schema, shape_of
from llmops.loading.value_checks import (
    ENVIRONMENT_NAME,
    above_zero,
    between_zero_and_one,
    environment_name,
    folder,
    gate_levels,
    host,
    label_names,
    module_names,
    not_empty,
    project_file,
    without_secrets,
)

_DEFAULT_LIMITS = Limits()


@shape_of(Price, "'price'")
class PriceShape:
    """`price:` of a model."""

    input: float = entry("US dollars for a million tokens read.", minimum=0)
    output: float = entry("US dollars for a million tokens written.", minimum=0)
    cached_input: float | None = entry(
        "US dollars for a million tokens that were cached.", default=None, minimum=0
    )
    cache_write: float | None = entry(
        "US dollars for a million tokens that were put into the cache.", default=None, minimum=0
    )
    reasoning: float | None = entry(
        "US dollars for a million tokens of reasoning.", default=None, minimum=0
    )
    batch: float = entry("What a batch costs, as a share of all that.", default=0.5, minimum=0)


@shape_of(BatchStore, "'batch'")
class BatchShape:
    """`batch:` of a model."""

    bucket: str = entry("The bucket, such as 's3://our-bucket/llmops'.", then=bucket)
    role: str | None = entry(
        "The ARN of the role as which Amazon reads and writes the bucket.", default=None, then=role
    )
    storage: str | None = entry(
        "Where the bucket is, in place of the provider's own host.", default=None, then=host
    )


@shape_of(Judge, "'judge'")
class JudgeShape:
    """`judge:`."""

    model: str = entry("The model that judges: an alias or a full name.", then=not_empty)
    samples: int = entry("How often it is asked.", default=1, minimum=1)


@shape_of(CacheConfig, "'cache'")
class CacheShape:
    """`cache:`."""

    path: str = entry("The cache's file.", default=".llmops/cache.db", then=project_file)
    url: str | None = entry(
        "A Redis server in place of the file, such as 'redis://cache.example:6379/0'.",
        default=None,
        then=cache_url,
    )
    key: str | None = entry(
        "The environment variable that holds the server's password.",
        default=None,
        then=environment_name,
        schema={"type": ["string", "null"], "pattern": ENVIRONMENT_NAME},
    )
    ttl: Duration | None = entry("How long completions hold; null for ever.", default=None)


@shape_of(Budget, "'budget'")
class BudgetShape:
    """`budget:`."""

    max_cost: float | None = entry("US dollars a run may spend.", default=None, minimum=0)
    max_calls: int | None = entry("Calls a run may make.", default=None, minimum=0)


@shape_of(Otel, "'otel'")
class OtelShape:
    """`otel:`."""

    enabled: bool = entry("Whether runs are told to a collector.", default=True)
    content: bool = entry("Whether the words of prompts and completions are sent.", default=False)


@shape_of(GatePolicy, "'gate'")
class GateShape:
    """`gate:` of the project or of a suite."""

    min_pass_rate: float | None = entry(
        "The least share of passed trials.", default=None, minimum=0, maximum=1
    )
    against: str | None = entry("The baseline: a git ref, 'baseline' or a run.", default=None)
    margin: float | None = entry(
        "The largest drop that counts as not worse.", default=None, minimum=0, maximum=1
    )
    confidence: float | None = entry(
        "Of the interval: above 0 and below 1.",
        default=None,
        then=between_zero_and_one,
        schema={"type": ["number", "null"], "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    )
    on_inconclusive: Literal["pass", "warn", "fail"] | None = entry(
        "What an inconclusive comparison does.", default=None
    )
    metrics: tuple[str, ...] | None = entry(
        "Metrics that are judged beside the pass rate.", default=None
    )
    levels: Mapping[str, Literal["error", "warn", "info"]] | None = entry(
        "What rules and findings about policy do to the verdict.", default=None, then=gate_levels
    )


@shape_of(Limits, "'limits'")
class LimitsShape:
    """`limits:`."""

    yaml_bytes: int = entry(
        "Size of a YAML file.", default=_DEFAULT_LIMITS.yaml_bytes, minimum=1, maximum=2**30
    )
    yaml_depth: int = entry(
        "Nesting of a YAML file.", default=_DEFAULT_LIMITS.yaml_depth, minimum=1, maximum=200
    )
    yaml_nodes: int = entry("Values in a YAML file.", default=_DEFAULT_LIMITS.yaml_nodes, minimum=1)
    yaml_aliases: int = entry(
        "Aliases in a YAML file.", default=_DEFAULT_LIMITS.yaml_aliases, minimum=0
    )
    yaml_expansion: int = entry(
        "How many times as many values aliases may make of a YAML file.",
        default=_DEFAULT_LIMITS.yaml_expansion,
        minimum=1,
    )
    file_bytes: int = entry(
        "Size of any other file that is read.", default=_DEFAULT_LIMITS.file_bytes, minimum=1
    )
    dataset_bytes: int = entry(
        "Size of a dataset.", default=_DEFAULT_LIMITS.dataset_bytes, minimum=1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """One alias below `models:`."""

    model: str = entry("The provider's name for it, such as 'openai/gpt-4.1-mini'.", then=not_empty)
    via: Via | None = entry("Which provider carries its requests.", default=None)
    parameters: Mapping[str, object] | None = entry(
        "Laid over the prompt's parameters.", default=None, then=without_secrets
    )
    api_base: str | None = entry(
        "Where to send requests in place of the provider's own host.", default=None, then=host
    )
    key: str | None = entry(
        "The environment variable that holds the key for 'api_base'.",
        default=None,
        then=environment_name,
        schema={"type": "string", "pattern": ENVIRONMENT_NAME},
    )
    price: Price | None = entry("What it costs.", default=None)
    max_concurrency: int = entry("Requests under way at once.", default=16, minimum=1)
    rpm: int | None = entry("Requests a minute.", default=None, minimum=1)
    tpm: int | None = entry("Tokens a minute.", default=None, minimum=1)
    timeout: Duration = entry("For one attempt.", default=Duration(120.0), then=above_zero)
    deadline: Duration = entry(
        "For all attempts of one request together.", default=Duration(300.0), then=above_zero
    )
    retries: int = entry("How often a failed attempt is repeated.", default=4, minimum=0)
    script: str | None = entry(
        "The rules of a scripted model: a file.", default=None, then=project_file
    )
    options: Mapping[str, object] | None = entry(
        "Further arguments for the provider, such as 'api_version'.",
        default=None,
        then=without_secrets,
    )
    batch: BatchStore | None = entry("Where its batches lie.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigShape:
    """The whole of `llmops.yaml`."""

    prompts: str = entry("The folder of prompts.", default="prompts", then=folder)
    suites: str = entry("The folder of suites.", default="suites", then=folder)
    recordings: str = entry("The folder of recordings.", default="recordings", then=folder)
    baselines: str = entry("The folder of approved results.", default="baselines", then=folder)
    models: Mapping[str, Node] | None = entry(
        "Models by alias.",
        default=None,
        schema={"type": ["object", "null"], "additionalProperties": json_schema(ModelShape)},
    )
    judge: Judge | None = entry("The model that judges.", default=None)
    cache: CacheConfig | Text | None = entry(
        "Where completions are kept: a mapping, or the address of a Redis server.",
        default=None,
        then=cache_place,
    )
    budget: Budget | None = entry("What a run may spend.", default=None)
    gate: GatePolicy | None = entry("What the gate demands.", default=None)
    limits: Limits | None = entry("What one file may be at most.", default=None)
    otel: Otel | None = entry("Whether runs are told to an OpenTelemetry collector.", default=None)
    protected_labels: tuple[str, ...] | None = entry(
        "Labels that 'llmops label' moves only with '--force'.", default=None, then=label_names
    )
    plugins: tuple[str, ...] | None = entry(
        "Python modules with scorers and reporters of the project's own.",
        default=None,
        then=module_names,
    )
