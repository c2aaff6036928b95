"""The example fits real data, with the right gradient."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import opreg

EXAMPLE = Path(__file__).parents[2] / "examples" / "fit_digits.py"


@pytest.fixture(scope="module")
def example() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(EXAMPLE)))


def by_hand(example, theta, images, labels, decay=1e-4) -> np.ndarray:
    """Backpropagation through the network, written out."""
    w1, b1, w2, b2 = example.unpack(theta)
    hidden = np.tanh(images @ w1 + b1)
    scores = hidden @ w2 + b2
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(labels)), labels] -= 1
    p /= len(labels)
    back = (p @ w2.T) * (1 - hidden**2)
    parts = [images.T @ back, back.sum(axis=0), hidden.T @ p, p.sum(axis=0)]
    return np.concatenate([part.ravel() for part in parts]) + 2 * decay * theta


def test_the_gradient_is_the_one_worked_out_by_hand(example) -> None:
    images, labels, *_ = example.data()
    theta = example.start(seed=5)
    gradient = opreg.grad(example.loss)(theta, images, labels)
    np.testing.assert_allclose(gradient, by_hand(example, theta, images, labels), rtol=1e-10, atol=1e-15)


def test_the_fitted_network_names_nineteen_of_twenty_unseen_digits(example) -> None:
    fitted = example.fit(iterations=80)
    assert fitted.train_accuracy > 0.99
    assert fitted.test_accuracy > 0.95
