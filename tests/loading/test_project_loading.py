import gc
from pathlib import Path

import pytest
from reading import refused, shown

from llmops.domain.config import Config, Limits
from llmops.errors import Fault, InvalidInputError
from llmops.loading.collector import collector_paused
from llmops.loading.complaints import all_of
from llmops.loading.config import load_config
from llmops.loading.project import load_project, load_suite
from llmops.loading.tree import WorkTree
from llmops.location import Location

GREET = "model: demo/small\nuser: Hello\n"
JSON = "model: demo/small\nuser: Hello\noutput: {format: json}\n"
SILENT = "cases: [{inputs: {name: Ada}}]\n"
CLAIM = "cases: [{assert: [contains: hello]}]\n"


def test_a_whole_project_is_read(load) -> None:
    project = load(
        {
            "llmops.yaml": "prompts: llm/prompts\nsuites: llm/suites\nmodels: {f: {model: a/b}}\n",
            "llm/prompts/b.yaml": GREET,
            "llm/prompts/a/greet.yaml": "user: Hello\nmodel: f\n",
            "llm/suites/z.yaml": f"prompt: b\n{CLAIM}",
            "llm/suites/support/a.yml": f"prompt: a/greet\n{CLAIM}",
            "llm/suites/notes.md": "no suite",
            "prompts/other.yaml": "not: ours\n",
        }
    )

    assert list(project.prompts) == ["a/greet", "b"]
    assert list(project.suites) == ["support/a", "z"]
    assert project.suites["support/a"].path == "llm/suites/support/a.yml"
    assert project.prompts["a/greet"].tree_path == "llm/prompts"


def test_an_empty_folder_is_a_project_without_anything(load) -> None:
    project = load({"readme.md": ""})

    assert (dict(project.prompts), dict(project.suites)) == ({}, {})
    assert project.config == Config()


def test_the_projects_own_limits_hold_for_its_files(load, faults_in) -> None:
    files = {"llmops.yaml": "limits: {file_bytes: 9, yaml_nodes: 3}\n", "prompts/p.yaml": GREET}

    project = load({**files, "data.txt": "0123456789"})

    assert refused(lambda: project.tree.read("data.txt"))[0].code == "too-large"
    assert faults_in({**files, "prompts/p.yaml": f"{GREET}system: hi\n"}) == [
        "prompts/p.yaml:3:9: the file has more values than the 3 allowed [yaml-limit]"
    ]


def test_all_faults_of_all_files_are_shown_in_order(faults_in) -> None:
    faults = faults_in(
        {
            "llmops.yaml": "models: {fast: {model: a/b}}\n",
            "prompts/b.yaml": "user: Hello\nmodel: fst\nversoin: 1.0.0\n",
            "prompts/a.yaml": "user: [\n",
            "prompts/c.yaml": "user: Hello\nmodel: fst\n",
            "suites/s.yaml": "prompt: [a, b, c, d]\nmodels: [fst]\ncases: [{}]\n",
            "suites/r.yaml": "prompt: c\n",
        }
    )

    assert faults == [
        "prompts/a.yaml:2:1: this is not YAML: while parsing a flow node, did not find expected"
        " node content [yaml-syntax]",
        "prompts/b.yaml:3:1: 'versoin' is not a key of a prompt [unknown-key]",
        "prompts/c.yaml:2:8: no model is called 'fst' [unknown-model]",
        "suites/r.yaml:1:1: the suite has no case [no-cases]",
        "suites/s.yaml:1:19: no prompt is called 'd' [unknown-prompt]",
        "suites/s.yaml:2:10: no model is called 'fst' [unknown-model]",
        "suites/s.yaml:3:9: nothing is asserted of this case, so that it could never fail"
        " [no-assertion]",
    ]


def test_a_wrong_configuration_is_shown_with_the_faults_of_the_other_files(faults_in) -> None:
    faults = faults_in(
        {
            "llmops.yaml": "modles: {}\n",
            "prompts/p.yaml": "usr: Hello\n",
            "suites/s.yaml": f"prompt: nowhere\nmodels: [alias]\n{CLAIM}",
        }
    )

    assert faults == [
        "llmops.yaml:1:1: 'modles' is not a key of the configuration [unknown-key]",
        "prompts/p.yaml:1:1: 'usr' is not a key of a prompt [unknown-key]",
    ]


def test_a_model_that_is_taken_over_is_complained_of_once(faults_in) -> None:
    faults = faults_in(
        {"prompts/a.yaml": "user: Hello\nmodel: fst\n", "prompts/b.yaml": "extends: a\n"}
    )

    assert faults == ["prompts/a.yaml:2:8: no model is called 'fst' [unknown-model]"]


@pytest.mark.parametrize(
    ("suite", "faults"),
    [
        (f"prompt: greet\n{CLAIM}", []),
        (f"prompt: greet@1.3.0\n{CLAIM}", []),
        (f"prompt: gone@main\n{CLAIM}", []),
        (f"prompt: gone@\n{CLAIM}", ["1:9: no prompt is called 'gone'"]),
        (f"prompt: '@main'\n{CLAIM}", ["1:9: no prompt is called ''"]),
        (f"prompt: modelless@main\n{CLAIM}", ["1:9: neither the prompt 'modelless@main' nor the"]),
        (f"prompt: modelless\nmodels: [a/b]\n{CLAIM}", []),
        (f"prompt: [greet, modelless]\n{CLAIM}", ["1:17: neither the prompt 'modelless' nor the"]),
        (f"target: {{exec: [app]}}\n{CLAIM}", []),
        (f"target: {{exec: [app]}}\n{SILENT}", ["2:9: nothing is asserted of this case"]),
        (f"steps: [{{prompt: modelless}}, {{prompt: greet}}]\n{CLAIM}", []),
        (f"steps: [{{prompt: modelless}}]\n{CLAIM}", ["1:18: neither the prompt 'modelless' nor"]),
        (f"steps: [{{prompt: greet}}]\n{SILENT}", ["2:9: nothing is asserted of this case"]),
        (f"steps: [{{prompt: greet}}, {{prompt: json}}]\n{SILENT}", []),
        (f"steps: [{{prompt: greet, assert: [contains: a]}}]\n{SILENT}", []),
        (f"prompt: json\n{SILENT}", []),
        (f"prompt: json@main\n{SILENT}", []),
        (f"prompt: [json, greet]\n{SILENT}", ["2:9: nothing is asserted of this case"]),
        (f"prompt: [json, gone@main]\n{SILENT}", ["2:9: nothing is asserted of this case"]),
        (f"prompt: greet\nassert: [contains: a]\n{SILENT}", []),
        (f"prompt: greet\nassert: []\n{SILENT}", ["3:9: nothing is asserted of this case"]),
        ("prompt: greet\ncases: [{skip: later}]\n", []),
        ("prompt: greet\ncases: [{conversation: [{user: a, assert: [contains: b]}]}]\n", []),
        (
            "prompt: greet\ncases: [{conversation: [{user: a}]}]\n",
            ["2:9: nothing is asserted of this case"],
        ),
        ("prompt: greet\ncases: [{dataset: a.csv}]\n", ["2:9: nothing is asserted of this case"]),
    ],
)
def test_a_suite_is_held_to_its_prompts(write, suite: str, faults: list[str]) -> None:
    files = {
        "prompts/greet.yaml": GREET,
        "prompts/json.yaml": JSON,
        "prompts/modelless.yaml": "user: Hello\n",
        "suites/s.yaml": suite,
    }
    tree = WorkTree(write(files))

    whole = shown(faults_of(lambda: load_project(tree)))
    alone = shown(faults_of(lambda: load_suite(tree, Config(), "suites/s.yaml")))

    assert alone == whole
    assert len(whole) == len(faults)
    for one, expected in zip(whole, faults, strict=True):
        assert one.startswith(f"suites/s.yaml:{expected}")


def faults_of(call) -> tuple[Fault, ...]:
    try:
        call()
    except InvalidInputError as error:
        return error.faults
    return ()


def test_one_suite_is_read_without_the_files_it_does_not_name(write) -> None:
    files = {
        "llmops.yaml": "models: {fast: {model: a/b}}\n",
        "prompts/greet.yaml": "extends: base\n",
        "prompts/base.yaml": GREET,
        "prompts/broken.yaml": "[",
        "suites/x/s.yaml": f"prompt: greet\nmodels: [fast]\n{CLAIM}",
        "suites/broken.yaml": "[",
    }
    tree = WorkTree(write(files))

    suite = load_suite(tree, load_config(tree), "suites/x/s.yaml")

    assert (suite.name, suite.path) == ("x/s", "suites/x/s.yaml")


def test_one_suite_is_read_with_the_faults_of_the_prompts_it_names(write) -> None:
    files = {
        "prompts/a.yaml": "usr: Hello\n",
        "prompts/b.yaml": "user: Hello\nmodel: gpt\n",
        "suites/s.yaml": f"prompt: [a, b]\n{CLAIM}",
    }
    tree = WorkTree(write(files))

    assert shown(refused(lambda: load_suite(tree, Config(), "suites/s.yaml"))) == [
        "prompts/a.yaml:1:1: 'usr' is not a key of a prompt [unknown-key]",
        "prompts/b.yaml:2:8: no model is called 'gpt' [unknown-model]",
    ]


def test_a_suite_that_is_not_there_is_refused(write) -> None:
    tree = WorkTree(write({"suites/refunds.yaml": ""}))

    (fault,) = refused(lambda: load_suite(tree, Config(), "suites/refund.yaml"))

    assert fault.code == "missing-file"
    assert fault.hint == "did you mean 'refunds.yaml'?"


def test_two_suites_with_one_name_are_refused(faults_in) -> None:
    suite = f"prompt: p\n{CLAIM}"

    faults = faults_in({"prompts/p.yaml": GREET, "suites/s.yaml": suite, "suites/s.yml": suite})

    assert faults == ["suites/s.yml:1:1: the suite 's' is also in suites/s.yaml [duplicate-suite]"]


@pytest.mark.parametrize("name", ["a::b", "a\u200bb"])
def test_a_suite_cannot_have_a_name_with_a_meaning_of_its_own(faults_in, name: str) -> None:
    (fault,) = faults_in({"prompts/p.yaml": GREET, f"suites/{name}.yaml": f"prompt: p\n{CLAIM}"})

    assert fault.endswith("[suite-name]")


def test_a_folder_that_cannot_be_listed_is_no_empty_one(tmp_path: Path) -> None:
    class Closed(WorkTree):
        def paths(self, under: str = "") -> list[str]:
            return [f"{under}/secret/"]

    faults = refused(lambda: load_project(Closed(tmp_path)))

    assert shown(faults) == [
        "prompts/secret/:1:1: the folder 'prompts/secret/' cannot be listed [unreadable]",
        "suites/secret/:1:1: the folder 'suites/secret/' cannot be listed [unreadable]",
    ]


def test_a_link_in_an_untrusted_project_is_refused_and_not_overlooked(write) -> None:
    root = write({"prompts/a.yaml": GREET})
    (root / "prompts" / "b.yaml").symlink_to("a.yaml")

    faults = refused(lambda: load_project(WorkTree(root, trusted=False)))

    assert list(load_project(WorkTree(root)).prompts) == ["a", "b"]
    assert [(fault.code, str(fault.at)) for fault in faults] == [("symlink", "prompts/b.yaml:1:1")]


def test_a_clone_with_windows_line_ends_is_read_alike(tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "p.yaml").write_bytes(b"model: a/b\r\nuser: |\r\n  one\r\n  two\r\n")

    prompt = load_project(WorkTree(tmp_path)).prompts["p"]

    assert prompt.messages[0].parts[0].text.text == "one\ntwo\n"


def test_faults_are_sorted_by_place_and_each_shown_once() -> None:
    late = Fault(code="a", message="late", at=Location("f.yaml", 10, 1))
    early = Fault(code="a", message="early", at=Location("f.yaml", 9, 12))
    nowhere = Fault(code="a", message="nowhere")

    error = all_of([late, early, late, nowhere])

    assert error.faults == (nowhere, early, late)
    with pytest.raises(ValueError, match="at least one"):
        all_of([])


@pytest.mark.parametrize("on", [True, False])
def test_the_collector_is_left_as_it_was(*, on: bool) -> None:
    was_on = gc.isenabled()
    try:
        (gc.enable if on else gc.disable)()
        with collector_paused():
            inside = gc.isenabled()
        after = gc.isenabled()
    finally:
        (gc.enable if was_on else gc.disable)()

    assert (inside, after) == (False, on)


def test_a_suite_of_many_cases_is_read_within_the_limits(write) -> None:
    case = "  - id: case-{}\n    inputs: {{a: b}}\n    assert: [contains: a]\n"
    text = "prompt: p\ncases:\n" + "".join(case.format(number) for number in range(10_000))
    root = write({"prompts/p.yaml": GREET, "suites/s.yaml": text})

    suite = load_project(WorkTree(root)).suites["s"]

    assert len(suite.entries) == 10_000
    assert Limits().yaml_nodes > 10_000 * 6
