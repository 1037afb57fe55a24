import json

import pytest
from small_project import Project, Run


@pytest.mark.parametrize("count", [1, 63, 64, 65, 80, 128, 336, 400, 1000])
def test_every_trial_of_a_model_that_answers_at_once_is_carried_out(
    project: Project, run: Run, count: int
) -> None:
    cases = "".join(
        f"  - {{id: c{n}, inputs: {{word: w{n}}}, assert: [{{contains: w{n}}}]}}\n"
        for n in range(count)
    )
    project({"suites/say.yaml": f"prompt: say\ncases:\n{cases}"})

    done = run("test", "--json")

    assert done.code == 0
    assert json.loads(done.out)["verdict"]["totals"]["passed"] == count
