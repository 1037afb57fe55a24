import json
from pathlib import Path

import pytest
from small_project import CONFIG, PROMPT, SUITE, Project, Run

CASES = "cases: [{id: a, inputs: {word: x}, assert: [{contains: x}]}]\n"
MARK = "from pathlib import Path\nPath('ran').write_text('')\n\ndef f(**_):\n    return True\n"


def event(head: object) -> str:
    return json.dumps(
        {"pull_request": {"head": {"repo": head}, "base": {"repo": {"full_name": "us/it"}}}}
    )


def test_all_that_would_run_code_is_named_at_once_and_none_of_it_runs(
    project: Project, run: Run
) -> None:
    folder = project(
        {
            "own.py": MARK,
            "suites/chosen.yaml": SUITE.replace(
                "{contains: red}", "{python: 'own.py:f'}, {any_of: [{python: 'own.py:g'}]}"
            ),
            "suites/command.yaml": "target: {exec: [touch, ran]}\n" + CASES,
            "suites/function.yaml": "target: {python: 'own.py:f'}\n" + CASES,
            "suites/web.yaml": "target: {http: {url: 'http://127.0.0.1:1/'}}\n" + CASES,
        }
    )

    done, linted = run("test", "--untrusted"), run("lint", "--untrusted")

    assert done.code == linted.code == 2
    for place in ("command.yaml:1:9", "function.yaml:1:9", "web.yaml:1:9"):
        assert f"suites/{place}" in done.err
        assert f"suites/{place}" in linted.err
    assert done.err.count("suites/chosen.yaml:5:") == 2
    assert done.err.count("[untrusted]") == 5
    assert not (folder / "ran").exists()


@pytest.mark.parametrize(
    "command",
    [["test"], ["lint"], ["prompts"], ["models"], ["suites"], ["show", "say"], ["record"]],
)
def test_every_plug_in_and_every_key_that_is_sent_away_is_named(
    project: Project, run: Run, command: list[str]
) -> None:
    ours = "  ours: {model: openai/x, api_base: 'http://127.0.0.1:1/v1', key: OUR_API_KEY}\n"
    folder = project(
        {
            "llmops.yaml": CONFIG + ours + "plugins: [bad_one, bad_two]\n",
            "bad_one.py": MARK,
            "bad_two.py": MARK,
        }
    )

    done = run(*command, "--untrusted")

    assert done.code == 2
    assert "bad_one" in done.err
    assert "bad_two" in done.err
    assert "llmops.yaml:3:3: the model 'ours' sends the key OUR_API_KEY" in done.err
    assert not (folder / "ran").exists()


def test_the_scorers_of_plug_ins_are_listed_only_when_trusted(project: Project, run: Run) -> None:
    folder = project({"llmops.yaml": CONFIG + "plugins: [listed_plugin]\n"})
    (folder / "listed_plugin.py").write_text(MARK, encoding="utf-8")

    untrusted = run("scorers", "--untrusted")
    ran_untrusted = (folder / "ran").exists()
    trusted = run("scorers")

    assert untrusted.code == trusted.code == 0
    assert not ran_untrusted
    assert (folder / "ran").exists()


@pytest.mark.parametrize(
    ("name", "payload", "trusted"),
    [
        ("push", None, True),
        ("pull_request", event({"full_name": "us/it"}), True),
        ("pull_request", event({"full_name": "them/it"}), False),
        ("pull_request", event(None), False),
        ("pull_request", "no json", False),
        ("pull_request", None, False),
        ("pull_request_review", event({"full_name": "them/it"}), False),
        ("pull_request_target", event({"full_name": "us/it"}), False),
        ("issue_comment", None, False),
        ("workflow_run", None, False),
    ],
)
def test_events_with_files_of_strangers_make_a_run_untrusted(
    project: Project,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    payload: str | None,
    trusted: bool,
) -> None:
    folder = project()
    if payload is not None:
        (folder / "event.json").write_text(payload, encoding="utf-8")
    monkeypatch.setenv("GITHUB_EVENT_NAME", name)
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(folder / "event.json"))

    done = run("test", "--json")

    assert done.code == 0
    assert json.loads(done.out)["header"].get("untrusted", False) is not trusted


def test_an_untrusted_run_follows_no_link(project: Project, run: Run, tmp_path: Path) -> None:
    folder = project()
    (folder / "notes.txt").write_text("green", encoding="utf-8")
    (folder / "linked.txt").symlink_to(folder / "notes.txt")
    suite = SUITE.replace("{word: red}", "{word: {file: linked.txt}}").replace("red}", "green}")
    (folder / "suites/say.yaml").write_text(suite, encoding="utf-8")

    trusted, untrusted = run("test"), run("test", "--untrusted")

    assert trusted.code == 0
    assert untrusted.code == 2
    assert "[symlink]" in untrusted.err
    assert "suites/say.yaml:4:" in untrusted.err


def test_an_untrusted_run_makes_no_cache_and_reads_no_keys(
    project: Project, run: Run, parrot: str
) -> None:
    config = f"models: {{echo: {{model: openai/parrot, api_base: '{parrot}'}}}}\n"
    folder = project({"llmops.yaml": config, ".env": "this is no line of a .env file\n"})

    untrusted, trusted = run("test", "--untrusted"), run("test")

    assert untrusted.code == 0
    assert "untrusted" in untrusted.out
    assert [path.name for path in (folder / ".llmops").iterdir()] == ["runs"]
    assert trusted.code == 2
    assert ".env:1:1" in trusted.err


def test_the_env_file_gives_keys_and_nothing_else(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    env = "OPENAI_API_KEY='canary-1234567890'\nOPENAI_BASE_URL=http://evil.example\n"
    folder = project({".env": env, "prompts/say.yaml": PROMPT.replace("echo", "openai/gpt-x")})

    (model,) = [m for m in json.loads(run("models", "--json").out) if m["label"] != "echo"]
    doctor, untrusted = run("doctor"), run("doctor", "--untrusted")

    assert model["key_set"] is True
    assert model["api_base"] is None
    assert "OPENAI_API_KEY is set" in doctor.out
    assert "OPENAI_API_KEY is not set" in untrusted.out
    assert "canary" not in doctor.out + doctor.err
    assert not (folder / ".llmops").exists()
