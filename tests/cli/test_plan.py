import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_project import CONFIG, Project, Run

from loopback import Loopback, chat, listening

ROOT = Path(__file__).parents[2]
PRICE = ", price: {input: 1000, output: 1000}"


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A loopback model that should never hear anything."""
    monkeypatch.setenv("OUR_API_KEY", "sk-a-key-of-ours")
    usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
    with listening(lambda _seen: chat("w", usage=usage)) as server:
        yield server


def config(counter: Loopback, more: str = "", price: str = PRICE) -> str:
    model = f"model: openai/ours, api_base: '{counter.url}/v1', key: OUR_API_KEY{price}"
    return (
        f"models:\n  echo: {{{model}, max_concurrency: 2}}\n"
        "  free: {model: scripted/echo, script: echo.yaml}\n"
        "  mute: {model: scripted/mute, script: mute.yaml}\n" + more
    )


def suite(cases: int = 12, head: str = "", words: str = "w{}") -> str:
    rows = "".join(
        f"  - {{id: c{number}, inputs: {{word: {words.format(number)}}},"
        f" assert: [{{contains: {words.format(number)}}}]}}\n"
        for number in range(cases)
    )
    return f"prompt: say\n{head}cases:\n{rows}"


def files(counter: Loopback, more: str = "", price: str = PRICE) -> dict[str, str]:
    return {
        "llmops.yaml": config(counter, more, price),
        "suites/say.yaml": suite(),
        "mute.yaml": "rules:\n"
        "  - {when: {contains: w1}, reply: {text: nothing}}\n"
        "  - {echo: true}\n",
    }


def planned(run: Run, *words: str) -> dict[str, object]:
    done = run("plan", *words, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert isinstance(found, dict)
    assert found["schema"] == "llmops.plan/1"
    return found


def expenses(found: dict[str, object]) -> dict[str, object]:
    names = ("trials", "recorded", "cached", "missing", "calls", "least_calls")
    return {name: found["total"][name] for name in names}


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_the_example_project_is_all_recorded(example: None, run: Run) -> None:
    done = run("plan")

    assert done.code == 0
    assert "106 trials, 0 to ask, no cost, time 0.0 s" in done.out
    row = next(line for line in done.out.splitlines() if line.startswith(" finance/invoice"))
    assert row.split()[1:] == ["demo/large", "27", "27", "0", "0", "0", "0", "$0.00"]


def test_a_listed_model_on_the_example_costs_a_range(example: None, run: Run) -> None:
    found = planned(run, "-m", "openai/gpt-4.1-mini", "--samples", "2")

    low, high = found["total"]["cost"]
    assert found["total"]["trials"] == 2 * 106
    assert found["total"]["recorded"] == 0
    assert found["total"]["least_calls"] == 212
    assert found["total"]["calls"] == 216
    assert 0 < low < high < 1
    assert found["total"]["seconds"] is None


def test_nobody_is_asked_and_nothing_is_written(
    project: Project, run: Run, counter: Loopback
) -> None:
    folder = project(files(counter))
    before = sorted(folder.rglob("*"))

    done = run("plan", "--samples", "3")
    run("plan", "--detect", "20%")
    run("plan", "--max-cost", "5", "--json")

    assert done.code == 0
    assert len(counter.seen) == 0
    assert sorted(folder.rglob("*")) == before
    assert "36 trials, 36 to ask, cost $0." in done.out
    assert "or more, time unknown" in done.out


def test_a_run_does_what_was_foretold_and_then_costs_nothing(
    project: Project, run: Run, counter: Loopback
) -> None:
    project(files(counter))
    foretold = planned(run)

    run("test")
    asked = len(counter.seen)
    again = planned(run)
    fresh = planned(run, "--fresh")

    assert asked == foretold["total"]["calls"] == 12
    assert expenses(again) == {
        "trials": 12, "recorded": 0, "cached": 12, "missing": 0, "calls": 0, "least_calls": 0,
    }  # fmt: skip
    assert again["total"]["cost"] == [0, 0]
    assert again["total"]["seconds"] == 0
    assert fresh["total"]["calls"] == 12
    assert len(counter.seen) == asked


def test_kept_runs_tell_how_long_and_how_dear_answers_are(
    project: Project, run: Run, counter: Loopback
) -> None:
    project(files(counter))
    run("test")

    found = planned(run, "--fresh", "--param", "max_tokens=50")

    low, high = found["total"]["cost"]
    assert found["total"]["input_tokens"] == pytest.approx([240, 240])
    assert found["total"]["output_tokens"] == [60, 600]
    assert low == pytest.approx((240 + 60) / 1000)
    assert high == pytest.approx((240 + 600) / 1000)
    assert found["suites"][0]["cost_per_trial"] == pytest.approx(0.025)
    assert found["total"]["seconds"] > 0
    assert "about" in run("plan", "--fresh").out


def test_requests_a_minute_bound_the_time(project: Project, run: Run, counter: Loopback) -> None:
    slow = files(counter)
    slow["llmops.yaml"] = slow["llmops.yaml"].replace("max_concurrency: 2", "rpm: 6000")
    folder = project(slow)
    run("test")
    slower = slow["llmops.yaml"].replace("rpm: 6000", "rpm: 6")
    (folder / "llmops.yaml").write_text(slower, encoding="utf-8")

    found = planned(run, "--fresh")

    assert found["total"]["seconds"] == pytest.approx(120)


def test_an_unknown_price_is_never_nothing(project: Project, run: Run, counter: Loopback) -> None:
    project(files(counter, price=""))

    done, found = run("plan"), planned(run)
    both = run("plan", "-m", "echo", "-m", "openai/gpt-4.1-mini")

    assert "12 trials, 12 to ask, cost unknown price" in done.out
    assert found["total"]["cost"] is None
    assert found["total"]["unpriced"] == 12
    assert "+ 12 calls at an unknown price" in both.out


def test_a_script_is_free(project: Project, run: Run, counter: Loopback) -> None:
    project(files(counter))

    found = planned(run, "-m", "free", "--max-cost", "1")

    assert found["total"]["cost"] == [0, 0]
    assert found["advice"][0]["why"] == "costs nothing, however often it is asked"


def test_recordings_answer_and_what_they_lack_is_missing_in_a_replay(
    project: Project, run: Run, counter: Loopback
) -> None:
    folder = project(files(counter))
    run("record")
    (folder / "suites/say.yaml").write_text(suite(14), encoding="utf-8")

    live, replay = planned(run), planned(run, "--replay")

    assert expenses(live) == {
        "trials": 14, "recorded": 12, "cached": 0, "missing": 0, "calls": 2, "least_calls": 2,
    }  # fmt: skip
    assert (replay["total"]["missing"], replay["total"]["calls"]) == (2, 0)
    done = run("plan", "--replay")
    assert "0 (2 missing)" in done.out
    assert "2 requests would end as errors, for nobody may be asked" in done.out


def test_a_model_that_is_only_recorded_is_never_counted_as_asked(
    project: Project, run: Run, counter: Loopback
) -> None:
    more = "  old: {model: demo/old, via: recorded}\n"
    project({**files(counter), "llmops.yaml": config(counter).replace("  free", more + "  free")})

    found = planned(run, "-m", "old")

    assert (found["total"]["missing"], found["total"]["calls"]) == (12, 0)


def test_later_turns_are_a_range(project: Project, run: Run, counter: Loopback) -> None:
    turns = (
        "prompt: say\ncases:\n  - id: a\n    inputs: {word: red}\n    conversation:\n"
        "      - {user: first, assert: [{contains: w}]}\n"
        "      - {user: second, assert: [{contains: w}]}\n"
        "      - {user: third, assert: [{contains: w}]}\n"
    )
    project({**files(counter), "suites/say.yaml": turns})

    before, words = planned(run), run("plan", "--param", "max_tokens=10")
    run("test")
    after = planned(run)

    assert (before["total"]["least_calls"], before["total"]["calls"]) == (1, 3)
    assert before["total"]["later"] == 2
    assert "1 trial, 1–3 to ask" in words.out
    assert "2 calls of later turns or steps hang on answers before them" in words.out
    assert len(counter.seen) == 3
    assert (after["total"]["cached"], after["total"]["calls"]) == (3, 0)


def test_equal_requests_may_be_asked_once(project: Project, run: Run, counter: Loopback) -> None:
    project({**files(counter), "suites/say.yaml": suite(words="w")})

    found, done = planned(run), run("plan")

    assert (found["total"]["least_calls"], found["total"]["calls"]) == (1, 12)
    assert "11 calls may be spared, for another trial asks the same" in done.out


def test_a_target_is_not_called_and_has_no_price(project: Project, run: Run) -> None:
    target = suite().replace("prompt: say", "target: {python: 'app.py:shout'}")
    app = "def shout(word):\n    raise AssertionError(word)\n"
    project({"llmops.yaml": CONFIG, "app.py": app, "suites/say.yaml": target})

    done, found = run("plan", "--max-cost", "3"), planned(run)
    refused = run("plan", "--untrusted")

    assert done.code == 0
    assert "target  12" in done.out
    assert "nobody knows what a trial costs" in done.out
    assert found["total"]["unpriced"] == 12
    assert found["total"]["output_tokens"] == [0, None]
    assert refused.code == 2
    assert "suites/say.yaml:1:9" in refused.err


def test_skipped_quarantined_and_clustered_cases_are_no_cases_of_their_own(
    project: Project, run: Run, counter: Loopback
) -> None:
    quarantine = "quarantine:\n  - {case: c0, until: 2999-01-01, reason: known}\n"
    text = suite(head=quarantine).replace("{id: c1,", "{id: c1, skip: later,")
    text = text.replace("{id: c2,", "{id: c2, cluster: x,").replace(
        "{id: c3,", "{id: c3, cluster: x,"
    )
    project({**files(counter), "suites/say.yaml": text})

    found = planned(run)

    assert (found["total"]["trials"], found["total"]["skipped"]) == (12, 1)
    assert found["total"]["calls"] == 11
    assert found["smallest_drops"][0]["cases"] == 9
    assert "12 (1 skipped)" in run("plan").out


def test_a_suite_of_skipped_cases_alone_sees_nothing(
    project: Project, run: Run, counter: Loopback
) -> None:
    text = suite(1).replace("{id: c0,", "{id: c0, skip: later,")
    project({**files(counter), "suites/say.yaml": text})

    found, done = planned(run, "--max-cost", "1"), run("plan")

    assert (found["smallest_drops"], found["advice"]) == ([], [])
    assert done.code == 0
    assert "smallest drop  because" not in done.out


def test_without_a_past_the_smallest_drop_is_a_range(
    project: Project, run: Run, counter: Loopback
) -> None:
    project({**files(counter), "suites/small.yaml": suite(3)})

    done, found = run("plan"), planned(run)

    large, small, both = found["smallest_drops"]
    assert small["drop"] is None
    assert 0 < large["best"] < large["drop"] < 1
    assert large["past"] is None
    assert (both["suite"], both["cases"]) == ("", 15)
    assert "no two arms on 10 cases in kept runs" in done.out
    assert "none at all" in done.out
    assert "too few cases" in done.out
    assert "with nothing known of the past" in done.out


def test_past_arms_say_how_much_cases_waver(project: Project, run: Run, counter: Loopback) -> None:
    project({**files(counter), "suites/more.yaml": suite(20, words="x{}")})
    run("compare", "free", "mute")

    found, done = planned(run, "-m", "free"), run("plan", "-m", "free")

    more, say, both = found["smallest_drops"]
    assert more["past"]["discordance"] == pytest.approx(1 / 21)
    assert say["past"]["discordance"] == pytest.approx(4 / 13)
    assert both["past"]["cases"] == 32
    assert both["drop"] < more["drop"] < say["drop"]
    assert len(both["past"]["runs"]) == 1
    assert "30.8 % differ between two arms on 12 cases" in done.out
    assert "with nothing known of the past" not in done.out


def test_a_drop_is_planned_or_said_to_need_more_cases(
    project: Project, run: Run, counter: Loopback
) -> None:
    project({**files(counter), "suites/more.yaml": suite(60, words="x{}")})
    run("compare", "free", "mute", "--suite", "more")

    found, done = planned(run, "--detect", "15%"), run("plan", "--detect", "0.15")

    more, say = found["advice"]
    assert found["detect"] == 0.15
    assert 30 < more["cases"] < 60
    assert (more["samples"], more["trials"]) == (1, 2 * more["cases"])
    assert more["drop"] <= 0.15
    assert more["cost"] is None
    assert say["cases"] == 0
    assert say["why"].startswith("needs about ")
    assert "To see a drop of 15 points, on both sides of a comparison:" in done.out
    assert f"{more['cases']} × 1" in done.out


def test_a_drop_too_small_for_any_suite_is_said_to_be(
    project: Project, run: Run, counter: Loopback
) -> None:
    project(files(counter))

    assert "needs more than a million cases" in run("plan", "--detect", "0.0001%").out


def test_money_buys_cases_first_and_says_what_it_sees(
    project: Project, run: Run, counter: Loopback
) -> None:
    project({**files(counter), "suites/more.yaml": suite(20, words="x{}")})
    run("test")

    rich, poor = planned(run, "--max-cost", "3.20"), planned(run, "--max-cost", "0.4")
    done = run("plan", "--max-cost", "3.20")

    costs = [one["cost"] for one in rich["advice"]]
    assert [(one["suite"], one["cases"], one["samples"]) for one in rich["advice"]] == [
        ("more", 20, 1), ("say", 12, 1),
    ]  # fmt: skip
    assert sum(costs) == pytest.approx(1.6)
    assert all(one["drop"] is not None for one in rich["advice"])
    assert [one["why"] for one in poor["advice"]][1] == "too little to see any drop"
    assert "With $3.20 for both sides of a comparison:" in done.out
    assert "costs of cases × samples are those of asking for everything" in done.out


def test_budgets_that_would_stop_the_run_are_said(
    project: Project, run: Run, counter: Loopback
) -> None:
    project(files(counter, more="budget: {max_cost: 0.1, max_calls: 5}\n"))

    done = run("plan", "--param", "max_tokens=100")

    assert "the project's budget stops a run at 5 calls" in done.out
    assert "the project's budget stops a run at $0.10" in done.out


def test_a_budget_that_is_enough_is_not_said(project: Project, run: Run, counter: Loopback) -> None:
    project(files(counter, more="budget: {max_cost: 100, max_calls: 50}\n"))

    assert "budget" not in run("plan", "--param", "max_tokens=100").out


def test_samples_that_only_a_gate_may_ask_for_are_said(
    project: Project, run: Run, counter: Loopback
) -> None:
    text = suite(head="samples: {min: 2, max: 8}\n")
    project({**files(counter), "suites/say.yaml": text})

    said, silent = run("plan").out, run("plan", "--samples", "3").out

    assert "24 trials" in said
    assert "'say' allows up to 8 samples a case where a gate needs them; this counts 2" in said
    assert "allows up to" not in silent


def test_each_suite_is_held_to_its_own_confidence(
    project: Project, run: Run, counter: Loopback
) -> None:
    strict = suite(20, head="gate: {confidence: 0.99}\n")
    project({**files(counter), "suites/strict.yaml": strict, "suites/usual.yaml": suite(20)})

    found, done = planned(run), run("plan")

    _, held, usual, _ = found["smallest_drops"]
    assert (held["confidence"], usual["confidence"]) == (0.99, 0.95)
    assert held["drop"] > usual["drop"]
    assert "at the gate's confidence of 99 % (strict)" in done.out


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["--detect", "3%", "--max-cost", "1"], "each ask for a plan of their own", "leave one"),
        (["--detect", "much"], "--detect 'much' is no share", "write 3% or 0.03"),
        (["--detect", "nan"], "--detect 'nan' is no share", "write 3% or 0.03"),
        (["--detect", "0"], "--detect '0' is no share", "write 3% or 0.03"),
        (["--detect", "300%"], "--detect '300%' is no share", "write 3% or 0.03"),
        (["--max-cost", "inf"], "--max-cost inf is no amount", "write US dollars"),
        (["--max-cost", "nan"], "Invalid value for '--max-cost'", "greater than or equal to 0"),
        (["--replay", "--fresh"], "leave nobody to ask", "leave one of them out"),
        (["-m", "ecko"], "ecko", "did you mean 'echo'?"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    project: Project, run: Run, counter: Loopback, words: list[str], message: str, hint: str
) -> None:
    project(files(counter))

    done = run("plan", *words)

    assert done.code == 2
    assert message in done.err
    assert hint in done.err


def test_an_amount_below_nothing_is_refused(project: Project, run: Run, counter: Loopback) -> None:
    project(files(counter))

    assert run("plan", "--max-cost", "-1").code == 2


@pytest.mark.parametrize("place", ["llmops.yaml", "suites/say.yaml"])
def test_a_confidence_that_says_nothing_is_shown_where_it_stands(
    project: Project, run: Run, counter: Loopback, place: str
) -> None:
    made = files(counter)
    text = "gate: {confidence: 0.4}\n"
    made[place] = (
        made[place].replace("cases:", f"{text}cases:") if "say" in place else (made[place] + text)
    )
    project(made)

    done = run("plan")

    assert done.code == 2
    assert done.err.startswith(f"{place}:")
    assert "nothing can be said with a confidence of 0.4 [confidence]" in done.err
    assert "write one above 0.5 and below 1" in done.err


def test_a_fault_in_a_suite_is_shown_where_it_stands(
    project: Project, run: Run, counter: Loopback
) -> None:
    project({**files(counter), "suites/say.yaml": suite().replace("contains", "contians")})

    done = run("plan")

    assert done.code == 2
    assert "suites/say.yaml:3:44" in done.err
    assert "did you mean 'contains'?" in done.err


def test_nothing_selected_is_said(project: Project, run: Run, counter: Loopback) -> None:
    project(files(counter))

    done = run("plan", "-k", "nothing")

    assert done.code == 5


def test_help_gives_examples(run: Run) -> None:
    done = run("plan", "--help")

    assert done.code == 0
    assert "llmops plan --detect 3%" in done.out


def test_a_shared_cache_is_looked_into_like_the_projects_own(
    project: Project, run: Run, counter: Loopback
) -> None:
    more = "cache: {url: 'redis://127.0.0.1:1', key: NO_SUCH_PASSWORD}\n"
    project(files(counter, more=more))

    done = run("plan")

    assert done.code == 3
    assert "the variable NO_SUCH_PASSWORD, which holds the password of the cache" in done.err
