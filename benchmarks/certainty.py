"""How often the gate's statistics cry wolf, and how much they see, by simulation.

python benchmarks/certainty.py [--rounds 2000] [--power-rounds 1000]

Cases pass with rates of their own, drawn from Beta(2, 0.5); both arms are asked `samples` times.
Needs NumPy, SciPy and statsmodels, which `pip install -e ".[dev]"` brings.
"""

import argparse
import math
from random import Random

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from llmops.comparing.statistics.differences import Differences
from llmops.comparing.statistics.evidence import Wealth, log_evidence_of_losses, split
from llmops.comparing.statistics.judging import Effort, measure, p_values
from llmops.comparing.statistics.verdict import Rule

RULE = Rule(confidence=0.95)
EFFORT = Effort(flips=999, resamples=999)
CELLS = [(n, samples) for n in (20, 50, 200) for samples in (1, 5)]
DROPS = {20: 0.3, 50: 0.2, 200: 0.07}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--power-rounds", type=int, default=1000)
    asked = parser.parse_args()
    print("| cases | samples | false alarms, fixed | with an early end | power | reference |")
    print("|---|---|---|---|---|---|")
    for n, samples in CELLS:
        fixed, early = (alarms(n, samples, asked.rounds, early=one) for one in (False, True))
        ours, theirs = power(n, samples, asked.power_rounds)
        print(f"| {n} | {samples} | {fixed:.2%} | {early:.2%} | {ours:.1%} | {theirs:.1%} |")


def alarms(n: int, samples: int, rounds: int, *, early: bool) -> float:
    """The share of simulations without an effect that end as a regression."""
    rng, count = Random(f"{n} {samples}"), 0
    alpha, final = split(RULE) if early else (0.0, RULE)
    for _ in range(rounds):
        values = two_arms(n, samples, 0.0, rng)
        count += (early and ends_early(values, samples == 1, alpha)) or regressed(
            values, samples == 1, final, rng
        )
    return count / rounds


def power(n: int, samples: int, rounds: int) -> tuple[float, float]:
    """The share of simulations with a real drop that we see, and that the reference test sees."""
    rng, ours, theirs = Random(n), 0, 0
    for _ in range(rounds):
        values = two_arms(n, samples, DROPS[n] / samples**0.5, rng)
        ours += regressed(values, samples == 1, RULE, rng)
        theirs += reference_rejects(values, samples == 1)
    return ours / rounds, theirs / rounds


def two_arms(n: int, samples: int, drop: float, rng: Random) -> list[float]:
    """Differences in the pass rate, a case each."""
    values = []
    for _ in range(n):
        rate = rng.betavariate(2, 0.5)
        old = sum(rng.random() < rate for _ in range(samples))
        new = sum(rng.random() < rate - drop for _ in range(samples))
        values.append((new - old) / samples)
    return values


def regressed(values: list[float], binary: bool, rule: Rule, rng: Random) -> bool:
    """Whether the verdict is a regression; its p-value is the cheaper half to ask for."""
    differences = Differences(values=tuple(values), binary=binary)
    _, worse, _ = p_values(differences, rng=Random(1), rounds=EFFORT.flips)
    if worse > rule.alpha:
        return False
    return measure(differences, rule, rng=rng, effort=EFFORT).verdict == "regressed"


def ends_early(values: list[float], binary: bool, alpha: float) -> bool:
    """Whether the evidence of losses ever reached what an early end needs."""
    enough, losses, wins, wealth = -math.log(alpha), 0, 0, Wealth()
    for value in values:
        losses, wins = losses + (value < 0), wins + (value > 0)
        wealth = wealth if binary else wealth.after([value])
        if (log_evidence_of_losses(losses, wins) if binary else wealth.log) >= enough:
            return True
    return False


def reference_rejects(values: list[float], binary: bool) -> bool:
    """McNemar's mid-p test of statsmodels, or SciPy's permutation test of signs; one-sided."""
    if binary:
        losses, wins = values.count(-1), values.count(1)
        two_sided = mcnemar([[0, losses], [wins, 0]], exact=True).pvalue
        midp = two_sided / 2 - stats.binom.pmf(losses, losses + wins, 0.5) / 2
        return bool(losses > wins and midp <= RULE.alpha)
    exact = np.round(np.array(values) * 800)  # whole numbers: sums that are equal compare as equal
    found = stats.permutation_test(
        (exact, np.zeros(len(exact))),
        lambda one, other, axis: np.sum(one - other, axis=axis),
        permutation_type="samples",
        alternative="less",
        vectorized=True,
        n_resamples=EFFORT.flips,
        rng=1,
    )
    return bool(found.pvalue <= RULE.alpha)


if __name__ == "__main__":
    main()
