from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

import pytest
from msgspec.structs import replace
from opened import Opened, suite

from llmops.domain.node import Text
from llmops.running.planning import interleaving
from llmops.running.planning.interleaving import interleave
from llmops.running.planning.plan import Plan, PlanOptions
from llmops.versions.version import PromptVersion

CASES = "".join(f"  - {{id: c{number:02}, inputs: {{word: w{number}}}}}\n" for number in range(30))
OLD = "user: 'Say {{ word }}'\nmodel: fast\ninputs: {word: {type: string}}\n"


class Twice(Opened):
    """A project whose prompt `say` is called `say@old` on the other side."""

    def find(self, text: Text) -> PromptVersion:
        return replace(super().find(text), name=f"{text.text}{self.suffix}")

    suffix = ""


def plans(root: Path, cases: str = CASES, samples: int = 1) -> tuple[Plan, Plan]:
    opened = Twice(root, suite(cases))
    after = opened.plan(PlanOptions(samples=samples))
    opened.suffix = "@old"
    before = opened.plan(PlanOptions(samples=samples, tolerant=True))
    return before, after


def names(plan: Plan) -> list[tuple[str, str]]:
    return [(trial.case.id, trial.planned_arm.arm.prompt) for trial in plan.trials()]


def test_both_arms_of_a_case_stand_beside_each_other_in_a_drawn_order(tmp_path: Path) -> None:
    before, after = plans(tmp_path)

    whole = interleave(before, after, seed=1)

    found = names(whole)
    cases = [case for case, _ in groupby(case for case, _prompt in found)]
    assert whole.planned == len(found) == 60
    assert len(cases) == len(set(cases)) == 30
    assert cases != sorted(cases)
    first = [prompt for _case, prompt in found[::2]]
    assert set(first) == {"say", "say@old"}


def test_the_same_seed_draws_the_same_order_and_another_another(tmp_path: Path) -> None:
    before, after = plans(tmp_path)

    one, again, other = (interleave(before, after, seed=seed) for seed in (1, 1, 2))

    assert names(one) == names(again) == names(one)
    assert names(one) != names(other)
    assert sorted(names(one)) == sorted(names(other))


def test_reports_keep_the_order_of_the_suite(tmp_path: Path) -> None:
    before, after = plans(tmp_path)

    found = sorted(interleave(before, after, seed=1).trials(), key=lambda trial: trial.index)

    assert [trial.index for trial in found] == list(range(60))
    assert [trial.case.id for trial in found] == [f"c{n // 2:02}" for n in range(60)]
    assert [trial.planned_arm.arm.prompt for trial in found[:2]] == ["say@old", "say"]


def test_samples_take_turns(tmp_path: Path) -> None:
    before, after = plans(tmp_path, samples=3)

    found = list(interleave(before, after, seed=1).trials())[:6]

    assert [trial.sample for trial in found] == [0, 0, 1, 1, 2, 2]
    assert len({trial.case.id for trial in found}) == 1


def test_a_change_without_a_base_is_shuffled_alone(tmp_path: Path) -> None:
    _, after = plans(tmp_path)

    whole = interleave(None, after, seed=1)

    assert whole.planned == 30
    assert sorted(names(whole)) == names(after)


def test_a_case_that_the_base_cannot_be_asked_stands_alone(tmp_path: Path) -> None:
    before, after = plans(tmp_path)
    kept = [trial for trial in before.trials() if trial.case.id not in {"c00", "c17", "c29"}]
    fewer = replace(before, kept=kept, planned=len(kept))

    found = names(interleave(fewer, after, seed=1))

    assert len(found) == 57
    assert sum(case in {"c00", "c17", "c29"} for case, _prompt in found) == 3


def test_a_large_plan_is_shuffled_in_windows_and_never_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interleaving, "_WINDOW", 10)
    before, after = plans(tmp_path)

    whole = interleave(before, after, seed=1)

    assert whole.kept is None
    assert names(whole) == names(whole)
    assert {case for case, _prompt in names(whole)[:10]} == {f"c{number:02}" for number in range(5)}
    assert sorted(names(whole)) == sorted(names(interleave(before, after, seed=2)))


def test_a_tolerant_plan_leaves_out_what_cannot_be_asked(tmp_path: Path) -> None:
    files: Mapping[str, str] = {
        **suite("  - {id: a, inputs: {word: x}}\n  - {id: b, inputs: {word: x, more: y}}\n"),
        "suites/t.yaml": "prompt: gone\nmodels: [fast]\ncases: [{id: a, assert: [{contains: a}]}]\n",
        "prompts/gone.yaml": "user: hi\n",
        "prompts/say.yaml": OLD,
    }
    opened = Opened(tmp_path, files)
    project = opened.project
    opened.project = replace(project, prompts={"say": project.prompts["say"]})

    plan = opened.plan(PlanOptions(tolerant=True))

    assert [(trial.suite.name, trial.case.id) for trial in plan.trials()] == [("s", "a")]
