import csv
import json

import pytest
from small_project import Project, Run
from till import Till, config

MANY = "prompt: say\ncases:\n" + "".join(
    f"  - {{id: c{number}, inputs: {{word: w{number}}}, assert: [{{contains: w}}]}}\n"
    for number in range(40)
)
ONE = MANY[: MANY.index("  - {id: c1,")]


def test_a_budget_lets_the_server_see_the_cap_and_what_was_under_way(
    project: Project, run: Run, till: Till
) -> None:
    project(
        {"llmops.yaml": config(till, more="budget: {max_cost: 1.0}\n"), "suites/say.yaml": MANY}
    )

    done = run("test", "--concurrency", "4")

    assert done.code == 4
    assert 10 <= till.calls <= 10 + 3


def test_no_cap_on_calls_is_exceeded_by_retries(project: Project, run: Run, till: Till) -> None:
    till.refusals = [500, 500, 500]
    project({"llmops.yaml": config(till), "suites/say.yaml": MANY})

    done = run("test", "--concurrency", "4", "--max-calls", "7")

    assert (done.code, till.calls) == (4, 7)


def test_a_cap_that_cannot_count_says_so_once_and_names_the_model(
    project: Project, run: Run, till: Till
) -> None:
    project({"llmops.yaml": config(till, price=""), "suites/say.yaml": MANY})

    done = run("test", "--max-cost", "0.5")

    assert done.code == 0
    assert done.err.count("what 'echo' costs is not known, so max_cost cannot count it") == 1
    assert "40 costs unknown" in done.out


def test_without_a_cap_an_unknown_cost_is_said_in_the_last_line_only(
    project: Project, run: Run, till: Till
) -> None:
    project({"llmops.yaml": config(till, price=""), "suites/say.yaml": ONE})

    done = run("test")

    assert "max_cost" not in done.err
    assert "1 cost unknown" in done.out


def test_reports_hold_every_kind_of_token(project: Project, run: Run, till: Till) -> None:
    folder = project({"llmops.yaml": config(till), "suites/say.yaml": ONE})

    run("test", "--report", "json=r.json", "--report", "csv=r.csv")

    report = json.loads((folder / "r.json").read_text(encoding="utf-8"))
    row = next(csv.DictReader((folder / "r.csv").read_text(encoding="utf-8").splitlines()))
    usage = report["trials"][0]["exchanges"][0]["completion"]["usage"]
    totals = report["verdict"]["totals"]
    kinds = ("cached", "cache_written", "reasoning")
    assert [usage[kind] for kind in kinds] == [10_000, 7, 30_000]
    assert [totals[f"{kind}_tokens"] for kind in kinds] == [10_000, 7, 30_000]
    assert [row[f"{kind}_tokens"] for kind in kinds] == ["10000", "7", "30000"]
    assert totals["spent"] == pytest.approx(0.1)
