import math
from random import Random

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from llmops.comparing.statistics.differences import Differences
from llmops.comparing.statistics.evidence import Wealth, log_evidence_of_losses, split
from llmops.comparing.statistics.judging import Effort, measure, p_values
from llmops.comparing.statistics.verdict import Rule

RULE = Rule(confidence=0.95)
QUICK = Effort(flips=399, resamples=399)
CELLS = [(n, samples) for n in (20, 50, 200) for samples in (1, 5)]
ROUNDS = 2_000 // (2 * len(CELLS))


def two_arms(n: int, samples: int, drop: float, rng: Random) -> list[float]:
    values = []
    for _ in range(n):
        rate = rng.betavariate(2, 0.5)
        old = sum(rng.random() < rate for _ in range(samples))
        new = sum(rng.random() < rate - drop for _ in range(samples))
        values.append((new - old) / samples)
    return values


def regressed(values: list[float], *, binary: bool, rule: Rule, rng: Random) -> bool:
    """A regression needs its p-value, which is the cheaper half to ask for."""
    differences = Differences(values=tuple(values), binary=binary)
    _, worse, _ = p_values(differences, rng=Random(1), rounds=QUICK.flips)
    if worse > rule.alpha:
        return False
    return measure(differences, rule, rng=rng, effort=QUICK).verdict == "regressed"


def stopped_at(values: list[float], *, binary: bool, alpha: float) -> int | None:
    enough, losses, wins, wealth = -math.log(alpha), 0, 0, Wealth()
    for number, value in enumerate(values, 1):
        losses, wins = losses + (value < 0), wins + (value > 0)
        wealth = wealth if binary else wealth.after([value])
        log = log_evidence_of_losses(losses, wins) if binary else wealth.log
        if log >= enough:
            return number
    return None


def alarms(*, early: bool, drop: float = 0.0, rounds: int = ROUNDS) -> dict[tuple[int, int], int]:
    found = {}
    alpha, final = split(RULE) if early else (0.0, RULE)
    for n, samples in CELLS:
        rng, binary, count = Random(f"{n} {samples}"), samples == 1, 0
        for _ in range(rounds):
            values = two_arms(n, samples, drop, rng)
            stopped = early and stopped_at(values, binary=binary, alpha=alpha) is not None
            count += stopped or regressed(values, binary=binary, rule=final, rng=rng)
        found[n, samples] = count
    return found


@pytest.mark.parametrize("early", [False, True])
def test_without_an_effect_at_most_one_in_twenty_is_a_false_alarm(early: bool) -> None:
    found = alarms(early=early)

    chance_of_more = {
        cell: stats.binom.sf(count - 1, ROUNDS, 0.05) for cell, count in found.items()
    }
    assert sum(found.values()) <= 0.05 * ROUNDS * len(CELLS)
    assert min(chance_of_more.values()) > 0.01


@pytest.mark.parametrize(("n", "samples"), CELLS)
def test_the_power_is_that_of_the_reference_test(n: int, samples: int) -> None:
    rng, rounds, binary = Random(n), 150, samples == 1
    ours = theirs = 0

    for _ in range(rounds):
        values = two_arms(n, samples, {20: 0.3, 50: 0.2, 200: 0.07}[n] / samples**0.5, rng)
        ours += regressed(values, binary=binary, rule=RULE, rng=rng)
        theirs += reference_rejects(values, binary=binary)

    assert 0.3 < theirs / rounds < 0.95
    assert ours / rounds >= theirs / rounds - 0.03


def reference_rejects(values: list[float], *, binary: bool) -> bool:
    if not binary:
        return flipped_by_scipy(values) <= 0.05
    losses, wins = values.count(-1), values.count(1)
    two_sided = mcnemar([[0, losses], [wins, 0]], exact=True).pvalue
    midp = two_sided / 2 - stats.binom.pmf(losses, losses + wins, 0.5) / 2
    return losses > wins and midp <= 0.05


def flipped_by_scipy(values: list[float]) -> float:
    # Whole numbers, so that sums which are equal compare as equal.
    exact = np.round(np.array(values) * 800)
    return stats.permutation_test(
        (exact, np.zeros(len(exact))),
        lambda one, other, axis: np.sum(one - other, axis=axis),
        permutation_type="samples",
        alternative="less",
        vectorized=True,
        n_resamples=QUICK.flips,
        rng=1,
    ).pvalue


def test_a_planted_drop_of_twenty_points_stops_before_half_of_the_cases() -> None:
    rng, alpha = Random(8), split(RULE)[0]

    ends = [
        stopped_at(two_arms(200, 1, 0.25, rng), binary=True, alpha=alpha) or 200 for _ in range(60)
    ]

    assert sum(ends) / len(ends) < 100


@pytest.mark.parametrize(("n", "wins"), [(50, 0.02), (100, 0.0), (200, 0.1)])
def test_a_loss_of_the_margin_is_seldom_called_not_worse(n: int, wins: float) -> None:
    rule, rng, rounds = Rule(margin=0.05), Random(n), 150
    weights = (0.05 + wins, wins, 0.95 - 2 * wins)

    verdicts = [
        measure(
            Differences(values=tuple(rng.choices((-1.0, 1.0, 0.0), weights, k=n)), binary=True),
            rule,
            rng=rng,
            effort=QUICK,
        ).verdict
        for _ in range(rounds)
    ]

    assert sum(verdict in {"not worse", "improved"} for verdict in verdicts) / rounds <= 0.08


def test_counting_samples_as_cases_would_be_a_false_alarm_too_often() -> None:
    rng, alarmed, rounds = Random(3), 0, 400
    for _ in range(rounds):
        shifts = [rng.gauss(0, 0.35) for _ in range(30)]
        singles = [rng.gauss(shift, 1) for shift in shifts for _ in range(5)]
        clusters = tuple(str(number // 5) for number in range(150))
        naive = stats.ttest_1samp(singles, 0, alternative="less").pvalue <= 0.05
        honest = Differences(values=tuple(singles), clusters=clusters)
        alarmed += naive
        assert len(honest.units) == 30

    assert alarmed / rounds > 0.06


def test_clusters_keep_the_level_where_cases_would_not() -> None:
    rng, rounds = Random(4), 150
    with_clusters = without = 0
    for _ in range(rounds):
        shifts = [rng.gauss(0, 0.15) for _ in range(60)]
        values = tuple(
            max(-1.0, min(1.0, rng.gauss(shift, 0.1))) for shift in shifts for _ in range(4)
        )
        names = tuple(str(number // 4) for number in range(240))
        for clusters in (names, ()):
            differences = Differences(values=values, clusters=clusters)
            found = measure(differences, RULE, rng=rng, effort=QUICK).verdict == "regressed"
            with_clusters += found and bool(clusters)
            without += found and not clusters

    assert with_clusters / rounds <= 0.08
    assert without / rounds > 0.12
