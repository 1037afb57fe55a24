from pathlib import Path

import pytest
from reading import refused, shown

from llmops.domain.config import (
    BatchStore,
    Budget,
    CacheConfig,
    Config,
    GatePolicy,
    Judge,
    Limits,
    Model,
    Price,
)
from llmops.domain.node import Text
from llmops.loading.config import load_config, resolve_model, unknown_model
from llmops.loading.tree import WorkTree
from llmops.loading.value_checks import looks_secret
from llmops.location import Location

WHOLE = """\
prompts: llm/prompts/
suites: llm/suites
recordings: llm/recordings
models:
  fast: {model: openai/gpt-4.1-mini, parameters: {temperature: 0}, max_concurrency: 50, rpm: 500, tpm: 200000}
  ours:
    model: openai/our-llama
    api_base: http://127.0.0.1:8000/v1
    key: OUR_API_KEY
    price: {input: 0, output: 1.5, cached_input: 0.1}
    timeout: 2m
    deadline: 10m
    retries: 0
    options: {api_version: 2024-06-01}
  made: {model: scripted/parrot, script: ./rules.yaml}
  kept: {model: demo/small, via: recorded}
judge: {model: fast, samples: 3}
cache: {path: .llmops/c.db, ttl: 7d}
budget: {max_cost: 5.00, max_calls: 10000}
gate: {against: main, margin: 0.02, confidence: 0.95, on_inconclusive: warn, min_pass_rate: 0.9}
limits: {yaml_bytes: 100000, yaml_depth: 20, yaml_nodes: 1000, yaml_aliases: 0, yaml_expansion: 2, file_bytes: 10, dataset_bytes: 20}
plugins: [our_scorers, our.reports]
x-note: free
"""


def config_of(write, files: dict[str, str]) -> Config:
    return load_config(WorkTree(write(files)))


def faults_of(write, files: dict[str, str]) -> list[str]:
    return shown(refused(lambda: config_of(write, files)))


def test_a_whole_configuration_is_read(write) -> None:
    config = config_of(write, {"llmops.yaml": WHOLE})

    fast, ours, made, kept = config.models.values()
    assert (config.path, config.prompts, config.suites) == (
        "llmops.yaml",
        "llm/prompts",
        "llm/suites",
    )
    assert fast == Model(
        label="fast",
        name="openai/gpt-4.1-mini",
        via="direct",
        parameters={"temperature": 0},
        max_concurrency=50,
        rpm=500,
        tpm=200000,
        at=Location("llmops.yaml", 5, 3),
    )
    assert ours.price == Price(input=0, output=1.5, cached_input=0.1)
    assert (ours.api_base, ours.key) == ("http://127.0.0.1:8000/v1", "OUR_API_KEY")
    assert (ours.timeout, ours.deadline, ours.retries) == (120.0, 600.0, 0)
    assert ours.options == {"api_version": "2024-06-01"}
    assert (made.via, made.script, kept.via) == ("scripted", "rules.yaml", "recorded")
    assert ours.via == "litellm"
    assert config.judge == Judge(model="fast", samples=3)
    assert config.cache == CacheConfig(path=".llmops/c.db", ttl=604800.0)
    assert config.budget == Budget(max_cost=5.0, max_calls=10000)
    assert config.gate == GatePolicy(
        min_pass_rate=0.9,
        against="main",
        margin=0.02,
        confidence=0.95,
        on_inconclusive="warn",
        at=Location("llmops.yaml", 20, 7),
    )
    assert config.limits == Limits(
        yaml_bytes=100000,
        yaml_depth=20,
        yaml_nodes=1000,
        yaml_aliases=0,
        yaml_expansion=2,
        file_bytes=10,
        dataset_bytes=20,
    )
    assert config.plugins == ("our_scorers", "our.reports")
    assert config.plugins_at == Location("llmops.yaml", 22, 10)


@pytest.mark.parametrize("text", ["", "# nothing\n", "models:\njudge:\ncache:\ngate:\nlimits:\n"])
def test_what_is_not_said_has_its_default(write, text: str) -> None:
    config = config_of(write, {"llmops.yaml": text})

    assert config == Config(path="llmops.yaml")


def test_a_project_needs_no_configuration(write) -> None:
    files = {"pyproject.toml": "[project]\nname = 'shop'\n", "x": ""}

    assert config_of(write, {"x": ""}) == Config()
    assert config_of(write, files) == Config()
    assert config_of(write, {"pyproject.toml": "[tool.other]\nuses = 'llmops'\n"}) == Config()


def test_pyproject_may_hold_the_configuration(write) -> None:
    toml = """\
[project]
name = "shop"

[tool.llmops]
prompts = "llm"
plugins = ["a", "b"]

[tool.llmops.models.fast]
model = "openai/gpt"
timeout = "5s"

[tool.llmops.models."our.own"]
model = "openai/own"
price = {input = 1, output = 2}
"""

    config = config_of(write, {"pyproject.toml": toml})

    assert config.path == "pyproject.toml"
    assert config.prompts == "llm"
    assert config.plugins == ("a", "b")
    assert config.models["fast"].timeout == 5.0
    assert config.models["fast"].at == Location("pyproject.toml", 8, 2)
    assert config.models["our.own"].price == Price(input=1, output=2)


def test_two_configurations_are_refused(write) -> None:
    files = {"llmops.yaml": "", "pyproject.toml": "[project]\n[tool.llmops]\n"}

    assert faults_of(write, files) == [
        "pyproject.toml:2:2: the project is configured here and in llmops.yaml [two-configs]"
    ]


def test_a_configuration_under_another_suffix_is_not_overlooked(write) -> None:
    assert faults_of(write, {"llmops.yml": "models: {}\n"}) == [
        "llmops.yml:1:1: llmops.yml is not read [file-name]"
    ]


def test_a_configuration_that_cannot_be_read_is_shown(tmp_path: Path) -> None:
    (tmp_path / "llmops.yaml").mkdir()

    faults = refused(lambda: load_config(WorkTree(tmp_path)))

    assert shown(faults) == ["llmops.yaml:1:1: 'llmops.yaml' is a folder [not-a-file]"]


def test_all_faults_of_a_configuration_are_shown_in_order(write) -> None:
    text = """\
models:
  x y: {model: ""}
  made: {model: demo/a, via: scripted}
  kept: {model: demo/b, script: a.yaml}
  "": text
judge: [fast]
"""

    assert faults_of(write, {"llmops.yaml": text}) == [
        "llmops.yaml:2:3: 'x y' cannot be a model's alias [alias-name]",
        "llmops.yaml:2:16: nothing is written here [empty]",
        "llmops.yaml:3:9: a scripted model needs 'script' [missing-key]",
        "llmops.yaml:4:33: 'script' means nothing to a model that goes via litellm [unused-key]",
        "llmops.yaml:5:3: '' cannot be a model's alias [alias-name]",
        "llmops.yaml:5:7: expected a mapping, not text ('text') [wrong-type]",
        "llmops.yaml:6:8: expected a mapping with model, samples, not a list [wrong-type]",
    ]


def test_a_configuration_that_is_no_mapping_is_refused(write) -> None:
    assert faults_of(write, {"llmops.yaml": "- models\n"}) == [
        "llmops.yaml:1:1: expected a mapping with prompts, suites, recordings, baselines, models,"
        " judge, not a list [wrong-type]"
    ]


@pytest.mark.parametrize(
    "host",
    [
        "localhost:8000",
        "ftp://x/y",
        "http://",
        "http://[::1",
        "http://a b/c",
        "http://x:99999/",
        "//x",
    ],
)
def test_a_host_is_an_http_address(write, host: str) -> None:
    text = f"models:\n  a: {{model: b/c, api_base: '{host}'}}\n"

    (fault,) = faults_of(write, {"llmops.yaml": text})

    assert fault.startswith("llmops.yaml:2:29:")
    assert fault.endswith("[unknown-host]")


SECRETS = [
    "sk-abcdefghijklmnopqrst",
    "sk-proj-abcdefghijklmnop",
    "gsk_abcdefghijklmnop",
    "hf_abcdefghijklmnopqr",
    "AIzaSyA1234567890abcdefghij",
    "AKIAIOSFODNN7EXAMPLE",
    "Bearer abcdefghijklmnop",
    "github_pat_abcdefghijklmnop",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "place", ["key: '{}'", "options: {{api_key: '{}'}}", "parameters: {{a: {{b: '{}'}}}}"]
)
def test_a_key_in_the_file_is_refused_and_never_shown(write, secret: str, place: str) -> None:
    text = f"models:\n  a:\n    model: b/c\n    {place.format(secret)}\n"

    (fault,) = refused(lambda: config_of(write, {"llmops.yaml": text}))

    assert fault.code == "secret-in-file"
    assert secret not in str(fault)
    assert secret[8:] not in str(fault)


@pytest.mark.parametrize("host", ["https://me:hunter22@x.org/v1", "https://hunter22@x.org"])
def test_a_password_in_an_address_is_refused_and_never_shown(write, host: str) -> None:
    text = f"models:\n  a: {{model: b/c, api_base: '{host}'}}\n"

    (fault,) = refused(lambda: config_of(write, {"llmops.yaml": text}))

    assert fault.code == "secret-in-file"
    assert "hunter22" not in str(fault)


@pytest.mark.parametrize("text", ["OPENAI_API_KEY", "sketch", "sk-1", "hf_model", "2024-06-01", ""])
def test_an_ordinary_word_is_no_secret(text: str) -> None:
    assert not looks_secret(text)


def test_a_model_is_an_alias_or_a_full_name(write) -> None:
    at = Location("suites/a.yaml", 2, 10)
    config = config_of(write, {"llmops.yaml": WHOLE})

    assert resolve_model(config, Text("fast", at)) is config.models["fast"]
    assert resolve_model(config, Text("openai/gpt-4.1", at)) == Model(
        label="openai/gpt-4.1", name="openai/gpt-4.1", via="direct"
    )
    assert resolve_model(config, Text("mistral/small", at)).via == "litellm"


@pytest.mark.parametrize(
    ("written", "via"),
    [
        ("model: openai/gpt-4.1", "direct"),
        ("model: anthropic/claude-haiku-4-5", "direct"),
        ("model: openai/ours, api_base: 'http://127.0.0.1:8000/v1'", "direct"),
        ("model: openai/gpt-4.1, via: litellm", "litellm"),
        ("model: openai/gpt-4.1, options: {api_version: '1'}", "litellm"),
        ("model: gpt-4.1", "litellm"),
        ("model: azure/gpt-4.1", "litellm"),
        ("model: openai/gpt-4.1, via: recorded", "recorded"),
    ],
)
def test_a_models_lane_is_chosen_by_its_name_unless_it_is_written(write, written: str, via) -> None:
    config = config_of(write, {"llmops.yaml": f"models:\n  m: {{{written}}}\n"})

    assert config.models["m"].via == via


def test_a_lane_that_does_not_speak_a_models_format_is_refused(write) -> None:
    text = "models:\n  m: {model: mistral/small, via: direct}\n"

    assert faults_of(write, {"llmops.yaml": text}) == [
        "llmops.yaml:2:34: 'mistral/small' does not go via direct, which speaks openai/… and "
        "anthropic/… only [other-lane]"
    ]


@pytest.mark.parametrize("name", ["fst", "openai/", "/gpt", "", "scripted/x"])
def test_an_unknown_model_is_refused(write, name: str) -> None:
    at = Location("suites/a.yaml", 2, 10)
    config = config_of(write, {"llmops.yaml": WHOLE})

    (fault,) = refused(lambda: resolve_model(config, Text(name, at)))

    assert fault.code == "unknown-model"
    assert fault.at == at
    assert fault.hint


def test_an_alias_is_suggested_for_a_misspelt_one(write) -> None:
    at = Location("suites/a.yaml", 2, 10)
    config = config_of(write, {"llmops.yaml": WHOLE})

    misspelt = unknown_model(config, Text("fsat", at))
    nowhere_near = unknown_model(config, Text("zzz", at))

    assert misspelt is not None
    assert misspelt.hint == "did you mean 'fast'?"
    assert nowhere_near is not None
    assert nowhere_near.hint is not None
    assert nowhere_near.hint.startswith("the aliases are fast, ours, made, kept;")


@pytest.mark.parametrize(
    ("text", "url", "key", "at"),
    [
        ("cache: redis://127.0.0.1:6379\n", "redis://127.0.0.1:6379", None, (1, 8)),
        ("cache: 'rediss://me@c.example/3'\n", "rediss://me@c.example/3", None, (1, 8)),
        ("cache: {ttl: 1d, url: redis://c, key: PW}\n", "redis://c", "PW", (1, 23)),
        ("cache: {ttl: 1d}\n", None, None, (1, 8)),
        ("cache:\n", None, None, None),
    ],
)
def test_a_cache_is_a_file_or_a_server(write, text, url, key, at) -> None:
    cache = config_of(write, {"llmops.yaml": text}).cache

    assert (cache.url, cache.key) == (url, key)
    assert cache.at == (Location("llmops.yaml", *at) if at else None)


@pytest.mark.parametrize(
    ("text", "place", "code"),
    [
        ("cache: http://c.example\n", "1:8", "cache-url"),
        ("cache: here\n", "1:8", "cache-url"),
        ("cache: 'redis://'\n", "1:8", "cache-url"),
        ("cache: 'redis://c:0'\n", "1:8", "cache-url"),
        ("cache: 'redis://c:99999'\n", "1:8", "cache-url"),
        ("cache: 'redis://c/name'\n", "1:8", "cache-url"),
        ("cache: 'redis://c/0?ssl_cert_reqs=none'\n", "1:8", "cache-url"),
        ("cache: 'redis://a b/0'\n", "1:8", "cache-url"),
        ("cache: 'http://me@c.example'\n", "1:8", "cache-url"),
        ("cache: {url: 'redis://[::1'}\n", "1:14", "cache-url"),
        ("cache: {url: redis://c, path: c.db}\n", "1:31", "unused-key"),
        ("cache: {key: PW}\n", "1:14", "unused-key"),
        ("cache: {url: redis://c, key: 'a b'}\n", "1:30", "environment-name"),
        ("cache: [redis://c]\n", "1:8", "wrong-type"),
    ],
)
def test_what_is_no_cache_is_refused_where_it_stands(write, text, place, code) -> None:
    (fault,) = faults_of(write, {"llmops.yaml": text})

    assert fault.startswith(f"llmops.yaml:{place}: ")
    assert f"[{code}]" in fault


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hunter22hunter22@c.example/0",
        "redis://me:hunter22hunter22@c.example",
        "redis://sk-hunter22hunter22@c.example",
        "http://me:hunter22hunter22@c.example",
        "redis://me:hunter22hunter22@[c.example",
        "redis://me:hunter22 hunter22@c",
    ],
)
@pytest.mark.parametrize("form", ["cache: '{}'\n", "cache: {{url: '{}'}}\n"])
def test_a_password_in_the_address_of_a_cache_is_refused_and_never_shown(write, url, form) -> None:
    (fault,) = refused(lambda: config_of(write, {"llmops.yaml": form.format(url)}))

    assert fault.code == "secret-in-file"
    assert "hunter22" not in str(fault)


ROLE = "arn:aws:iam::123456789012:role/batches"
NOVA = "model: bedrock/amazon.nova-lite-v1:0"


def test_the_bucket_of_batches_is_read(write) -> None:
    store = f"{{bucket: s3://ours/llmops/, role: '{ROLE}', storage: 'http://127.0.0.1:9000'}}"
    text = f"models:\n  a: {{{NOVA}, api_base: 'http://127.0.0.1:8000', batch: {store}}}\n"

    config = config_of(write, {"llmops.yaml": text})

    assert config.models["a"].batch == BatchStore(
        bucket="s3://ours/llmops", role=ROLE, storage="http://127.0.0.1:9000"
    )


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        (f"{NOVA}, batch: {{}}", "missing-key"),
        (f"{NOVA}, batch: {{bucket: ours}}", "'ours' is no bucket"),
        (f"{NOVA}, batch: {{bucket: 's3://ours/../theirs'}}", "is no bucket"),
        (f"{NOVA}, batch: {{bucket: s3://ours}}", "batches of bedrock need a 'role'"),
        (f"{NOVA}, batch: {{bucket: s3://ours, role: us}}", "'us' is no ARN of a role"),
        (f"{NOVA}, batch: {{bucket: gs://ours, role: '{ROLE}'}}", "lie in a bucket of s3://"),
        (
            f"{NOVA}, batch: {{bucket: s3://ours, role: '{ROLE}', storage: 'http://h'}}",
            "'storage' means nothing without 'api_base'",
        ),
        (
            f"{NOVA}, api_base: 'http://h', batch: {{bucket: s3://ours, role: '{ROLE}'}}",
            "beside 'api_base', 'batch' needs 'storage'",
        ),
        (
            f"model: vertex_ai/gemini-x, batch: {{bucket: gs://ours, role: '{ROLE}'}}",
            "'role' means nothing to vertex_ai",
        ),
        ("model: openai/x, batch: {bucket: s3://ours}", "batches of 'openai/x' need no bucket"),
    ],
)
def test_a_bucket_that_cannot_be_used_is_shown(write, model: str, complaint: str) -> None:
    (fault,) = faults_of(write, {"llmops.yaml": f"models:\n  a: {{{model}}}\n"})

    assert fault.startswith("llmops.yaml:2:")
    assert complaint in fault
