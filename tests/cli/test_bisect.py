import json
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from small_project import CONFIG, SCRIPT, Commit, Run

from made_history import Made

SAY = "prompts/say.yaml"
SUITE = "suites/say.yaml"
CASE = "prompt: say\ncases:\n  - id: one\n    inputs: {word: red}\n    assert: [{contains: red}]\n"
BAD = "not: [a, prompt"
ALWAYS = {"echo.yaml": SCRIPT, "llmops.yaml": CONFIG, SUITE: CASE}


def prompt(words: str, version: str = "1.0.0", inputs: str = "{word: {type: string}}") -> str:
    return (
        f"version: {version}\nmodel: echo\ninputs: {inputs}\n"
        f'messages: [{{role: user, content: "{words}"}}]\n'
    )


def release(number: int) -> str:
    return prompt(f"Release {number}: {{{{ word }}}}", f"1.{number}.0")


def imported(folder: Path, prompts: Sequence[str]) -> list[str]:
    """Commit one prompt after the other in one go, on what is committed; gives their ids."""
    made = Made(folder)
    stream = []
    for number, text in enumerate(prompts):
        subject = f"Change {number}"
        parent = "from refs/heads/main^0\n" if number == 0 else ""
        stream.append(
            f"commit refs/heads/main\ncommitter Ada <ada@example.org> {1_800_000_000 + number} +0000\n"
            f"data {len(subject)}\n{subject}\n{parent}M 644 inline {SAY}\n"
            f"data {len(text.encode())}\n{text}\n"
        )
    made.git("fast-import", "--quiet", given="".join(stream))
    made.git("reset", "--hard", "--quiet")
    listed = made.git("rev-list", "--reverse", "main").splitlines()
    return listed[-len(prompts) :]


def script(culprit: int, before: float, after: float, seed: int = 0) -> str:
    """A model that knows the word more often under the releases before one than from it on."""
    early = "|".join(str(number) for number in range(culprit))
    return (
        f"seed: {seed}\nrules:\n"
        f"  - {{when: {{matches: 'Release ({early}):'}}, probability: {before}, reply: red}}\n"
        f"  - {{when: {{matches: 'Release ({early}):'}}, reply: blue}}\n"
        f"  - {{probability: {after}, reply: red}}\n"
        "default: blue\n"
    )


def traced(run: Run, *words: str, code: int = 0) -> dict:
    done = run("bisect", "say", "--case", "one", *words, "--json")
    assert done.code == code, done.err
    found = json.loads(done.out)
    assert found["exit_code"] == code
    return found


def accused(found: dict) -> list[str]:
    assert found["status"] == "found"
    return [version["commit"] for version in found["suspects"][0]["versions"]]


@pytest.fixture
def wavering(folder: Path, commit: Commit) -> list[str]:
    """Two hundred releases of one prompt, each a commit."""
    commit("Begin", ALWAYS | {SAY: release(0)})
    later = imported(folder, [release(number) for number in range(1, 200)])
    first = Made(folder).git("rev-list", "--max-parents=0", "main")
    return [first, *later]


def test_the_commit_is_found_among_two_hundred_in_nineteen_of_twenty_tries(
    wavering: list[str], folder: Path, run: Run
) -> None:
    right = 0
    for seed in range(20):
        culprit = random.Random(seed).randrange(1, 200)
        (folder / "echo.yaml").write_text(script(culprit, 0.9, 0.3, seed), encoding="utf-8")

        right += accused(traced(run)) == [wavering[culprit]]

    assert right >= 19


def test_what_always_passed_and_never_does_takes_little_more_than_halving(
    wavering: list[str], folder: Path, run: Run
) -> None:
    (folder / "echo.yaml").write_text(script(77, 1, 0), encoding="utf-8")

    found = traced(run)

    assert accused(found) == [wavering[77]]
    assert found["versions"] == 200
    assert found["samples"] == found["calls"] <= 20
    assert len(found["asked"]) <= 12


def test_nobody_is_accused_when_the_case_passes_as_often_everywhere(
    wavering: list[str], folder: Path, run: Run
) -> None:
    (folder / "echo.yaml").write_text(script(5, 0.9, 0.9), encoding="utf-8")

    found = traced(run, code=6)

    told = run("bisect", "say", "--case", "one")
    assert found["status"] == "same"
    assert found["suspects"] == []
    assert told.out.startswith("say › one: the case passes as often at good as at bad: ")
    assert "passes as often at good as at bad" in found["reason"]


def test_nobody_is_accused_when_the_trials_are_spent_too_early(
    wavering: list[str], folder: Path, run: Run
) -> None:
    (folder / "echo.yaml").write_text(script(120, 0.9, 0.3), encoding="utf-8")

    found = traced(run, "--max-trials", "30", code=6)

    assert found["status"] == "unsure"
    assert found["samples"] == 30
    assert found["reason"].startswith("the trials are spent: between ")
    assert "most likely" in found["reason"]


def test_the_only_suspect_is_named_once(commit: Commit, folder: Path, run: Run) -> None:
    ids = told(commit, prompt("Say {{ word }}"), prompt("Say {{ word | length }}"))

    done = run("bisect", "say", "--case", "one", "--max-trials", "2")

    assert done.code == 6
    assert f"the trials are spent: most likely {ids[1][:12]} 1.0.0 (" in done.out
    assert ids[0][:12] not in done.out
    assert "1 version suspected" in done.err


def told(commit: Commit, *texts: str) -> list[str]:
    first = commit("Begin", ALWAYS | {SAY: texts[0]})
    return [first, *(commit(f"Change {n}", {SAY: text}) for n, text in enumerate(texts[1:], 1))]


def test_the_answer_names_commit_author_version_change_cost_and_the_way_to_see_it(
    commit: Commit, run: Run
) -> None:
    ids = told(
        commit,
        prompt("Say {{ word }}"),
        prompt("Say {{ word }}!", "1.1.0"),
        prompt("Say it, {{ word | length }}", "1.2.0"),
    )

    done = run("bisect", "say", "--suite", "say", "--case", "one")

    assert done.code == 0
    assert f"say › one: {ids[2][:12]} 1.2.0 broke it (99" in done.out
    assert f"commit   {ids[2]}" in done.out
    assert "author   Ada, 20" in done.out
    assert "version  1.2.0" in done.out
    assert "subject  Change 2" in done.out
    assert "changed  wording" in done.out
    assert f"look at  llmops diff say@git:{ids[1]} say@git:{ids[2]}" in done.out
    assert "3 of 3 versions asked" in done.out
    assert "calls · $0.00\n" in done.out
    assert "1/1 pass   2 versions suspected" in done.err
    assert f"{ids[1][:12]} 1.1.0  " in done.err


def test_what_is_not_committed_yet_can_be_what_broke_it(
    commit: Commit, folder: Path, run: Run
) -> None:
    ids = told(commit, prompt("Say {{ word }}"), prompt("Say {{ word }}!"))
    (folder / SAY).write_text(prompt("Say {{ word | length }}"), encoding="utf-8")

    done = run("bisect", "say", "--case", "one")
    committed = traced(run, "--bad", "HEAD", code=6)

    assert done.code == 0
    assert "the work tree 1.0.0 broke it" in done.out
    assert "not committed yet" in done.out
    assert f"llmops diff say@git:{ids[1]} say\n" in done.out
    assert committed["status"] == "same"


def test_versions_that_cannot_be_read_or_asked_are_skipped_and_suspected_together(
    commit: Commit, run: Run
) -> None:
    ids = told(
        commit,
        prompt("Say {{ word }}"),
        BAD,
        prompt("Say {{ tone }}", inputs="{tone: {type: string}}"),
        prompt("Say {{ word | length }}"),
        prompt("Say it {{ word | length }}"),
    )

    done = run("bisect", "say", "--case", "one")
    found = traced(run)

    assert accused(found) == ids[1:4]
    assert [one["commit"] for one in found["skipped"]] == ids[1:3]
    assert "one of these 3 broke it" in done.out
    assert f"skipped {ids[1][:12]}: " in done.out
    assert "unknown-input" in str(found["skipped"][1]["faults"])
    assert f"{ids[2][:12]} 1.0.0  skipped: " in done.err


def test_old_versions_that_do_not_know_the_inputs_make_way_for_the_first_that_does(
    commit: Commit, run: Run
) -> None:
    other = prompt("Say {{ tone }}", inputs="{tone: {type: string}}")
    ids = told(commit, other, prompt("Say {{ word }}"), prompt("Say {{ word | length }}"))

    found = traced(run)

    assert accused(found) == ids[2:]
    assert found["skipped"][0]["commit"] == ids[0]


def test_an_end_that_was_named_and_cannot_be_asked_is_an_error(commit: Commit, run: Run) -> None:
    other = prompt("Say {{ tone }}", inputs="{tone: {type: string}}")
    ids = told(commit, other, prompt("Say {{ word }}"), prompt("Say {{ word | length }}"))

    done = run("bisect", "say", "--case", "one", "--good", ids[0])

    assert done.code == 2
    assert "[unknown-input]" in done.err


def test_a_template_that_fails_on_the_case_is_skipped(commit: Commit, run: Run) -> None:
    ids = told(
        commit,
        prompt("Say {{ word }}"),
        prompt("Say {{ word / 2 }}"),
        prompt("Say {{ word | length }}"),
    )

    found = traced(run)

    assert accused(found) == ids[1:]
    assert found["skipped"][0]["commit"] == ids[1]


def test_equal_contents_are_one_version_and_what_was_taken_back_is_left_out(
    commit: Commit, run: Run
) -> None:
    good, bad = prompt("Say {{ word }}"), prompt("Say {{ word | length }}")
    ids = told(commit, good, good.replace("1.0.0", "1.0.1"), bad, good, bad.replace("Say", "Tell"))

    found = traced(run)

    assert accused(found) == ids[4:]
    assert found["versions"] == 2


def test_good_and_bad_may_be_named_by_version_label_or_commit(commit: Commit, run: Run) -> None:
    ids = told(
        commit,
        prompt("Say {{ word | length }}", "0.9.0"),
        prompt("Say {{ word }}", "1.0.0"),
        prompt("Tell {{ word | length }}", "1.1.0"),
        prompt("Tell {{ word | length }}!", "1.2.0"),
    )

    found = traced(run, "--good", "1.0.0", "--bad", "main~0")

    assert accused(found) == [ids[2]]
    assert found["before"]["commit"] == ids[1]


def test_a_good_commit_need_not_have_changed_the_prompt(
    commit: Commit, folder: Path, run: Run
) -> None:
    told(commit, prompt("Say {{ word | length }}", "0.9.0"), prompt("Say {{ word }}"))
    good = commit("Meanwhile", {"README.md": "words"})
    broke = commit("Break", {SAY: prompt("Tell {{ word | length }}")})
    (folder / SAY).unlink()
    (folder / SUITE).write_text(CASE.replace("prompt: say", f"prompt: say@{broke}"))

    found = traced(run, "--good", good)

    assert accused(found) == [broke]
    assert (found["before"]["commit"], found["before"]["subject"]) == (good, None)


def test_a_good_end_that_is_no_ancestor_is_refused(
    commit: Commit, folder: Path, git: Callable[..., str], run: Run
) -> None:
    told(commit, prompt("Say {{ word }}"), prompt("Say {{ word | length }}"))
    git(folder, "checkout", "--quiet", "-b", "side", "HEAD~1")
    commit("Aside", {SAY: prompt("Whisper {{ word }}")})

    done = run("bisect", "say", "--case", "one", "--good", "main")

    assert done.code == 2
    assert "[no-ancestor]" in done.err


def test_good_and_bad_with_one_content_are_nothing_to_search(commit: Commit, run: Run) -> None:
    told(commit, prompt("Say {{ word }}"))

    found = traced(run, code=6)

    assert found["reason"] == "the prompt is the same at good and at bad"


def test_a_branch_that_was_merged_is_one_step_and_can_be_looked_into(
    commit: Commit, folder: Path, git: Callable[..., str], run: Run
) -> None:
    [base] = told(commit, prompt("Say {{ word }}"))
    git(folder, "checkout", "--quiet", "-b", "side")
    commit("Aside", {SAY: prompt("Say {{ word }}!")})
    aside = commit("Aside, too", {SAY: prompt("Say {{ word | length }}")})
    git(folder, "checkout", "--quiet", "main")
    commit("Meanwhile", {"README.md": "words"})
    git(folder, "merge", "--quiet", "--no-ff", "--message=Merge", "side")
    merge = git(folder, "rev-parse", "HEAD").strip()

    found = traced(run)
    done = run("bisect", "say", "--case", "one")
    further = traced(run, "--good", base, "--bad", aside)

    assert accused(found) == [merge]
    assert found["inside"] == [base, aside]
    assert f"look further with --good {base} --bad {aside}" in done.out
    assert accused(further) == [aside]


def test_a_renamed_prompt_is_followed(
    commit: Commit, folder: Path, git: Callable[..., str], run: Run
) -> None:
    commit("Begin", ALWAYS | {"prompts/old.yaml": prompt("Say {{ word }}")})
    (folder / SAY).unlink(missing_ok=True)
    commit("Only old")
    git(folder, "mv", "prompts/old.yaml", SAY)
    commit("Rename")
    broke = commit("Break", {SAY: prompt("Say {{ word | length }}")})

    found = traced(run, "--good", "HEAD~2")

    assert accused(found) == [broke]


def test_a_provider_that_fails_ends_the_search_without_a_name(
    commit: Commit, folder: Path, run: Run
) -> None:
    told(commit, prompt("Say {{ word }}"), prompt("Say {{ word | length }}"))
    (folder / "echo.yaml").write_text(
        "rules: [{error: {kind: auth, status: 401}}]\n", encoding="utf-8"
    )

    found = traced(run, code=3)

    assert found["status"] == "error"
    assert found["asked"][0]["failed"] == 0


def test_an_output_that_cannot_be_judged_is_no_fail(commit: Commit, folder: Path, run: Run) -> None:
    told(commit, prompt("Say {{ word }}"), prompt("Say {{ word | length }}"))
    commit(
        "Judge",
        {"judge.py": JUDGE, SUITE: CASE.replace("{contains: red}", "python: judge.py:judge")},
    )

    found = traced(run, code=3)

    assert "could not be judged" in found["reason"]


JUDGE = "def judge(output, **rest):\n    raise ValueError('no idea')\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--case", "two"), 5, "no case is selected by 'suites/say.yaml::two'"),
        (("--case", "one", "--suite", "tell"), 5, "no suite is called 'tell'"),
        (("--case", "one", "--good", "9.9.9"), 2, "[unknown-ref]"),
        (("--case", "one", "--model", "none"), 2, "[unknown-model]"),
        (("--case", "one", "--confidence", "1"), 2, "[confidence]"),
        (("--case", "one", "--replay", "--fresh"), 2, "[usage]"),
    ],
)
def test_what_cannot_be_searched_for_is_said_before_anything_is_asked(
    arguments: tuple[str, ...], code: int, said: str, commit: Commit, run: Run
) -> None:
    told(commit, prompt("Say {{ word }}"), prompt("Say {{ word | length }}"))

    done = run("bisect", "say", *arguments)

    assert done.code == code
    assert said in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("files", "code", "said"),
    [
        ({"suites/more.yaml": CASE}, 2, "several suites use 'say': more, say"),
        ({SUITE: CASE + "models: [echo, other]\n"}, 2, "is 2 models: echo, other"),
        ({SUITE: CASE + "matrix: {word: [red, blue]}\n"}, 2, "is 2 cases: one["),
        ({SUITE: CASE + "    skip: later\n"}, 5, "is skipped: later"),
    ],
)
def test_a_case_must_be_one_on_one_model(
    files: dict[str, str], code: int, said: str, commit: Commit, run: Run
) -> None:
    told(commit, prompt("Say {{ word }}"), prompt("Say {{ word | length }}"))
    more = CONFIG + "  other: {model: scripted/other, script: echo.yaml}\n"
    commit("Now", {"llmops.yaml": more} | files)

    done = run("bisect", "say", "--case", "one")

    assert done.code == code
    assert said in done.err


def test_a_prompt_that_no_commit_holds_has_no_row(commit: Commit, folder: Path, run: Run) -> None:
    told(commit, prompt("Say {{ word }}"))
    (folder / "prompts/new.yaml").write_text(prompt("New {{ word }}"), encoding="utf-8")
    (folder / "suites/new.yaml").write_text(CASE.replace("say", "new"), encoding="utf-8")

    done = run("bisect", "new", "--case", "one")

    assert done.code == 2
    assert "[unknown-prompt]" in done.err


def test_a_step_of_a_chain_is_searched_too(commit: Commit, run: Run) -> None:
    chain = (
        "steps:\n  - {id: first, prompt: say}\n  - {id: second, prompt: other, inputs: {word: '{{ steps.first.output }}'}}\n"
        "cases:\n  - id: one\n    inputs: {word: red}\n    assert: [{contains: red}]\n"
    )
    ids = told(commit, prompt("Say {{ word }}"), prompt("Say {{ word | length }}"))
    commit("Chain", {SUITE: chain, "prompts/other.yaml": prompt("Repeat {{ word }}")})

    found = traced(run)

    assert accused(found) == [ids[1]]


class Parrot(BaseHTTPRequestHandler):
    """A model that repeats what it is told, and counts."""

    asked: int = 0
    fails: int = 0
    interrupts: int = 0

    def do_POST(self) -> None:
        whole = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).asked += 1
        if type(self).asked <= self.fails:
            self.send_error(500)
            return
        if type(self).asked == self.interrupts:
            os.kill(os.getpid(), signal.SIGINT)
        message = {"role": "assistant", "content": whole["messages"][-1]["content"]}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}
        answer = {"id": "x", "object": "chat.completion", "created": 0, "model": "parrot"}
        body = json.dumps({**answer, "choices": [choice], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def counted() -> Iterator[tuple[type[Parrot], str]]:
    kind = type("Counted", (Parrot,), {})
    listening = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield kind, f"http://127.0.0.1:{listening.server_address[1]}/v1"
    listening.shutdown()
    listening.server_close()
    thread.join()


@pytest.fixture
def live(counted: tuple[type[Parrot], str], commit: Commit, folder: Path) -> type[Parrot]:
    """Nine versions asked of a server; the sixth broke it."""
    kind, url = counted
    config = (
        f"models:\n  echo:\n    model: openai/parrot\n    api_base: {url}\n"
        "    key: PARROT_API_KEY\n    retries: 0\n    price: {input: 1000, output: 1000}\n"
    )
    commit("Begin", ALWAYS | {"llmops.yaml": config, SAY: release(0)})
    broken = [prompt(f"Release {number}: {{{{ word | length }}}}") for number in range(6, 10)]
    imported(folder, [release(number) for number in range(1, 6)] + broken)
    return kind


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARROT_API_KEY", "secret-of-parrot")


def test_calls_and_money_are_counted_and_nothing_is_asked_twice(
    live: type[Parrot], run: Run
) -> None:
    first = traced(run)
    asked = live.asked
    second = traced(run)

    assert first["before"]["version"] == "1.5.0"
    assert first["calls"] == first["samples"] == asked
    assert first["spent"] == pytest.approx(asked * 0.02)
    assert second["suspects"] == first["suspects"]
    assert live.asked == asked
    assert (second["calls"], second["spent"], second["cached"]) == (0, 0, asked)


def test_a_replay_takes_what_is_cached_for_all_there_is(live: type[Parrot], run: Run) -> None:
    traced(run)
    asked = live.asked

    found = traced(run, "--replay")
    done = run("bisect", "say", "--case", "one", "--replay")

    assert live.asked == asked
    assert found["before"]["version"] == "1.5.0"
    assert "broke it, by what is recorded and cached" in done.out


def test_a_replay_skips_what_is_not_recorded_and_refuses_an_end_that_is_not(
    live: type[Parrot], run: Run
) -> None:
    done = run("bisect", "say", "--case", "one", "--good", "1.1.0", "--replay")

    assert done.code == 6
    assert "nothing is recorded of" in done.err
    assert "the good end" in done.err
    assert live.asked == 0


def test_a_budget_ends_the_search_without_a_name(live: type[Parrot], run: Run) -> None:
    calls = traced(run, "--max-calls", "3", code=6)
    money = traced(run, "--fresh", "--max-cost", "0.05", code=6)

    assert (calls["calls"], money["calls"]) == (3, 3)
    assert calls["reason"].startswith("the budget is spent: between ")


def test_a_failure_that_may_pass_is_asked_once_more(live: type[Parrot], run: Run) -> None:
    live.fails = 1

    found = traced(run)

    assert found["before"]["version"] == "1.5.0"
    assert found["calls"] == found["samples"] + 1 == live.asked


def test_a_failure_that_stays_is_no_fail_of_the_case(live: type[Parrot], run: Run) -> None:
    live.fails = 1000

    found = traced(run, code=3)

    assert found["status"] == "error"
    assert (found["samples"], found["calls"]) == (0, 2)
    assert live.asked == 2


def test_interrupted_it_tells_what_it_knows(live: type[Parrot], run: Run) -> None:
    live.interrupts = 8

    found = traced(run, code=130)

    assert found["status"] == "interrupted"
    assert found["samples"] == live.asked == 8
    assert found["reason"].startswith("interrupted: between ")
