"""SciPy's functions for the Array API, on traced values: SciPy reads SCIPY_ARRAY_API when it is imported."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import numpy as np
import opreg
from scipy import cluster, fft, integrate, interpolate, linalg, ndimage, optimize, signal, special, stats
from scipy.spatial.transform import RigidTransform

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
    "betaln of plain and traced": lambda x: special.betaln(plain, x).sum(),
    "xlogy of traced and plain": lambda x: special.xlogy(x, plain).sum(),
    "logsumexp with plain weights": lambda x: special.logsumexp(x, b=plain),
    "hyp1f1": lambda x: special.hyp1f1(0.5, plain, x).sum(),
    "gstd": lambda x: stats.gstd(x),
    "gmean with plain weights": lambda x: stats.gmean(x, weights=plain),
    "variation": lambda x: stats.variation(x),
    "tmean": lambda x: stats.tmean(x, limits=(0.6, None)),
    "tvar": lambda x: stats.tvar(x),
    "tstd": lambda x: stats.tstd(x),
    "tsem": lambda x: stats.tsem(x),
    "zmap": lambda x: stats.zmap(x, plain)[1] + stats.zmap(plain, x)[2],
    "ttest_ind with plain": lambda x: stats.ttest_ind(x, plain).pvalue,
    "ttest_1samp": lambda x: stats.ttest_1samp(x, 1.0).confidence_interval()[0],
    "ttest_rel": lambda x: stats.ttest_rel(x, plain).pvalue,
    "pearsonr": lambda x: stats.pearsonr(x, x**3).statistic + stats.pearsonr(x, plain).pvalue,
    "alexandergovern": lambda x: stats.alexandergovern(x, x**2, plain).statistic,
    "mannwhitneyu": lambda x: stats.mannwhitneyu(x, plain + 0.05).pvalue * x.sum(),
    "yeojohnson_llf": lambda x: stats.yeojohnson_llf(0.5, x - 1),
    "quantile": lambda x: stats.quantile(x, np.array([0.13, 0.57])).sum(),
    "rosen_hess_prod": lambda x: optimize.rosen_hess_prod(x, plain).sum(),
    "convolve": lambda x: signal.convolve(x, kernel, method="direct")[2] + signal.convolve(x, x)[3],
    "correlate": lambda x: signal.correlate(x, kernel)[1],
    "convolve2d": lambda x: signal.convolve2d(x[:, None] * x, corner, boundary="symm")[1, 2],
    "correlate2d": lambda x: signal.correlate2d(x[:, None] * x, corner, mode="same")[1, 2],
    "detrend": lambda x: signal.detrend(x, bp=[2])[1] + signal.detrend(x, type="constant")[0],
    "welch": lambda x: signal.welch(x, nperseg=4)[1][1],
    "csd": lambda x: np.abs(signal.csd(x, plain, nperseg=4)[1][1]),
    "istft": lambda x: signal.istft(np.outer(x[:3], x), nperseg=4)[1][3],
    "freqz": lambda x: np.abs(signal.freqz(x, kernel, worN=4)[1][1]),
    "zpk2tf": lambda x: signal.zpk2tf(x, plain, 2.0)[0][2],
    "lfilter_zi": lambda x: signal.lfilter_zi(x[:3], kernel)[0],
    "normalize": lambda x: signal.normalize(x, kernel)[0][1],
    "map_coordinates": lambda x: ndimage.map_coordinates(x[:, None] * x, [[0.3], [1.6]], order=1)[0],
    "map_coordinates by place": lambda x: ndimage.map_coordinates(x, x[None, :3] + 0.3, order=1, mode="mirror")[1],
    "block_diag": lambda x: linalg.block_diag(x[None], corner)[0, 1],
    "cubature": lambda x: integrate.cubature(lambda t: np.exp(-t[:, 0] * x[0]), np.zeros(1), x[1:2]).estimate,
    "RBFInterpolator": lambda x: interpolate.RBFInterpolator(corner[:, :1], x[:2], kernel="gaussian", epsilon=1)(
        np.array([[1.5]])
    )[0],
    "RigidTransform": lambda x: RigidTransform.from_exp_coords(x[[0, 1, 2, 3, 4, 0]]).apply(kernel)[1],
}
kernel, corner = np.array([1.0, 0.4, -0.3]), np.array([[1.0, 2.0], [3.0, -1.0]])
plain = np.array([0.3, 1.1, 0.6, 0.9, 1.7])
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
    assert result.stdout == "65 of 65\n"
