import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import llmops
from llmops.errors import InvalidInputError, ProviderError
from llmops.location import COMMAND_LINE, Location
from llmops.versions.bundle import Wanted, make_bundle
from llmops.versions.loaded import _CLIENT_KNOWS
from llmops.workflows.opening.project import Surroundings, open_project, open_versions
from llmops.workflows.render import render
from loopback import Loopback, chat, listening

Git = Callable[..., str]
Write = Callable[[Mapping[str, str]], Path]

CONFIG = """\
models:
  fast: {model: openai/gpt-4.1-mini, parameters: {temperature: 0.7}}
  ours: {model: openai/our-llama, api_base: "http://127.0.0.1:8/v1", key: OUR_API_KEY}
  open: {model: openai/our-llama, api_base: "http://127.0.0.1:8/v1"}
  tape: {model: openai/gpt-4.1-mini, via: recorded}
"""
REPLY = """\
version: 1.3.0
description: Answers.
model: fast
parameters: {temperature: 0.2, max_tokens: 400, top_k: 5}
inputs:
  email: {type: string}
  tone: {enum: [formal, friendly], default: friendly}
messages:
  - {role: system, content: "Be {{ tone }}. {% include 'partials/policy.md' %}"}
  - {placeholder: history}
  - {role: user, content: "{{ email }}"}
tools:
  - {type: function, function: {name: find_order, parameters: {type: object, properties: {}}}}
tool_choice: auto
output: {format: json, schema: {type: object, properties: {a: {type: string}}}}
metadata: {owner: support}
"""
FILES = {
    "llmops.yaml": CONFIG,
    "prompts/support/reply.yaml": REPLY,
    "prompts/partials/policy.md": "Refunds take 5 days.",
    "prompts/plain.yaml": "user: Hello.\n",
    "prompts/claude.yaml": "model: anthropic/claude-haiku-4-5\nuser: Hello.\n",
    "prompts/our.yaml": "model: ours\nuser: Hello.\n",
    "prompts/open.yaml": "model: open\nuser: Hello.\n",
    "prompts/tape.yaml": "model: tape\nuser: Hello.\n",
    "prompts/many.yaml": "model: fast\nparameters: {n: 2}\nuser: Hello.\n",
    "prompts/spelt.yaml": "inputs: {class: {}, given: {}}\nuser: '{{ class }}{{ given }}'\n",
    "suites/.keep": "",
}


@pytest.fixture(autouse=True)
def always_nobody(nobody: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git here knows nobody's configuration, and no bundle is set."""
    monkeypatch.delenv("LLMOPS_BUNDLE", raising=False)


@pytest.fixture
def folder(write: Write) -> Path:
    """A project that is in no repository."""
    return write(FILES)


def bundle_of(folder: Path, *, dirty: bool = True) -> Path:
    versions = open_versions(Surroundings(folder=folder, environment={}))
    path = folder / "bundle.json"
    path.write_text(make_bundle(versions, Wanted(at=COMMAND_LINE, dirty=dirty)), encoding="utf-8")
    return path


@pytest.fixture
def parrot() -> Iterator[Loopback]:
    """A loopback model that says yes."""
    with listening(lambda _seen: chat("yes")) as server:
        yield server


def test_a_prompt_of_the_work_tree_is_loaded(folder: Path):
    prompt = llmops.load_prompt("support/reply", project=folder / "prompts")

    assert (prompt.name, prompt.version, prompt.commit) == ("support/reply", "1.3.0", None)
    assert prompt.model == "openai/gpt-4.1-mini"
    assert prompt.parameters == {"temperature": 0.7, "max_tokens": 400, "top_k": 5}
    assert (prompt.description, prompt.metadata) == ("Answers.", {"owner": "support"})
    assert {name: (one.required, one.default) for name, one in prompt.inputs.items()} == {
        "email": (True, None),
        "tone": (False, "friendly"),
        "history": (False, []),
    }


def test_values_are_inserted_once_and_never_rendered(folder: Path):
    prompt = llmops.load_prompt("support/reply", project=folder)

    rendered = prompt.render(
        {"history": [{"role": "user", "content": "{{ 1 }}"}]}, email="{{ 7*7 }}", tone="formal"
    )

    assert rendered.messages == [
        {"role": "system", "content": "Be formal. Refunds take 5 days."},
        {"role": "user", "content": "{{ 1 }}"},
        {"role": "user", "content": "{{ 7*7 }}"},
    ]


def test_names_that_python_has_taken_can_be_given(folder: Path):
    prompt = llmops.load_prompt("spelt", project=folder)

    assert prompt.render({"class": 1}, given=2).messages[0]["content"] == "12"
    assert prompt.render({"class": 2, "given": 0}, given=1).messages[0]["content"] == "21"


def test_two_loads_of_one_content_are_equal_and_say_what_they_are(folder: Path):
    one, other = (llmops.load_prompt("our", project=folder) for _ in range(2))

    assert one == other
    assert one.content_hash in repr(one)
    assert "OUR_API_KEY" not in repr(one)


def test_messages_are_copies(folder: Path):
    rendered = llmops.load_prompt("support/reply", project=folder).render(email="Hi")

    rendered.messages.clear()
    rendered.for_litellm()["messages"][0]["content"] = "changed"
    rendered.for_openai()["tools"].clear()

    assert "changed" not in str(rendered.messages)
    assert len(rendered.for_openai()["tools"]) == 1


def test_what_is_asked_is_what_render_shows(folder: Path):
    opened = open_project(Surroundings(folder=folder, environment={}))
    shown = render(opened, "support/reply", {"email": "Hi"}, {}).request.as_json()

    arguments = llmops.load_prompt("support/reply", project=folder).render(email="Hi").for_litellm()

    same = ("messages", "tools", "tool_choice", "response_format")
    assert {name: arguments[name] for name in same} == {name: shown[name] for name in same}
    assert {**shown["parameters"], "temperature": 0.7}.items() <= arguments.items()
    assert set(arguments) == {*same, *shown["parameters"], "model"}


def test_openais_client_takes_what_is_made_for_it(folder: Path, parrot: Loopback):
    import openai

    arguments = llmops.load_prompt("support/reply", project=folder).render(email="Hi").for_openai()

    with openai.OpenAI(base_url=f"{parrot.url}/v1", api_key="sk-none") as client:
        answer = client.chat.completions.create(**arguments)

    asked = parrot.seen[0].json
    assert answer.choices[0].message.content == "yes"
    assert (asked["model"], asked["top_k"]) == ("gpt-4.1-mini", 5)
    assert asked["messages"] == arguments["messages"]
    assert asked["response_format"] == arguments["response_format"]


def test_every_parameter_given_by_name_is_one_that_openais_client_knows():
    from openai.resources.chat.completions import Completions

    assert set(inspect.signature(Completions.create).parameters) >= _CLIENT_KNOWS


def test_extra_bodies_are_put_together(write: Write):
    text = "model: openai/a\nparameters: {top_k: 1, extra_body: {b: 2}}\nuser: Hello.\n"
    root = write({"llmops.yaml": "", "prompts/a.yaml": text})

    arguments = llmops.load_prompt("a", project=root).render().for_openai()

    assert arguments["extra_body"] == {"top_k": 1, "b": 2}
    assert "top_k" not in arguments


def test_another_providers_model_is_no_model_of_openais_client(folder: Path):
    rendered = llmops.load_prompt("claude", project=folder).render()

    with pytest.raises(InvalidInputError, match=r"other-provider.*\n.*for_litellm"):
        rendered.for_openai()

    assert rendered.for_openai(model="gpt-4.1")["model"] == "gpt-4.1"
    assert rendered.for_litellm()["model"] == "anthropic/claude-haiku-4-5"
    assert rendered.for_litellm(model="openai/gpt-4.1")["model"] == "openai/gpt-4.1"


@pytest.mark.parametrize(("name", "code"), [("plain", "no-model"), ("tape", "no-live-model")])
def test_a_prompt_that_no_model_can_answer_is_refused(folder: Path, name: str, code: str):
    rendered = llmops.load_prompt(name, project=folder).render()

    for make in (rendered.for_litellm, rendered.for_openai):
        with pytest.raises(InvalidInputError, match=code):
            make()
        assert make(model="gpt-4.1")["model"] == "gpt-4.1"


def test_a_host_gets_the_key_that_is_bound_to_it_and_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    monkeypatch.delenv("OUR_API_KEY", raising=False)
    bound = llmops.load_prompt("our", project=folder).render()
    unbound = llmops.load_prompt("open", project=folder).render()

    with pytest.raises(ProviderError, match="OUR_API_KEY"):
        bound.for_litellm()
    monkeypatch.setenv("OUR_API_KEY", "sk-ours")

    assert bound.for_litellm()["api_key"] == "sk-ours"
    assert bound.for_litellm()["api_base"] == "http://127.0.0.1:8/v1" == bound.prompt.api_base
    assert unbound.for_litellm()["api_key"] == "llmops-no-key"
    assert not {"api_key", "api_base"} & {
        *bound.for_openai(),
        *bound.for_litellm(model="openai/gpt-4.1"),
    }


def test_a_parameter_that_no_prompt_may_set_is_refused(folder: Path):
    rendered = llmops.load_prompt("many", project=folder).render()

    with pytest.raises(ProviderError, match="'n' cannot be a parameter"):
        rendered.for_openai()


def test_one_broken_file_does_not_break_the_others(folder: Path):
    (folder / "prompts/broken.yaml").write_text("user: [")
    (folder / "suites/broken.yaml").write_text("cases: [")

    assert llmops.load_prompt("plain", project=folder).render().messages
    with pytest.raises(llmops.LlmopsError, match=r"prompts/broken\.yaml:2:"):
        llmops.load_prompt("broken", project=folder)


def test_a_prompt_that_cannot_be_rendered_is_refused_when_it_is_loaded(folder: Path):
    (folder / "prompts/plain.yaml").write_text("user: 'Hello {{ nobody }}.'\n")

    with pytest.raises(InvalidInputError, match=r"prompts/plain\.yaml:1:.*undeclared-input"):
        llmops.load_prompt("plain", project=folder)


def test_wrong_inputs_are_said_with_their_place(folder: Path):
    prompt = llmops.load_prompt("support/reply", project=folder)

    with pytest.raises(InvalidInputError) as error:
        prompt.render(emial="Hi", tone="rude")

    assert sorted(fault.code for fault in error.value.faults) == [
        "missing-input",
        "unknown-input",
        "wrong-input",
    ]
    assert all(fault.at.path == "prompts/support/reply.yaml" for fault in error.value.faults)


def test_a_changed_file_is_read_again_and_a_loaded_prompt_stays(folder: Path):
    before = llmops.load_prompt("plain", project=folder)
    file = folder / "prompts/plain.yaml"
    status = file.stat()
    file.write_text("user: Salut.\n")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))

    after = llmops.load_prompt("plain", project=folder)

    assert before.render().messages[0]["content"] == "Hello."
    assert after.render().messages[0]["content"] == "Salut."
    assert before.content_hash != after.content_hash


def test_the_current_folder_is_the_project_unless_it_says_otherwise(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(folder / "prompts")

    assert llmops.load_prompt("plain").name == "plain"


def test_no_project_is_said_with_the_folder(tmp_path: Path):
    with pytest.raises(InvalidInputError, match="no-project") as error:
        llmops.load_prompt("plain", project=tmp_path / "home")

    assert str(tmp_path / "home") in str(error.value)
    assert "LLMOPS_BUNDLE" in str(error.value)


def test_a_name_that_is_none_has_no_place(folder: Path):
    with pytest.raises(InvalidInputError) as error:
        llmops.load_prompt("plian", project=folder)

    assert error.value.faults[0].at != Location("load_prompt")
    assert "did you mean 'plain'?" in str(error.value)


def test_a_version_is_read_from_git(folder: Path, git: Git):
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=First")
    first = git(folder, "rev-parse", "HEAD").strip()
    text = REPLY.replace("1.3.0", "1.4.0")
    (folder / "prompts/support/reply.yaml").write_text(text)
    (folder / "prompts/partials/policy.md").write_text("Refunds take 9 days.")
    (folder / "prompts/labels.yaml").write_text("support/reply: {production: 1.3.0}\n")

    for ref in ("1.3.0", "production", "main", first[:9]):
        prompt = llmops.load_prompt(f"support/reply@{ref}", project=folder)

        assert (prompt.name, prompt.version, prompt.commit) == ("support/reply", "1.3.0", first)
        assert "5 days" in prompt.render(email="Hi").messages[0]["content"]
    with pytest.raises(InvalidInputError, match="unknown-ref") as error:
        llmops.load_prompt("support/reply@2.0.0", project=folder)
    assert error.value.faults[0].at is None


def test_a_bundle_gives_the_same_request(folder: Path):
    path = bundle_of(folder)
    there = llmops.load_prompt("support/reply", project=folder)

    here = llmops.load_prompt("support/reply", bundle=path)

    assert here.content_hash == there.content_hash
    assert here.render(email="Hi").for_litellm() == there.render(email="Hi").for_litellm()
    assert llmops.load_prompt("support/reply@1.3.0", bundle=str(path)).version == "1.3.0"


def test_the_environment_names_a_bundle(folder: Path, monkeypatch: pytest.MonkeyPatch):
    path = bundle_of(folder)
    (folder / "prompts/plain.yaml").write_text("user: Changed.\n")
    monkeypatch.setenv("LLMOPS_BUNDLE", str(path))

    prompt = llmops.load_prompt("plain", project=folder)

    assert prompt.render().messages[0]["content"] == "Hello."


def test_a_bundle_needs_neither_git_nor_the_project(folder: Path, tmp_path: Path):
    path = bundle_of(folder)
    code = (
        "import sys, llmops\n"
        "before = [name for name in sys.modules if name.startswith('llmops.')]\n"
        f"prompt = llmops.load_prompt('support/reply@1.3.0', bundle={str(path)!r})\n"
        "print(before, prompt.render(email='Hi').for_openai()['model'], 'git' in sys.modules,\n"
        "      'litellm' in sys.modules)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": ""},
        cwd=tmp_path / "home",
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == "[] gpt-4.1-mini False False\n", done.stderr


def test_threads_may_share_a_prompt(folder: Path):
    prompt = llmops.load_prompt("support/reply", project=folder)

    def said(number: int) -> object:
        return prompt.render(email=f"{number}").messages[-1]["content"]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(said, range(200))) == [str(number) for number in range(200)]


def test_what_the_package_offers_is_there():
    assert {name for name in llmops.__all__ if not hasattr(llmops, name)} == set()
    assert set(llmops.__all__) <= set(dir(llmops))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        llmops.nothing  # noqa: B018 - reading it is what is tried


def test_the_public_face_is_typed(tmp_path: Path):
    program = tmp_path / "program.py"
    program.write_text(
        "import llmops\n\n"
        "prompt = llmops.load_prompt('a')\n"
        "reveal_type(prompt)\n"
        "reveal_type(prompt.render(a=1).for_openai())\n"
    )

    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", str(program)],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 'note: Revealed type is "llmops.versions.loaded.LoadedPrompt"' in done.stdout
    assert (
        'note: Revealed type is "dict[str, Any]"' in done.stdout or "builtins.dict" in done.stdout
    )


def test_the_programs_of_the_page_run(write: Write, git: Git, parrot: Loopback):
    page = (Path(__file__).parent.parent / "docs/production.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", page, re.M | re.S)
    shown = [text for language, text in blocks if language == "yaml"]
    files = {text.split()[1]: text for text in shown}
    labels = {"prompts/labels.yaml": "support/reply: {production: 1.3.0}\n"}
    root = write({**files, **labels})
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=First")
    program = "\n".join(text for language, text in blocks if language == "python")
    host = {"OPENAI_BASE_URL": f"{parrot.url}/v1", "OPENAI_API_KEY": "sk-none"}

    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **host, "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("yes 1.3.0 ")
    first, second = (seen.json for seen in parrot.seen)
    assert first["messages"] == second["messages"]
    assert first["temperature"] == second["temperature"] == 0
