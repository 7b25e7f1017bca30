"""Writes draws.json and expected.json: chains of several kinds, and their diagnostics by an independent reference.

Run with Debian's python3-numpy and python3-scipy (numpy 1.24, scipy 1.10):  python3 make_fixtures.py
The reference follows the definitions as ArviZ has them (README.md beside this file names the functions); it shares no code
and no method with the service: ranks by scipy, every autocovariance by explicit sums.
"""
import json
import math
import sys

import numpy as np
from scipy import stats


def split_chains(x):
    half = x.shape[1] // 2
    return np.concatenate([x[:, :half], x[:, x.shape[1] - half:]])


def normal_scores(x):
    ranks = stats.rankdata(x, method="average").reshape(x.shape)
    return stats.norm.ppf((ranks - 3 / 8) / (x.size + 1 / 4))


def basic_rhat(x):
    n = x.shape[1]
    within = x.var(axis=1, ddof=1).mean()
    between = n * x.mean(axis=1).var(ddof=1)
    return math.sqrt((between / within + n - 1) / n)


def rank_rhat(x):
    if x.shape[0] < 2:
        return None
    split = split_chains(x)
    folded = np.abs(split - np.median(split))
    return max(basic_rhat(normal_scores(split)), basic_rhat(normal_scores(folded)))


def autocovariance(x):
    """Mean over chains of the biased autocovariance at every lag."""
    n = x.shape[1]
    centred = x - x.mean(axis=1, keepdims=True)
    return np.array([(centred[:, :n - t] * centred[:, t:]).sum(axis=1).mean() / n for t in range(n)])


def basic_ess(x):
    x = np.asarray(x, dtype=float)
    if x.max() - x.min() < 1e-15:
        return float(x.size)
    chains, n = x.shape
    acov = autocovariance(x)
    within = acov[0] * n / (n - 1)
    total = acov[0] + (x.mean(axis=1).var(ddof=1) if chains > 1 else 0)
    rho = 1 - (within - acov) / total
    rho[0] = 1
    # Geyer: pairs (0, 1), (2, 3), ... while their sums are positive; ArviZ looks at no pair that starts after lag n - 3.
    pairs = [(rho[0], rho[1])]
    even, odd, t = rho[0], rho[1], 0
    while t + 1 < n - 3 and even + odd > 0:
        t += 2
        even, odd = rho[t], rho[t + 1]
        if even + odd >= 0:
            pairs.append((even, odd))
    # The pairs before lag t count whole, and the even lag t once: as it is if positive, else as part of a kept pair, else not.
    whole = [list(pair) for pair in pairs[:t // 2]]
    last = even if even > 0 else (pairs[t // 2][0] if len(pairs) > t // 2 else 0.0)
    for i in range(1, len(whole)):
        before = sum(whole[i - 1])
        if sum(whole[i]) > before:
            whole[i] = [before / 2, before / 2]
    tau = -1 + 2 * sum(map(sum, whole)) + last
    return x.size / max(tau, 1 / math.log10(x.size))


def quantile_ess(x, probability):
    return basic_ess(split_chains(x <= np.quantile(x, probability)))


def mean_ess(x):
    return basic_ess(split_chains(x))


def sd_error(x):
    """posterior's mcse_sd: the error of the mean squared deviation, carried over to its root."""
    squares = (x - x.mean()) ** 2
    error = (np.mean(squares ** 2) - squares.mean() ** 2) / mean_ess(squares)
    return math.sqrt(error / squares.mean() / 4)


def bfmi(x):
    return [float(np.mean(np.diff(c) ** 2) / c.var(ddof=1)) if c.var() > 0 else None for c in x]


def diagnostics(x):
    return {
        "rHat": rank_rhat(x),
        "essBulk": basic_ess(normal_scores(split_chains(x))),
        "essTail": min(quantile_ess(x, 0.05), quantile_ess(x, 0.95)),
        "essMean": mean_ess(x),
        "mean": float(x.mean()),
        "standardDeviation": float(x.std(ddof=1)),
        "mcseMean": float(x.std(ddof=1) / math.sqrt(mean_ess(x))),
        "mcseStandardDeviation": sd_error(x),
        "ebfmi": bfmi(x),
    }


def autoregression(rng, chains, draws, rho):
    x = np.empty((chains, draws))
    x[:, 0] = rng.standard_normal(chains)
    for t in range(1, draws):
        x[:, t] = rho * x[:, t - 1] + math.sqrt(1 - rho * rho) * rng.standard_normal(chains)
    return x


def cases():
    rng = np.random.default_rng(20210607)
    normal = rng.standard_normal
    yield "iid normal", normal((4, 250))
    yield "iid normal, 2 chains", normal((2, 60))
    yield "many short chains", normal((33, 12))
    yield "ar1 0.3", autoregression(rng, 4, 250, 0.3)
    yield "ar1 0.9", autoregression(rng, 4, 250, 0.9)
    yield "ar1 0.99, needs many lags", autoregression(rng, 3, 400, 0.99)
    yield "ar1 -0.5", autoregression(rng, 4, 150, -0.5)
    yield "ar1 -0.95, capped", autoregression(rng, 4, 150, -0.95)
    yield "cauchy", rng.standard_cauchy((4, 200))
    yield "different means", normal((4, 120)) + np.array([[0], [0], [0.3], [1]])
    yield "different scales", normal((4, 120)) * np.array([[1], [1], [1], [3]])
    yield "trend", normal((3, 100)) + np.linspace(0, 1.5, 100)
    yield "halves differ in scale", normal((3, 100)) * np.where(np.arange(100) < 50, 0.4, 1.0)
    yield "ties", rng.poisson(2.0, (4, 150)).astype(float)
    yield "two values", (autoregression(rng, 4, 120, 0.7) > 0.8).astype(float)
    yield "clamped above", np.minimum(autoregression(rng, 3, 110, 0.5), 0.4)
    yield "odd number of draws", autoregression(rng, 3, 101, 0.4)
    yield "odd, middle draws extreme", np.where(np.arange(37) == 18, 50.0, normal((3, 37)))
    yield "4 draws", normal((2, 4))
    yield "5 draws", normal((3, 5))
    yield "7 draws", normal((4, 7))
    yield "8 draws, 1 chain", normal((1, 8))
    yield "one chain", autoregression(rng, 1, 160, 0.5)
    yield "one chain constant, others move", np.where(np.arange(4)[:, None] == 2, 0.25, normal((4, 80)))
    yield "large offset", 1e5 + 0.01 * np.round(autoregression(rng, 4, 100, 0.6), 3)
    yield "tiny scale", 1e-6 * autoregression(rng, 4, 100, 0.6)


def main():
    draws, expected = {}, {}
    for name, x in cases():
        # Rounded before anything is computed: the file holds exactly the draws that were measured.
        x = np.array([[float(f"{value:.6g}") if abs(value) < 1e4 else round(value, 5) for value in chain] for chain in x])
        draws[name] = x.tolist()
        expected[name] = diagnostics(x)
    for path, content in (("draws.json", draws), ("expected.json", expected)):
        with open(path, "w", encoding="utf-8") as file:
            lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in content.items())
            file.write("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    sys.exit(main())
