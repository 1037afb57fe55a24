import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from small_project import CONFIG, PROMPT, Commit, Run

WORDS = [f"word{number:02}" for number in range(12)]
CASE = "  - {{id: {0}, inputs: {{word: {0}}}, assert: [{{contains: {0}}}]}}\n"
SUITE = "prompt: say\ncases:\n" + "".join(map(CASE.format, WORDS))
WAVERS = "quarantine:\n  - {case: word03, until: 2999-01-01, reason: It wavers.}\n"
SAY = "suites/say.yaml"
STRICT = {"llmops.yaml": f"{CONFIG}gate: {{min_pass_rate: 1, margin: 0.4}}\n"}
BROKEN = {"echo.yaml": "rules: [{when: {contains: please say word03}, reply: No.}, {echo: true}]\n"}
EDIT = {"prompts/say.yaml": PROMPT.replace("Say", "please say")}


@pytest.fixture
def gated(folder: Path, commit: Commit, run: Run) -> Callable[..., dict[str, object]]:
    """Put a change into the work tree and hold it against its base."""

    def gate(base: Mapping[str, str], change: Mapping[str, str], *words: str) -> dict[str, object]:
        commit("Base", {**STRICT, **BROKEN, **base})
        for name, text in change.items():
            (folder / name).write_text(text, encoding="utf-8")
        done = run("gate", "--json", *words)
        found: dict[str, object] = {"code": done.code, "err": done.err}
        return {**found, **(json.loads(done.out) if done.out else {})}

    return gate


Gated = Callable[..., dict[str, object]]


def rules(found: Mapping[str, object]) -> dict[str, str]:
    return {rule["rule"]: rule["outcome"] for rule in found["rules"]}  # type: ignore[attr-defined,index]  # plain JSON


def test_a_case_that_the_base_quarantined_is_run_and_counted_and_decides_nothing(
    gated: Gated,
) -> None:
    found = gated({SAY: SUITE + WAVERS}, EDIT)

    assert found["code"] == 0, found
    assert rules(found) == {"worse": "held", "min_pass_rate": "held"}
    assert found["totals"]["quarantined_failed"] == 1  # type: ignore[index]  # plain JSON
    assert found["assessment"]["cases"] == 11  # type: ignore[index]  # plain JSON
    assert found["notes"] == [
        "say::word03 decides nothing, quarantined until 2999-01-01: It wavers.: 0 of 1 passed"
    ]


def test_it_decides_again_by_itself_when_its_day_has_passed(gated: Gated) -> None:
    found = gated({SAY: SUITE + WAVERS.replace("2999", "2020")}, EDIT)

    assert found["code"] == 1
    assert rules(found)["min_pass_rate"] == "broken"


def test_a_change_cannot_excuse_itself_and_its_entry_is_named(gated: Gated) -> None:
    found = gated({SAY: SUITE}, {**EDIT, SAY: SUITE + WAVERS})

    assert found["code"] == 1
    assert [(one["kind"], one["level"], one["cases"]) for one in found["policy"]] == [  # type: ignore[attr-defined]  # plain JSON
        ("quarantine_longer", "warn", ["word03"])
    ]
    assert rules(found)["min_pass_rate"] == "broken"


def test_a_longer_excuse_is_named_and_a_shorter_one_is_not(
    gated: Gated, folder: Path, run: Run
) -> None:
    longer = gated({SAY: SUITE + WAVERS}, {**EDIT, SAY: SUITE + WAVERS.replace("2999", "3000")})
    (folder / SAY).write_text(SUITE + WAVERS.replace("2999", "2998"), encoding="utf-8")
    shorter = json.loads(run("gate", "--json").out)

    assert [one["kind"] for one in longer["policy"]] == ["quarantine_longer"]  # type: ignore[attr-defined]  # plain JSON
    assert (longer["code"], shorter["policy"]) == (0, [])


def test_a_case_that_is_gone_takes_its_excuse_along(gated: Gated) -> None:
    without = "".join(line for line in SUITE.splitlines(keepends=True) if "word03" not in line)

    found = gated({SAY: SUITE + WAVERS}, {**EDIT, SAY: without}, "--allow", "case_removed")

    assert found["code"] == 0
    assert found["notes"] == []


def test_an_entry_for_no_case_is_shown_where_it_stands(gated: Gated) -> None:
    found = gated({SAY: SUITE}, {**EDIT, SAY: SUITE + WAVERS.replace("word03", "word3")})

    assert found["code"] == 2
    assert "the suite has no case 'word3' that could be quarantined" in str(found["err"])


def test_an_error_in_quarantine_is_no_pass(gated: Gated) -> None:
    script = BROKEN["echo.yaml"].replace("reply: No.", "error: {kind: auth}")

    found = gated({SAY: SUITE + WAVERS, "echo.yaml": script}, EDIT)

    assert found["code"] == 3
    assert rules(found)["min_pass_rate"] == "unknown"
    assert "0 of 1 passed, 1 without a verdict" in str(found["notes"])


def test_a_suite_in_which_everything_is_quarantined_is_not_green(gated: Gated) -> None:
    alone = "prompt: say\ncases:\n" + CASE.format("word03")

    found = gated({SAY: alone + WAVERS}, EDIT)

    assert found["code"] == 6
    assert found["verdict"]["reason"] == "no case counts"  # type: ignore[index]  # plain JSON


@pytest.mark.parametrize("samples", ["9", "{min: 9, max: 18}"])
def test_looking_early_does_not_look_at_it_either(gated: Gated, samples: str) -> None:
    suite = SUITE.replace("cases:", f"samples: {samples}\ncases:")

    found = gated({SAY: suite + WAVERS}, EDIT)

    assert found["code"] == 0, found
    assert "word03" in str(found["notes"])


def test_a_suite_that_is_not_reached_is_left_alone_and_a_new_one_has_no_excuses(
    gated: Gated,
) -> None:
    other = {"prompts/other.yaml": PROMPT, "suites/other.yaml": SUITE.replace("say", "other", 1)}

    found = gated(
        {SAY: SUITE + WAVERS, **other}, {**EDIT, "suites/new.yaml": SUITE + WAVERS}, "--whole"
    )

    assert found["code"] == 1
    rates = [one for one in found["rules"] if one["rule"] == "min_pass_rate"]  # type: ignore[attr-defined]  # plain JSON
    assert {one["scope"]: one["outcome"] for one in rates} == {"say": "held", "new": "broken"}
    assert [note for note in found["notes"] if "word03" in note] == [  # type: ignore[attr-defined]  # plain JSON
        "say::word03 decides nothing, quarantined until 2999-01-01: It wavers.: 0 of 1 passed"
    ]


def test_an_excuse_does_not_go_over_to_another_case_of_its_id(gated: Gated) -> None:
    swapped = SUITE.replace("{id: word03,", "{id: tmp,").replace("{id: word04,", "{id: word03,")
    change = {**EDIT, SAY: swapped.replace("{id: tmp,", "{id: word04,") + WAVERS}

    found = gated({SAY: SUITE + WAVERS}, change)

    assert found["code"] == 1
    assert rules(found)["min_pass_rate"] == "broken"
    assert found["notes"] == []
