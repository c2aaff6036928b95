"""Whether what is computed while it is differentiated is what NumPy computes."""

from __future__ import annotations

from typing import Any

import numpy as np

import opreg
from opreg import plugins


def check_values(name: str, seed: int = 0) -> int:
    """Compare shape, dtype and numbers of traced results with plain ones on the samples; return how many there were."""
    primitive, compared = plugins.get(name), 0
    rng = np.random.default_rng(seed)
    for generate in primitive.sample_generators:
        for sample in generate(rng):
            data, static = primitive.canonical(sample.args, sample.kwargs)
            if not data:
                continue

            def run(*data: Any, static: Any = static) -> Any:
                return primitive.bind(*data, **static)

            _same(opreg.vjp(run, *data)[0], primitive.forward(*data, **static), sample)
            compared += 1
    return compared


def _same(got: Any, expected: Any, sample: opreg.Sample) -> None:
    if isinstance(expected, tuple):
        assert len(got) == len(expected), sample
        for one, other in zip(got, expected, strict=True):
            _same(one, other, sample)
        return
    assert np.shape(got) == np.shape(expected), sample
    assert np.result_type(got) == np.result_type(expected), sample
    scale = np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))
    rounding = 1e-12 if np.result_type(expected) in (np.float64, np.complex128) else 1e-5
    np.testing.assert_allclose(got, expected, rtol=rounding, atol=rounding * scale, err_msg=str(sample))
