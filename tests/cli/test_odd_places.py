import json
import subprocess
from pathlib import Path

import pytest
from small_project import CONFIG, PROMPT, SUITE, Project, Run

from llmops.workflows.init import VERSIONS


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@t")
    return subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def states(run: Run) -> dict[str, str]:
    return {check["name"]: check["state"] for check in json.loads(run("doctor", "--json").out)}


def test_doctor_says_what_git_is_like(project: Project, run: Run) -> None:
    folder = project()
    outside = run("doctor")
    git(folder, "init", "--quiet")
    unborn = run("doctor")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "one")
    clean = run("doctor")
    (folder / "more.txt").write_text("more", encoding="utf-8")

    dirty = run("doctor")

    assert "this folder is in no repository" in outside.out
    assert "no commit yet" in unborn.out
    assert "with changes" not in clean.out
    assert ", with changes" in dirty.out
    assert outside.code == unborn.code == clean.code == dirty.code == 0


def test_doctor_and_a_run_go_on_where_git_refuses(project: Project, run: Run) -> None:
    folder = project()
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "one")
    (folder / ".git" / "index").write_bytes(b"this is no index of git")

    assert states(run)["git"] == "warning"
    assert run("test").code == 0


def test_doctor_and_a_run_go_on_without_git(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    project()
    monkeypatch.setenv("PATH", "/nowhere")

    doctor, tested, linted = run("doctor"), run("test"), run("lint")

    assert "git is not installed" in doctor.out
    assert doctor.code == tested.code == linted.code == 0


def test_an_unwritable_folder_has_its_own_words(project: Project, run: Run) -> None:
    folder = project({".llmops": "a file where a folder is wanted\n"})

    doctor, tested = run("doctor"), run("test")
    schema, cleared = run("schema", "--write"), run("cache", "--clear")

    assert "cannot be written" in doctor.out
    assert [tested.code, schema.code, cleared.code] == [3, 3, 3]
    assert "the run cannot be kept" in tested.err
    assert "cannot be written" in schema.err
    assert "[cache-not-written]" in cleared.err
    assert (folder / ".llmops").is_file()


def test_a_cache_that_cannot_be_opened_is_said_once_and_stops_nothing(
    project: Project, run: Run, parrot: str
) -> None:
    config = f"models: {{echo: {{model: openai/parrot, api_base: '{parrot}'}}}}\n"
    folder = project({"llmops.yaml": config})
    (folder / ".llmops" / "cache.db").mkdir(parents=True)

    done = run("test")

    assert done.code == 0
    assert done.err.count("going on without") == 1


def test_where_no_project_is_nothing_is_green(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    tested, linted = run("test"), run("lint")
    listed = [run(command) for command in ("prompts", "models", "runs", "cache")]

    assert tested.code == 5
    assert linted.code == 2
    assert "[no-project]" in linted.err
    assert [done.out for done in listed] == [""] * 4
    assert all(done.err for done in listed)
    assert states(run)["project"] == "warning"
    assert [json.loads(run(c, "--json").out) for c in ("prompts", "models", "runs")] == [[]] * 3


def test_a_folder_that_is_gone_has_its_own_words(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    done, laid = run("test"), run("init", "x")
    monkeypatch.chdir(tmp_path)

    assert done.code == laid.code == 3
    assert "[no-folder]" in done.err
    assert "[not-written]" in laid.err


def test_init_overwrites_nothing_and_goes_on(run: Run, tmp_path: Path) -> None:
    (tmp_path / "llmops.yaml").write_text("# mine\n", encoding="utf-8")
    (tmp_path / ".gitignore").mkdir()

    done = run("init", str(tmp_path))

    assert done.code == 0
    assert (tmp_path / "llmops.yaml").read_text("utf-8") == "# mine\n"
    assert "llmops.yaml: it is there already" in done.err
    assert "wrote prompts/summary.yaml" in done.out


def test_init_says_what_stands_in_its_way(run: Run, tmp_path: Path) -> None:
    (tmp_path / "prompts").write_text("a file", encoding="utf-8")

    inside, below = run("init", str(tmp_path)), run("init", str(tmp_path / "prompts" / "deeper"))

    assert inside.code == below.code == 3
    assert "[not-written]" in inside.err
    assert (tmp_path / "prompts").read_text("utf-8") == "a file"


def test_init_in_a_repository_leaves_the_commits_to_its_owner(run: Run, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")

    done = run("init", str(tmp_path / "below"))

    assert done.code == 0
    assert not (tmp_path / "below" / ".git").exists()
    assert git(tmp_path, "status", "--porcelain").strip() == "?? below/"


def test_init_needs_no_identity_and_asks_for_no_signature(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text("[commit]\n\tgpgSign = true\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    done = run("init", str(tmp_path / "mine"))

    assert done.code == 0
    claimed = git(tmp_path / "mine", "log", "-p", "--format=", "--", "prompts/summary.yaml")
    assert [f"+version: {version}" in claimed for version in VERSIONS] == [True, True]


def test_init_without_git_says_so(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    refused = run("init", str(tmp_path / "one"))
    plain = run("init", str(tmp_path / "two"), "--no-git")

    assert refused.code == 3
    assert "git is not installed" in refused.err
    assert plain.code == 0


def test_both_versions_of_the_starter_are_recorded_and_schemas_are_where_files_say(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("init", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    newer = run("test", "--replay")
    old = git(tmp_path, "show", "HEAD~1:prompts/summary.yaml")
    (tmp_path / "prompts/summary.yaml").write_text(old, encoding="utf-8")

    older = run("test", "--replay")

    assert newer.code == 0
    assert "3 passed" in newer.out
    assert older.code == 1
    assert "0 errors" in older.out
    for name in ("llmops.yaml", "prompts/summary.yaml", "suites/summary.yaml"):
        first = (tmp_path / name).read_text("utf-8").split("\n", 1)[0]
        assert (tmp_path / name).parent.joinpath(first.partition("$schema=")[2]).is_file()


def test_a_secret_in_git_is_placed_and_a_private_one_is_no_fault(
    project: Project, run: Run
) -> None:
    folder = project({".env": "X_API_KEY=abc\n"})
    outside = run("lint")
    git(folder, "init", "--quiet")
    untracked = run("lint")
    git(folder, "add", ".env")

    tracked = run("lint")

    assert outside.code == untracked.code == 0
    assert tracked.code == 2
    assert ".env:1:1: the file '.env' is in git [tracked-secret]" in tracked.err


def test_values_are_read_as_the_prompt_wants_them(project: Project, run: Run) -> None:
    inputs = "{word: {type: string}, n: {type: integer, default: 1}, any: {default: x}}"
    prompt = (
        f"model: echo\ninputs: {inputs}\n"
        'messages: [{role: user, content: "{{ word }}|{{ n + 1 }}|{{ any }}"}]\n'
    )
    project({"prompts/say.yaml": prompt, "suites/say.yaml": SUITE.replace("s: red", "s: '|'")})

    shown = run("render", "say", "-i", "word=1042", "-i", "n=4", "-i", "any=[1, 2]")
    tested = run("test", "--set", "inputs.word=1.20", "--set", "inputs.n=2", "--json")
    wrong = run("render", "say", "-i", "word=x", "-i", "n=many")

    assert "1042|5|[1, 2]" in shown.out
    (trial,) = json.loads(tested.out)["trials"]
    assert trial["exchanges"][0]["completion"]["text"] == "1.20|3|x"
    assert wrong.code == 2
    assert "'many'" in wrong.err


def test_all_of_a_request_is_shown(project: Project, run: Run) -> None:
    prompt = (
        "model: echo\ninputs: {history: {type: array}}\nparameters: {temperature: 0}\nmessages:\n"
        "  - {placeholder: history}\n"
        "  - {role: user, content: [{type: text, text: Hé}, {type: image, file: dot.png}]}\n"
    )
    folder = project({"prompts/say.yaml": prompt})
    (folder / "prompts" / "dot.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    said = [{"role": "assistant", "content": None, "tool_calls": [call]}]

    done = run("render", "say", "-i", f"history={json.dumps(said)}")

    assert done.code == 0, done.err
    assert '"text": "Hé"' in done.out
    assert 'tool_calls: [{"id": "1"' in done.out
    assert 'parameters: {"temperature": 0}' in done.out


@pytest.mark.parametrize("words", ["1e999", "nan", "Infinity", "9" * 5000])
def test_a_number_beyond_all_numbers_stays_text(project: Project, run: Run, words: str) -> None:
    project()

    done = run("test", "--param", f"top={words},2", "--json")

    arms = [trial["arm"]["parameters"]["top"] for trial in json.loads(done.out)["trials"]]
    assert arms == [words, 2]


def test_what_a_models_key_may_be_called_is_said(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = "  ours: {model: openai/x, api_base: 'http://127.0.0.1:1/v1', key: OUR_SECRET}\n"
    free = "  free: {model: openai/y, api_base: 'http://127.0.0.1:1/v1'}\n"
    odd = "  odd: {model: unheard/z}\n"
    bare = PROMPT.replace("model: echo\n", "")
    suite = SUITE.replace("cases:", "models: [echo]\ncases:")
    project(
        {
            "llmops.yaml": CONFIG + ours + free + odd,
            "prompts/say.yaml": bare,
            "suites/say.yaml": suite,
        }
    )
    monkeypatch.delenv("OUR_SECRET", raising=False)

    doctor, prompts = run("doctor"), run("prompts")

    assert "export OUR_SECRET=…" in doctor.out
    assert "at http://127.0.0.1:1/v1, without a key" in doctor.out
    assert "needs no known key" in doctor.out
    assert prompts.out.splitlines()[1].split()[3] == "–"


def test_a_hurt_installation_is_seen(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project()
    meta = folder / "site" / "litellm-1.82.7.dist-info" / "METADATA"
    meta.parent.mkdir(parents=True)
    meta.write_text("Metadata-Version: 2.1\nName: litellm\nVersion: 1.82.7\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder / "site"))

    done = run("doctor")

    assert done.code == 2
    assert "1.82.7 was trojaned" in done.out
    assert "change every key" in done.out


def test_a_rescored_run_of_two_turns_is_judged_turn_by_turn(project: Project, run: Run) -> None:
    script = "rules:\n  - {when: {contains: second}, error: {kind: auth}}\n  - {echo: true}\n"
    suite = (
        "prompt: say\ncases:\n  - id: a\n    inputs: {word: red}\n    conversation:\n"
        "      - {user: first, assert: [{contains: first}]}\n"
        "      - {user: second, assert: [{contains: second}]}\n"
    )
    project({"echo.yaml": script, "suites/say.yaml": suite})
    first = run("test")

    again = run("rescore")

    assert first.code == again.code == 3


def test_the_keys_of_a_target_are_those_paired_with_its_host(
    project: Project, run: Run, parrot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_API_KEY", "a key for this host")
    ours = f"  ours: {{model: openai/x, api_base: '{parrot}', key: OUR_API_KEY}}\n"
    target = (
        f"target: {{http: {{url: '{parrot}', output: choices.0.message.content,\n"
        "  headers: {Authorization: 'Bearer ${OUR_API_KEY}'},\n"
        "  body: {messages: [{content: 'You said {{ word }}'}]}}}"
    )
    project({"llmops.yaml": CONFIG + ours, "suites/say.yaml": SUITE.replace("prompt: say", target)})

    done = run("test")

    assert done.code == 0, done.out + done.err


def test_samples_of_a_case_are_listed_once(project: Project, run: Run) -> None:
    project({"suites/say.yaml": SUITE.replace("cases:", "samples: 3\ncases:")})

    (listed,) = json.loads(run("suites", "--json").out)

    assert listed["trials"] == 3
    assert listed["cases"] == [{"id": "one", "tags": []}]


def test_recordings_are_written_for_what_was_answered_only(project: Project, run: Run) -> None:
    folder = project({"echo.yaml": "rules: [{error: {kind: auth}}]\n"})

    done = run("record")

    assert done.code == 3
    assert not (folder / "recordings").exists()
