"""Fit a network of one hidden layer, in plain NumPy, to the handwritten digits that scikit-learn carries.

All parameters are one flat vector, as `scipy.optimize` wants them; `opreg.value_and_grad` of the loss is the
whole of the training code's mathematics.

    python examples/fit_digits.py
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize
from sklearn.datasets import load_digits

import opreg

PIXELS, HIDDEN, CLASSES = 64, 24, 10
SIZE = PIXELS * HIDDEN + HIDDEN + HIDDEN * CLASSES + CLASSES


class Fit(NamedTuple):
    """A fitted model: its parameters, and the fraction of images that it names rightly."""

    theta: np.ndarray
    train_accuracy: float
    test_accuracy: float


def unpack(theta: Any) -> tuple[Any, Any, Any, Any]:
    """Cut a flat vector into the weights and biases of both layers."""
    stops = np.cumsum([PIXELS * HIDDEN, HIDDEN, HIDDEN * CLASSES])
    w1, b1, w2, b2 = (theta[a:b] for a, b in zip([0, *stops], [*stops, SIZE], strict=True))
    return w1.reshape(PIXELS, HIDDEN), b1, w2.reshape(HIDDEN, CLASSES), b2


def logits(theta: Any, images: np.ndarray) -> Any:
    """Score every class for every image."""
    w1, b1, w2, b2 = unpack(theta)
    return np.tanh(images @ w1 + b1) @ w2 + b2


def loss(theta: Any, images: np.ndarray, labels: np.ndarray, decay: float = 1e-4) -> Any:
    """Return the mean cross-entropy of the labels, plus a penalty on large parameters."""
    scores = logits(theta, images)
    scores = scores - np.max(scores, axis=1, keepdims=True)  # exp cannot overflow
    cross_entropy = np.log(np.sum(np.exp(scores), axis=1)) - scores[np.arange(len(labels)), labels]
    return np.mean(cross_entropy) + decay * np.sum(theta**2)


def start(seed: int = 0) -> np.ndarray:
    """Draw parameters to start from."""
    return np.random.default_rng(seed).normal(scale=0.1, size=SIZE)


def data() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return images and labels to learn from, then images and labels to be examined on."""
    digits = load_digits()
    order = np.random.default_rng(1).permutation(len(digits.target))
    images, labels = digits.data[order] / 16, digits.target[order]
    return images[:1297], labels[:1297], images[1297:], labels[1297:]


def fit(iterations: int = 100) -> Fit:
    """Fit the network and examine it."""
    images, labels, unseen_images, unseen_labels = data()
    result = minimize(
        opreg.value_and_grad(loss),
        start(),
        args=(images, labels),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations},
    )

    def accuracy(some_images: np.ndarray, their_labels: np.ndarray) -> float:
        return float(np.mean(logits(result.x, some_images).argmax(axis=1) == their_labels))

    return Fit(result.x, accuracy(images, labels), accuracy(unseen_images, unseen_labels))


if __name__ == "__main__":
    fitted = fit()
    print(f"accuracy on the 1297 images learnt from: {fitted.train_accuracy:.1%}")
    print(f"accuracy on the 500 images never seen:   {fitted.test_accuracy:.1%}")
