import json
import shutil
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from small_project import CONFIG, GOOD, PROMPT, SUITE, Done, Run

from made_history import Made, make_repository

SAY = "prompts/say.yaml"
OLD_SUITE = SUITE.replace("prompt: say", "prompt: say@1.0.0")
Enter = Callable[[Path], None]
pytestmark = pytest.mark.usefixtures("nobody")


def saying(words: str, version: str = "1.0.0", more: str = "") -> str:
    text = PROMPT.replace("1.0.0", version).replace("Say {{ word }}.", f"{words} {{{{ word }}}}.")
    return text + more


@pytest.fixture
def made(tmp_path: Path, enter: Enter) -> Made:
    """A project in a repository of its own, not committed."""
    repository = make_repository(tmp_path / "work")
    repository.write(GOOD)
    enter(repository.root)
    return repository


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch) -> Enter:
    def go(folder: Path) -> None:
        monkeypatch.chdir(folder)

    return go


@pytest.fixture
def three(made: Made) -> tuple[Made, list[str]]:
    """Three versions in three commits."""
    first = made.commit("First")
    second = made.commit("Second", {SAY: saying("Please say", "1.1.0")})
    third = made.commit("Third", {SAY: saying("Now say", "1.2.0")})
    return made, [first, second, third]


def logged(run: Run, name: str = "say") -> list[dict[str, object]]:
    done = run("log", name, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert isinstance(found, list)
    return found


def shown(run: Run, name: str) -> str:
    done = run("show", name)
    assert done.code == 0, done.err
    return done.out


def asked(run: Run) -> list[str]:
    """What the suite says to the model, in the order of its arms."""
    done = run("test", "--report", "json=-", "--fresh")
    trials = json.loads(done.out)["trials"]
    assert done.code == 0, done.err
    return [trial["exchanges"][0]["completion"]["text"] for trial in trials]


def complains(done: Done, code: str, *words: str, exit_code: int = 2) -> None:
    assert done.code == exit_code, (done.out, done.err)
    assert f"[{code}]" in done.err
    assert "hint:" in done.err
    told = " ".join(done.err.split())
    for word in words:
        assert word in told, done.err


def everything_works(run: Run) -> None:
    """A project whose prompt claims 1.0.0 and then 1.1.0, in whatever state its repository is."""
    assert [one["version"] for one in logged(run)] == ["1.1.0", "1.0.0"]
    assert '"Say {{ word }}."' in shown(run, "say@1.0.0")
    assert "Please say red." in run("render", "say@HEAD", "-i", "word=red").out
    assert "\nSay red." in run("render", "say@1.0.0", "-i", "word=red").out
    blamed = run("blame", "say@1.0.0", "--json")
    assert {line["version"] for line in json.loads(blamed.out)} == {"1.0.0"}
    assert run("blame", "say").code == 0
    assert run("label", "say", "production", "1.0.0").code == 0
    assert '"Say {{ word }}."' in shown(run, "say@production")
    assert run("label").code == 0
    assert run("label", "say", "production", "--remove").code == 0


# What is around


def test_without_a_repository_a_ref_has_its_own_complaint_and_the_rest_works(
    made: Made, run: Run
) -> None:
    shutil.rmtree(made.top / ".git")

    refs = [
        run("show", "say@1.0.0"),
        run("render", "say@main", "-i", "word=red"),
        run("log", "say"),
        run("blame", "say"),
        run("label", "say", "production"),
    ]
    made.write({"suites/say.yaml": OLD_SUITE})
    refs.append(run("test"))

    for done in refs:
        complains(done, "no-repository", "git init")
    assert "Say" in shown(run, "say")
    assert run("label").code == 0


def test_before_the_first_commit_every_ref_says_to_commit(made: Made, run: Run) -> None:
    refs = [
        run("show", "say@1.0.0"),
        run("show", "say@HEAD"),
        run("show", "say@git:HEAD"),
        run("render", "say@main", "-i", "word=red"),
        run("log", "say"),
        run("blame", "say"),
        run("label", "say", "production"),
    ]

    for done in refs:
        complains(done, "no-commit", "no commit yet", "commit your files first")
    assert "Say" in shown(run, "say")
    assert run("test").code == 0


def test_on_an_unborn_branch_other_branches_can_be_named(
    three: tuple[Made, list[str]], run: Run
) -> None:
    made, (first, *_) = three
    made.git("checkout", "--quiet", "--orphan", "fresh")

    assert "Now say" in shown(run, "say@main")
    assert '"Say' in shown(run, f"say@{first}")
    complains(run("show", "say@1.0.0"), "no-commit")
    complains(run("log", "say"), "no-commit")


@pytest.mark.parametrize("depth", [1, 2])
def test_a_shallow_clone_has_what_it_has_and_says_how_to_get_the_rest(
    three: tuple[Made, list[str]], tmp_path: Path, run: Run, enter: Enter, depth: int
) -> None:
    made, commits = three
    made.commit("Label", {"prompts/labels.yaml": "say: {production: 1.0.0}\n"})
    made.commit("Again", {SAY: saying("Only say", "1.3.0")})
    made.git("clone", "--quiet", f"--depth={depth}", made.top.as_uri(), str(tmp_path / "shallow"))
    enter(tmp_path / "shallow")

    listed = run("log", "say", "--json")

    assert [one["version"] for one in json.loads(listed.out)] == ["1.3.0", "1.2.0"][:depth]
    assert listed.code == 2
    assert "the clone is shallow" in listed.err
    complains(listed, "unknown-ref", "prompts/labels.yaml:1:19", "'1.0.0' is no version")
    assert "Only say" in shown(run, "say@1.3.0")
    assert "Only say" in shown(run, "say@HEAD")
    for ref in ("1.1.0", commits[0], f"HEAD~{depth}", "label:production", "production"):
        complains(run("show", f"say@{ref}"), "unknown-ref", "shallow", "git fetch --unshallow")
    assert run("blame", "say").code == 0
    assert run("label").code == 2
    complains(run("label", "say", "staging", "1.1.0"), "unknown-ref", "git fetch --unshallow")


def test_a_detached_head_a_worktree_and_a_subfolder_are_ordinary(
    made: Made, tmp_path: Path, run: Run, enter: Enter
) -> None:
    made.commit("First")
    made.commit("Second", {SAY: saying("Please say", "1.1.0")})
    made.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "beside"), "HEAD")
    enter(tmp_path / "beside")

    everything_works(run)
    enter(tmp_path / "beside" / "prompts")
    everything_works(run)


def test_a_project_in_a_submodule_has_the_versions_of_the_submodule(
    made: Made, tmp_path: Path, run: Run, enter: Enter
) -> None:
    made.commit("First")
    made.commit("Second", {SAY: saying("Please say", "1.1.0")})
    outer = make_repository(tmp_path / "outer")
    outer.git("submodule", "--quiet", "add", made.top.as_uri(), "module")
    outer.commit("Outer")
    enter(tmp_path / "outer" / "module")

    everything_works(run)


def test_prompts_that_are_a_submodule_have_a_complaint_of_their_own(
    made: Made, tmp_path: Path, run: Run
) -> None:
    prompts = make_repository(tmp_path / "prompts")
    prompts.commit("First", {"say.yaml": PROMPT})
    shutil.rmtree(made.root / "prompts")
    made.git("submodule", "--quiet", "add", prompts.top.as_uri(), "prompts")
    made.commit("Outer")

    complains(run("show", "say@HEAD"), "unknown-prompt", "submodule")


def test_a_bare_repository_and_a_project_in_its_shape_are_told_so(
    made: Made, tmp_path: Path, run: Run, enter: Enter
) -> None:
    made.commit("First")
    made.git("clone", "--quiet", "--bare", made.top.as_uri(), str(tmp_path / "bare"))
    for name, text in GOOD.items():
        (tmp_path / "bare" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "bare" / name).write_text(text, encoding="utf-8")
    enter(tmp_path / "bare")

    complains(run("show", "say@main"), "git", "bare repository", exit_code=3)
    complains(run("log", "say"), "git", "bare repository", exit_code=3)
    assert "Say" in shown(run, "say")
    assert run("test").code == 0


def test_a_folder_in_the_shape_of_a_bare_repository_runs_nothing(
    made: Made, tmp_path: Path, run: Run, enter: Enter
) -> None:
    witness = tmp_path / "witness"
    made.write(
        {
            "prompts/HEAD": "ref: refs/heads/main\n",
            "prompts/config": f"[core]\n\tbare = false\n\tworktree = ..\n"
            f"\tfsmonitor = touch {witness}\n\thooksPath = hooks\n\tpager = touch {witness}\n",
            "prompts/objects/x": "",
            "prompts/refs/x": "",
            "suites/say.yaml": OLD_SUITE,
        }
    )
    made.commit("First")
    made.commit("Second", {SAY: saying("Please say", "1.1.0")})

    everything_works(run)
    assert asked(run) == ["Say red."]
    enter(made.root / "prompts")
    everything_works(run)
    assert not witness.exists()


def test_a_project_below_the_top_has_its_own_part_of_history(
    tmp_path: Path, run: Run, enter: Enter
) -> None:
    made = make_repository(tmp_path / "mono", inside="apps/smörgås bord")
    made.commit("First", GOOD)
    (made.top / SAY).parent.mkdir()
    (made.top / SAY).write_text(saying("Elsewhere say", "7.0.0"), encoding="utf-8")
    made.commit("Elsewhere")
    made.commit("Second", {SAY: saying("Please say", "1.1.0")})
    enter(made.root)

    everything_works(run)
    complains(run("show", "say@7.0.0"), "unknown-ref", "1.1.0")


def test_a_project_reached_through_a_link_is_the_same_project(
    made: Made, tmp_path: Path, run: Run, enter: Enter
) -> None:
    made.commit("First")
    made.commit("Second", {SAY: saying("Please say", "1.1.0")})
    (tmp_path / "link").symlink_to(made.top, target_is_directory=True)
    enter(tmp_path / "link")

    everything_works(run)


def test_a_repository_with_longer_ids_works_alike(tmp_path: Path, run: Run, enter: Enter) -> None:
    made = make_repository(tmp_path / "long", "--object-format=sha256")
    made.commit("First", GOOD)
    second = made.commit("Second", {SAY: saying("Please say", "1.1.0")})
    enter(made.root)

    everything_works(run)
    assert len(second) == 64
    assert run("label", "say", "staging", second[:12]).code == 0
    assert run("label", "say", "staging", "HEAD").code == 0
    assert "Please" in shown(run, "say@staging")


def test_branches_with_odd_names_are_found(three: tuple[Made, list[str]], run: Run) -> None:
    made, (first, second, _) = three
    made.git("update-ref", "refs/heads/-x", first)
    made.git("update-ref", "refs/heads/--help", second)
    made.git("update-ref", "refs/heads/größe/日本", first)

    assert '"Say' in shown(run, "say@-x")
    assert "Please" in shown(run, "say@--help")
    assert '"Say' in shown(run, "say@größe/日本")
    assert run("blame", "say@-x").code == 0
    assert run("label", "say", "staging", "--", "-x").code == 0
    complains(run("show", "say@grösse/日本"), "unknown-ref", "grösse/日本")


# What is in the clone


def test_a_clone_with_crlf_has_the_same_versions(
    made: Made, tmp_path: Path, run: Run, enter: Enter
) -> None:
    made.commit("First", {"prompts/labels.yaml": "# Ours\nsay:\n  staging: 1.0.0\n"})
    made.commit("Second", {SAY: saying("Please say", "1.1.0")})
    clone = Made(tmp_path / "crlf")
    made.git("clone", "--quiet", "--config=core.autocrlf=true", made.top.as_uri(), str(clone.top))
    enter(clone.root)
    assert b"\r\n" in (clone.root / SAY).read_bytes()

    everything_works(run)
    run("label", "say", "production", "1.1.0")

    labels = (clone.root / "prompts/labels.yaml").read_bytes()
    assert labels == b"# Ours\r\nsay:\r\n  staging: 1.0.0\r\n  production: 1.1.0\r\n"
    assert all("\r" not in line["text"] for line in json.loads(run("blame", "say", "--json").out))
    assert "\\r" not in run("blame", "say").out + shown(run, "say")
    assert logged(run)[0]["commit"] is not None


def test_a_prompt_in_lfs_says_that_a_commit_holds_a_pointer_only(made: Made, run: Run) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    made.commit("First")
    bad = made.commit("Into LFS", {SAY: pointer})
    made.commit("Out again", {SAY: saying("Please say", "1.1.0")})

    complains(run("show", f"say@{bad}"), "lfs-pointer", f"{bad[:12]}:{SAY}", "out of LFS")
    assert [bool(one["faults"]) for one in logged(run)] == [False, True, False]
    assert '"Say' in shown(run, "say@1.0.0")


def test_a_partial_clone_says_what_is_missing_and_asks_nobody(
    three: tuple[Made, list[str]], tmp_path: Path, run: Run, enter: Enter
) -> None:
    made, (first, *_) = three
    made.git("config", "uploadpack.allowFilter", "true")
    partial = Made(tmp_path / "partial")
    url = made.top.as_uri()
    made.git("clone", "--quiet", "--filter=blob:none", url, str(partial.top))
    enter(partial.root)

    assert "Now say" in shown(run, "say@HEAD")
    for done in (run("show", f"say@{first}"), run("show", "say@1.0.0"), run("log", "say")):
        complains(done, "missing-object", "partial", "git fetch --refetch", exit_code=3)
    partial.git("config", "--unset", "remote.origin.partialclonefilter")
    partial.git("fetch", "--quiet", "--refetch")
    assert '"Say' in shown(run, "say@1.0.0")


def test_an_object_that_is_damaged_or_gone_is_told_with_a_remedy(
    three: tuple[Made, list[str]], run: Run
) -> None:
    made, (first, *_) = three
    blob = made.git("rev-parse", f"{first}:{SAY}")
    file = made.top / ".git" / "objects" / blob[:2] / blob[2:]
    whole = file.read_bytes()

    file.chmod(0o644)
    for damage in (b"", b"not zlib", whole[: len(whole) // 2], zlib.compress(b"blob 3\0abcd")):
        file.write_bytes(damage)
        done = run("show", f"say@{first}")
        complains(done, "missing-object", "damaged", "git fsck", exit_code=3)
        complains(run("log", "say"), "missing-object", "git fsck", exit_code=3)
    file.unlink()

    complains(run("show", f"say@{first}"), "missing-object", "git fsck", exit_code=3)
    assert "Now say" in shown(run, "say@HEAD")


def test_a_damaged_commit_is_told_with_a_remedy(three: tuple[Made, list[str]], run: Run) -> None:
    made, (_, second, _) = three
    file = made.top / ".git" / "objects" / second[:2] / second[2:]
    file.chmod(0o644)
    file.write_bytes(b"not zlib")

    complains(run("log", "say"), "git", "git fsck", exit_code=3)
    assert "Now say" in shown(run, "say@HEAD")


def test_replaced_objects_are_not_what_history_says(
    three: tuple[Made, list[str]], run: Run
) -> None:
    made, (first, _, third) = three
    made.git("replace", first, third)
    blob, other = (made.git("rev-parse", f"{commit}:{SAY}") for commit in (third, f"{third}~1"))
    made.git("replace", blob, other)

    assert '"Say' in shown(run, "say@1.0.0")
    assert "Now say" in shown(run, "say@HEAD")
    assert len(logged(run)) == 3


def test_a_dirty_tree_is_the_name_alone_and_the_first_line_of_the_log(
    three: tuple[Made, list[str]], run: Run
) -> None:
    made, _ = three
    made.write({SAY: saying("Not yet say", "2.0.0"), "prompts/labels.yaml": "say: {x: 1.0.0}\n"})

    assert "Not yet" in shown(run, "say")
    assert "Now say" in shown(run, "say@HEAD")
    assert (logged(run)[0]["commit"], logged(run)[0]["version"]) == (None, "2.0.0")
    complains(run("show", "say@2.0.0"), "unknown-ref", "known are x, 1.2.0")
    commits = [line["commit"] for line in json.loads(run("blame", "say", "--json").out)]
    assert commits.count(None) == 2
    assert '"Say' in shown(run, "say@x")


# What happened


def test_a_prompt_renamed_twice_is_one_prompt(made: Made, run: Run) -> None:
    made.commit("First")
    made.move(SAY, "prompts/speak.yaml", "Rename")
    made.commit("Second", {"prompts/speak.yaml": saying("Please say", "1.1.0")})
    made.move("prompts/speak.yaml", "prompts/voice/größe.yml", "Rename again")
    made.commit("Third", {"prompts/voice/größe.yml": saying("Now say", "1.2.0")})
    made.write({"suites/say.yaml": SUITE.replace("prompt: say", "prompt: voice/größe@1.0.0")})

    listed = logged(run, "voice/größe")

    assert [one["version"] for one in listed] == ["1.2.0", "1.1.0", "1.0.0"]
    assert [one["name"] for one in listed] == ["voice/größe", "speak", "say"]
    assert '"Say' in shown(run, "voice/größe@1.0.0")
    assert "Please" in shown(run, "voice/größe@1.1.0")
    assert '"Say' in shown(run, "say@1.0.0")
    assert '"Say' in shown(run, "voice/größe@HEAD~4")
    assert "Please" in shown(run, "speak@HEAD~2")
    assert "1.0.0" in run("blame", "voice/größe").out
    assert asked(run) == ["Say red."]


def test_a_rename_on_another_branch_is_followed_there(made: Made, run: Run) -> None:
    made.commit("First", {SAY: PROMPT + "# A line\n# and one more\n"})
    made.git("checkout", "--quiet", "-b", "side")
    made.move(SAY, "prompts/speak.yaml")
    made.git("checkout", "--quiet", "main")
    made.commit("Second", {SAY: saying("Please say", "1.1.0", "# A line\n# and one more\n")})

    assert '"Say' in shown(run, "say@side")
    assert '"Say' in shown(run, "speak@side")
    assert "Please" in shown(run, "say@1.1.0")
    assert run("blame", "say@side").code == 0
    assert {line["version"] for line in json.loads(run("blame", "say@side", "--json").out)} == {
        "1.0.0"
    }


def test_a_prompt_of_another_branch_only_is_found_there(made: Made, run: Run) -> None:
    made.commit("First")
    made.git("checkout", "--quiet", "-b", "side")
    made.commit("New", {"prompts/new.yaml": saying("Newly say", "3.0.0")})
    made.git("checkout", "--quiet", "main")
    made.write({"suites/say.yaml": SUITE.replace("prompt: say", "prompt: new@side")})

    assert "Newly" in shown(run, "new@side")
    assert "Newly say red." in run("render", "new@side", "-i", "word=red").out
    blamed = json.loads(run("blame", "new@side", "--json").out)
    assert {line["version"] for line in blamed} == {"3.0.0"}
    assert asked(run) == ["Newly say red."]
    complains(run("show", "new"), "unknown-prompt")
    complains(run("log", "new"), "unknown-prompt")
    complains(run("show", "new@3.0.0"), "unknown-prompt")
    complains(run("show", "new@main"), "unknown-prompt", "there is no prompt 'new' at")
    assert run("label", "new", "beta", "side").code == 0
    assert "Newly" in shown(run, "new@beta")


def test_a_prompt_deleted_and_made_again_has_both_lives(made: Made, run: Run) -> None:
    made.commit("First")
    gone = made.commit("Away", gone=[SAY, "suites/say.yaml"])
    made.commit("Elsewhere", {"README.md": "x"})
    made.commit("Back", {**GOOD, SAY: saying("Again say", "2.0.0")})

    assert [one["version"] for one in logged(run)] == ["2.0.0", "1.0.0"]
    assert '"Say' in shown(run, "say@1.0.0")
    done = run("show", f"say@{gone}")
    complains(done, "unknown-prompt", f"there is no prompt 'say' at {gone[:12]}", "llmops log say")
    assert "did you mean" not in done.err


def test_a_file_that_only_got_another_suffix_is_the_same_prompt(made: Made, run: Run) -> None:
    made.commit("First", {"prompts/say.yml": PROMPT}, gone=[SAY])
    made.move("prompts/say.yml", SAY)
    made.commit("Second", {SAY: saying("Please say", "1.1.0")})

    everything_works(run)


def test_a_folder_of_prompts_that_moved_keeps_its_versions(made: Made, run: Run) -> None:
    made.commit("First")
    made.commit("Second", {SAY: saying("Please say", "1.1.0")})
    (made.root / "prompts").rename(made.root / "texts")
    made.commit("Move", {"llmops.yaml": "prompts: texts\n" + CONFIG})

    everything_works(run)
    assert "production" not in (made.root / "texts/labels.yaml").read_text(encoding="utf-8")
    made.commit("Third", {"texts/say.yaml": saying("Now say", "1.2.0")})
    assert [one["version"] for one in logged(run)] == ["1.2.0", "1.1.0", "1.0.0"]
    assert '"Say' in shown(run, "say@HEAD~3")


def test_a_configuration_that_was_wrong_is_read_as_todays(made: Made, run: Run) -> None:
    made.commit("First", {"llmops.yaml": "prompts: [\n"})
    made.commit("Second", {"llmops.yaml": CONFIG, SAY: saying("Please say", "1.1.0")})

    everything_works(run)


def test_merges_and_squashes_make_no_version_of_what_is_known(made: Made, run: Run) -> None:
    made.commit("First")
    made.git("checkout", "--quiet", "-b", "side")
    made.commit("Second", {SAY: saying("Please say", "1.1.0")})
    made.git("checkout", "--quiet", "main")
    made.commit("Elsewhere", {"README.md": "x"})
    made.git("merge", "--quiet", "--no-ff", "--message=Merge", "side")
    merged = made.git("rev-parse", "HEAD")
    everything_works(run)
    made.git("checkout", "--quiet", "-b", "more")
    made.commit("Almost", {SAY: saying("Noow say", "1.2.0")})
    made.commit("There", {SAY: saying("Now say", "1.2.0")})
    made.git("checkout", "--quiet", "main")
    made.git("merge", "--quiet", "--squash", "more")
    squashed = made.commit("Squash")

    listed = logged(run)

    assert [one["version"] for one in listed] == ["1.2.0", "1.1.0", "1.0.0"]
    assert listed[0]["commit"] == squashed
    assert listed[1]["commit"] != merged
    assert "Now say" in shown(run, "say@1.2.0")


def test_a_merge_that_settles_a_conflict_is_a_version(made: Made, run: Run) -> None:
    made.commit("First")
    made.git("checkout", "--quiet", "-b", "side")
    made.commit("Theirs", {SAY: saying("Theirs say", "1.1.0")})
    made.git("checkout", "--quiet", "main")
    made.commit("Ours", {SAY: saying("Ours say", "1.2.0")})
    made.git("merge", "--quiet", "--no-commit", "--strategy=ours", "side")
    merge = made.commit("Merge", {SAY: saying("Both say", "1.3.0")})

    listed = logged(run)

    assert listed[0]["commit"] == merge
    assert {one["version"] for one in listed} == {"1.3.0", "1.2.0", "1.1.0", "1.0.0"}
    assert "Theirs" in shown(run, "say@1.1.0")


def test_commits_that_cannot_be_read_are_passed_over(made: Made, run: Run) -> None:
    made.commit("First")
    bad = made.commit("Broken", {SAY: "version: 1.0.0\nmesages: [\n"})
    odd = made.commit("Bytes", {SAY: b"\xff\xfe\x00"})
    made.commit("Second", {SAY: saying("Please say", "1.1.0")})

    listed = logged(run)

    assert [bool(one["faults"]) for one in listed] == [False, True, True, False]
    assert '"Say' in shown(run, "say@1.0.0")
    complains(run("show", f"say@{bad}"), "yaml-syntax", f"{bad[:12]}:{SAY}:")
    complains(run("show", f"say@{odd}"), "encoding", f"{odd[:12]}:{SAY}")
    complains(run("render", f"say@{bad}", "-i", "word=red"), "yaml-syntax")
    complains(run("label", "say", "staging", bad), "yaml-syntax")


def test_a_version_with_two_contents_is_refused_with_both(made: Made, run: Run) -> None:
    first = made.commit("First")
    made.commit("Words about it", {SAY: PROMPT + "description: A word.\n"})
    second = made.commit("Other", {SAY: saying("Please say")})
    made.write({"suites/say.yaml": OLD_SUITE})

    for done in (run("show", "say@1.0.0"), run("label", "say", "x", "1.0.0"), run("test")):
        complains(done, "version-reused", first[:12], second[:12], "name one by its commit")
    assert '"Say' in shown(run, f"say@{first}")
    run("label", "say", "x", first)
    assert '"Say' in shown(run, "say@x")


# What a prompt is made of


def made_of(files: Mapping[str, str]) -> dict[str, str]:
    base = "model: echo\ninputs: {word: {type: string}}\n"
    say = "version: 1.0.0\nextends: base\nmessages: [{role: user, content: \"{% include 'end.md' %}\"}]\n"
    return {
        **GOOD,
        "prompts/base.yaml": base + "messages: [{role: user, content: '{{ word }}'}]\n",
        SAY: say,
        "prompts/end.md": "Say {{ word }}.",
        **files,
    }


def test_what_a_prompt_is_made_of_makes_versions_too(made: Made, run: Run) -> None:
    schema = "output: {format: json, schema: {file: reply.json}}\n"
    files = made_of({"prompts/reply.json": '{"type": "object"}'})
    files[SAY] += schema
    first = made.commit("First", files)
    second = made.commit("Partial", {"prompts/end.md": "Please say {{ word }}."})
    base = files["prompts/base.yaml"] + "parameters: {temperature: 0}\n"
    third = made.commit("Base", {"prompts/base.yaml": base})
    fourth = made.commit("Schema", {"prompts/reply.json": '{"type": "array"}'})
    made.commit("Not a part", {"prompts/other.md": "x"})

    listed = logged(run)

    assert [one["commit"] for one in listed] == [fourth, third, second, first]
    assert len({one["hash"] for one in listed}) == 4
    said = [run("render", f"say@{id_}", "-i", "word=red").out for id_ in (first, second, third)]
    assert ["Please" in text for text in said] == [False, True, True]
    assert ["temperature" in text for text in said] == [False, False, True]
    complains(run("show", "say@1.0.0"), "version-reused")


def test_a_partial_that_was_renamed_is_read_under_its_old_name(made: Made, run: Run) -> None:
    files = made_of({})
    first = made.commit("First", files)
    second = made.commit("Other words", {"prompts/end.md": "Please say {{ word }}."})
    (made.root / "prompts/end.md").rename(made.root / "prompts/close.md")
    third = made.commit("Rename", {SAY: files[SAY].replace("end.md", "close.md")})

    listed = logged(run)

    assert [one["commit"] for one in listed][-2:] == [second, first]
    assert listed[0]["commit"] in {third, second}
    for commit, words in ((first, "\nSay red."), (second, "Please say red."), (third, "Please")):
        assert words in run("render", f"say@{commit}", "-i", "word=red").out


def test_a_base_that_was_broken_for_a_while_is_passed_over(made: Made, run: Run) -> None:
    files = made_of({})
    made.commit("First", files)
    bad = made.commit("Broken", {"prompts/base.yaml": "extends: say\nuser: x\n"})
    made.commit("Gone", gone=["prompts/base.yaml", "suites/say.yaml"])
    made.commit("Whole", {**files, SAY: files[SAY].replace("1.0.0", "1.1.0")})

    assert [bool(one["faults"]) for one in logged(run)] == [False, True, True, False]
    complains(run("show", f"say@{bad}"), "extends-cycle")
    assert run("show", "say@1.0.0").code == 0


def test_links_and_folders_in_place_of_a_prompt_are_told(made: Made, run: Run) -> None:
    made.commit("First")
    (made.root / "prompts/link.yaml").symlink_to("say.yaml")
    made.commit("Link")
    (made.root / "prompts/dir.yaml").mkdir()
    made.commit("Folder", {"prompts/dir.yaml/x": "x"})

    complains(run("show", "link@HEAD"), "symlink", "replace the link by a copy")
    complains(run("show", "dir@HEAD"), "unknown-prompt")


# A run of old versions


def test_a_run_of_a_pinned_version_sends_the_old_text(
    three: tuple[Made, list[str]], run: Run
) -> None:
    made, commits = three
    made.write({"prompts/labels.yaml": "say:\n  production: 1.1.0\n"})
    refs = ["1.0.0", "production", commits[1], "main", "HEAD~2", "git:HEAD~1"]
    listing = ", ".join(f'"say@{ref}"' for ref in refs)
    made.write({"suites/say.yaml": SUITE.replace("prompt: say", f"prompt: [{listing}, say]")})
    made.write({SAY: saying("Not yet say", "2.0.0")})

    assert asked(run) == [
        "Say red.", "Please say red.", "Please say red.", "Now say red.", "Say red.",
        "Please say red.", "Not yet say red.",
    ]  # fmt: skip


def test_a_run_of_a_ref_that_means_nothing_is_placed_in_the_suite(
    three: tuple[Made, list[str]], run: Run
) -> None:
    made, _ = three
    made.write({"suites/say.yaml": SUITE.replace("prompt: say", "prompt: say@1.0.9")})

    complains(run("test"), "unknown-ref", "suites/say.yaml:1:9", "'1.0.9'", "1.0.0")


def test_git_that_is_missing_is_told_where_a_ref_needs_it(
    three: tuple[Made, list[str]], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    for done in (run("show", "say@1.0.0"), run("log", "say"), run("blame", "say")):
        complains(done, "no-git", "install git", exit_code=3)
    assert "Now say" in shown(run, "say")


def test_a_user_with_a_hostile_taste_in_settings_sees_the_same(
    three: tuple[Made, list[str]], run: Run
) -> None:
    made, _ = three
    plain = run("log", "say").out, run("blame", "say").out, logged(run)
    for name, value in {
        "log.follow": "true", "log.showSignature": "true", "log.decorate": "full",
        "log.date": "relative", "log.abbrevCommit": "true", "log.diffMerges": "remerge",
        "diff.renames": "false", "diff.noprefix": "true", "diff.external": "false",
        "diff.relative": "true", "core.quotePath": "true", "color.ui": "always",
        "core.pager": "false", "core.abbrev": "4", "format.pretty": "oneline",
        "blame.date": "relative", "blame.showEmail": "true", "blame.blankBoundary": "true",
        "blame.markUnblamableLines": "true", "i18n.logOutputEncoding": "latin1",
        "status.short": "true", "alias.log": "!false", "grep.lineNumber": "true",
    }.items():  # fmt: skip
        made.git("config", name, value)

    assert (run("log", "say").out, run("blame", "say").out, logged(run)) == plain
