import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.domain.bundle import Bundle, BundledPrompt, BundledVersion
from llmops.domain.completion import canonical_json
from llmops.domain.node import Text
from llmops.errors import InvalidInputError
from llmops.loading.bundle_tree import BundleTree, encode_file
from llmops.loading.bundles import content_id, parse_bundle, read_bundle, write_bundle
from llmops.loading.project import load_config
from llmops.location import Location
from llmops.versions.bundle import Wanted, make_bundle
from llmops.versions.bundled import find_bundled
from llmops.versions.finder import Versions
from llmops.workflows.opening.project import Surroundings, open_versions

HERE = Location("command line")
PIXEL = b"\x89PNG\r\n\x1a\n\x00\xff"
CONFIG = (
    "models:\n"
    "  fast: {model: openai/gpt-4.1-mini, parameters: {temperature: 0}}\n"
    "  ours: {model: openai/our-llama, api_base: 'http://127.0.0.1:8/v1', key: OUR_API_KEY}\n"
    "  other: {model: openai/not-used}\n"
)
REPLY = (
    "version: 1.0.0\nmodel: fast\nextends: support/base\n"
    "inputs: {email: {type: string}}\n"
    "messages:\n"
    "  - {role: system, content: '{% include \"partials/policy.md\" %}'}\n"
    "  - role: user\n    content:\n"
    "      - {type: text, text: '{{ email }}'}\n"
    "      - {type: image, file: pixel.png}\n"
)
FILES = {
    "llmops.yaml": CONFIG,
    "prompts/support/base.yaml": "parameters: {max_tokens: 9}\nuser: Hello.\n",
    "prompts/support/reply.yaml": REPLY,
    "prompts/other.yaml": "version: 0.1.0\nmodel: ours\nuser: Ça va 😀?\n",
    "prompts/partials/policy.md": "Refunds take 5 days.\n",
}

Make = Callable[..., str]
Git = Callable[..., str]


@pytest.fixture(autouse=True)
def always_nobody(nobody: None) -> None:
    """Git here knows nobody's configuration."""


@pytest.fixture
def folder(tmp_path: Path, git: Git) -> Path:
    """A project of two versions, the first of which is labelled."""
    root = tmp_path / "project"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    (root / "prompts/support/pixel.png").write_bytes(PIXEL)
    git(root.parent, "init", "--quiet", "--initial-branch=main", str(root))
    commit(root, git)
    edit(root, "prompts/support/reply.yaml", "version: 1.0.0", "version: 1.1.0")
    edit(root, "prompts/partials/policy.md", "5 days", "7 days")
    (root / "prompts/labels.yaml").write_text("support/reply: {production: 1.0.0}\n")
    commit(root, git)
    return root


def commit(root: Path, git: Git) -> str:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=Change")
    return git(root, "rev-parse", "HEAD").strip()


def edit(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text(encoding="utf-8")
    assert old in text
    (root / name).write_text(text.replace(old, new), encoding="utf-8")


def opened(folder: Path) -> Versions:
    return open_versions(Surroundings(folder=folder, environment={}))


def made(folder: Path, *names: str, labels: tuple[str, ...] = (), dirty: bool = False) -> Bundle:
    return parse_bundle(text_of(folder, *names, labels=labels, dirty=dirty).encode(), "b.json")


def text_of(folder: Path, *names: str, labels: tuple[str, ...] = (), dirty: bool = False) -> str:
    wanted = Wanted(
        at=HERE,
        names=tuple(Text(name, HERE) for name in names),
        labels=tuple(Text(label, HERE) for label in labels),
        dirty=dirty,
    )
    return make_bundle(opened(folder), wanted)


def refused(*codes: str) -> "pytest.RaisesExc[InvalidInputError]":
    return pytest.raises(
        InvalidInputError, check=lambda error: [one.code for one in error.faults] == [*codes]
    )


def test_a_bundle_holds_what_is_current_and_what_is_labelled(folder: Path):
    bundle = made(folder)

    reply = bundle.prompts["support/reply"]
    claims = {id_: version.version for id_, version in reply.versions.items()}
    assert claims[reply.current] == "1.1.0"
    assert {label: claims[id_] for label, id_ in reply.labels.items()} == {"production": "1.0.0"}
    assert sorted(bundle.prompts) == ["other", "support/base", "support/reply"]


def test_a_version_in_a_bundle_renders_as_in_git(folder: Path):
    bundle = made(folder)

    for name in ("support/reply", "support/reply@production", "support/reply@1.1.0"):
        there = opened(folder).find(Text(name, HERE))
        here = find_bundled(bundle, Text(name, HERE)).version

        rendered = here.renderer.render(here.prompt, {"email": "{{ 7*7 }}"})

        assert rendered == there.renderer.render(there.prompt, {"email": "{{ 7*7 }}"})
        assert here.content_hash == there.content_hash


def test_only_the_alias_that_a_prompt_names_goes_along(folder: Path):
    bundle = made(folder)

    found = find_bundled(bundle, Text("other", HERE))

    assert list(found.config.models) == ["ours"]
    assert found.config.models["ours"].key == "OUR_API_KEY"
    assert found.config.models["ours"].api_base == "http://127.0.0.1:8/v1"


def test_the_same_content_makes_the_same_bytes(folder: Path, git: Git):
    first = text_of(folder)
    (folder / "README.md").write_text("Nothing of a prompt.\n")
    commit(folder, git)

    again = text_of(folder)

    assert again == first
    assert again.isascii()


def test_the_order_of_names_makes_no_difference(folder: Path):
    assert text_of(folder, "other", "support/reply") == text_of(folder, "support/reply", "other")


def test_a_label_alone_is_all_that_is_asked_for(folder: Path):
    bundle = made(folder, labels=("production",))

    assert list(bundle.prompts) == ["support/reply"]
    reply = bundle.prompts["support/reply"]
    assert [version.version for version in reply.versions.values()] == ["1.0.0"]
    assert reply.current is None
    with refused("not-in-bundle"):
        find_bundled(bundle, Text("support/reply", HERE))


def test_a_revision_that_was_named_is_found_by_its_name(folder: Path):
    bundle = made(folder, "support/reply@HEAD~1", "other@0.1.0", "support/reply@production")

    found = find_bundled(bundle, Text("support/reply@HEAD~1", HERE)).version

    assert str(found.prompt.version) == "1.0.0"
    assert bundle.prompts["support/reply"].refs.keys() == {"HEAD~1"}
    assert bundle.prompts["support/reply"].labels.keys() == {"production"}
    assert not bundle.prompts["other"].refs


@pytest.mark.parametrize("form", ["{}", "git:{}"])
def test_a_commit_is_found_by_its_beginning(folder: Path, form: str):
    bundle = made(folder)
    first = find_bundled(bundle, Text("support/reply@production", HERE)).version

    found = find_bundled(bundle, Text(f"support/reply@{form.format(first.commit[:8])}", HERE))

    assert found.version.content_hash == first.content_hash


def test_a_project_below_the_top_with_folders_of_its_own_and_a_renamed_prompt(
    tmp_path: Path, git: Git
):
    root = tmp_path / "top" / "app"
    (root / "texts" / "partials").mkdir(parents=True)
    (root / "pyproject.toml").write_text(
        "[tool.llmops]\nprompts = 'texts'\nsuites = 'prompts'\n"
        "[tool.llmops.models.echo]\nmodel = 'scripted/echo'\nscript = 'echo.yaml'\n"
    )
    (root / "texts/partials/a.md").write_bytes(b"Windows\r\n")
    (root / "texts/old.yaml").write_text(
        "version: 1.0.0\nmodel: echo\nuser: \"{% include 'partials/a.md' %}\"\n"
    )
    git(root.parent, "init", "--quiet", "--initial-branch=main")
    commit(root, git)
    git(root, "mv", "texts/old.yaml", "texts/new.yaml")
    edit(root, "texts/new.yaml", "1.0.0", "1.1.0")
    (root / "texts/labels.yaml").write_text("new: {production: 1.0.0}\n")
    commit(root, git)

    bundle = made(root)

    old = find_bundled(bundle, Text("new@production", HERE))
    new = find_bundled(bundle, Text("new", HERE))
    assert (old.version.prompt.name, new.version.prompt.name) == ("old", "new")
    assert old.config.models["echo"].script == "echo.yaml"
    rendered = old.version.renderer.render(old.version.prompt, {})
    assert rendered.messages[0]["content"] == "Windows\n"


def test_what_is_in_no_commit_is_refused_unless_it_is_asked_for(folder: Path):
    edit(folder, "prompts/support/reply.yaml", "1.1.0", "1.2.0")
    edit(folder, "prompts/other.yaml", "Ça va", "Salut")

    with refused("uncommitted", "uncommitted"):
        made(folder)
    bundle = made(folder, dirty=True)

    found = find_bundled(bundle, Text("support/reply", HERE)).version
    assert (str(found.prompt.version), found.commit) == ("1.2.0", None)


def test_without_a_repository_only_what_may_be_dirty_is_exported(write: Callable[..., Path]):
    root = write({"llmops.yaml": "", "prompts/a.yaml": "user: Hello.\n"})

    with refused("uncommitted"):
        made(root)

    assert made(root, dirty=True).prompts["a"].current is not None


def test_all_that_is_wrong_with_all_prompts_is_said_at_once(folder: Path, git: Git):
    edit(folder, "prompts/other.yaml", "model: ours", "model: theirs")
    edit(folder, "prompts/support/base.yaml", "Hello.", "'{{ nobody }}'")
    commit(folder, git)

    with refused("unknown-model", "undeclared-input"):
        made(folder)


def test_one_version_with_two_contents_is_named_by_label_or_commit(folder: Path):
    edit(folder, "prompts/support/reply.yaml", "1.1.0", "1.0.0")
    bundle = made(folder, dirty=True)

    with refused("version-reused"):
        find_bundled(bundle, Text("support/reply@1.0.0", HERE))

    assert find_bundled(bundle, Text("support/reply@production", HERE)).version.commit


def test_a_ref_that_could_be_two_things_is_refused(folder: Path, git: Git):
    git(folder, "tag", "v2")
    (folder / "prompts/labels.yaml").write_text("support/reply: {v2: 1.0.0}\n")
    bundle = made(folder, "support/reply", "support/reply@git:v2")

    with refused("ambiguous-ref"):
        find_bundled(bundle, Text("support/reply@v2", HERE))

    old = find_bundled(bundle, Text("support/reply@label:v2", HERE)).version
    new = find_bundled(bundle, Text("support/reply@git:v2", HERE)).version
    assert (str(old.prompt.version), str(new.prompt.version)) == ("1.0.0", "1.1.0")


def test_what_a_bundle_lacks_is_said_with_what_it_holds(folder: Path):
    bundle = made(folder)

    with pytest.raises(InvalidInputError) as version:
        find_bundled(bundle, Text("support/reply@9.9.9", HERE))
    with pytest.raises(InvalidInputError) as prompt:
        find_bundled(bundle, Text("support/repyl", HERE))

    held = version.value.faults[0].hint
    assert {"support/reply", "support/reply@1.0.0", "support/reply@production"} <= {
        word.strip(",") for word in held.split()
    }
    assert "did you mean 'support/reply'?" in str(prompt.value)


@pytest.mark.parametrize(
    ("names", "labels", "codes"),
    [
        (("nobody",), (), ["unknown-prompt"]),
        (("support/reply@9.9.9",), (), ["unknown-ref"]),
        (("other",), ("production",), ["unknown-label"]),
        ((), ("productoin",), ["unknown-label"]),
    ],
)
def test_what_is_not_there_cannot_be_exported(
    folder: Path, names: tuple[str, ...], labels: tuple[str, ...], codes: list[str]
):
    with refused(*codes):
        made(folder, *names, labels=labels)


def test_nothing_is_no_bundle(write: Callable[..., Path]):
    root = write({"llmops.yaml": ""})

    with refused("nothing-to-export"):
        made(root, dirty=True)


def test_limits_of_the_project_go_along(folder: Path, git: Git):
    limits = "limits: {file_bytes: 2000}\n"
    (folder / "llmops.yaml").write_text(CONFIG + limits, encoding="utf-8")
    edit(folder, "prompts/other.yaml", "Ça va", "Salut")
    commit(folder, git)

    found = find_bundled(made(folder, "other"), Text("other", HERE))

    assert found.config.limits.file_bytes == 2000


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("7 days", "9 days", "bundle-damaged"),
        ('"format": 1', '"format": 2', "bundle-format"),
        ('"format": 1', '"no": 1', "bundle-damaged"),
        ("}", "", "bundle-damaged"),
        ('"format": 1', '"format": 1, "x": NaN', "bundle-damaged"),
    ],
)
def test_a_bundle_that_was_changed_is_refused(folder: Path, old: str, new: str, code: str):
    text = text_of(folder)
    assert old in text

    with refused(code):
        parse_bundle(text.replace(old, new).encode(), "b.json")


def test_a_bundle_laid_out_anew_is_the_same_bundle(folder: Path):
    text = text_of(folder)

    again = parse_bundle(json.dumps(json.loads(text), ensure_ascii=False).encode(), "b.json")

    assert again == parse_bundle(text.encode(), "b.json")


VERSION = BundledVersion(
    name="a", version=None, content_hash="0" * 12, commit=None, config={}, files={}
)


def prompt_with(**changed: object) -> BundledPrompt:
    whole = {"current": VERSION.id, "labels": {}, "refs": {}, "versions": {VERSION.id: VERSION}}
    return BundledPrompt(**{**whole, **changed})


@pytest.mark.parametrize(
    "prompt",
    [
        prompt_with(current="nobody"),
        prompt_with(labels={"production": "nobody"}),
        prompt_with(labels={"production": None}),
        prompt_with(refs={"main": "nobody"}),
        prompt_with(
            versions={
                VERSION.id: BundledVersion(
                    name="a",
                    version=None,
                    content_hash="0" * 12,
                    commit=None,
                    config={},
                    files={"prompts/a.yaml": "not there"},
                )
            }
        ),
    ],
)
def test_a_bundle_that_names_what_it_lacks_is_damaged(prompt: BundledPrompt):
    text = write_bundle({"a": prompt}, {})

    with refused("bundle-damaged"):
        parse_bundle(text.encode(), "b.json")


@pytest.mark.parametrize("data", [b"[" * 200_000, b"\xff\xfe", b"[]", b"{}", b""])
def test_what_is_no_bundle_is_refused(data: bytes):
    with refused("bundle-damaged"):
        parse_bundle(data, "b.json")


@given(st.dictionaries(st.text(min_size=1), st.binary(), max_size=4), st.text())
def test_files_and_configurations_come_back_as_they_were(files: dict[str, bytes], word: str):
    parameters = {"stop": word}
    version = BundledVersion(
        name="a",
        version=None,
        content_hash="0" * 12,
        commit=None,
        config={"models": {"a": {"model": "openai/a", "parameters": parameters}}},
        files={f"prompts/{name}": content_id(data) for name, data in files.items()},
    )
    contents = {content_id(data): data for data in files.values()}
    prompt = prompt_with(current=version.id, versions={version.id: version})

    bundle = parse_bundle(write_bundle({"a": prompt}, contents).encode(), "b.json")

    tree = BundleTree(bundle, bundle.prompts["a"].versions[version.id])
    assert {name: tree.read(f"prompts/{name}") for name in files} == files
    assert load_config(tree).models["a"].parameters == parameters


def test_a_tree_of_a_bundle_reads_as_other_trees_do():
    files = {"prompts/a.yaml": "1", "prompts/b/c.yaml": "1", "x.json": "1"}
    version = BundledVersion(
        name="a", version=None, content_hash="", commit=None, config={}, files=files
    )
    tree = BundleTree(Bundle(path="b.json", prompts={}, files={"1": encode_file(b"abc")}), version)

    assert tree.paths() == ["llmops.yaml", "prompts/a.yaml", "prompts/b/c.yaml", "x.json"]
    assert tree.paths("prompts/") == tree.paths("prompts") == [*files][:2]
    assert tree.paths("nowhere") == []
    assert tree.read("x.json", limit=3) == b"abc"
    with refused("missing-file"):
        tree.read("y.json")
    with refused("too-large"):
        tree.read("x.json", limit=2)


def test_files_that_are_no_bundles_are_refused_before_they_are_read(tmp_path: Path):
    large = tmp_path / "large.json"
    large.write_text("{}" + " " * 100)

    with refused("missing-file"):
        read_bundle(tmp_path / "none.json")
    with refused("not-a-file"):
        read_bundle(tmp_path)
    with refused("unreadable"):
        read_bundle(large / "below")
    with refused("too-large"):
        read_bundle(large, limit=10)


@pytest.mark.parametrize(
    "body",
    [
        {"format": 1, "prompts": {}, "files": {"a": {"text": "b", "base64": "b"}}},
        {"format": 1, "prompts": {}, "files": ["a"]},
        {"format": 1, "prompts": {}},
        {"format": 1, "prompts": {"a": {"current": 1, "versions": {}}}, "files": {}},
    ],
)
def test_a_bundle_of_another_shape_is_damaged_even_with_the_right_hash(body: dict[str, object]):
    whole = {**body, "sha256": content_id(canonical_json(body).encode())}

    with refused("bundle-damaged"):
        parse_bundle(json.dumps(whole).encode(), "b.json")
