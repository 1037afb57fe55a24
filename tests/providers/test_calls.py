import pytest

from llmops.domain.completion import Request
from llmops.domain.config import Model
from llmops.errors import ProviderError
from llmops.providers.calls import call_arguments, key_for


def model(name="openai/gpt-4.1", **rest):
    return Model(label="fast", name=name, **rest)


def request(**rest):
    return Request(model="openai/gpt-4.1", messages=({"role": "user", "content": "x"},), **rest)


def arguments(asked=None, of=None, key="k", owned=frozenset()):
    return call_arguments(asked or request(), of or model(), key, owned)


def error_of(function, *positional, **named):
    with pytest.raises(ProviderError) as caught:
        function(*positional, **named)
    return caught.value


def test_litellm_gets_the_request_and_none_of_its_own_retries():
    found = arguments(
        request(
            parameters={"temperature": 0.5, "top_k": 3, "extra_body": {"x": 1}},
            tools=({"type": "function"},),
            tool_choice="auto",
            response_format={"type": "json_object"},
        ),
        model(options={"api_version": "v1"}, timeout=10.0),
    )

    assert found == {
        "model": "openai/gpt-4.1",
        "messages": [{"role": "user", "content": "x"}],
        "temperature": 0.5,
        "top_k": 3,
        "extra_body": {"x": 1},
        "tools": [{"type": "function"}],
        "tool_choice": "auto",
        "response_format": {"type": "json_object"},
        "api_version": "v1",
        "api_key": "k",
        "timeout": 40.0,
        "num_retries": 0,
        "max_retries": 0,
        "drop_params": False,
    }


def test_what_is_not_asked_for_is_not_sent():
    found = arguments(key=None)

    assert not {"tools", "tool_choice", "response_format", "api_key", "api_base"} & set(found)


def test_litellm_cannot_change_the_request():
    asked = Request(
        model="m", messages=({"role": "user", "content": [{"type": "text", "text": "x"}]},)
    )

    found = call_arguments(asked, model(), None, frozenset())
    found["messages"][0]["content"][0]["text"] = "changed"

    assert asked.messages[0]["content"][0]["text"] == "x"


@pytest.mark.parametrize(
    "name",
    ["api_base", "base_url", "api_key", "n", "stream", "mock_response", "fallbacks", "client",
     "aws_access_key_id", "vertex_project", "azure_ad_token", "organization", "num_retries",
     "custom_llm_provider"],
)  # fmt: skip
def test_a_prompt_or_suite_cannot_redirect_a_request(name):
    asked = request(parameters={"temperature": 0, name: "x"})

    error = error_of(arguments, asked, owned=frozenset({"custom_llm_provider"}))

    assert error.kind == "bad_request"
    assert f"'{name}'" in error.message
    assert error.hint


def test_several_answers_are_asked_for_by_samples():
    assert "samples" in error_of(arguments, request(parameters={"n": 2})).hint


def test_a_models_options_cannot_replace_its_own_keys():
    error = error_of(arguments, of=model(options={"api_key": "x"}))

    assert error.kind == "bad_request"
    assert "'api_key'" in error.message


def test_the_providers_own_variable_holds_the_key():
    assert key_for(model(), "openai/gpt-4.1", {"OPENAI_API_KEY": " sk-1\n"}) == "sk-1"
    assert key_for(model("gemini/x"), "gemini/x", {"GOOGLE_API_KEY": "g"}) == "g"


@pytest.mark.parametrize("environment", [{}, {"OPENAI_API_KEY": ""}, {"ANTHROPIC_API_KEY": "x"}])
def test_a_missing_key_is_named(environment):
    error = error_of(key_for, model(), "openai/gpt-4.1", environment)

    assert error.kind == "auth"
    assert error.message == "there is no key for fast: OPENAI_API_KEY is not set"
    assert "set OPENAI_API_KEY" in error.hint


def test_a_host_gets_only_the_key_that_is_bound_to_it():
    environment = {"OPENAI_API_KEY": "theirs", "OUR_KEY": "ours"}
    bound = model(api_base="http://h", key="OUR_KEY")
    unbound = model(api_base="http://h")

    assert key_for(bound, bound.name, environment) == "ours"
    assert key_for(unbound, unbound.name, environment) == "llmops-no-key"
    assert error_of(key_for, bound, bound.name, {"OPENAI_API_KEY": "x"}).kind == "auth"


def test_a_provider_that_nobody_listed_is_asked_with_the_variable_of_its_name():
    known = model("newcomer/x")

    assert key_for(known, known.name, {"NEWCOMER_API_KEY": "n"}) == "n"
    assert key_for(known, known.name, {}) is None
    assert key_for(model("mystery"), "mystery", {"_API_KEY": "n"}) is None


def test_another_login_of_a_provider_is_left_to_litellm():
    claude = model("anthropic/claude-haiku-4-5")

    assert key_for(claude, claude.name, {"ANTHROPIC_AUTH_TOKEN": "t"}) is None
    assert key_for(model("ollama/llama3"), "ollama/llama3", {}) is None


@pytest.mark.parametrize("name", ["vertex_ai/gemini-2.5-flash", "sagemaker/x"])
def test_a_login_that_is_bound_to_no_host_goes_to_none(name):
    error = error_of(key_for, model(name, api_base="http://h"), name, {})

    assert error.kind == "bad_request"
    assert "api_base" in error.message


def test_a_cloud_login_is_replaced_where_no_key_is_bound():
    unbound = model("bedrock/x", api_base="http://h")
    asked = Request(model="bedrock/x", messages=())

    assert call_arguments(asked, unbound, "k", frozenset())["aws_secret_access_key"] != ""
    bound = model("bedrock/x", api_base="http://h", key="K")
    assert "aws_secret_access_key" not in call_arguments(asked, bound, "k", frozenset())


def test_googles_login_is_replaced_by_the_key_that_is_bound():
    of = model("vertex_ai/gemini-2.5-flash", api_base="http://h", key="K")
    asked = Request(model=of.name, messages=(), parameters={"extra_headers": {"x-a": "1"}})

    found = call_arguments(asked, of, "k", frozenset())

    assert found["extra_headers"] == {"x-a": "1", "Authorization": "Bearer k"}


def test_a_models_name_is_no_address():
    name = "huggingface/https://evil.example/x"

    assert error_of(key_for, model(name), name, {"HUGGINGFACE_API_KEY": "x"}).kind == "bad_request"
