import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from small_project import Done, Run

Git = Callable[..., str]
Change = Mapping[str, str | None]

WORDS = [f"word{number:02}" for number in range(30)]
CONFIG = (
    "models:\n  echo: {model: scripted/echo, script: echo.yaml}\n"
    "gate: {min_pass_rate: 0.9, margin: 0.2}\n"
)
PROMPT = (
    "version: 1.0.0\nmodel: echo\ninputs: {word: {type: string}}\n"
    'messages: [{role: user, content: "Say {{ word }}."}]\n'
)
CASE = "  - {{id: {0}, inputs: {{word: {0}}}, assert: [{{contains: {0}}}]}}\n"


def suite(words: list[str]) -> str:
    return "prompt: say\ncases:\n" + "".join(CASE.format(word) for word in words)


START: dict[str, str] = {
    ".gitignore": ".llmops/\n",
    "llmops.yaml": CONFIG,
    "echo.yaml": "rules: [{echo: true}]\n",
    "prompts/say.yaml": PROMPT,
    "suites/say.yaml": suite(WORDS),
    "README.md": "Hello\n",
}
HARMLESS = {"prompts/say.yaml": PROMPT.replace("Say", "Please say")}
HARMFUL = {"prompts/say.yaml": PROMPT.replace("{{ word }}", "{{ word[:-1] }}")}
CHEATING = {
    **HARMFUL,
    "llmops.yaml": CONFIG.replace("0.9", "0.1"),
    "suites/say.yaml": suite(WORDS[1:]),
}


@pytest.fixture(autouse=True)
def _nobody(nobody: None) -> None:
    del nobody


def write(folder: Path, files: Change) -> None:
    for name, text in files.items():
        path = folder / name
        if text is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def repository(tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A repository with a base on `main`, a change in the work tree, and us in it."""

    def make(change: Change, base: Change | None = None) -> Path:
        folder = tmp_path / "origin"
        folder.mkdir()
        git(folder, "init", "--quiet", "--initial-branch=main")
        write(folder, {**START, **(base or {})})
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message=Base")
        write(folder, change)
        monkeypatch.chdir(folder)
        return folder

    return make


@pytest.fixture
def pull_request(
    repository: Callable[..., Path], tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """A clone of depth 2 of a pull request's merge, as GitHub's checkout makes it."""

    def make(change: Change, depth: int = 2) -> Path:
        origin = repository({})
        git(origin, "checkout", "--quiet", "-b", "topic")
        write(origin, change)
        git(origin, "add", "--all")
        git(origin, "commit", "--quiet", "--message=Change")
        git(origin, "checkout", "--quiet", "-b", "merged", "main")
        git(origin, "merge", "--quiet", "--no-ff", "--message=Merge", "topic")
        clone = tmp_path / "clone"
        url = f"file://{origin}"
        git(tmp_path, "clone", "--quiet", f"--depth={depth}", "--branch=merged", url, str(clone))
        event = tmp_path / "event.json"
        here = {"repo": {"full_name": "us/prompts"}}
        event.write_text(json.dumps({"pull_request": {"head": here, "base": here}}), "utf-8")
        monkeypatch.setenv("CI", "true")
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("GITHUB_EVENT_NAME", "pull_request")
        monkeypatch.setenv("GITHUB_BASE_REF", "main")
        monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
        monkeypatch.chdir(clone)
        return clone

    return make


def told(done: Done) -> dict[str, object]:
    found: dict[str, object] = json.loads(done.out)
    return found


def kinds(done: Done) -> list[str]:
    policy = json.loads(done.out)["policy"]
    return [finding["kind"] for finding in policy]


def test_a_harmless_edit_passes_in_a_pull_request(
    run: Run, pull_request: Callable[..., Path]
) -> None:
    pull_request(HARMLESS)

    done = run("gate")

    assert done.code == 0, done.err
    assert "the first parent of the pull request's merge" in done.out
    assert "Policy: nothing changed" in done.out
    assert "prompts/say.yaml changed" in done.out
    assert "\n passed: not worse: pass rate 100.0 % → 100.0 %" in done.out


def test_a_harmful_edit_fails_in_a_pull_request(
    run: Run, pull_request: Callable[..., Path]
) -> None:
    pull_request(HARMFUL)

    done = run("gate", "--first", "1")

    assert done.code == 1
    assert "failed: regressed: pass rate 100.0 % → 0.0 %" in done.out
    assert "Broken: 30 trials passed before" in done.out
    assert "contains 'word00'" in done.out
    assert "… 29 more trials" in done.out


def test_a_cheating_edit_is_red_and_both_of_its_tricks_are_named_first(
    run: Run, pull_request: Callable[..., Path]
) -> None:
    pull_request(CHEATING)

    done = run("gate", "--report", "github", "--report", "markdown", "--report", "junit")

    assert done.code == 1
    comment = Path("gate.md").read_text(encoding="utf-8")
    junit = Path("gate.xml").read_text(encoding="utf-8")
    for told_in in (done.out, comment, junit):
        assert "threshold_lowered" in told_in
        assert "case_removed" in told_in
        assert told_in.index("case_removed") < told_in.rindex("min_pass_rate")
    assert "the gate's min_pass_rate was 0.9 and is 0.1 now" in done.out
    assert "say: the case was removed (word00)" in done.out
    assert "0 of 29 trials passed, at least 90 % must" in done.out
    assert "::error file=llmops.yaml,line=3" in done.out
    assert int(ET.fromstring(junit).get("failures", "0")) == 5


def test_a_cheating_edit_that_breaks_nothing_is_red_all_the_same(
    run: Run, repository: Callable[..., Path]
) -> None:
    repository({**CHEATING, **HARMLESS})

    red = run("gate")
    reviewed = run("gate", "--allow", "case_removed", "--allow", "threshold_lowered")

    assert red.code == 1
    assert "failed: 2 findings about policy (threshold_lowered, case_removed)" in red.out
    assert reviewed.code == 0
    assert "; 2 warnings" in reviewed.out


def test_what_touches_no_suite_passes_without_a_run(
    run: Run, repository: Callable[..., Path]
) -> None:
    folder = repository({"README.md": "Hello again\n"})

    done = run("gate", "--json")

    assert done.code == 0
    assert told(done)["verdict"]["status"] == "unchanged"  # type: ignore[index]  # plain JSON
    assert told(done)["run"] is None
    assert not (folder / ".llmops/runs").exists()


def test_policy_alone_is_looked_at_when_no_suite_is_reached(
    run: Run, repository: Callable[..., Path]
) -> None:
    repository({"llmops.yaml": CONFIG.replace("0.2", "0.9")})

    done = run("gate", "--json")

    assert done.code == 1
    assert kinds(done) == ["threshold_lowered"]


def test_a_changed_prompt_that_no_suite_uses_is_named(
    run: Run, repository: Callable[..., Path]
) -> None:
    repository({"prompts/alone.yaml": PROMPT})

    done = run("gate", "--json")

    assert done.code == 0
    assert kinds(done) == ["untested_prompt"]


def test_without_a_base_nothing_passes(
    run: Run, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, START)
    monkeypatch.chdir(tmp_path)

    outside = run("gate")
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    unborn = run("gate")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message=First")
    only = run("gate")

    assert [outside.code, unborn.code, only.code] == [6, 6, 6]
    assert "--base" in only.err


def test_a_base_that_cannot_be_read_is_no_base(run: Run, repository: Callable[..., Path]) -> None:
    repository({"suites/say.yaml": suite(WORDS)}, base={"suites/say.yaml": "prompt: [\n"})

    done = run("gate")

    assert done.code == 6
    assert "the project cannot be read at the base" in done.err


def test_cases_of_the_base_that_cannot_be_read_are_no_base(
    run: Run, repository: Callable[..., Path]
) -> None:
    broken = "prompt: say\ncases: [{dataset: data.csv, assert: [{contains: x}]}]\n"
    repository({"suites/say.yaml": suite(WORDS)}, base={"suites/say.yaml": broken})

    done = run("gate")

    assert done.code == 6


def test_a_new_prompt_has_no_base_and_must_pass_wholly(
    run: Run, repository: Callable[..., Path]
) -> None:
    new = suite(WORDS[:3]).replace("prompt: say", "prompt: new")
    wrong = new.replace("contains: word00", "contains: nothing")
    base = {"llmops.yaml": CONFIG.replace("gate:", "x-gate:")}
    folder = repository({"prompts/new.yaml": PROMPT, "suites/new.yaml": new}, base=base)

    well = run("gate")
    write(folder, {"suites/new.yaml": wrong})
    ill = run("gate")

    assert well.code == 0
    assert "new has nothing to compare with" in well.out
    assert "passed: 1 rule holds" in well.out
    assert ill.code == 1
    assert "2 of 3 trials without a counterpart at the base passed; not word00" in ill.out


def test_a_case_that_the_base_cannot_be_asked_is_held_to_the_absolute_rules(
    run: Run, repository: Callable[..., Path]
) -> None:
    prompt = PROMPT.replace("{word:", "{tone: {type: string, default: x}, word:")
    prompt = prompt.replace("Say", "{{ tone }} say")
    more = "  - {id: loud, inputs: {word: loud, tone: y}, assert: [{contains: silent}]}\n"
    base = {"llmops.yaml": CONFIG.replace("gate:", "x-gate:")}
    repository({"prompts/say.yaml": prompt, "suites/say.yaml": suite(WORDS) + more}, base=base)

    done = run("gate", "--json")

    rules = {rule["rule"]: rule for rule in json.loads(done.out)["rules"]}
    assert done.code == 1
    assert rules["without_base"]["outcome"] == "broken"
    assert told(done)["assessment"]["cases"] == 30  # type: ignore[index]  # plain JSON


def test_a_tag_of_the_base_counts_when_the_change_took_it_away(
    run: Run, repository: Callable[..., Path]
) -> None:
    tagged = suite(WORDS).replace("id: word03,", "id: word03, tags: [must_pass],")
    config = {"llmops.yaml": CONFIG.replace("0.9", "0.5")}
    worse = PROMPT.replace("{{ word }}", "{{ word if word != 'word03' else 'oh' }}")
    change = {"suites/say.yaml": suite(WORDS), "prompts/say.yaml": worse}
    repository(change, base={"suites/say.yaml": tagged, **config})

    done = run("gate", "--allow", "must_pass_removed")

    assert done.code == 1
    assert "0 of 1 cases that must pass passed; not word03" in done.out


def test_a_budget_of_the_base_holds_and_stops_it(run: Run, repository: Callable[..., Path]) -> None:
    tight = CONFIG + "budget: {max_calls: 5}\n"
    loose = CONFIG + "budget: {max_calls: 500}\n"
    repository({**HARMFUL, "llmops.yaml": loose}, base={"llmops.yaml": tight})

    done = run("gate")

    assert done.code == 4
    assert "budget_raised" in done.out
    assert "budget: the budget stopped it" in done.out


def test_a_missing_recording_is_no_verdict(run: Run, repository: Callable[..., Path]) -> None:
    config = CONFIG.replace("scripted/echo, script: echo.yaml", "openai/some-model")
    repository(HARMLESS, base={"llmops.yaml": config})

    done = run("gate", "--replay")

    assert done.code == 3
    assert "error: " in done.out


def test_what_the_base_recorded_is_answered_as_it_was_recorded_there(
    run: Run, repository: Callable[..., Path], git: Git
) -> None:
    config = {"llmops.yaml": CONFIG.replace("margin: 0.2", "margin: 0.3")}
    folder = repository({}, base=config)
    assert run("record").code == 0
    kept = Path("recordings/say.jsonl").read_text(encoding="utf-8")
    write(folder, {"echo.yaml": "rules: []\n"})
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=Record")
    write(folder, {"recordings/say.jsonl": kept.replace('"text": "Say word', '"text": "Say w0rd')})

    done = run("gate", "--replay", "--base", "HEAD", "--json")

    assert done.code == 0, done.out
    assert kinds(done) == ["recordings_changed"]
    assert told(done)["counts"]["same"] == 30  # type: ignore[index]  # plain JSON


@pytest.mark.parametrize(("word", "code", "status"), [("warn", 0, "inconclusive"), ("fail", 6, "")])
def test_the_policy_says_what_an_inconclusive_comparison_does(
    run: Run, repository: Callable[..., Path], word: str, code: int, status: str
) -> None:
    few = {"suites/say.yaml": suite(WORDS[:4])}
    config = {"llmops.yaml": f"{CONFIG.strip()[:-1]}, on_inconclusive: {word}}}\n"}
    repository(HARMLESS, base={**few, **config})

    done = run("gate")

    assert done.code == code
    assert "inconclusive: pass rate 100.0 % → 100.0 %" in done.out
    assert status in done.out


def test_a_plugin_and_a_key_of_the_change_are_not_trusted(
    run: Run, repository: Callable[..., Path]
) -> None:
    loot = (
        "models:\n  loot: {model: openai/x, api_base: 'http://127.0.0.1:9/v1', key: MY_API_KEY}\n"
    )
    stolen = CONFIG.replace("models:\n", loot) + "plugins: [evil]\n"
    repository({**HARMLESS, "llmops.yaml": stolen, "evil.py": "raise SystemExit(9)\n"})

    done = run("gate", "--json")

    assert done.code == 1
    assert kinds(done)[:2] == ["plugin_added", "host_added"]


def test_the_change_can_be_held_against_a_run_and_against_approved_results(
    run: Run, repository: Callable[..., Path], git: Git
) -> None:
    folder = repository({})
    assert run("test").code == 0
    kept = next((folder / ".llmops/runs").glob("*.jsonl")).stem
    assert run("approve", "--from-run", kept).code == 0
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=Approve")
    write(folder, HARMFUL)

    by_run = run("gate", "--against", kept, "--json")
    by_baseline = run("gate", "--base", "HEAD", "--against", "baseline", "--json")
    by_commit = run("gate", "--against", "HEAD", "--json")
    nonsense = run("gate", "--against", "nonsense")
    git(folder, "stash", "--quiet")
    assert run("test", "--fresh").code == 0
    git(folder, "stash", "pop", "--quiet")
    by_last = run("gate", "--against", "last", "--json")
    git(folder, "branch", "last")
    both = run("gate", "--against", "last")
    forced = run("gate", "--against", "run:last", "--json")

    assert both.code == 2
    assert "[ambiguous-ref]" in both.err
    for done in (by_run, by_baseline, by_commit, by_last, forced):
        assert done.code == 1, done.err
        assert told(done)["assessment"]["cases"] == 30  # type: ignore[index]  # plain JSON
    assert nonsense.code == 2


def test_what_the_policy_compares_with_must_be_there(
    run: Run, repository: Callable[..., Path]
) -> None:
    config = f"{CONFIG.strip()[:-1]}, against: elsewhere}}\n"
    repository(HARMLESS, base={"llmops.yaml": config})

    done = run("gate")

    assert done.code == 6
    assert "'elsewhere'" in done.err


def test_the_branch_that_the_policy_compares_with_is_taken_where_it_meets_the_change(
    run: Run, repository: Callable[..., Path]
) -> None:
    config = f"{CONFIG.strip()[:-1]}, against: main}}\n"
    repository(HARMFUL, base={"llmops.yaml": config})

    done = run("gate", "--json")

    assert done.code == 1
    assert told(done)["assessment"]["cases"] == 30  # type: ignore[index]  # plain JSON


def test_approved_results_that_are_not_there_are_no_comparison(
    run: Run, repository: Callable[..., Path]
) -> None:
    repository(HARMLESS)

    done = run("gate", "--against", "baseline")

    assert done.code == 6
    assert "incomparable: the approved results of the base" in done.out


def test_a_model_that_the_suite_changes_is_what_is_compared(
    run: Run, repository: Callable[..., Path]
) -> None:
    other = "  mute: {model: scripted/mute, script: mute.yaml}\n"
    config = CONFIG.replace("models:\n", f"models:\n{other}")
    alias = suite(WORDS).replace("prompt: say", "prompt: say\nmodels: [mute]")
    folder = repository(
        {"suites/say.yaml": alias},
        base={"llmops.yaml": config, "mute.yaml": "rules: [{reply: no}]\n"},
    )

    by_suite = run("gate")
    write(
        folder, {"suites/say.yaml": suite(WORDS), "llmops.yaml": CONFIG.replace("echo.", "mute.")}
    )
    by_alias = run("gate")

    assert by_suite.code == by_alias.code == 1
    assert "regressed" in by_suite.out
    assert "regressed" not in by_suite.err


def test_selectors_narrow_what_is_run_and_not_what_is_looked_at(
    run: Run, repository: Callable[..., Path]
) -> None:
    base = {"suites/other.yaml": suite(["one", "two"])}
    repository({**HARMLESS, "suites/other.yaml": suite(["one"])}, base=base)

    done = run("gate", "say", "--json")
    unknown = run("gate", "sya")

    assert [one["suite"] for one in json.loads(done.out)["suites"]] == ["say"]
    assert kinds(done) == ["case_removed"]
    assert unknown.code == 5


def test_a_label_means_at_the_base_what_it_meant_there(
    run: Run, repository: Callable[..., Path], git: Git
) -> None:
    pinned = suite(WORDS).replace("prompt: say", "prompt: say@production")
    labels = "say: {production: 1.0.0}\n"
    folder = repository({}, base={"suites/say.yaml": pinned, "prompts/labels.yaml": labels})
    write(folder, {"prompts/say.yaml": HARMFUL["prompts/say.yaml"].replace("1.0.0", "2.0.0")})
    git(folder, "commit", "--quiet", "--all", "--message=Second")
    write(folder, {"prompts/labels.yaml": labels.replace("1.0.0", "2.0.0")})

    done = run("gate", "--base", "HEAD")

    assert done.code == 1
    assert "regressed: pass rate 100.0 % → 0.0 %" in done.out


def test_a_chain_is_compared_step_by_step(run: Run, repository: Callable[..., Path]) -> None:
    second = PROMPT.replace("Say", "Say again:")
    chain = (
        "steps:\n  - {id: first, prompt: say}\n"
        '  - {id: again, prompt: again, inputs: {word: "{{ steps.first.output }}"}}\n'
        "cases:\n" + "".join(CASE.format(word) for word in WORDS)
    )
    base = {"suites/say.yaml": chain, "prompts/again.yaml": second}
    repository({"prompts/again.yaml": second.replace("{{ word }}", "no")}, base=base)

    done = run("gate")

    assert done.code == 1
    assert "regressed: pass rate 100.0 % → 0.0 %" in done.out


def test_an_application_has_no_base_and_is_refused_when_untrusted(
    run: Run, repository: Callable[..., Path]
) -> None:
    target = "target: {exec: [python3, app.py]}\ncases:\n" + CASE.format("red")
    app = "import sys\nprint(sys.stdin.read())\n"
    repository({"suites/app.yaml": target, "app.py": app})

    trusted = run("gate", "app")
    refused = run("gate", "app", "--untrusted")

    assert trusted.code == 0, trusted.out
    assert refused.code == 2


def test_a_confidence_without_sense_is_found_before_anything_is_asked(
    run: Run, repository: Callable[..., Path]
) -> None:
    repository(HARMLESS, base={"llmops.yaml": CONFIG.replace("margin: 0.2", "confidence: 0.3")})

    done = run("gate")

    assert done.code == 2
    assert "[confidence]" in done.err


def test_what_may_be_allowed_is_checked(run: Run, repository: Callable[..., Path]) -> None:
    repository(HARMLESS)

    done = run("gate", "--allow", "case_remvoed")

    assert done.code == 2
    assert "did you mean 'case_removed'?" in done.err


def test_a_project_without_a_suite_is_nothing_to_hold(
    run: Run, repository: Callable[..., Path]
) -> None:
    folder = repository({})
    (folder / "suites/say.yaml").unlink()

    removed = run("gate", "--json")

    assert removed.code == 1
    assert kinds(removed) == ["suite_removed"]


def test_no_suite_on_either_side_is_nothing_selected(
    run: Run, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    write(tmp_path, {"llmops.yaml": CONFIG})
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message=First")
    write(tmp_path, {"README.md": "x"})
    monkeypatch.chdir(tmp_path)

    done = run("gate")

    assert done.code == 5


def test_the_summary_of_a_step_holds_the_gate(
    run: Run,
    pull_request: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pull_request(HARMLESS)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))

    done = run("gate", "--report", "github")

    assert done.out.startswith("::notice title=llmops gate%3A passed::passed: not worse")
    assert "### ✓ llmops gate: passed" in (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_a_document_on_stdout_stands_alone(run: Run, repository: Callable[..., Path]) -> None:
    repository(HARMLESS)

    done = run("gate", "--report", "json=-")

    assert json.loads(done.out)["schema"] == "llmops.gate/1"
    assert "Policy: nothing changed" in done.err


def test_a_suite_with_a_gate_of_its_own_is_held_to_it(
    run: Run, repository: Callable[..., Path]
) -> None:
    other = suite(WORDS[:6]) + "gate: {on_inconclusive: fail, min_pass_rate: 0}\n"
    repository(HARMLESS, base={"suites/other.yaml": other})

    done = run("gate", "--json")

    rules = [(rule["rule"], rule["scope"], rule["sign"]) for rule in json.loads(done.out)["rules"]]
    assert ("suite_worse", "other", "red") in rules
    assert done.code == 0 or told(done)["verdict"]["status"] == "inconclusive"  # type: ignore[index]  # plain JSON


def test_code_and_schemas_that_judge_are_named(run: Run, repository: Callable[..., Path]) -> None:
    schema = {"file": "schema.json"}
    cases = (
        "prompt: say\ncases:\n  - id: one\n    inputs: {word: red}\n"
        f"    assert: [{{contains: red}}, {{not: {{json_schema: {json.dumps(schema)}}}}}]\n"
    )
    base = {"suites/say.yaml": cases, "schema.json": '{"type": "object"}'}
    repository({"schema.json": '{"type": "array"}'}, base=base)

    done = run("gate", "--json")

    assert kinds(done) == ["scorer_changed"]


def test_a_clone_that_is_too_shallow_has_no_base_and_says_what_helps(
    run: Run, pull_request: Callable[..., Path]
) -> None:
    pull_request(HARMLESS, depth=1)

    done = run("gate")

    assert done.code == 6
    assert "fetch-depth: 2" in done.err


def test_a_pull_request_of_a_fork_is_untrusted(
    run: Run, pull_request: Callable[..., Path], tmp_path: Path
) -> None:
    pull_request(
        {**HARMLESS, "suites/app.yaml": "target: {exec: [ls]}\ncases:\n" + CASE.format("x")}
    )
    sides = {side: {"repo": {"full_name": side}} for side in ("head", "base")}
    (tmp_path / "event.json").write_text(json.dumps({"pull_request": sides}), "utf-8")

    done = run("gate")

    assert done.code == 2
    assert "[untrusted]" in done.err


def test_a_change_that_records_anew_is_replayed_on_both_sides(
    run: Run, repository: Callable[..., Path], git: Git
) -> None:
    folder = repository({})
    assert run("record").code == 0
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=Record")
    write(folder, HARMLESS)
    (folder / "recordings/say.jsonl").unlink()
    assert run("record").code == 0

    done = run("gate", "--replay", "--base", "HEAD", "--json")

    assert done.code == 0, done.out
    assert kinds(done) == ["recordings_changed"]
    assert told(done)["totals"]["recorded"] == 60  # type: ignore[index]  # plain JSON


def test_more_recordings_are_only_listed(
    run: Run, repository: Callable[..., Path], git: Git
) -> None:
    folder = repository({})
    assert run("record").code == 0
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=Record")
    write(folder, HARMLESS)
    assert run("record").code == 0

    done = run("gate", "--replay", "--base", "HEAD", "--json")

    assert kinds(done) == ["recordings_added"]
    assert told(done)["verdict"]["warnings"] == 0  # type: ignore[index]  # plain JSON


def test_a_suite_that_was_renamed_is_held_to_what_it_was(
    run: Run, repository: Callable[..., Path]
) -> None:
    gated = suite(WORDS) + "gate: {min_pass_rate: 1}\n"
    moved = {"suites/say.yaml": None, "suites/new.yaml": suite(WORDS)}
    repository({**HARMFUL, **moved}, base={"suites/say.yaml": gated})

    done = run("gate", "--json")

    rules = {rule["rule"]: rule for rule in json.loads(done.out)["rules"]}
    assert done.code == 1
    assert kinds(done) == ["threshold_lowered", "suite_renamed"]
    assert "at least 100 % must" in rules["min_pass_rate"]["reason"]
    assert told(done)["assessment"]["cases"] == 30  # type: ignore[index]  # plain JSON


def test_a_protected_label_that_moves_is_named(run: Run, repository: Callable[..., Path]) -> None:
    base = {
        "llmops.yaml": CONFIG + "protected_labels: [production]\n",
        "prompts/labels.yaml": "say: {production: 1.0.0}\n",
    }
    repository({"prompts/labels.yaml": "say: {production: HEAD}\n"}, base=base)

    done = run("gate", "--json")

    assert kinds(done) == ["label_moved"]


def test_a_run_that_was_not_finished_is_nothing_to_compare_with(
    run: Run, repository: Callable[..., Path]
) -> None:
    folder = repository({})
    assert run("test", "--max-calls", "3").code == 4
    kept = next((folder / ".llmops/runs").glob("*.jsonl")).stem
    write(folder, HARMLESS)

    done = run("gate", "--against", f"run:{kept[-4:]}")

    assert done.code == 2
    assert "[partial-run]" in done.err


def test_an_untrusted_run_is_nothing_to_compare_with(
    run: Run, repository: Callable[..., Path]
) -> None:
    folder = repository({})
    assert run("test", "--untrusted").code == 0
    kept = next((folder / ".llmops/runs").glob("*.jsonl")).stem
    write(folder, HARMLESS)

    done = run("gate", "--against", kept)
    by_strangers = run("gate", "--against", kept, "--untrusted")

    assert done.code == 2
    assert "[untrusted-run]" in done.err
    assert by_strangers.code == 0


def test_many_baselines_and_recordings_that_are_no_text_are_named(
    run: Run, repository: Callable[..., Path]
) -> None:
    repository({"baselines/say/x.yaml": "a: 1\n", "baselines/say/y.yaml": "a: 1\n"})

    done = run("gate", "--json")

    assert done.code == 0
    assert kinds(done) == ["baselines_changed"]


def test_a_step_that_is_new_is_asked_on_both_sides_where_that_can_be(
    run: Run, repository: Callable[..., Path]
) -> None:
    one = "steps:\n  - {id: first, prompt: say}\n"
    two = one + '  - {id: again, prompt: say, inputs: {word: "{{ steps.first.output }}"}}\n'
    cases = "cases:\n" + "".join(CASE.format(word) for word in WORDS)
    repository({"suites/say.yaml": two + cases}, base={"suites/say.yaml": one + cases})

    done = run("gate", "--json")

    assert done.code == 0, done.out
    assert told(done)["assessment"]["cases"] == 30  # type: ignore[index]  # plain JSON


def test_labels_of_the_base_that_cannot_be_read_mean_nothing(
    run: Run, repository: Callable[..., Path]
) -> None:
    labels = {"prompts/labels.yaml": "say: [1]\n"}
    repository({**HARMLESS, "prompts/labels.yaml": None}, base=labels)

    done = run("gate")

    assert done.code == 0, done.err


def test_a_script_in_place_of_a_model_is_named(
    run: Run, repository: Callable[..., Path], parrot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_API_KEY", "x")
    ours = f"{{model: openai/parrot, api_base: {parrot}, key: OUR_API_KEY}}"
    config = CONFIG.replace("{model: scripted/echo, script: echo.yaml}", ours)
    few = {"suites/say.yaml": suite(WORDS[:2])}
    repository({"llmops.yaml": CONFIG}, base={"llmops.yaml": config, **few})

    done = run("gate", "--json")

    assert done.code == 1
    assert kinds(done) == ["model_scripted"]
    assert told(done)["counts"]["same"] == 2  # type: ignore[index]  # plain JSON


def test_a_suite_that_a_version_of_its_prompt_answers_is_named_and_so_is_the_prompt(
    run: Run, repository: Callable[..., Path]
) -> None:
    pinned = suite(WORDS).replace("prompt: say", "prompt: say@1.0.0")
    repository({**HARMFUL, "suites/say.yaml": pinned})

    done = run("gate", "--json")

    assert done.code == 1
    assert kinds(done) == ["arm_removed", "untested_prompt"]


def test_an_output_that_a_prompt_asserts_no_longer_is_named(
    run: Run, repository: Callable[..., Path]
) -> None:
    def asking(output: str) -> Change:
        text = PROMPT.replace("Say {{ word }}.", "[1, {{ word | tojson }}]").replace('"[', "'[")
        return {"prompts/say.yaml": text.replace(']"}', "]'}") + output}

    base = asking("output: {format: json, schema: {type: array}}\n")
    folder = repository(asking(""), base)

    gone = run("gate", "--json")
    write(folder, asking("output: {format: json}\n"))
    bare = run("gate", "--json")
    write(folder, asking("output: {format: json, schema: {type: [array, object]}}\n"))
    other = run("gate", "--json")

    assert [done.code for done in (gone, bare, other)] == [1, 1, 0], gone.err
    assert [kinds(done) for done in (gone, bare, other)] == [
        ["assertion_removed"],
        ["assertion_removed"],
        ["assertion_changed"],
    ]


def test_a_case_that_asks_what_must_pass_must_pass_under_any_id(
    run: Run, repository: Callable[..., Path]
) -> None:
    tag = "tags: [must_pass],"
    tagged = suite(WORDS).replace("{id: word00,", "{id: word00, " + tag)
    swapped = suite(WORDS).replace("{id: word00,", "{id: tmp,")
    swapped = swapped.replace("{id: word01,", "{id: word00, " + tag).replace(
        "id: tmp", "id: word01"
    )
    broken = PROMPT.replace("{{ word }}", "{{ 'x' if word == 'word00' else word }}")
    change = {"suites/say.yaml": swapped, "prompts/say.yaml": broken}
    repository(change, {"suites/say.yaml": tagged})

    done = run("gate", "--json")

    rules = {rule["rule"]: rule for rule in json.loads(done.out)["rules"]}
    assert done.code == 1
    assert rules["must_pass"]["outcome"] == "broken"
    assert "word01" in rules["must_pass"]["reason"]


@pytest.mark.parametrize("kept", [".llmops/cache.db", ".llmops/runs/a.jsonl", ".llmops"])
def test_answers_that_came_with_the_change_are_refused(
    kept: str, run: Run, repository: Callable[..., Path], git: Git
) -> None:
    folder = repository(HARMFUL)
    if kept == ".llmops":
        (folder / "brought").mkdir()
        (folder / kept).symlink_to("brought")
    else:
        write(folder, {kept: "forged"})
    git(folder, "add", "--force", kept)

    done = run("gate")

    assert done.code == 2
    assert f"{kept} is in git" in done.err
    assert "[kept-in-git]" in done.err


def test_schemas_for_editors_may_be_in_git(
    run: Run, repository: Callable[..., Path], git: Git
) -> None:
    folder = repository(HARMLESS)
    run("schema", "--write")
    git(folder, "add", "--force", ".llmops/schemas")

    done = run("gate")

    assert "suite.schema.json" in git(folder, "ls-files")
    assert done.code == 0, done.err


def test_the_cache_is_the_one_of_the_base(run: Run, repository: Callable[..., Path]) -> None:
    folder = repository({**HARMLESS, "llmops.yaml": f"{CONFIG}cache: {{path: data/brought.db}}\n"})

    done = run("gate")

    assert done.code == 0, done.err
    assert not (folder / "data").exists()


def test_what_a_ci_leaves_lying_about_does_not_make_a_commit_its_own_base(
    run: Run, repository: Callable[..., Path], git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = repository(HARMFUL)
    git(folder, "commit", "--quiet", "--all", "--message=Harmful")
    write(folder, {"left.txt": "x"})

    by_hand = run("gate")
    monkeypatch.setenv("CI", "true")
    in_ci = run("gate")
    asked_for = run("gate", "--base", "HEAD")

    assert (by_hand.code, in_ci.code, asked_for.code) == (0, 1, 0)
    assert "the commit before HEAD" in in_ci.out


ANSWERS_ALL = {"other.yaml": f"rules: [{{reply: {' '.join(WORDS)}}}]\n"}
TWO = CONFIG.replace("gate:", "  other: {model: scripted/other, script: other.yaml}\ngate:")


def test_an_arm_that_is_new_does_not_weigh_up_the_loss_of_another(
    run: Run, repository: Callable[..., Path]
) -> None:
    base = {
        **ANSWERS_ALL,
        "llmops.yaml": TWO.replace("min_pass_rate: 0.9, ", ""),
        "echo.yaml": "rules: [{when: {matches: 'word[12]'}, reply: No.}, {echo: true}]\n",
    }
    both = suite(WORDS).replace("prompt: say\n", "prompt: say\nmodels: [other, echo]\n")
    repository({**HARMFUL, "suites/say.yaml": both}, base)

    done = run("gate", "--json")

    rules = {rule["rule"]: rule for rule in json.loads(done.out)["rules"]}
    assert done.code == 1
    assert rules["worse"]["outcome"] == "broken"
    assert "33.3 % → 0.0 %" in rules["worse"]["reason"]
    assert rules["without_base"]["reason"].startswith("30 of 30 trials without a counterpart")


def test_a_suite_may_name_the_commit_that_it_is_held_against(
    run: Run, repository: Callable[..., Path], git: Git
) -> None:
    folder = repository({})
    commit = git(folder, "rev-parse", "--short=12", "HEAD").strip()
    named = suite(WORDS).replace("prompt: say", f"prompt: say@git:{commit}")
    write(folder, {"suites/say.yaml": named})
    git(folder, "commit", "--quiet", "--all", "--message=Name it")
    write(folder, {"suites/say.yaml": named.replace("contains: word00", "contains: word99")})

    done = run("gate", "--json")

    told_of = json.loads(done.out)
    assert done.code == 0, done.err
    assert told_of["assessment"]["cases"] == 30
    assert told_of["policy"][0]["kind"] == "assertion_changed"
