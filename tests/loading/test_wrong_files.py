from pathlib import Path

import pytest

from llmops.domain.config import Limits
from llmops.errors import Fault, InvalidInputError
from llmops.loading.datasets import rows
from llmops.loading.project import load_project
from llmops.loading.tree import WorkTree
from llmops.location import Location

WRONG = Path(__file__).parent / "wrong"
BESIDE = {
    "prompts/greet.yaml": "model: demo/small\ninputs: {name: Ada}\nuser: Hello {{ name }}\n",
    "prompts/modelless.yaml": "user: Hello\n",
}
NAMED_AT = Location("suites/s.yaml", 3, 14)
EXPECTED = {
    "configs/alias-a-text.yaml": ["llmops.yaml:2:9 wrong-type"],
    "configs/alias-with-space.yaml": ["llmops.yaml:2:3 alias-name"],
    "configs/budget-negative.yaml": ["llmops.yaml:1:20 wrong-type"],
    "configs/budget-text.yaml": ["llmops.yaml:1:20 wrong-type"],
    "configs/cache-false.yaml": ["llmops.yaml:1:8 wrong-type"],
    "configs/concurrency-zero.yaml": ["llmops.yaml:2:45 wrong-type"],
    "configs/folder-absolute.yaml": ["llmops.yaml:1:9 unsafe-path"],
    "configs/folder-outside.yaml": ["llmops.yaml:1:10 unsafe-path"],
    "configs/folder-shared.yaml": ["llmops.yaml:2:9 shared-folder"],
    "configs/gate-word.yaml": ["llmops.yaml:1:25 wrong-type"],
    "configs/host-with-password.yaml": ["llmops.yaml:2:38 secret-in-file"],
    "configs/host-without-scheme.yaml": ["llmops.yaml:2:38 unknown-host"],
    "configs/judge-unknown.yaml": ["llmops.yaml:1:16 unknown-model"],
    "configs/key-in-file.yaml": ["llmops.yaml:2:33 secret-in-file"],
    "configs/key-in-options.yaml": ["llmops.yaml:4:40 secret-in-file"],
    "configs/key-not-a-name.yaml": ["llmops.yaml:2:33 environment-name"],
    "configs/limit-unknown.yaml": ["llmops.yaml:1:10 unknown-key"],
    "configs/limit-zero.yaml": ["llmops.yaml:1:22 wrong-type"],
    "configs/misspelt-key.yaml": ["llmops.yaml:1:1 unknown-key"],
    "configs/model-missing.yaml": ["llmops.yaml:2:9 missing-key"],
    "configs/model-misspelt-key.yaml": ["llmops.yaml:2:28 unknown-key"],
    "configs/plugin-name.yaml": ["llmops.yaml:2:5 module-name"],
    "configs/price-half.yaml": ["llmops.yaml:2:35 missing-key"],
    "configs/pyproject-misspelt-key.toml": ["pyproject.toml:9:1 unknown-key"],
    "configs/pyproject-syntax.toml": ["pyproject.toml:2:11 toml-syntax"],
    "configs/script-missing.yaml": ["llmops.yaml:2:9 missing-key"],
    "configs/script-unused.yaml": ["llmops.yaml:2:36 unused-key"],
    "configs/timeout.yaml": ["llmops.yaml:2:37 wrong-type"],
    "configs/via-unknown.yaml": ["llmops.yaml:2:33 wrong-type"],
    "configs/via-other-lane.yaml": ["llmops.yaml:2:33 other-lane"],
    "datasets/a-mapping.json": ["datasets/a-mapping.json:1:1 json-syntax"],
    "datasets/a-mapping.yaml": ["datasets/a-mapping.yaml:1:1 wrong-type"],
    "datasets/a-number.json": ["datasets/a-number.json:3:3 wrong-type"],
    "datasets/a-text.yaml": ["datasets/a-text.yaml:2:3 wrong-type"],
    "datasets/broken-line.jsonl": [
        "datasets/broken-line.jsonl:2:9 json-syntax",
        "datasets/broken-line.jsonl:4:1 wrong-type",
    ],
    "datasets/half-a-character.jsonl": ["datasets/half-a-character.jsonl:1:1 json-syntax"],
    "datasets/header-empty.csv": ["datasets/header-empty.csv:1:1 header"],
    "datasets/header-twice.csv": ["datasets/header-twice.csv:1:1 header"],
    "datasets/key-twice.json": ["datasets/key-twice.json:1:2 json-syntax"],
    "datasets/no-rows.csv": ["suites/s.yaml:3:14 empty-dataset"],
    "datasets/not-a-number.json": ["datasets/not-a-number.json:2:3 json-syntax"],
    "datasets/not-utf-8.csv": ["datasets/not-utf-8.csv:2:5 encoding"],
    "datasets/open-quote.csv": ["datasets/open-quote.csv:2:1 csv-syntax"],
    "datasets/ragged-row.csv": [
        "datasets/ragged-row.csv:3:1 ragged-row",
        "datasets/ragged-row.csv:4:1 ragged-row",
    ],
    "datasets/ragged-row.tsv": ["datasets/ragged-row.tsv:3:1 ragged-row"],
    "datasets/rows.xlsx": ["suites/s.yaml:3:14 unknown-format"],
    "datasets/trailing-comma.json": ["datasets/trailing-comma.json:3:1 json-syntax"],
    "prompts/billion-laughs.yaml": ["prompts/billion-laughs.yaml:4:36 yaml-limit"],
    "prompts/content-empty-list.yaml": ["prompts/content-empty-list.yaml:3:14 wrong-type"],
    "prompts/duplicate-key.yaml": ["prompts/duplicate-key.yaml:3:1 duplicate-key"],
    "prompts/empty.yaml": ["prompts/empty.yaml:1:1 wrong-type"],
    "prompts/example-without-output.yaml": ["prompts/example-without-output.yaml:4:5 missing-key"],
    "prompts/examples-file-missing.yaml": ["prompts/examples-file-missing.yaml:2:11 missing-file"],
    "prompts/examples-file-outside.yaml": ["prompts/examples-file-outside.yaml:2:18 unsafe-path"],
    "prompts/extends-itself.yaml": ["prompts/extends-itself.yaml:1:10 extends-cycle"],
    "prompts/extends-unknown.yaml": ["prompts/extends-unknown.yaml:1:10 unknown-prompt"],
    "prompts/input-default-misfit.yaml": ["prompts/input-default-misfit.yaml:2:59 default"],
    "prompts/input-list.yaml": ["prompts/input-list.yaml:2:9 wrong-type"],
    "prompts/input-misspelt-keyword.yaml": [
        "prompts/input-misspelt-keyword.yaml:2:24 unknown-keyword",
    ],
    "prompts/input-name.yaml": ["prompts/input-name.yaml:2:3 input-name"],
    "prompts/input-pattern.yaml": ["prompts/input-pattern.yaml:2:33 pattern"],
    "prompts/input-required-flag.yaml": ["prompts/input-required-flag.yaml:2:34 wrong-type"],
    "prompts/input-type-as-default.yaml": [
        "prompts/input-type-as-default.yaml:2:10 type-as-default",
    ],
    "prompts/input-type-unknown.yaml": ["prompts/input-type-unknown.yaml:2:17 unknown-type"],
    "prompts/invisible-control-character.yaml": [
        "prompts/invisible-control-character.yaml:1:13 yaml-syntax",
    ],
    "prompts/lfs-pointer.yaml": ["prompts/lfs-pointer.yaml:1:1 lfs-pointer"],
    "prompts/merge-key.yaml": ["prompts/merge-key.yaml:3:3 yaml-merge"],
    "prompts/message-misspelt-key.yaml": ["prompts/message-misspelt-key.yaml:3:5 unknown-key"],
    "prompts/message-without-content.yaml": [
        "prompts/message-without-content.yaml:2:5 missing-key",
    ],
    "prompts/messages-mapping.yaml": ["prompts/messages-mapping.yaml:2:3 wrong-type"],
    "prompts/misspelt-key.yaml": ["prompts/misspelt-key.yaml:3:1 unknown-key"],
    "prompts/model-empty.yaml": ["prompts/model-empty.yaml:1:8 empty"],
    "prompts/model-unknown.yaml": ["prompts/model-unknown.yaml:1:8 unknown-model"],
    "prompts/no-message.yaml": ["prompts/no-message.yaml:1:1 no-message"],
    "prompts/not-a-mapping.yaml": ["prompts/not-a-mapping.yaml:1:1 wrong-type"],
    "prompts/not-utf-8.yaml": ["prompts/not-utf-8.yaml:1:16 encoding"],
    "prompts/output-format.yaml": ["prompts/output-format.yaml:2:18 wrong-type"],
    "prompts/output-schema-for-text.yaml": ["prompts/output-schema-for-text.yaml:4:11 two-forms"],
    "prompts/output-schema-missing-file.yaml": [
        "prompts/output-schema-missing-file.yaml:3:18 missing-file",
    ],
    "prompts/output-schema-reference.yaml": [
        "prompts/output-schema-reference.yaml:6:21 schema-reference",
    ],
    "prompts/parameters-list.yaml": ["prompts/parameters-list.yaml:1:13 wrong-type"],
    "prompts/part-two-holders.yaml": ["prompts/part-two-holders.yaml:4:9 missing-key"],
    "prompts/part-without-type.yaml": ["prompts/part-without-type.yaml:4:9 missing-key"],
    "prompts/part-wrong-holder.yaml": ["prompts/part-wrong-holder.yaml:4:23 unused-key"],
    "prompts/placeholder-name.yaml": ["prompts/placeholder-name.yaml:2:19 input-name"],
    "prompts/recursive-alias.yaml": ["prompts/recursive-alias.yaml:2:10 yaml-anchor"],
    "prompts/role-unknown.yaml": ["prompts/role-unknown.yaml:2:12 wrong-type"],
    "prompts/second-document.yaml": ["prompts/second-document.yaml:2:1 yaml-syntax"],
    "prompts/several-faults.yaml": [
        "prompts/several-faults.yaml:1:10 version",
        "prompts/several-faults.yaml:2:1 unknown-key",
        "prompts/several-faults.yaml:4:11 wrong-type",
        "prompts/several-faults.yaml:6:9 wrong-type",
    ],
    "prompts/syntax-at-sign.yaml": ["prompts/syntax-at-sign.yaml:1:14 yaml-syntax"],
    "prompts/syntax-colon-in-text.yaml": ["prompts/syntax-colon-in-text.yaml:1:21 yaml-syntax"],
    "prompts/syntax-open-bracket.yaml": ["prompts/syntax-open-bracket.yaml:3:5 yaml-syntax"],
    "prompts/syntax-open-quote.yaml": ["prompts/syntax-open-quote.yaml:1:7 yaml-syntax"],
    "prompts/syntax-tab.yaml": ["prompts/syntax-tab.yaml:2:1 yaml-syntax"],
    "prompts/tag.yaml": ["prompts/tag.yaml:1:7 yaml-tag"],
    "prompts/too-deep.yaml": ["prompts/too-deep.yaml:1:60 yaml-limit"],
    "prompts/tool-choice-unknown.yaml": ["prompts/tool-choice-unknown.yaml:4:14 unknown-tool"],
    "prompts/tool-choice-word.yaml": ["prompts/tool-choice-word.yaml:2:14 wrong-type"],
    "prompts/tool-name.yaml": ["prompts/tool-name.yaml:3:11 tool-name"],
    "prompts/tool-parameters.yaml": ["prompts/tool-parameters.yaml:6:31 unknown-type"],
    "prompts/tool-twice.yaml": ["prompts/tool-twice.yaml:4:5 duplicate-tool"],
    "prompts/tool-without-name.yaml": ["prompts/tool-without-name.yaml:3:5 missing-key"],
    "prompts/two-forms.yaml": ["prompts/two-forms.yaml:3:1 two-forms"],
    "prompts/unknown-key.yaml": ["prompts/unknown-key.yaml:2:1 unknown-key"],
    "prompts/version-not-semver.yaml": ["prompts/version-not-semver.yaml:1:10 version"],
    "suites/assert-a-mapping.yaml": ["suites/assert-a-mapping.yaml:2:9 wrong-type"],
    "suites/assertion-misspelt-key.yaml": ["suites/assertion-misspelt-key.yaml:5:9 unknown-key"],
    "suites/assertion-pick.yaml": ["suites/assertion-pick.yaml:5:13 unknown-pick"],
    "suites/assertion-soft-yes.yaml": ["suites/assertion-soft-yes.yaml:5:15 wrong-type"],
    "suites/assertion-two-scorers.yaml": ["suites/assertion-two-scorers.yaml:5:9 two-scorers"],
    "suites/assertion-weight.yaml": ["suites/assertion-weight.yaml:5:17 wrong-type"],
    "suites/assertion-without-scorer.yaml": [
        "suites/assertion-without-scorer.yaml:4:9 missing-key",
    ],
    "suites/asserts-for-assert.yaml": ["suites/asserts-for-assert.yaml:4:5 unknown-key"],
    "suites/case-a-text.yaml": ["suites/case-a-text.yaml:3:5 wrong-type"],
    "suites/case-without-assertion.yaml": ["suites/case-without-assertion.yaml:5:5 no-assertion"],
    "suites/cases-empty.yaml": ["suites/cases-empty.yaml:2:8 no-cases"],
    "suites/conversation-empty.yaml": ["suites/conversation-empty.yaml:3:19 wrong-type"],
    "suites/conversation-on-suite.yaml": ["suites/conversation-on-suite.yaml:2:1 unknown-key"],
    "suites/conversation-turn-key.yaml": ["suites/conversation-turn-key.yaml:4:10 unknown-key"],
    "suites/conversation-with-target.yaml": [
        "suites/conversation-with-target.yaml:4:9 conversation",
    ],
    "suites/duplicate-id.yaml": ["suites/duplicate-id.yaml:6:9 duplicate-id"],
    "suites/gate-confidence.yaml": ["suites/gate-confidence.yaml:2:20 wrong-type"],
    "suites/gate-margin.yaml": ["suites/gate-margin.yaml:2:16 wrong-type"],
    "suites/id-with-colons.yaml": ["suites/id-with-colons.yaml:4:9 case-id"],
    "suites/inputs-a-list.yaml": ["suites/inputs-a-list.yaml:4:13 wrong-type"],
    "suites/matrix-empty.yaml": ["suites/matrix-empty.yaml:2:16 empty"],
    "suites/matrix-scalar.yaml": ["suites/matrix-scalar.yaml:2:16 wrong-type"],
    "suites/model-unknown.yaml": ["suites/model-unknown.yaml:2:22 unknown-model"],
    "suites/models-scalar.yaml": ["suites/models-scalar.yaml:2:9 wrong-type"],
    "suites/no-cases.yaml": ["suites/no-cases.yaml:1:1 no-cases"],
    "suites/no-prompt.yaml": ["suites/no-prompt.yaml:1:1 missing-key"],
    "suites/prompt-and-target.yaml": ["suites/prompt-and-target.yaml:2:1 two-forms"],
    "suites/prompt-listed-twice.yaml": ["suites/prompt-listed-twice.yaml:1:17 listed-twice"],
    "suites/prompt-unknown.yaml": ["suites/prompt-unknown.yaml:1:9 unknown-prompt"],
    "suites/prompt-without-model.yaml": ["suites/prompt-without-model.yaml:1:9 no-model"],
    "suites/sample-zero.yaml": ["suites/sample-zero.yaml:4:17 wrong-type"],
    "suites/samples-range.yaml": ["suites/samples-range.yaml:2:10 empty-range"],
    "suites/samples-zero.yaml": ["suites/samples-zero.yaml:2:10 wrong-type"],
    "suites/skip-without-reason.yaml": ["suites/skip-without-reason.yaml:4:11 empty"],
    "suites/step-id.yaml": ["suites/step-id.yaml:2:25 step-id"],
    "suites/steps-empty.yaml": ["suites/steps-empty.yaml:1:8 wrong-type"],
    "suites/steps-prompt-unknown.yaml": ["suites/steps-prompt-unknown.yaml:3:13 unknown-prompt"],
    "suites/steps-twins.yaml": ["suites/steps-twins.yaml:3:5 duplicate-id"],
    "suites/tag-with-space.yaml": ["suites/tag-with-space.yaml:4:12 tag-name"],
    "suites/target-exec-text.yaml": ["suites/target-exec-text.yaml:1:16 wrong-type"],
    "suites/target-function.yaml": ["suites/target-function.yaml:1:18 function-name"],
    "suites/target-method.yaml": ["suites/target-method.yaml:1:57 wrong-type"],
    "suites/target-timeout.yaml": ["suites/target-timeout.yaml:4:14 wrong-type"],
    "suites/target-two-kinds.yaml": ["suites/target-two-kinds.yaml:1:9 one-target"],
    "suites/target-url.yaml": ["suites/target-url.yaml:1:22 unknown-host"],
    "suites/target-with-models.yaml": ["suites/target-with-models.yaml:2:1 unused-key"],
    "suites/where-without-dataset.yaml": ["suites/where-without-dataset.yaml:3:5 unused-key"],
}


def faults_of(file: Path, root: Path) -> tuple[Fault, ...]:
    kind = file.parent.name
    config = "llmops.yaml" if file.suffix == ".yaml" else "pyproject.toml"
    name = config if kind == "configs" else f"{kind}/{file.name}"
    for path, data in [
        *((path, text.encode()) for path, text in BESIDE.items()),
        (name, file.read_bytes()),
    ]:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    with pytest.raises(InvalidInputError) as caught:
        read(WorkTree(root), name, kind)
    return caught.value.faults


def read(tree: WorkTree, name: str, kind: str) -> None:
    if kind == "datasets":
        list(rows(tree, name, NAMED_AT, Limits()))
    else:
        load_project(tree)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_wrong_file_is_shown_where_it_is_wrong_with_a_way_out(name: str, tmp_path: Path) -> None:
    faults = faults_of(WRONG / name, tmp_path)

    assert [f"{fault.at} {fault.code}" for fault in faults] == EXPECTED[name]
    assert all(fault.hint for fault in faults)
    assert all(fault.message[0].islower() or not fault.message[0].isalpha() for fault in faults)


def test_every_wrong_file_is_in_the_table() -> None:
    files = {path.relative_to(WRONG).as_posix() for path in WRONG.rglob("*") if path.is_file()}

    assert files == set(EXPECTED)
    assert len(files) >= 60


def test_the_files_beside_a_wrong_one_are_well(tmp_path: Path) -> None:
    for path, text in BESIDE.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")

    project = load_project(WorkTree(tmp_path))

    assert list(project.prompts) == ["greet", "modelless"]
