import asyncio
import gzip
import json

import pytest

from llmops.domain.node import Node, Text, plain
from llmops.domain.suite import HttpTarget
from llmops.errors import ProviderError
from llmops.loading.nodes import parse_yaml
from llmops.location import Location
from llmops.providers.addresses import is_refused
from llmops.providers.http import HttpApplication
from loopback import HANG, RESET, reply

AT = Location("suites/s.yaml", 3, 9)
CANARY = "canary-0123456789"


def render(template, inputs):
    """Fill `{{ name }}` in a text, or in every text inside a node."""

    def fill(value):
        if isinstance(value, str):
            for name, inner in inputs.items():
                value = value.replace("{{ " + name + " }}", str(inner))
            return value
        if isinstance(value, dict):
            return {key: fill(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [fill(inner) for inner in value]
        return value

    return fill(template.text) if isinstance(template, Text) else fill(plain(template.value))


def node(text: str) -> Node:
    return parse_yaml(text.encode(), "suites/s.yaml")


def application(url, allowed=None, **rest):
    return HttpApplication(HttpTarget(url=Text(url, AT), **rest), render, allowed)


def call(target, **inputs):
    async def run():
        try:
            return await target.call(inputs)
        finally:
            await target.close()

    return asyncio.run(run())


def error_of(target, **inputs):
    with pytest.raises(ProviderError) as caught:
        call(target, **inputs)
    return caught.value


def test_the_inputs_are_the_body_when_none_is_given(server):
    server.says(200, b"hello")

    completion = call(application(f"{server.url}/ask"), text="größe", n=3)

    assert completion.text == "hello"
    assert completion.output is None
    seen = server.seen[0]
    assert (seen.method, seen.path) == ("POST", "/ask")
    assert seen.json == {"text": "größe", "n": 3}
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["accept-encoding"] == "identity"


def test_url_headers_and_body_are_templates(server):
    server.says(200, b"ok")

    call(
        application(
            server.url + "/{{ tenant }}/ask?q={{ text }}",
            method="PUT",
            headers=node("{X-Tenant: '{{ tenant }}', Content-Type: application/vnd.x+json}"),
            body=node("{question: '{{ text }}', options: {limit: 3, tags: ['{{ tenant }}']}}"),
        ),
        tenant="acme",
        text="a b",
    )

    seen = server.seen[0]
    assert (seen.method, seen.path) == ("PUT", "/acme/ask?q=a+b")
    assert seen.headers["x-tenant"] == "acme"
    assert seen.headers["content-type"] == "application/vnd.x+json"
    assert seen.json == {"question": "a b", "options": {"limit": 3, "tags": ["acme"]}}


def test_a_get_has_no_body_unless_one_is_given(server):
    server.says(200, b"ok")

    call(application(server.url, method="get"), text="x")

    assert server.seen[0].body == b""


@pytest.mark.parametrize(
    ("path", "text", "output"),
    [
        ("choices.0.text", "hi", None),
        ("choices.1", '{"n": 1}', {"n": 1}),
        ("choices", '[{"text": "hi"}, {"n": 1}]', [{"text": "hi"}, {"n": 1}]),
    ],
)
def test_the_output_is_picked_by_a_path(server, path, text, output):
    server.says(200, {"choices": [{"text": "hi"}, {"n": 1}]})

    completion = call(application(server.url, output=path))

    assert (completion.text, completion.output) == (text, output)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("choice.0", "the answer has no 'choice.0': where 'choice' should be there is choices"),
        ("choices.7", "the answer has no 'choices.7': where '7' should be there is 0"),
        ("choices.0.x", "the answer has no 'choices.0.x': where 'x' should be there is nothing"),
    ],
)
def test_a_path_that_leads_nowhere_says_what_is_there(server, path, message):
    server.says(200, {"choices": ["hi"]})

    error = error_of(application(server.url, output=path))

    assert (error.kind, error.message) == ("bad_response", message)
    assert error.faults[0].at == AT


@pytest.mark.parametrize("body", [b"<html>", b"[" * 100_000, b'{"a": NaN}'])
def test_a_path_into_what_is_no_json_is_a_bad_response(server, body):
    server.says(200, body)

    assert error_of(application(server.url, output="a")).kind == "bad_response"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "bad_request"), (401, "auth"), (404, "not_found"), (429, "rate_limited"),
     (500, "server"), (503, "server"), (504, "timeout")],
)  # fmt: skip
def test_a_status_has_its_kind(server, status, kind):
    server.says(status, b"\xff words", {"retry-after": "2"})

    error = error_of(application(server.url))

    assert (error.kind, error.status, error.retry_after) == (kind, status, 2.0)
    assert "words" in error.message


def test_a_redirect_is_not_followed(server):
    server.says(302, b"", {"location": "http://169.254.169.254/latest"})

    error = error_of(application(server.url))

    assert error.kind == "bad_request"
    assert "redirects to http://169.254.169.254/latest" in error.message
    assert len(server.seen) == 1


def test_text_that_is_not_utf8_is_a_bad_response(server):
    server.says(200, b"\xff")

    assert error_of(application(server.url)).kind == "bad_response"


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        ([RESET], "network"),
        ([reply(200, b"x" * 100)[0][:-10], RESET], "network"),
        ([HANG], "timeout"),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", *[b"x", 0.1] * 100], "timeout"),
        ([b"no HTTP at all\r\n\r\n"], "network"),
        (reply(200, b"x" * 9_000_000), "too_large"),
        (reply(200, b"words", {"content-encoding": "gzip"}), "bad_response"),
        (reply(200, b"words", {"content-encoding": "br"}), "bad_response"),
    ],
    ids=["reset", "cut", "hang", "drip", "garbage", "huge", "no gzip", "brotli"],
)
def test_a_broken_server_ends_as_a_typed_error(server, steps, kind):
    server.answer = lambda _seen: steps

    patience = 0.5 if kind == "timeout" else 60

    assert error_of(application(server.url, timeout=patience)).kind == kind


def test_a_gzip_bomb_is_never_unpacked(server):
    bomb = gzip.compress(b"\0" * 50_000_000, 6)
    server.says(200, bomb, {"content-encoding": "gzip"})

    assert error_of(application(server.url, timeout=60)).kind == "too_large"


def test_gzip_is_unpacked(server):
    server.says(200, gzip.compress(b"hello"), {"content-encoding": "gzip"})

    assert call(application(server.url)).text == "hello"


def test_nobody_listening_is_a_network_error():
    error = error_of(application("http://127.0.0.1:9/"))

    assert error.kind == "network"
    assert error.hint == "is the application running?"


def test_a_name_that_does_not_exist_is_a_network_error():
    assert error_of(application("http://no-such-host.invalid/")).kind == "network"


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "host/x", "http://", "http://host:port/", "http://[::1"]
)
def test_what_is_no_http_address_is_refused(url):
    error = error_of(application(url))

    assert error.kind == "bad_request"
    assert error.faults[0].at == AT


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[fe80::1]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "0.0.0.0",
        "224.0.0.1",
        "0xa9.0xfe.0xa9.0xfe",
    ],
)
def test_link_local_and_metadata_addresses_are_never_asked(host):
    error = error_of(application(f"http://{host}/latest/meta-data", timeout=5))

    assert error.kind == "bad_request"
    assert "link-local or metadata" in error.message


@pytest.mark.parametrize("host", ["2852039166", "169.254.43518", "0251.0376.0251.0376"])
def test_an_address_in_disguise_is_not_asked_either(host):
    assert error_of(application(f"http://{host}/latest", timeout=5)).kind == "bad_request"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "8.8.8.8", "no-address"])
def test_other_addresses_are_allowed(address):
    assert not is_refused(address)


def test_a_name_of_this_machine_is_asked(server):
    server.says(200, b"ok")

    assert call(application(server.url.replace("127.0.0.1", "localhost"))).text == "ok"


def test_a_header_takes_only_allowed_variables(server):
    server.says(200, b"ok")
    headers = node("{Authorization: 'Bearer ${APP_KEY}', X-Two: '${APP_KEY} ${OTHER}'}")

    call(application(f"{server.url}/", {"APP_KEY": CANARY, "OTHER": "b"}, headers=headers))

    assert server.seen[0].headers["authorization"] == f"Bearer {CANARY}"
    assert server.seen[0].headers["x-two"] == f"{CANARY} b"


def test_a_variable_that_is_not_allowed_is_named_and_nothing_is_sent(server):
    headers = node("Authorization: Bearer ${OPENAI_API_KEY}")

    error = error_of(application(f"{server.url}/", {"APP_KEY": CANARY}, headers=headers))

    assert error.kind == "auth"
    assert "${OPENAI_API_KEY}" in error.message
    assert str(error.faults[0].at) == "suites/s.yaml:1:16"
    assert server.seen == []


def test_an_input_cannot_ask_for_a_variable(server):
    server.says(200, b"ok")
    headers = node("X-Text: 'key ${APP_KEY}, text {{ text }}'")

    call(application(f"{server.url}/", {"APP_KEY": CANARY}, headers=headers), text="${APP_KEY}")

    assert server.seen[0].headers["x-text"] == f"key {CANARY}, text ${{APP_KEY}}"


def test_an_input_cannot_take_the_request_elsewhere(server):
    target = application("http://127.0.0.1:9{{ path }}", {"APP_KEY": CANARY})
    static = application("http://127.0.0.1:9/", {"APP_KEY": CANARY})

    assert error_of(target, path="@localhost/").kind == "network"
    assert error_of(static, path="x").kind == "network"


def test_a_host_from_a_template_gets_no_variable(server):
    headers = node("Authorization: Bearer ${APP_KEY}")
    target = application("http://{{ host }}/", {"APP_KEY": CANARY}, headers=headers)

    error = error_of(target, host=server.url.removeprefix("http://"))

    assert error.kind == "auth"
    assert server.seen == []


def test_a_template_that_renders_to_another_host_is_refused(server):
    elsewhere = Text(f"{server.url}/{{{{ path }}}}", AT)
    target = HttpApplication(
        HttpTarget(url=elsewhere), lambda _template, _inputs: "http://127.0.0.1:9/"
    )

    error = error_of(target, path="x")

    assert error.kind == "bad_request"
    assert "changes the host" in error.message


def test_a_header_stays_on_one_line(server):
    headers = node("X-Text: '{{ text }}'")

    error = error_of(application(server.url, headers=headers), text="a\r\nX-Evil: 1")

    assert error.kind == "bad_request"
    assert server.seen == []


def test_an_allowed_key_that_the_server_echoes_is_in_no_error(server):
    server.says(500, json.dumps({"error": {"message": f"you sent {CANARY}"}}).encode())
    headers = node("Authorization: Bearer ${APP_KEY}")

    error = error_of(application(f"{server.url}/", {"APP_KEY": CANARY}, headers=headers))

    assert CANARY not in str(error)
    assert "[redacted]" in error.message


def test_cookies_of_one_case_are_not_sent_with_the_next(server):
    server.says(200, b"ok", {"set-cookie": "session=1; path=/"})
    target = application(server.url.replace("127.0.0.1", "localhost"))

    async def twice():
        await target.call({})
        await target.call({})
        await target.close()

    asyncio.run(twice())

    assert all("cookie" not in seen.headers for seen in server.seen)
    assert len(server.seen) == 2


def test_an_application_that_was_never_asked_has_nothing_to_close():
    asyncio.run(application("http://127.0.0.1:9/").close())
