import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.domain.completion import Completion
from llmops.domain.config import Model
from llmops.errors import InvalidInputError
from llmops.providers.keys import (
    CUT,
    REDACTED,
    key_variable,
    key_variables,
    parse_dotenv,
    provider_of,
    read_dotenv,
    redact,
    redact_cut,
    secrets_of,
    without_secrets,
)


def test_only_keys_and_our_own_names_are_read_from_a_dotenv_file():
    data = b"OPENAI_API_KEY=sk-1\nLLMOPS_CACHE=x\nOPENAI_BASE_URL=http://evil\nHTTP_PROXY=y\n"

    found = parse_dotenv(data)

    assert found.values == {"OPENAI_API_KEY": "sk-1", "LLMOPS_CACHE": "x"}
    assert found.ignored == ("OPENAI_BASE_URL", "HTTP_PROXY")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("plain", "plain"),
        ("", ""),
        ("  spaced out  ", "spaced out"),
        ("value # a comment", "value"),
        ("a#b", "a#b"),
        ("# only a comment", ""),
        ("'single # $HOME \\n'", "single # $HOME \\n"),
        ('"double # \\n\\"quoted\\""', 'double # \n"quoted"'),
        ('"quoted" # a comment', "quoted"),
        ("${OTHER}", "${OTHER}"),
    ],
)
def test_a_value_is_read_as_written_and_nothing_in_it_is_expanded(written, value):
    assert read_dotenv(f"A_API_KEY={written}\n".encode()) == {"A_API_KEY": value}


def test_export_comments_blank_lines_and_a_byte_order_mark_are_understood():
    data = "\ufeff# keys\n\nexport A_API_KEY = 1\r\n".encode()

    assert read_dotenv(data) == {"A_API_KEY": "1"}


def test_every_line_that_is_none_is_complained_about_without_being_quoted():
    data = b"A_API_KEY=1\nsk-secret\nB_API_KEY='open\nC_API_KEY=\"open\n"

    with pytest.raises(InvalidInputError) as caught:
        read_dotenv(data)

    assert [str(fault.at) for fault in caught.value.faults] == [
        ".env:2:1",
        ".env:3:1",
        ".env:4:1",
    ]
    assert "sk-secret" not in str(caught.value)


def test_a_dotenv_file_in_another_encoding_is_refused():
    with pytest.raises(InvalidInputError, match="UTF-8"):
        read_dotenv("A_API_KEY=é".encode("latin-1"))


@pytest.mark.parametrize(
    "name",
    ["OPENAI_API_KEY", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "apikey", "MY_KEYS"],
)
def test_a_variable_is_secret_by_its_name(name):
    assert secrets_of({name: "abcdefgh"}) == ("abcdefgh",)


@pytest.mark.parametrize("name", ["HOME", "KEYBOARD", "TOKENIZERS_PARALLELISM", "SSH_AUTH_SOCK"])
def test_other_variables_are_no_secrets(name):
    assert secrets_of({name: "abcdefgh"}) == ()


def test_short_values_are_no_secrets_and_the_longest_comes_first():
    environment = {"A_KEY": "1234567", "B_KEY": "12345678", "C_KEY": "1234567890\n"}

    assert secrets_of(environment) == ("1234567890", "12345678")


@given(st.text(min_size=8), st.text(), st.text())
def test_a_redacted_text_holds_no_secret(secret, before, after):
    if secret in REDACTED:
        return

    text = redact(before + secret + after, [secret])

    assert secret not in text.replace(REDACTED, "\0")


def test_a_secret_is_found_inside_a_url_and_inside_json():
    secret = 'a/b"c+d=='

    assert redact('x a%2Fb%22c%2Bd%3D%3D {"k": "a\\/b\\"c+d=="}', [secret, ""]) == (
        f'x {REDACTED} {{"k": "{REDACTED}"}}'
    )


@pytest.mark.parametrize("ascii_", [True, False])
@pytest.mark.parametrize("secret", ['p4ss/w"rd-12345', "geheim-äöü-12345", "back\\slash-12345"])
def test_a_completion_that_echoes_headers_holds_no_secret(secret, ascii_):
    echoed = json.dumps({"authorization": secret}, ensure_ascii=ascii_)

    clean = without_secrets(Completion(text=f"Seen: {echoed}.", model=secret), [secret])

    assert clean.model == REDACTED
    assert clean.text == f'Seen: {{"authorization": "{REDACTED}"}}.'


@pytest.mark.parametrize("length", range(4, 17))
def test_a_secret_that_was_cut_off_is_not_shown_as_far_as_it_goes(length):
    secret = "sk-0123456789abcdef"
    message = f"the server answered 400: the key is {secret[:length]}{CUT}"

    clean = redact_cut(message, ["another-secret", secret])

    assert clean == f"the server answered 400: the key is {REDACTED}{CUT}"
    assert redact_cut("the key is sk-0123", [secret]) == "the key is sk-0123"


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (Model(label="m", name="openai/gpt-4.1"), ("OPENAI_API_KEY",)),
        (Model(label="m", name="gpt-4.1"), ("OPENAI_API_KEY",)),
        (Model(label="m", name="o3-mini"), ("OPENAI_API_KEY",)),
        (Model(label="m", name="claude-haiku-4-5"), ("ANTHROPIC_API_KEY",)),
        (Model(label="m", name="gemini/x"), ("GEMINI_API_KEY", "GOOGLE_API_KEY")),
        (Model(label="m", name="ollama/llama3"), ()),
        (Model(label="m", name="unheard-of"), ()),
        (Model(label="m", name="openai/x", api_base="http://h"), ()),
        (Model(label="m", name="openai/x", api_base="http://h", key="OUR_KEY"), ("OUR_KEY",)),
        (Model(label="m", name="openai/x", via="scripted"), ()),
    ],
)
def test_the_variable_that_holds_a_models_key(model, names):
    assert key_variables(model) == names
    assert key_variable(model) == (names[0] if names else None)


def test_a_provider_stands_before_the_first_slash():
    assert provider_of("openrouter/openai/gpt-4.1") == "openrouter"
    assert provider_of("mystery") == ""
