import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from llmops.versions.impact import SuiteImpact, impact
from llmops.workflows.opening.project import Surroundings, open_project

Impacts = Callable[..., dict[str, SuiteImpact]]
Write = Callable[[Mapping[str, str]], Path]

FILES = {
    "llmops.yaml": (
        "models:\n"
        "  echo: {model: scripted/echo, script: echo.yaml}\n"
        "  other: {model: scripted/other, script: other.yaml}\n"
    ),
    "echo.yaml": "rules: [{echo: true}]\n",
    "other.yaml": "rules: [{echo: true}]\n",
    "prompts/base.yaml": "system: \"{% include 'partials/rules.md' %}\"\n",
    "prompts/partials/rules.md": "Rules. {% include 'partials/deep.md' %}\n",
    "prompts/partials/deep.md": "Deep.\n",
    "prompts/reply.yaml": (
        "version: 1.0.0\ndescription: Replies.\nmodel: echo\nextends: base\n"
        "inputs: {word: {type: string}}\nuser: Say {{ word }}.\n"
        "examples: {file: partials/pairs.yaml}\noutput: {schema: {file: shape.json}}\n"
    ),
    "prompts/partials/pairs.yaml": "- {input: {word: red}, output: red}\n",
    "prompts/shape.json": '{"type": "object"}',
    "prompts/see.yaml": (
        "model: other\nmessages:\n  - role: user\n    content:\n"
        "      - {type: text, text: Look.}\n"
        "      - {type: file, file: ./see.pdf, mime: application/pdf}\n"
    ),
    "prompts/see.pdf": "a file",
    "suites/reply.yaml": (
        "prompt: reply\n"
        "cases:\n"
        "  - dataset: data/words.csv\n"
        "    inputs: {word: '{{ row.word }}'}\n"
        "    assert: [{not: {json_schema: {file: schemas/bad.json}}}]\n"
        "  - inputs: {word: {file: ./data/word.txt}}\n"
        "  - dataset: data/files.csv\n"
        "    inputs: {word: {file: 'data/rows/{{ row.file }}'}}\n"
    ),
    "suites/see.yaml": "prompt: see\nassert: [{contains: Look}]\ncases: [{id: a}]\n",
    "data/words.csv": "word\nred\n",
    "data/files.csv": "file\none.txt\n",
    "data/rows/one.txt": "one",
    "data/word.txt": "blue",
    "schemas/bad.json": '{"type": "array"}',
    "README.md": "Read me.\n",
}
AGAIN = "again\n"


@pytest.fixture
def since(write: Write, git: Callable[..., str]) -> Callable[..., Impacts]:
    """Commit a project; then say what became of its suites after files were written."""

    def commit(files: Mapping[str, str] | None = None) -> Impacts:
        folder = write({**FILES, ".gitignore": "/home\n", **(files or {})})
        git(folder, "init", "--quiet", "--initial-branch=main")
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message=First")

        def impacts(
            changed: Mapping[str, str | None] | None = None,
            ref: str = "main",
            models: tuple[str, ...] = (),
        ) -> dict[str, SuiteImpact]:
            for name, text in (changed or {}).items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                if text is None:
                    path.unlink()
                else:
                    path.write_text(text, encoding="utf-8")
            opened = open_project(Surroundings(folder=folder, environment={}))
            suites = opened.project.suites.values()
            at = git(folder, "rev-parse", f"{ref}^{{commit}}").strip()
            found = impact(opened.project, opened.versions, at, suites, models=models)
            return {one.suite: one for one in found}

        return impacts

    return commit


def said(found: Mapping[str, SuiteImpact], suite: str) -> list[str]:
    assert found[suite].included
    return [str(reason) for reason in found[suite].reasons]


def test_nothing_is_reached_when_nothing_changed(since: Callable[..., Impacts]) -> None:
    found = since()()

    assert [(one.included, one.reasons) for one in found.values()] == [(False, ()), (False, ())]


@pytest.mark.parametrize(
    ("path", "text", "via"),
    [
        ("suites/reply.yaml", FILES["suites/reply.yaml"] + "# more\n", ""),
        ("prompts/reply.yaml", FILES["prompts/reply.yaml"].replace("Say", "Tell"), ""),
        ("prompts/base.yaml", "system: Hello.\n", "extended by prompts/reply.yaml"),
        ("prompts/partials/rules.md", AGAIN, "included by prompts/reply.yaml"),
        ("prompts/partials/deep.md", AGAIN, "included by prompts/reply.yaml"),
        (
            "prompts/partials/pairs.yaml",
            "- {input: {word: blue}, output: blue}\n",
            "part of prompts/reply.yaml",
        ),
        ("prompts/shape.json", '{"type": "array"}', "part of prompts/reply.yaml"),
        ("data/words.csv", "word\nblue\n", "the dataset at suites/reply.yaml:3:14"),
        ("data/word.txt", AGAIN, "the input at suites/reply.yaml:6:27"),
        ("data/rows/one.txt", AGAIN, "the input at suites/reply.yaml:8:27"),
        ("schemas/bad.json", "{}", "the assertion at suites/reply.yaml:5:15"),
        ("echo.yaml", "rules: [{reply: no}]\n", "the script of the model 'echo'"),
    ],
)
def test_a_suite_is_reached_through_every_file_that_it_is_made_of(
    since: Callable[..., Impacts], path: str, text: str, via: str
) -> None:
    found = since()({path: text})

    assert said(found, "reply") == [f"{path} changed" + (f" ({via})" if via else "")]
    assert not found["see"].included


def test_files_that_a_prompt_sends_reach_its_suites(since: Callable[..., Impacts]) -> None:
    found = since()({"prompts/see.pdf": "another"})

    assert said(found, "see") == ["prompts/see.pdf changed (sent by prompts/see.yaml)"]
    assert not found["reply"].included


def test_a_file_that_no_suite_uses_reaches_none(since: Callable[..., Impacts]) -> None:
    found = since()({"README.md": AGAIN, "data/none.csv": "word\nred\n"})

    assert not any(one.included for one in found.values())


def test_a_prompt_of_which_only_its_words_about_itself_changed_reaches_none(
    since: Callable[..., Impacts],
) -> None:
    changed = FILES["prompts/reply.yaml"].replace("Replies.", "Answers.").replace("1.0.0", "1.0.1")

    found = since()(
        {
            "prompts/reply.yaml": changed,
            "prompts/partials/pairs.yaml": FILES["prompts/partials/pairs.yaml"].replace(
                ", ", ",  "
            ),
        }
    )

    assert not found["reply"].included
    assert [str(reason) for reason in found["reply"].reasons] == [
        "prompts/reply.yaml changed (the requests are as they were)",
        "prompts/partials/pairs.yaml changed (the requests are as they were)",
    ]


def test_a_prompt_that_could_not_be_read_then_reaches_its_suites(
    since: Callable[..., Impacts],
) -> None:
    found = since({"prompts/reply.yaml": "messages: 3\n"})(
        {"prompts/reply.yaml": FILES["prompts/reply.yaml"]}
    )

    assert said(found, "reply") == ["prompts/reply.yaml changed"]


def test_new_suites_and_prompts_are_reached(since: Callable[..., Impacts]) -> None:
    found = since()(
        {
            "prompts/fresh.yaml": "model: echo\nuser: Hello\n",
            "suites/fresh.yaml": "prompt: fresh\nassert: [{contains: H}]\ncases: [{id: a}]\n",
        }
    )

    assert said(found, "fresh") == ["suites/fresh.yaml is new", "prompts/fresh.yaml is new"]


def test_recordings_that_are_new_changed_or_gone_reach_their_suite(
    since: Callable[..., Impacts],
) -> None:
    new = since()({"recordings/see.jsonl": "{}\n"})

    assert said(new, "see") == ["recordings/see.jsonl is new (its recordings)"]
    assert not new["reply"].included


def test_a_deleted_file_that_a_suite_used_reaches_it(since: Callable[..., Impacts]) -> None:
    impacts = since({"recordings/see.jsonl": "{}\n"})

    found = impacts({"recordings/see.jsonl": None, "data/word.txt": None})

    assert said(found, "see") == ["recordings/see.jsonl was deleted (its recordings)"]
    assert said(found, "reply") == [
        "data/word.txt was deleted (the input at suites/reply.yaml:6:27)"
    ]


def test_a_partial_that_may_be_missing_reaches_its_suites_when_it_goes(
    since: Callable[..., Impacts],
) -> None:
    impacts = since(
        {
            "prompts/see.yaml": (
                "model: other\nuser: \"Hi {% include 'partials/more.md' ignore missing %}\"\n"
            ),
            "prompts/partials/more.md": "More.\n",
        }
    )

    found = impacts({"prompts/partials/more.md": None})

    assert said(found, "see") == [
        "prompts/partials/more.md was deleted (included by prompts/see.yaml)"
    ]


def test_a_file_that_git_does_not_keep_counts_as_changed(since: Callable[..., Impacts]) -> None:
    impacts = since({".gitignore": "/home\n/data/words.csv\n"})

    found = impacts()

    assert said(found, "reply") == [
        "data/words.csv is not kept in git (the dataset at suites/reply.yaml:3:14)"
    ]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_changes_with_its_target(since: Callable[..., Impacts], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link.csv").symlink_to("words.csv")
    suite = FILES["suites/reply.yaml"].replace("data/words.csv", "data/link.csv")
    impacts = since({"suites/reply.yaml": suite})

    before, after = impacts(), impacts({"data/words.csv": "word\nblue\n"})

    assert not before["reply"].included
    assert said(after, "reply") == ["data/link.csv changed (the dataset at suites/reply.yaml:3:14)"]


def test_a_model_reaches_the_suites_that_run_on_it(since: Callable[..., Impacts]) -> None:
    config = FILES["llmops.yaml"].replace(
        "{model: scripted/other, ", "{model: scripted/other, parameters: {temperature: 1}, "
    )

    found = since()({"llmops.yaml": f"# moved by a line\n{config}"})

    assert said(found, "see") == ["llmops.yaml changed (the model 'other')"]
    assert not found["reply"].included


def test_models_of_the_command_line_count_in_place_of_the_suites_own(
    since: Callable[..., Impacts],
) -> None:
    found = since()({"other.yaml": "rules: [{reply: no}]\n"}, models=("echo",))

    assert not any(one.included for one in found.values())


@pytest.mark.parametrize(
    ("line", "via"),
    [
        ("judge: {model: echo}\n", "the judge"),
        ("plugins: [json]\n", "the plug-ins"),
        ("recordings: records\n", "the folder of recordings"),
        ("limits: {file_bytes: 9000}\n", "the limits"),
    ],
)
def test_parts_of_the_configuration_that_concern_all_reach_all(
    since: Callable[..., Impacts], line: str, via: str
) -> None:
    found = since()({"llmops.yaml": FILES["llmops.yaml"] + line})

    assert said(found, "see") == [f"llmops.yaml changed ({via})"]
    assert said(found, "reply") == [f"llmops.yaml changed ({via})"]


def test_a_judge_is_another_when_its_alias_means_another_model(
    since: Callable[..., Impacts],
) -> None:
    judged = "models: {echo: {model: scripted/echo, script: echo.yaml}, other: {model: a/b}"
    config = f"{judged}, wise: {{model: a/b}}}}\njudge: {{model: wise}}\n"
    impacts = since({"llmops.yaml": config})

    found = impacts({"llmops.yaml": config.replace("wise: {model: a/b}", "wise: {model: a/c}")})

    assert said(found, "see") == ["llmops.yaml changed (the judge)"]


def test_parts_of_the_configuration_that_concern_no_result_reach_none(
    since: Callable[..., Impacts],
) -> None:
    found = since()({"llmops.yaml": FILES["llmops.yaml"] + "budget: {max_calls: 5}\n"})

    assert not any(one.included for one in found.values())


def test_a_configuration_that_could_not_be_read_reaches_all(since: Callable[..., Impacts]) -> None:
    found = since({"llmops.yaml": "nonsense: 1\n"})({"llmops.yaml": FILES["llmops.yaml"]})

    for suite in ("see", "reply"):
        assert any("it could not be read at" in reason for reason in said(found, suite))


PYTHON = (
    "prompt: see\nassert: [{any_of: [{python: {function: 'checks.py:fine'}}]}]\ncases: [{id: a}]\n"
)


def test_python_code_reaches_every_suite_that_runs_python(since: Callable[..., Impacts]) -> None:
    impacts = since(
        {
            "checks.py": "from lib import deep\n\ndef fine(output):\n    return deep\n",
            "lib/__init__.py": "deep = True\n",
            "suites/python.yaml": PYTHON,
        }
    )

    found = impacts({"lib/__init__.py": "deep = False\n"})

    assert said(found, "python") == [
        "lib/__init__.py changed (the assertion at suites/python.yaml:2:11 runs Python)"
    ]
    assert not found["see"].included


def test_plug_ins_are_python_of_every_suite(since: Callable[..., Impacts]) -> None:
    impacts = since({"llmops.yaml": FILES["llmops.yaml"] + "plugins: [json]\n"})

    found = impacts({"own/scorers.py": "x = 1\n"})

    assert said(found, "see") == ["own/scorers.py is new (the plug-ins are made of Python)"]


def test_a_file_that_any_scorer_names_reaches_its_suite(since: Callable[..., Impacts]) -> None:
    suite = "prompt: see\nassert: [{contains: data/word.txt}, {contains: ''}]\ncases: [{id: a}]\n"
    impacts = since({"suites/see.yaml": suite})

    found = impacts({"data/word.txt": AGAIN})

    assert "data/word.txt changed (the assertion at suites/see.yaml:2:11)" in said(found, "see")


@pytest.mark.parametrize(
    "target", ["{python: 'app:main'}", "{http: {url: 'http://127.0.0.1:9/'}}", "{exec: [app]}"]
)
def test_an_application_may_be_made_of_any_file(since: Callable[..., Impacts], target: str) -> None:
    suite = f"target: {target}\nassert: [{{contains: x}}]\ncases: [{{id: a}}]\n"
    impacts = since({"suites/app.yaml": suite})

    others = impacts({"suites/see.yaml": FILES["suites/see.yaml"] + "# more\n"})
    own = impacts({"app/words.txt": "new"})

    assert not others["app"].included
    assert said(own, "app") == [
        "app/words.txt is new (the target at suites/app.yaml:1:9 may be made of it)"
    ]


def test_templates_of_a_suite_may_include_partials(since: Callable[..., Impacts]) -> None:
    suite = (
        "prompt: see\ncases:\n  - conversation:\n"
        "      - {user: \"{% include 'partials/deep.md' %}\", assert: [{contains: Deep}]}\n"
    )
    impacts = since({"suites/see.yaml": suite})

    found = impacts({"prompts/partials/deep.md": AGAIN})

    assert said(found, "see") == [
        "prompts/partials/deep.md changed (suites/see.yaml has templates with partials)"
    ]


def test_the_steps_of_a_chain_reach_it(since: Callable[..., Impacts]) -> None:
    chain = (
        "steps:\n  - {prompt: see, assert: [{json_schema: {file: schemas/bad.json}}]}\n"
        "  - {prompt: reply, inputs: {word: x}}\ncases: [{id: a}]\n"
    )
    impacts = since({"suites/chain.yaml": chain})

    found = impacts({"prompts/partials/deep.md": AGAIN, "schemas/bad.json": "{}"})

    assert said(found, "chain") == [
        "schemas/bad.json changed (the assertion at suites/chain.yaml:2:29)",
        "prompts/partials/deep.md changed (included by prompts/reply.yaml)",
    ]


def test_a_suite_on_a_kept_version_is_not_reached_by_the_work_tree(
    since: Callable[..., Impacts],
) -> None:
    suite = "prompt: see@main\nassert: [{contains: Look}]\ncases: [{id: a}]\n"
    impacts = since({"suites/see.yaml": suite})

    found = impacts({"prompts/see.pdf": "another"})

    assert not found["see"].included


def test_a_suite_on_a_ref_that_moves_is_reached(
    since: Callable[..., Impacts], git: Callable[..., str], tmp_path: Path
) -> None:
    suite = "prompt: see@HEAD\nassert: [{contains: Look}]\ncases: [{id: a}]\n"
    impacts = since({"suites/see.yaml": suite})
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message=Second")
    ids = git(tmp_path, "log", "--format=%H").split()

    found = impacts(ref="HEAD~1")

    words = f"({ids[0][:12]} is newer than {ids[1][:12]})"
    assert said(found, "see") == [f"see@HEAD may mean another version {words}"]


def test_a_suite_on_a_label_is_reached_when_the_label_moves(
    since: Callable[..., Impacts], git: Callable[..., str], tmp_path: Path
) -> None:
    impacts = since()
    first = git(tmp_path, "rev-parse", "HEAD").strip()
    suite = "prompt: see@live\nassert: [{contains: Look}]\ncases: [{id: a}]\n"
    labels = f"see:\n  live: {first}\nreply:\n  live: {first}\n"
    (tmp_path / "prompts" / "labels.yaml").write_text(labels)
    (tmp_path / "suites" / "see.yaml").write_text(suite)
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message=Second")
    second = git(tmp_path, "rev-parse", "HEAD").strip()

    other = impacts({"prompts/labels.yaml": labels.replace("reply:\n  live", "reply:\n  old")})
    moved = impacts({"prompts/labels.yaml": labels.replace(first, second[:12])})

    assert not other["see"].included
    assert said(moved, "see") == ["prompts/labels.yaml changed (the label 'live' of see)"]


def test_labels_that_could_not_be_read_count_as_moved(
    since: Callable[..., Impacts], git: Callable[..., str], tmp_path: Path
) -> None:
    suite = "prompt: see@live\nassert: [{contains: Look}]\ncases: [{id: a}]\n"
    impacts = since({"suites/see.yaml": suite, "prompts/labels.yaml": "- no\n"})
    first = git(tmp_path, "rev-parse", "HEAD").strip()

    found = impacts({"prompts/labels.yaml": f"see: {{live: {first}}}\n"})

    assert said(found, "see") == ["prompts/labels.yaml changed (the label 'live' of see)"]


def test_a_version_that_cannot_be_found_reaches_its_suite(since: Callable[..., Impacts]) -> None:
    suite = "prompt: see@nowhere\nmodels: [echo]\nassert: [{contains: L}]\ncases: [{id: a}]\n"
    impacts = since({"suites/see.yaml": suite})

    found = impacts()

    (reason,) = said(found, "see")
    assert reason.startswith("see@nowhere cannot be read ('nowhere' is no")


def test_newlines_that_a_checkout_makes_are_no_change(
    since: Callable[..., Impacts], git: Callable[..., str], tmp_path: Path
) -> None:
    impacts = since({".gitattributes": "* text=auto eol=crlf\n"})
    for path in tmp_path.glob("*/*.*"):
        if path.is_file() and path.parent.name not in {"home", ".git"}:
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    found = impacts()

    assert b"\r\n" in (tmp_path / "suites" / "see.yaml").read_bytes()
    assert not any(one.included for one in found.values())


def test_a_project_below_the_top_sees_python_outside_of_it(
    write: Write, git: Callable[..., str]
) -> None:
    top = write(
        {
            **{f"llm/{name}": text for name, text in FILES.items()},
            "llm/suites/python.yaml": PYTHON,
            "llm/checks.py": "def fine(output):\n    return True\n",
            "prompts/see.yaml": "not ours",
        }
    )
    git(top, "init", "--quiet", "--initial-branch=main")
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message=First")
    (top / "lib.py").write_text("x = 1\n")
    (top / "prompts" / "see.yaml").write_text("not ours, changed")
    opened = open_project(Surroundings(folder=top / "llm", environment={}))
    suites = opened.project.suites.values()

    found = impact(opened.project, opened.versions, git(top, "rev-parse", "HEAD").strip(), suites)

    assert {one.suite: [*map(str, one.reasons)] for one in found if one.included} == {
        "python": ["../lib.py is new (the assertion at suites/python.yaml:2:11 runs Python)"]
    }


def test_an_impact_is_plain_json(since: Callable[..., Impacts]) -> None:
    found = since()({"data/words.csv": "word\nblue\n"})

    assert json.loads(json.dumps(found["reply"].as_json())) == {
        "suite": "reply",
        "included": True,
        "reasons": [
            {
                "path": "data/words.csv",
                "what": "changed",
                "via": "the dataset at suites/reply.yaml:3:14",
            }
        ],
    }


def test_code_and_data_of_a_submodule_count_as_changed_when_in_doubt(
    write: Write, git: Callable[..., str]
) -> None:
    folder = write(
        {
            **FILES,
            ".gitignore": "/home\n",
            "lib/scorers.py": "x = 1\n",
            "lib/words.csv": "word\nred\n",
            "checks.py": "def fine(output):\n    return True\n",
            "suites/python.yaml": PYTHON,
            "suites/reply.yaml": FILES["suites/reply.yaml"].replace("data/words", "lib/words"),
        }
    )
    for repository in (folder / "lib", folder):
        git(repository, "init", "--quiet", "--initial-branch=main")
        git(repository, "add", "--all")
        git(repository, "commit", "--quiet", "--message=First")
    commit = git(folder, "rev-parse", "HEAD").strip()
    (folder / "lib" / "scorers.py").write_text("x = 2\n")
    opened = open_project(Surroundings(folder=folder, environment={}))

    found = impact(opened.project, opened.versions, commit, opened.project.suites.values())

    assert {one.suite: [*map(str, one.reasons)] for one in found if one.included} == {
        "python": ["lib changed (the assertion at suites/python.yaml:2:11 runs Python)"],
        "reply": ["lib/words.csv is not kept in git (the dataset at suites/reply.yaml:3:14)"],
    }


def test_long_ids_and_names_of_any_letters_are_no_matter(
    write: Write, git: Callable[..., str]
) -> None:
    name = "data/Wörter «1».csv"
    suite = FILES["suites/see.yaml"].replace("[{id: a}]", f"[{{dataset: '{name}'}}]")
    folder = write({**FILES, "suites/see.yaml": suite, name: "a\nb\n", ".gitignore": "/home\n"})
    git(folder, "init", "--quiet", "--initial-branch=main", "--object-format=sha256")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=First")
    commit = git(folder, "rev-parse", "HEAD").strip()
    (folder / name).write_text("a\nc\n", encoding="utf-8")
    opened = open_project(Surroundings(folder=folder, environment={}))

    found = impact(opened.project, opened.versions, commit, opened.project.suites.values())

    assert [(one.suite, [*map(str, one.reasons)]) for one in found] == [
        ("reply", []),
        ("see", [f"{name} changed (the dataset at suites/see.yaml:3:19)"]),
    ]
