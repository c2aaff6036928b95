"""Extrema and selection."""

import tracemalloc

import numpy as np
import pytest
from families import names_of

import opreg
from opreg.testing import conformance
from opreg_numpy import extrema

test_rules = conformance(*names_of(extrema), samples=1)


since_numpy_2_1 = pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.1.0", reason="clip has min and max since NumPy 2.1"
)


def gradients(f, *args):
    return opreg.grad(lambda *args: np.sum(f(*args)), tuple(range(len(args))))(*args)


# ------------------------------------------------------------------------------------- of two arguments
@pytest.mark.parametrize("f", [np.maximum, np.minimum, np.fmax, np.fmin], ids=lambda f: f.__name__)
def test_the_chosen_argument_gets_the_cotangent_and_a_tie_is_shared(f) -> None:
    x, y = np.array([1.0, 5.0, 2.0]), np.array([3.0, 4.0, 2.0])
    greater = np.array([0.0, 1.0, 0.5]) if "max" in f.__name__ else np.array([1.0, 0.0, 0.5])
    dx, dy = gradients(f, x, y)
    np.testing.assert_array_equal(dx, greater)
    np.testing.assert_array_equal(dy, 1 - greater)


@pytest.mark.parametrize("f", [np.maximum, np.minimum], ids=lambda f: f.__name__)
def test_a_broadcast_argument_sums_what_it_gets(f) -> None:
    x, y = np.array([[1.0], [-1.0]], np.float32), 0.0
    dx, dy = gradients(lambda x, y: f(x, y * np.ones(3)), x, y)
    chosen = 0 if f is np.maximum else 1
    expected = np.zeros((2, 1))
    expected[chosen] = 3
    np.testing.assert_array_equal(dx, expected)
    assert dx.dtype == np.float32
    assert dy == 3.0


def test_the_same_array_twice_has_the_derivative_one() -> None:
    np.testing.assert_array_equal(opreg.grad(lambda x: np.sum(np.maximum(x, x)))(np.ones(3)), np.ones(3))


@pytest.mark.parametrize("f", [np.fmax, np.fmin], ids=lambda f: f.__name__)
def test_fmax_and_fmin_take_what_is_not_nan(f) -> None:
    dx, dy = gradients(f, np.array([np.nan, 1.0, np.nan]), np.array([2.0, np.nan, np.nan]))
    np.testing.assert_array_equal(dx, [0.0, 1.0, 0.5])
    np.testing.assert_array_equal(dy, [1.0, 0.0, 0.5])


@pytest.mark.parametrize("f", [lambda x: np.maximum(x, 0.0), lambda x: np.clip(x, -1.0, 1.0), np.max])
def test_the_tape_keeps_masks_and_not_the_arrays(f) -> None:
    x = np.linspace(-2.0, 2.0, 100_000)
    tracemalloc.start()
    out, pull = opreg.vjp(f, x)
    kept = tracemalloc.get_traced_memory()[0] - np.size(out) * 8
    tracemalloc.stop()
    assert kept < 0.3 * x.nbytes
    assert np.all(pull(np.ones_like(out))[0] >= 0)


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1), (1, 3), (3, 0), (-1,), ()])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
def test_few_extrema_are_remembered_by_their_places_and_many_by_a_mask(axis, keepdims, order) -> None:
    rng = np.random.default_rng(0)
    x = np.array(rng.permutation(np.arange(144.0)).reshape(3, 4, 3, 4), order=order)
    chosen = x == np.max(x, axis=axis, keepdims=True)

    def f(x):
        return np.max(x, axis=axis, keepdims=keepdims)

    out, pull = opreg.vjp(f, x)
    g = np.asarray(rng.standard_normal(np.shape(out)))
    spread = np.broadcast_to(g.reshape(np.max(x, axis=axis, keepdims=True).shape), x.shape)
    np.testing.assert_array_equal(pull(g)[0], chosen * spread)
    t = rng.standard_normal(x.shape)
    np.testing.assert_allclose(
        opreg.jvp(f, (x,), (t,))[1], np.sum(chosen * t, axis=axis, keepdims=keepdims), rtol=0, atol=1e-15
    )
    square = opreg.hvp(lambda x: np.sum(f(x) ** 2), (x,), (t,))
    np.testing.assert_array_equal(square, 2 * chosen * t)


def test_one_extremum_of_many_keeps_next_to_nothing_on_the_tape() -> None:
    x = np.linspace(-2.0, 2.0, 100_000)
    tracemalloc.start()
    _, pull = opreg.vjp(np.max, x)
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 0.05 * x.nbytes
    assert pull(1.0)[0].nonzero()[0].tolist() == [99_999]


def test_a_tie_is_shared_to_second_order() -> None:
    x = np.array([0.0, 2.0])
    square = opreg.hessian(lambda x: np.sum(np.maximum(x**2, x * 0.0)))(x)
    np.testing.assert_array_equal(square, np.diag([1.0, 2.0]))
    np.testing.assert_array_equal(opreg.hessian(lambda x: np.max(x**2))(np.ones(2)), np.diag([1.0, 1.0]))


def test_an_infinite_cotangent_reaches_only_the_argument_that_was_chosen() -> None:
    dx, dy = opreg.vjp(np.maximum, np.array([1.0, 2.0]), np.array([2.0, 2.0]))[1](np.array([np.inf, np.inf]))
    np.testing.assert_array_equal(dx, [0.0, np.inf])
    np.testing.assert_array_equal(dy, [np.inf, np.inf])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex128])
def test_a_large_cotangent_is_passed_on_as_it_is(dtype) -> None:
    large = dtype(np.finfo(dtype).max)
    dx, dy = opreg.vjp(np.maximum, np.array([1.0, 3.0], dtype), np.array([2.0, 2.0], dtype))[1](
        np.array([large, large])
    )
    np.testing.assert_array_equal(dx, np.array([0, large], dtype))
    np.testing.assert_array_equal(dy, np.array([large, 0], dtype))


def test_a_number_as_a_tangent_is_spread_over_the_mask() -> None:
    out, change = opreg.jvp(lambda x: np.maximum(x, np.arange(3.0)), (1.5,), (2.0,))
    np.testing.assert_array_equal(out, [1.5, 1.5, 2.0])
    np.testing.assert_array_equal(change, [2.0, 2.0, 0.0])


def test_the_second_derivative_passes_through_what_was_chosen() -> None:
    got = opreg.grad(opreg.grad(lambda x: np.maximum(x**3, x)))(2.0)
    assert got == 12.0


# ------------------------------------------------------------------------------------------- where, clip
def test_where_keeps_an_infinite_cotangent_from_the_branch_not_taken() -> None:
    def safe(x):
        return np.sum(np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)), 0.0))

    np.testing.assert_array_equal(opreg.grad(safe)(np.array([4.0, 0.0, -1.0])), [0.25, 0.0, 0.0])
    _, pullback = opreg.vjp(lambda x: np.where(np.array([True, False]), x, 1.0), np.ones(2))
    np.testing.assert_array_equal(pullback(np.array([2.0, np.inf]))[0], [2.0, 0.0])


def test_where_broadcasts_each_of_its_three() -> None:
    condition = np.array([[True], [False]])
    dx, dy = gradients(lambda x, y: np.where(condition, x, y), np.ones(3), np.float32(2))
    np.testing.assert_array_equal(dx, np.ones(3))
    assert (dy, dy.dtype) == (3.0, np.float32)


def test_where_takes_a_traced_condition_without_a_derivative_by_it() -> None:
    assert opreg.grad(lambda x: np.where(x, x * 3, 0.0))(2.0) == 3.0


def test_where_of_a_condition_alone_says_what_to_call() -> None:
    with pytest.raises(TypeError, match="nonzero"):
        opreg.grad(lambda x: np.where(x))(np.ones(2))


def test_clip_passes_to_the_bound_what_it_withholds_from_the_data() -> None:
    a, low, high = np.array([[-1.0, 0.5], [2.0, 0.0]]), np.array([0.0, 0.25]), np.array([[1.0], [1.5]])
    da, dlow, dhigh = gradients(np.clip, a, low, high)
    np.testing.assert_array_equal(da, [[0.0, 1.0], [0.0, 0.0]])
    np.testing.assert_array_equal(dlow, [1.0, 1.0])
    np.testing.assert_array_equal(dhigh, [[0.0], [1.0]])


@pytest.mark.parametrize("a_min", [1.0, 2.0])
@pytest.mark.parametrize("a", [-5.0, 1.0, 1.5, 2.0, 3.0])
def test_equal_and_crossed_bounds_give_everything_to_the_upper_one(a: float, a_min: float) -> None:
    assert gradients(np.clip, a, a_min, 1.0) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        ((0.0, 1.0), {}, [0, 1, 0]),
        ((None, 1.0), {}, [1, 1, 0]),
        ((0.0, None), {}, [0, 1, 1]),
        pytest.param((), {"min": 0.0, "max": 1.0}, [0, 1, 0], marks=since_numpy_2_1),
        pytest.param((), {"max": 1.0}, [1, 1, 0], marks=since_numpy_2_1),
        ((), {"a_min": 0.0, "a_max": 1.0}, [0, 1, 0]),
        ((0.0,), {"a_max": None}, [0, 1, 1]),
    ],
)
def test_clip_takes_its_bounds_in_every_way_that_numpy_has(args, kwargs, expected) -> None:
    x = np.array([-1.0, 0.5, 2.0])
    np.testing.assert_array_equal(opreg.grad(lambda x: np.sum(np.clip(x, *args, **kwargs)))(x), expected)
    if not any(name.startswith("a_") for name in kwargs):  # an ndarray's method has no such names
        np.testing.assert_array_equal(opreg.grad(lambda x: np.sum(x.clip(*args, **kwargs)))(x), expected)


def test_clip_refuses_bounds_given_twice_and_unknown_keywords() -> None:
    with pytest.raises(ValueError, match="not as both"):
        opreg.grad(lambda x: np.clip(x, 0.0, 1.0, min=0.5))(0.25)
    with pytest.raises(TypeError, match="casting"):
        opreg.grad(lambda x: np.clip(x, 0.0, 1.0, casting="unsafe"))(0.25)
    for kwargs in {"min": 0.5}, {"max": 0.5}, {}:  # one bound by place, and none or another by name
        with pytest.raises(TypeError, match="missing 1 required positional argument: 'a_max'"):
            opreg.grad(lambda x, kwargs=kwargs: np.clip(x, 0.0, **kwargs))(0.25)
    with pytest.raises(TypeError, match="multiple values for argument 'min'"):
        opreg.grad(lambda x: np.sum(x.clip(0.0, min=0.5)))(np.ones(2))


# ---------------------------------------------------------------------------------- reductions of one array
@pytest.mark.parametrize("f", [np.max, np.amax, np.min, np.amin], ids=["max", "amax", "min", "amin"])
class TestReductions:
    sign = staticmethod(lambda f: 1.0 if f in (np.max, np.amax) else -1.0)

    @pytest.mark.parametrize("keepdims", [False, True])
    @pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (-1, 1), ()])
    def test_every_axis(self, f, axis, keepdims) -> None:
        x = np.random.default_rng(0).permutation(24.0 * np.arange(24)).reshape(2, 3, 4)
        weights = 1 + np.arange(f(x, axis=axis, keepdims=keepdims).size).reshape(
            f(x, axis, None, keepdims).shape
        )
        got = opreg.grad(lambda x: np.sum(weights * f(x, axis=axis, keepdims=keepdims)))(x)
        kept = f(x, axis=axis, keepdims=True)
        np.testing.assert_array_equal(got, np.where(x == kept, weights.reshape(kept.shape), 0))

    def test_ties_share_and_a_mask_leaves_out(self, f) -> None:
        x = self.sign(f) * np.array([[1.0, 4.0, 4.0], [9.0, 2.0, 2.0]], np.float32)
        got = opreg.grad(lambda x: np.sum(f(x, axis=1)))(x)
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, [[0, 0.5, 0.5], [1, 0, 0]])
        mask = np.array([True, False, True])
        start = -99.0 * self.sign(f)
        got = opreg.grad(lambda x: np.sum(f(x, axis=1, where=mask, initial=start)))(x)
        np.testing.assert_array_equal(got, [[0, 0, 1], [1, 0, 0]])

    def test_an_initial_value_that_wins_takes_everything(self, f) -> None:
        x = self.sign(f) * np.array([1.0, 4.0])
        assert not np.any(opreg.grad(lambda x: f(x, initial=9.0 * self.sign(f)))(x))
        np.testing.assert_array_equal(opreg.grad(lambda x: f(x, initial=4.0 * self.sign(f)))(x), [0.0, 0.5])

    def test_a_nan_has_the_cotangent(self, f) -> None:
        np.testing.assert_array_equal(opreg.grad(f)(np.array([1.0, np.nan, 2.0])), [0.0, 1.0, 0.0])

    def test_the_method_and_the_ufunc_are_the_same(self, f) -> None:
        x = self.sign(f) * np.array([[1.0, 4.0], [3.0, 2.0]])
        ufunc = np.maximum if self.sign(f) > 0 else np.minimum
        expected = opreg.grad(lambda x: np.sum(f(x, axis=0)))(x)
        np.testing.assert_array_equal(opreg.grad(lambda x: np.sum(ufunc.reduce(x)))(x), expected)
        method = "max" if self.sign(f) > 0 else "min"
        np.testing.assert_array_equal(opreg.grad(lambda x: np.sum(getattr(x, method)(axis=0)))(x), expected)

    def test_it_refuses_out_and_unknown_keywords(self, f) -> None:
        with pytest.raises(opreg.OpregError, match="out="):
            opreg.grad(lambda x: f(x, out=np.zeros(())))(np.ones(2))
        with pytest.raises(TypeError, match="dtype"):
            opreg.grad(lambda x: opreg.plugins.get(f"numpy.{f.__name__}")(x, dtype=float))(np.ones(2))
