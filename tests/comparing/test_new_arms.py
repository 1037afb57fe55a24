import pytest

from llmops.comparing.new_arms import arm_key, new_arms
from llmops.domain.run import Arm


def arm(written: str) -> Arm:
    """`PROMPT MODEL` or `PROMPT MODEL TEMPERATURE`."""
    prompt, model, *more = written.split()
    return Arm(prompt=prompt, model=model, parameters={"temperature": more[0]} if more else {})


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        (["p m"], ["p m"], []),
        (["p m"], ["q n"], []),
        (["p@base:0123 m"], ["p m", "q m"], ["q m"]),
        (["p@base:0123 m"], ["q m", "p m"], ["q m"]),
        (["p m"], ["p n", "p m"], ["p n"]),
        (["p m 0"], ["p m 1"], []),
        (["p m 0", "p m 1"], ["p m 1", "p m 0", "p m 2"], ["p m 2"]),
        (["p m", "p weak"], ["p m", "p strong"], []),
        (["p m", "q m"], ["p m"], []),
        (["p m", "p n"], ["r n", "r o", "r m"], ["r o"]),
        ([], ["p m"], []),
    ],
)
def test_an_arm_is_new_where_every_arm_has_its_counterpart_without_it(
    before: list[str], after: list[str], new: list[str]
) -> None:
    sides = {"s": [arm(one) for one in before]}, {"s": [arm(one) for one in after]}

    assert new_arms(*sides) == {("s", arm_key(arm(one))) for one in new}


def test_a_model_that_means_another_one_now_is_known_by_its_alias() -> None:
    before = [Arm(prompt="p", model="fast (base)")]
    after = [Arm(prompt="p", model="new"), Arm(prompt="p", model="fast")]

    assert new_arms({"s": before}, {"s": after}) == {("s", arm_key(after[0]))}
