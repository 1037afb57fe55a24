import io
import re

import pytest
from made_reports import (
    FAILING,
    PASSING,
    a_full_run,
    refused,
    report_of,
    said,
    scored,
    trial,
    written,
)
from msgspec.structs import replace

from llmops.domain.completion import Completion
from llmops.domain.run import Arm, Exchange
from llmops.domain.score import Score
from llmops.errors import Fault
from llmops.location import Location
from llmops.reporting.run.console import print_report, write_console
from llmops.reporting.terminal import make_screen


def printed(report, environment=None, **options) -> str:
    stream = io.StringIO()
    print_report(report, make_screen(stream, environment or {}), **options)
    return stream.getvalue()


def cases(count: int, status="passed", **more):
    return [trial(status, case=f"case-{number}", **more) for number in range(count)]


def test_a_person_sees_suites_failures_with_places_and_one_last_line():
    report = report_of(
        [
            *cases(20, suite="support/reply"),
            *cases(19, suite="support/reply", model="haiku"),
            *cases(2, suite="support/triage"),
            trial("failed", suite="support/triage"),
        ]
    )

    assert printed(report, written=["report.html"]) == (
        "llmops 0.1.0 · 2 suites · 2 models · 42 trials (42 recorded)\n"
        " ✓ support/reply    fast 20/20    haiku 19/19\n"
        " ✗ support/triage   fast 2/3\n"
        "\n"
        " ✗ support/triage › angry-customer › fast"
        "                                    suites/triage.yaml:31:9\n"
        "   contains 'refund'   not in the output\n"
        "   │ I can look into this for you.\n"
        "   llmops test support/triage::angry-customer --model fast\n"
        "\n"
        " 41 passed · 1 failed · 0 errors      $0.00 of $0.042 · 0.4 s      run 7c1e  →  report.html\n"
    )


def test_an_error_shows_its_hint_and_makes_the_rate_a_range():
    shown = printed(report_of([*cases(3), trial("error"), trial("unscored", case="u")]))

    assert " ✗ triage › " not in shown
    assert " ! triage › angry-customer › fast" in shown
    assert "   auth (401)   no such key\n   hint: set OUR_API_KEY\n" in shown
    assert " ? triage › u › fast" in shown
    assert "   contains 'refund'   could not be judged: the judge gave no verdict\n" in shown
    assert " ! triage   fast 3–5/5 (1 error, 1 unscored)\n" in shown
    assert "3 passed · 0 failed · 1 error · 1 unscored · pass rate 60–100 %" in shown
    assert " ! 2 of 5 trials have no verdict\n" in shown


def test_an_empty_completion_is_seen():
    shown = printed(report_of([trial("failed", said("", FAILING))]))

    assert "   │ (empty output)\n" in shown
    assert "1 failed · 0 errors · 1 empty output" in shown


def test_ten_failures_are_shown_and_the_others_counted():
    report = report_of([*cases(13, "failed"), *cases(2, "error")])

    assert printed(report).count(" ✗ triage › ") == 10
    assert " … (3 more failures, 2 more errors)   all of them: 'llmops report 7c1e'\n" in printed(
        report
    )
    assert "all of them: a.html, b.xml\n" in printed(report, written=["a.html", "b.xml"])
    assert printed(report, shown=None).count("llmops test triage::case-") == 15
    assert "more failures" not in printed(report, shown=None)


def test_ten_thousand_trials_are_told_in_a_few_lines():
    report = report_of(
        [
            trial("failed", said("word " * 500, FAILING), case=f"{n}", suite=f"suite-{n % 100}")
            for n in range(10_000)
        ]
    )

    shown = printed(report)

    assert len(shown.splitlines()) < 50 + 10 * 13
    assert " … 70 more suites, 70 not passed\n" in shown


def test_wrong_suites_are_shown_before_the_others_when_there_are_many():
    trials = [trial(suite=f"s{number}") for number in range(40)]
    trials.append(trial("failed", suite="last"))

    shown = printed(report_of(trials))

    assert shown.splitlines()[1].startswith(" ✗ last ")
    assert " … 11 more suites, 0 not passed\n" in shown


def test_many_arms_are_laid_out_in_rows():
    trials = [trial(model=f"model-number-{number:02}") for number in range(12)]

    lines = printed(report_of(trials)).splitlines()[1:4]

    assert lines[0].startswith(" ✓ triage   model-number-00 1/1   model-number-01 1/1")
    assert lines[1].startswith("            model-number-04 1/1")
    assert all(len(line) <= 100 for line in lines)


def test_arms_are_called_by_what_tells_them_apart():
    versions = [Arm(prompt=f"reply@{ref}", model="fast") for ref in ("main", "v2")]
    sweep = [
        Arm(prompt="sum", model="fast", parameters={"temperature": t, "seed": 1}) for t in (0, 0.7)
    ]
    hashes = [Arm(prompt="hash", model="fast", content_hash=h) for h in ("aaa", "bbb")]
    target = Arm(prompt="app.py:answer", model="")
    trials = [
        trial(suite=arm.prompt.split("@")[0], arm=arm)
        for arm in [*versions, *sweep, *hashes, target]
    ]

    shown = printed(report_of(trials))

    assert re.search("reply@main × fast 1/1 +reply@v2 × fast 1/1", shown)
    assert "fast (temperature=0) 1/1" in shown
    assert "fast (temperature=0.7) 1/1" in shown
    assert "fast (aaa) 1/1" in shown
    assert "app.py:answer 1/1" in shown


def test_a_turn_is_named_and_its_own_output_is_shown():
    talk = (said("Hello!", PASSING, name="turn 1"), said("Who?", FAILING, name="turn 2"))

    shown = printed(report_of([trial("failed", *talk, sample=2)]))

    assert "triage › angry-customer › fast · sample 2 " in shown
    assert "   turn 2: contains 'refund'   not in the output\n   │ Who?\n" in shown
    assert "Hello!" not in shown


def test_another_place_of_the_same_case_stands_in_its_own_line():
    second = scored(Score.failing("is too long"), "length", line=35)

    shown = printed(report_of([trial("failed", said("x", FAILING, second))]))

    assert re.search(r"   length   is too long +suites/triage.yaml:35:9\n", shown)
    assert shown.count("suites/triage.yaml:31:9") == 1


def test_five_assertions_of_a_case_are_shown():
    wrong = [scored(Score.failing(f"reason {n}"), f"claim {n}") for n in range(8)]

    shown = printed(report_of([trial("failed", said("x", *wrong))]))

    assert "claim 4" in shown
    assert "claim 5" not in shown
    assert "   … 3 more assertions\n" in shown


def test_a_long_output_is_cut_where_it_is_seen_to_be_cut():
    lines = "\n".join(f"line {number}" for number in range(1, 13))
    words = "word " * 400

    by_lines = printed(report_of([trial("failed", said(lines, FAILING))]))
    by_words = printed(report_of([trial("failed", said(words, FAILING))]))

    assert "   │ line 8\n   │ … 86 characters in all\n" in by_lines
    assert by_words.count("   │ word word") == 8
    assert "   │ … 2,000 characters in all\n" in by_words


def test_an_output_that_just_fits_is_whole():
    lines = "\n".join(f"line {number}" for number in range(1, 9))

    shown = printed(report_of([trial("failed", said(lines, FAILING))]))

    assert "   │ line 8\n" in shown
    assert "in all" not in shown


def test_markup_of_rich_is_only_text():
    text = "[/] [red]x[/red] :bomb: array[0] https://a.b 'quoted' 42"

    shown = printed(report_of([trial("failed", said(text, FAILING))]), {"FORCE_COLOR": "1"})

    assert text in re.sub(r"\x1b\[[0-9;]*m", "", shown)


def test_a_failed_trial_without_a_failed_claim_still_says_something():
    odd = replace(trial("failed", said("x", PASSING)), reason="the target said so")

    shown = printed(report_of([odd]))

    assert re.search(r"angry-customer › fast +suites/triage.yaml:20:5\n", shown)
    assert "   failed   the target said so\n" in shown


def test_what_is_not_text_is_shown_as_json_and_calls():
    target = Completion(text="", output={"reply": "späte", "days": 3})

    shown = printed(report_of([trial("failed", Exchange(completion=target, scores=(FAILING,)))]))

    assert '   │ {"reply": "späte", "days": 3}\n' in shown


def test_metrics_are_a_table_of_means_with_their_numbers():
    def judged(value: float, model: str, metric: str = "kind", **more):
        claim = scored(Score.of(value > 0.5, "so", value), metric=metric)
        return trial("passed", said("x", claim), model=model, **more)

    unsure = scored(Score.unscored("who knows"), metric="kind")
    trials = [
        judged(1, "fast", case="a"),
        judged(0.5, "fast", case="b"),
        judged(1, "haiku", case="a"),
        trial("unscored", said("x", unsure), model="haiku", case="b"),
        judged(0.999, "haiku", metric="tone", case="c"),
    ]

    shown = printed(report_of(trials))

    assert (
        " metric   fast         haiku\n"
        " kind     0.75 (n=2)   0.50–1.00 (n=1, 1 unscored)\n"
        " tone                  0.99 (n=1)\n"
    ) in shown


def test_twenty_metrics_are_shown():
    claims = [scored(Score.passing("so"), metric=f"m{number:02}") for number in range(25)]

    shown = printed(report_of([trial("passed", said("x", *claims))]))

    assert " m19 " in shown
    assert " m20 " not in shown
    assert " … 5 more metrics\n" in shown


def test_soft_assertions_are_reported_and_fail_nothing():
    soft = scored(Score.failing("too stiff"), soft=True)
    kept = scored(Score.passing("so"), soft=True)

    shown = printed(report_of([trial("failed", said("x", soft, kept, FAILING))]))

    assert " 1 soft assertion failed, which fails no case\n" in shown
    assert "too stiff" not in shown


def test_a_stopped_run_says_so():
    shown = printed(report_of(cases(2), planned=10, stopped_by="sigint", duration=None))

    assert " ! interrupted by sigint: 2 of 10 trials done\n" in shown
    assert " 2 passed · 0 failed · 0 errors · 8 not run " in shown
    assert "no end recorded" in shown


def test_unknown_costs_are_said():
    priced, free = said("x", PASSING, cost=1.5), said("x", PASSING, cost=None)

    assert "$0.00 of $1.50 + 1 cost unknown" in printed(
        report_of([trial("passed", priced), trial("passed", free)])
    )
    assert " 1 cost unknown · " in printed(report_of([trial("passed", free)]))


def test_warnings_stand_above_the_last_line():
    fault = Fault(code="odd", message="is odd", at=Location("a.yaml", 2, 3), severity="warning")

    shown = printed(report_of(cases(1), warnings=[fault]))

    assert "a.yaml:2:3: warning: is odd [odd]\n 1 passed · " in shown


def test_the_command_of_a_case_can_be_pasted_into_a_shell():
    odd = trial("failed", case="it's; $(rm -rf x)\n", model="a b")

    shown = printed(report_of([odd]))

    assert """llmops test 'triage::it'"'"'s; $(rm -rf x)⏎' --model 'a b'\n""" in shown


def test_a_narrow_terminal_has_the_last_line_in_three():
    lines = printed(report_of(cases(1)), {"COLUMNS": "50"}).splitlines()

    assert lines[-3:] == [
        " 1 passed · 0 failed · 0 errors",
        " $0.00 of $0.001 · 0.4 s",
        " run 7c1e",
    ]


def test_ascii_is_enough():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")

    print_report(a_full_run(), make_screen(stream, {}), written=["out.xml"])
    stream.flush()

    shown = stream.buffer.getvalue().decode("ascii")
    assert " x triage > angry-customer > fast " in shown
    assert "   | " in shown
    assert " ->  out.xml" in shown


def test_the_console_report_has_no_colours():
    assert "\x1b" not in written(write_console, a_full_run())


def test_a_refused_trial_without_status_and_hint():
    shown = printed(report_of([trial("error", refused())]))

    assert "   auth   no such key\n   llmops test" in shown


@pytest.mark.parametrize("green", [True, False])
def test_only_a_green_run_ends_in_green(green):
    report = report_of([trial(), *([] if green else [trial("failed", case="b")])])

    shown = printed(report, {"FORCE_COLOR": "1"})

    assert ("\x1b[1;32m 1 passed" in shown) is green
    assert ("\x1b[1;31m 1 passed" in shown) is not green
