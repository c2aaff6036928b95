"""SciPy's functions for the Array API, on traced values: SciPy reads SCIPY_ARRAY_API when it is imported."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import numpy as np
import opreg
from scipy import cluster, fft, integrate, optimize, signal, special, stats

functions = {
    "logsumexp": lambda x: special.logsumexp(x),
    "softmax": lambda x: special.softmax(x)[1],
    "expit": lambda x: special.expit(x).sum(),
    "gammaln": lambda x: special.gammaln(x).sum(),
    "rel_entr": lambda x: special.rel_entr(x, x + 1).sum(),
    "zscore": lambda x: stats.zscore(x)[1],
    "skew": lambda x: stats.skew(x),
    "kurtosis": lambda x: stats.kurtosis(x),
    "gmean": lambda x: stats.gmean(x),
    "hmean": lambda x: stats.hmean(x),
    "pmean": lambda x: stats.pmean(x, 3),
    "sem": lambda x: stats.sem(x),
    "kstat": lambda x: stats.kstat(x, 2),
    "circmean": lambda x: stats.circmean(x),
    "entropy": lambda x: stats.entropy(x),
    "trapezoid": lambda x: integrate.trapezoid(x),
    "cumulative_simpson": lambda x: integrate.cumulative_simpson(x).sum(),
    "fft": lambda x: np.abs(fft.fft(x)[1]),
    "irfft": lambda x: fft.irfft(fft.rfft(x), 5)[2],
    "rosen": lambda x: optimize.rosen(x),
    "rosen_der": lambda x: optimize.rosen_der(x)[1],
    "fftconvolve": lambda x: signal.fftconvolve(x, x)[2],
    "hilbert": lambda x: np.abs(signal.hilbert(x)[1]),
    "whiten": lambda x: cluster.vq.whiten(x.reshape(5, 1))[0, 0],
    "chisquare": lambda x: stats.chisquare(x).statistic,
    "ttest_ind": lambda x: stats.ttest_ind(x, x * 2).statistic,
}
x, h = np.array([0.5, 1.2, 0.7, 2.0, 1.5]), 1e-6
done = 0
for name, function in functions.items():
    numeric = [(function(x + h * e) - function(x - h * e)) / (2 * h) for e in np.eye(5)]
    try:
        np.testing.assert_allclose(opreg.grad(function)(x), numeric, rtol=1e-5, atol=1e-7)
        tangent = opreg.jvp(function, (x,), (np.ones(5),))[1]
        np.testing.assert_allclose(tangent, np.sum(numeric), rtol=1e-5, atol=1e-7)
        done += 1
    except Exception as error:
        print(name, type(error).__name__, str(error)[:200])
print(done, "of", len(functions))
"""


def test_functions_for_the_array_api_differentiate_in_both_modes() -> None:
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        capture_output=True, text=True, env={**os.environ, "SCIPY_ARRAY_API": "1"}, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout == "26 of 26\n"
