import json
from collections.abc import Callable
from pathlib import Path

import pytest
from small_project import PROMPT, SUITE, Commit, Run

SAY = "prompts/say.yaml"
SECOND = PROMPT.replace("1.0.0", "1.1.0").replace("Say {{", "Please say {{")


def logged(run: Run, name: str = "say") -> list[dict[str, object]]:
    done = run("log", name, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert isinstance(found, list)
    return found


def test_log_lists_versions_newest_first_with_what_changed(commit: Commit, run: Run) -> None:
    first = commit("First")
    second = commit("Be polite", {SAY: SECOND})

    newest, oldest = logged(run)

    assert (newest["commit"], oldest["commit"]) == (second, first)
    assert (newest["version"], oldest["version"]) == ("1.1.0", "1.0.0")
    assert (newest["kinds"], newest["step"]) == (["wording"], "patch")
    assert oldest["kinds"] is None
    assert newest["subject"] == "Be polite"
    assert newest["author"] == "Ada"
    assert newest["hash"] != oldest["hash"]


def test_log_as_a_table_has_a_line_a_version_and_with_stat_one_a_part(
    commit: Commit, run: Run
) -> None:
    commit("First")
    commit("Be polite", {SAY: SECOND})

    plain, parts = run("log", "say"), run("log", "say", "--stat")

    assert len(plain.out.splitlines()) == 3
    assert "wording" in plain.out.splitlines()[1]
    assert "first" in plain.out.splitlines()[2]
    assert len(parts.out.splitlines()) == 4
    assert "user message" in parts.out


def test_log_shows_what_kept_runs_say_of_each_content(commit: Commit, run: Run) -> None:
    commit("First")
    commit("Be polite", {SAY: SECOND})
    suite = SUITE.replace("prompt: say", "prompt: [say@1.0.0, say]")
    commit(
        "Both", {"suites/say.yaml": suite + "  - inputs: {word: x}\n    assert: [equals: Say x.]\n"}
    )

    assert run("test").code == 1
    newest, oldest = logged(run)

    assert (newest["results"]["passed"], newest["results"]["planned"]) == (1, 2)
    assert (oldest["results"]["passed"], oldest["results"]["planned"]) == (2, 2)
    assert "1/2" in run("log", "say").out


def test_a_trial_of_several_runs_counts_once(commit: Commit, run: Run) -> None:
    commit("First")

    assert [run("test").code, run("test").code] == [0, 0]

    assert logged(run)[0]["results"]["planned"] == 1


def test_log_folds_commits_that_left_the_content_as_it_was(
    commit: Commit, folder: Path, git: Callable[..., str], run: Run
) -> None:
    commit("First")
    described = commit("Describe", {SAY: PROMPT + "description: Says a word.\n"})
    git(folder, "mv", SAY, "prompts/speak.yaml")
    moved = commit("Move", {"suites/say.yaml": SUITE.replace("say", "speak")})

    (only,) = logged(run, "speak")

    assert only["name"] == "say"
    assert only["folded"] == [moved, described]


def test_log_folds_a_merge_that_takes_what_is_known(
    commit: Commit, folder: Path, git: Callable[..., str], run: Run
) -> None:
    commit("First")
    git(folder, "switch", "--quiet", "--create=side")
    commit("Side", {SAY: SECOND})
    git(folder, "switch", "--quiet", "main")
    commit("Else", {"notes.txt": "x"})
    git(folder, "merge", "--quiet", "--no-ff", "--message=Merge", "side")

    assert [entry["subject"] for entry in logged(run)] == ["Side", "First"]


def test_log_follows_partials_and_what_is_extended(commit: Commit, run: Run) -> None:
    said = PROMPT.replace("Say {{", "{% include 'partials/polite.md' %} say {{")
    commit("First", {SAY: said, "prompts/partials/polite.md": "Please"})
    changed = commit("Kinder", {"prompts/partials/polite.md": "Pretty please"})

    newest, _oldest = logged(run)

    assert newest["commit"] == changed
    assert newest["parts"][0]["part"] == "partial partials/polite.md"


def test_log_shows_what_is_not_committed_first(commit: Commit, folder: Path, run: Run) -> None:
    commit("First")
    (folder / SAY).write_text(SECOND, encoding="utf-8")

    newest, _oldest = logged(run)

    assert newest["commit"] is None
    assert newest["version"] == "1.1.0"
    assert "work tree" in run("log", "say").out


def test_log_passes_over_commits_that_cannot_be_read(commit: Commit, run: Run) -> None:
    commit("First")
    commit("Break", {SAY: "version: 1.1.0\nuser: [\n"})
    commit("Mend", {SAY: SECOND})

    newest, broken, _oldest = logged(run)

    assert newest["kinds"] == ["wording"]
    assert broken["hash"] is None
    assert f"{str(broken['commit'])[:12]}:prompts/say.yaml:" in str(broken["faults"])
    assert "cannot be read" in run("log", "say").out
    assert run("show", "say@1.0.0").code == 0


def test_log_of_a_prompt_that_was_deleted_still_lists_it(
    commit: Commit, folder: Path, run: Run
) -> None:
    commit("First")
    (folder / SAY).unlink()
    (folder / "suites/say.yaml").unlink()
    commit("Delete")

    assert [entry["subject"] for entry in logged(run)] == ["First"]
    assert "Say {{ word }}" in run("show", "say@1.0.0").out


def test_log_of_no_prompt_names_the_nearest(commit: Commit, run: Run) -> None:
    commit("First")

    done = run("log", "sya")

    assert done.code == 2
    assert "no prompt is called 'sya'" in done.err
    assert "did you mean 'say'?" in done.err


def test_a_label_is_set_moved_listed_and_removed(commit: Commit, folder: Path, run: Run) -> None:
    commit("First")
    second = commit("Be polite", {SAY: SECOND})
    labels = folder / "prompts/labels.yaml"

    assert "nothing → 1.0.0" in run("label", "say", "production", "1.0.0").out
    assert "Say {{" in run("show", "say@production").out
    assert "1.0.0 → 1.1.0" in run("label", "say", "production").out
    assert "Please say {{" in run("show", "say@production").out
    (listed,) = json.loads(run("label", "--json").out)
    assert (listed["label"], listed["target"], listed["commit"]) == ("production", "1.1.0", second)
    assert "it meant that already" in run("label", "say", "production", "main").err
    assert "1.1.0 → nothing" in run("label", "say", "production", "--remove").out
    assert "production" not in labels.read_text(encoding="utf-8")


def test_a_label_of_what_claims_nothing_is_a_commit(commit: Commit, folder: Path, run: Run) -> None:
    first = commit("First", {SAY: PROMPT.replace("version: 1.0.0\n", "")})

    assert run("label", "say", "staging", "main").code == 0

    assert first in (folder / "prompts/labels.yaml").read_text(encoding="utf-8")


def test_a_label_can_be_promoted_to_another(commit: Commit, run: Run) -> None:
    commit("First")
    commit("Be polite", {SAY: SECOND})

    run("label", "say", "staging", "1.0.0")

    assert "nothing → 1.0.0" in run("label", "say", "production", "staging").out


def test_a_protected_label_is_moved_by_force_only(commit: Commit, folder: Path, run: Run) -> None:
    config = (folder / "llmops.yaml").read_text(encoding="utf-8")
    commit("First", {"llmops.yaml": f"{config}protected_labels: [production]\n"})

    refused = run("label", "say", "production")
    moved = run("label", "say", "production", "--force")
    kept = run("label", "say", "production", "--remove")

    assert (refused.code, moved.code, kept.code) == (2, 0, 2)
    assert "[protected-label]" in refused.err
    assert "(protected)" in run("label").out


@pytest.mark.parametrize("word", ["a1b2c3d", "two words", "x@y", "1.0.0", "-x", "ü"])
def test_a_word_that_cannot_be_a_label_is_refused(commit: Commit, run: Run, word: str) -> None:
    commit("First")

    done = run("label", "say", "--", word)

    assert done.code == 2
    assert "[label-name]" in done.err


def test_a_label_that_means_nothing_any_more_is_listed_as_such(commit: Commit, run: Run) -> None:
    commit("First", {"prompts/labels.yaml": "say:\n  production: 9.9.9\n"})

    done = run("label")
    shown = run("show", "say@production")

    assert done.code == 2
    assert "'9.9.9' is no" in done.out
    assert "prompts/labels.yaml:2:15" in shown.err


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[]\n", "expected prompts with their labels"),
        ("say: production\n", "expected labels of 'say'"),
        ("say: {production: [1]}\n", "expected a version"),
        ("say: {a b: 1.0.0}\n", "cannot be a label"),
        ("say: {\n", "prompts/labels.yaml:"),
    ],
)
def test_a_wrong_file_of_labels_is_placed(
    commit: Commit, run: Run, text: str, complaint: str
) -> None:
    commit("First", {"prompts/labels.yaml": text})

    done = run("label")

    assert done.code == 2
    assert complaint in done.err


def test_a_label_like_a_branch_is_ambiguous_and_can_be_forced(commit: Commit, run: Run) -> None:
    commit("First")
    commit("Be polite", {SAY: SECOND})

    made = run("label", "say", "main", "1.0.0")
    plain, label, git = (run("show", f"say@{ref}") for ref in ("main", "label:main", "git:main"))

    assert "'main' is a git revision too" in made.err
    assert plain.code == 2
    assert "a label of 1.0.0 and the git revision" in plain.err
    assert "'say@label:main' or 'say@git:main'" in plain.err
    assert 'user, content: "Say' in label.out
    assert "Please say" in git.out


def test_a_version_with_two_contents_names_both_commits(commit: Commit, run: Run) -> None:
    first = commit("First")
    second = commit("Forgot", {SAY: SECOND.replace("1.1.0", "1.0.0")})

    done = run("show", "say@1.0.0")

    assert done.code == 2
    assert f"{first[:12]} and {second[:12]}" in done.err
    assert "[version-reused]" in done.err
    assert run("show", f"say@{first}").code == 0


@pytest.mark.parametrize("ref", ["version:9.9.9", "label:nix", "git:nix", "nix", "1.0", ""])
def test_a_ref_that_means_nothing_is_named(commit: Commit, run: Run, ref: str) -> None:
    commit("First")

    done = run("show", f"say@{ref}")

    assert done.code == 2
    assert ref.partition(":")[2] in done.err
    assert "hint:" in done.err


def test_blame_tells_commit_author_and_first_version_of_each_line(
    commit: Commit, folder: Path, run: Run
) -> None:
    first = commit("First")
    second = commit("Be polite", {SAY: SECOND})
    (folder / SAY).write_text(f"{SECOND}description: Says.\n", encoding="utf-8")

    now = json.loads(run("blame", "say", "--json").out)
    then = json.loads(run("blame", "say@1.0.0", "--json").out)

    assert [line["commit"] for line in now] == [second, first, first, second, None]
    assert [line["version"] for line in now] == ["1.1.0", "1.0.0", "1.0.0", "1.1.0", None]
    assert {line["commit"] for line in then} == {first}
    assert [line["text"] for line in then] == PROMPT.splitlines()
    assert "work tree" in run("blame", "say").out


def test_blame_of_what_is_in_no_commit_says_so(commit: Commit, folder: Path, run: Run) -> None:
    commit("First")
    (folder / "prompts/new.yaml").write_text(PROMPT, encoding="utf-8")

    new, none = run("blame", "new"), run("blame", "nix")

    assert (new.code, none.code) == (2, 2)
    assert "no commit holds the prompt 'new' yet" in new.err
    assert "no prompt is called 'nix'" in none.err


def test_render_takes_the_words_of_the_version(commit: Commit, run: Run) -> None:
    commit("First")
    commit("Be polite", {SAY: SECOND})

    assert "\nSay red.\n" in run("render", "say@1.0.0", "-i", "word=red").out
    assert "Please say red." in run("render", "say", "-i", "word=red").out


def test_two_versions_in_one_suite_are_two_arms(commit: Commit, run: Run) -> None:
    commit("First")
    commit("Be polite", {SAY: SECOND})
    suite = SUITE.replace("prompt: say", "prompt: [say@1.0.0, say@main]")
    commit("Both", {"suites/say.yaml": suite})

    done = run("test", "--report", "json=-")

    trials = json.loads(done.out)["trials"]
    assert [trial["arm"]["prompt"] for trial in trials] == ["say@1.0.0", "say@main"]
    assert ["Please" in json.dumps(trial) for trial in trials] == [False, True]
