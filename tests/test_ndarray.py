"""A traced value behaves as the ndarray that it stands for: methods, attributes, protocols, refusals."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import opreg
from opreg import plugins

X = np.array([[3.0, 1.0, 2.0], [6.0, 5.0, 4.0]])


def value(function: Callable[[Any], Any], x: Any = X) -> Any:
    """Return what a function gives on a traced value."""
    return opreg.vjp(function, x)[0]


METHODS: dict[str, Callable[[Any], Any]] = {
    "astype": lambda x: x.astype(np.float32),
    "astype to complex": lambda x: x.astype(complex, copy=False),
    "clip": lambda x: x.clip(1.5, 4.5),
    "clip by keyword": lambda x: x.clip(max=4.5),
    "compress": lambda x: x.compress([True, False, True], axis=1),
    "conj": lambda x: x.conj(),
    "conjugate": lambda x: x.conjugate(),
    "copy": lambda x: x.copy(),
    "cumprod": lambda x: x.cumprod(axis=1),
    "cumsum": lambda x: x.cumsum(0),
    "diagonal": lambda x: x.diagonal(1),
    "dot": lambda x: x.dot(np.arange(3.0)),
    "flatten": lambda x: x.flatten("F"),
    "item": lambda x: x.item(3),
    "item of two": lambda x: x.item(1, 2),
    "item of a tuple": lambda x: x.item((1, 2)),
    "item of one": lambda x: x[:1, :1].item(),
    "max": lambda x: x.max(axis=0, keepdims=True),
    "mean": lambda x: x.mean(axis=-1),
    "min": lambda x: x.min(),
    "prod": lambda x: x.prod(axis=(0, 1)),
    "ravel": lambda x: x.ravel(),
    "repeat": lambda x: x.repeat(2, axis=0),
    "reshape": lambda x: x.reshape(3, 2),
    "reshape by a tuple": lambda x: x.reshape((3, -1), order="F"),
    "round": lambda x: x.round(1),
    "squeeze": lambda x: x[:1].squeeze(axis=0),
    "std": lambda x: x.std(axis=1, ddof=1),
    "sum": lambda x: x.sum(),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "take": lambda x: x.take([0, 0, 2], axis=1),
    "tolist": lambda x: x.tolist(),
    "trace": lambda x: x.trace(offset=1),
    "transpose": lambda x: x.transpose(),
    "transpose by axes": lambda x: x.transpose(1, 0),
    "transpose by a tuple": lambda x: x.transpose((1, 0)),
    "var": lambda x: x.var(),
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "real": lambda x: x.real,
    "imag": lambda x: x.imag,
    "flat": lambda x: [x.flat[4], *list(x.flat)],
    "getitem": lambda x: x[::-1, [0, 2]],
    "iteration": lambda x: [2 * row for row in x],
    "unpacking": lambda x: [*x][1],
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_give_what_an_ndarray_gives(name: str) -> None:
    method = METHODS[name]
    np.testing.assert_array_equal(value(method), method(X))


@pytest.mark.parametrize("name", [n for n in METHODS if n not in ("imag", "round")])
def test_methods_carry_the_derivative(name: str) -> None:
    """Each of these depends on the data: a lost derivative would be zero."""
    out, pull = opreg.vjp(METHODS[name], X)
    leaves = out if isinstance(out, list) else [out]
    ones = [
        np.ones_like(part) if not isinstance(part, list) else [np.float64(1)] * len(part) for part in leaves
    ]
    assert np.any(pull(ones if isinstance(out, list) else ones[0])[0])


@pytest.mark.parametrize("name", ["shape", "ndim", "size", "dtype", "itemsize", "nbytes", "strides"])
def test_attributes_without_derivative_are_the_arrays(name: str) -> None:
    seen = []
    opreg.vjp(lambda x: seen.append(getattr(x, name)) or x, X)
    assert seen == [getattr(X, name)]


def test_len_comparison_truth_and_membership() -> None:
    seen = []
    opreg.vjp(
        lambda x: seen.extend([len(x), bool((x > 5).any()), (x == X).all(), bool(x[0, 0]), 3.0 in x[0]]) or x,
        X,
    )
    assert seen == [2, True, True, True, True]


@pytest.mark.parametrize("name", ["argmax", "argmin", "nonzero", "all", "any"])
def test_constants_are_plain(name: str) -> None:
    seen: list[Any] = []
    opreg.vjp(lambda x: seen.append(getattr(x, name)()) or x, X)
    np.testing.assert_array_equal(seen[0], getattr(X, name)())


def test_operators_with_lists_and_arrays_on_either_side() -> None:
    np.testing.assert_array_equal(
        value(lambda x: [1.0, 2.0, 3.0] * x - x / np.array([2.0, 1.0, 4.0])), [1, 2, 3] * X - X / [2, 1, 4]
    )


def test_an_array_on_the_left_defers() -> None:
    assert opreg.grad(lambda x: (np.ones(3) - x).sum())(np.ones(3)).tolist() == [-1.0, -1.0, -1.0]


def test_augmented_assignment_changes_an_array_by_all_its_names() -> None:
    def function(x: Any) -> Any:
        y = x
        y *= 2
        return np.sum(x * y)

    x = np.array([3.0])
    assert opreg.grad(function)(x).tolist() == [24.0]
    assert x.tolist() == [3.0]


def test_a_traced_number_has_the_attributes_of_an_array() -> None:
    assert value(lambda x: np.float64(x.ndim) + x.reshape(1).sum(), 2.0) == 2.0


def test_an_unknown_attribute_is_refused_by_name() -> None:
    with pytest.raises(AttributeError, match="'nonsense'"):
        value(lambda x: x.nonsense)
    assert value(lambda x: x if getattr(x, "nonsense", None) is None else None) is not None


def test_an_attribute_that_would_lose_the_derivative_says_so() -> None:
    with pytest.raises(AttributeError, match="derivative would be lost"):
        value(lambda x: x.tobytes())


def test_a_cast_that_is_not_safe_is_refused_if_asked_to_be() -> None:
    with pytest.raises(TypeError, match="Cannot cast"):
        value(lambda x: x.astype(np.float32, casting="safe"))


@pytest.mark.parametrize("call", [float, int, complex, np.asarray, np.array, lambda x: np.zeros(2)[x]])
def test_a_traced_value_never_becomes_a_plain_one_in_silence(call: Any) -> None:
    with pytest.raises((opreg.NotDifferentiable, IndexError)):
        value(call, np.float64(1.0))


# ------------------------------------------------------------------------------------------ NumPy's protocols
UFUNC_METHODS: dict[str, Callable[[Any], Any]] = {
    "add.reduce": lambda x: np.add.reduce(x),
    "add.reduce over all": lambda x: np.add.reduce(x, axis=None),
    "add.reduce, initial, where": lambda x: np.add.reduce(
        x, axis=1, keepdims=True, initial=2.0, where=[True, False, True]
    ),
    "multiply.reduce": lambda x: np.multiply.reduce(x, axis=1),
    "maximum.reduce": lambda x: np.maximum.reduce(x, axis=(0, 1)),
    "minimum.reduce": lambda x: np.minimum.reduce(x, axis=-1),
    "logaddexp.reduce": lambda x: np.logaddexp.reduce(x, axis=1, keepdims=True),
    "logaddexp.reduce over all": lambda x: np.logaddexp.reduce(x, axis=None),
    "subtract.reduce": lambda x: np.subtract.reduce(x),
    "logaddexp.reduce, initial": lambda x: np.logaddexp.reduce(x, initial=0.5),
    "logaddexp.reduce, where": lambda x: np.logaddexp.reduce(x, axis=1, where=X > 1.5),
    "logaddexp.reduce of a number": lambda x: np.logaddexp.reduce(x[0, 0]),
    "hypot.reduce, where, initial": lambda x: np.hypot.reduce(x, axis=None, where=X > 1.5, initial=2.0),
    "subtract.reduce, initial": lambda x: np.subtract.reduce(x, axis=1, initial=1),
    "divide.reduce, where": lambda x: np.divide.reduce(x, axis=1, initial=1, where=[True, False, True]),
    "maximum.accumulate of nothing": lambda x: np.maximum.accumulate(x[:0]),
    "add.accumulate": lambda x: np.add.accumulate(x, axis=1),
    "multiply.accumulate": lambda x: np.multiply.accumulate(x),
    "add.reduceat": lambda x: np.add.reduceat(x, [0, 2, 1, 1], axis=1) ** 2,
    "multiply.reduceat along the first axis": lambda x: np.multiply.reduceat(x, [1, 0]),
    "maximum.reduceat at no places": lambda x: np.maximum.reduceat(x, np.array([], int)),
    "hypot.accumulate": lambda x: np.hypot.accumulate(x, axis=1),
    "multiply.outer": lambda x: np.multiply.outer(x, x[0]),
    "power.outer": lambda x: np.power.outer(x[0], [1.0, 2.0]),
}


@pytest.mark.parametrize("name", UFUNC_METHODS)
def test_methods_of_ufuncs(name: str) -> None:
    method = UFUNC_METHODS[name]
    np.testing.assert_allclose(value(method), method(X), rtol=1e-14)
    _, tangent = opreg.jvp(method, (X,), (np.ones_like(X),))
    numeric = (method(X + 1e-6) - method(X - 1e-6)) / 2e-6
    np.testing.assert_allclose(tangent, numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    "method",
    [
        lambda x, **dtype: np.logaddexp.reduce(x, **dtype),
        lambda x, **dtype: np.maximum.reduce(x, axis=1, **dtype),
        lambda x, **dtype: np.hypot.accumulate(x, axis=1, **dtype),
        lambda x, **dtype: np.multiply.outer(x, x[0], **dtype),
        lambda x, **dtype: np.logaddexp.reduceat(x, np.array([0, 1]), -1, **dtype),
    ],
)
def test_methods_of_ufuncs_in_another_dtype(method: Any) -> None:
    out, tangent = opreg.jvp(lambda x: method(x, dtype=np.float32), (X,), (np.ones_like(X),))
    assert out.dtype == tangent.dtype == np.float32
    np.testing.assert_allclose(out, method(X, dtype=np.float32), rtol=1e-6)
    np.testing.assert_allclose(tangent, opreg.jvp(method, (X,), (np.ones_like(X),))[1], rtol=1e-6)


def test_the_sum_of_no_exponentials_is_that_of_numpy() -> None:
    assert value(lambda x: np.logaddexp.reduce(x[:0], axis=None)) == -np.inf
    np.testing.assert_array_equal(value(lambda x: np.logaddexp.reduce(x[:0])), np.full(3, -np.inf))


def test_what_a_mask_leaves_out_of_a_reduction_does_not_reach_the_derivative() -> None:
    x = np.array([1.0, np.nan, 2.0])
    got = opreg.grad(lambda x: np.logaddexp.reduce(x, where=[True, False, True]))(x)
    np.testing.assert_allclose(got, [1 / (1 + np.e), 0.0, np.e / (1 + np.e)], rtol=1e-15)


@pytest.mark.parametrize(
    ("error", "call"),
    [
        *[
            (ValueError, lambda x, ufunc=ufunc: ufunc.reduce(x, axis=None))
            for ufunc in (np.subtract, np.divide, np.power, np.fmod, np.arctan2)
        ],
        (ValueError, lambda x: np.subtract.reduce(x[:0])),
        (ValueError, lambda x: np.subtract.reduce(x, where=[True, False, True])),
        (TypeError, lambda x: np.logaddexp.accumulate(x[0, 0])),
        (IndexError, lambda x: np.add.reduceat(x, [0, 2])),
        (TypeError, lambda x: np.multiply.outer(x, x, dtype=int)),
        (np.exceptions.AxisError, lambda x: np.logaddexp.reduce(x[0, 0], axis=1)),
        (TypeError, lambda x: np.clip(x, 0, 1, nonsense=1)),
        (TypeError, round),
    ],
)
def test_what_numpy_refuses_is_refused_with_the_same_error(error: Any, call: Any) -> None:
    with pytest.raises(error):
        call(X)
    with pytest.raises(error):
        value(call)


def test_a_number_is_rounded_to_a_plain_one() -> None:
    assert (round(2.567), round(np.float64(2.567), 1)) == (3, 2.6)
    seen: list[Any] = []
    opreg.vjp(lambda x: seen.extend([round(x), round(x, 1)]) or x, 2.567)
    assert [type(part) for part in seen] == [int, float]
    assert seen == [3, 2.6]


def test_some_of_the_results_are_written_into_arrays() -> None:
    def parts(x: Any) -> Any:
        whole = np.zeros(3, like=x)
        fraction, same = np.modf(x, out=(None, whole))
        return fraction + same + whole

    x = np.array([1.25, 2.5, -0.75])
    np.testing.assert_array_equal(value(parts, x), [2.25, 4.5, -0.75])
    assert opreg.grad(lambda x: np.sum(parts(x)))(x).tolist() == [1.0, 1.0, 1.0]


def test_results_are_written_where_a_mask_is_true_and_not_computed_elsewhere() -> None:
    def quotient(b: Any) -> Any:
        return np.divide([1.0, 2.0], b, out=np.zeros((2, 2), like=b), where=b != 0)

    def logarithm(b: Any) -> Any:
        y = b * 1.0
        assert np.log(y, out=y, where=[True, False, True, True][: y.size]) is y
        return y

    def parts(b: Any) -> Any:
        fraction, whole = b * 1.0, b * 2.0
        np.modf(b * 1.5, out=(fraction, whole), where=np.array([False, True]))
        return fraction + 10 * whole

    b = np.array([0.0, 4.0])
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(value(quotient, b), [[0, 0.5]] * 2)
        np.testing.assert_array_equal(opreg.grad(lambda b: np.sum(quotient(b)))(b), [0, -0.25])
    x = np.array([2.0, -3.0, 4.0])
    np.testing.assert_array_equal(value(logarithm, x), [np.log(2), -3, np.log(4)])
    np.testing.assert_array_equal(opreg.grad(lambda x: np.sum(logarithm(x)))(x), [0.5, 1, 0.25])
    np.testing.assert_array_equal(opreg.grad(lambda x: np.sum(parts(x)))(np.array([1.5, 2.5])), [21, 1.5])
    for mask in np.array([1, 0]), b:
        with pytest.raises(TypeError, match="mask of booleans"):
            value(lambda b, mask=mask: np.negative(b, out=np.zeros(2, like=b), where=mask), b)
    with pytest.raises(ValueError, match="shape"):
        value(lambda b: np.negative(b, out=np.zeros(3, like=b), where=[True, False, True]), b)


def test_a_result_that_does_not_fit_the_array_for_it_is_refused() -> None:
    for call in (
        lambda x: np.add(x[None], 1, out=np.zeros((2, 3), like=x)),
        lambda x: np.add.reduce(x, out=np.zeros((2, 3), like=x)),
    ):
        with pytest.raises(ValueError, match="out="):
            value(call)
    np.testing.assert_array_equal(
        value(lambda x: np.add(x[0], 1, out=np.zeros((2, 3), like=x))), [X[0] + 1] * 2
    )


@pytest.mark.parametrize("call", [
    lambda x: np.add(x, 1, out=np.zeros((2, 3))),
    lambda x: np.add.at(np.zeros(6), [0], x[0, 0]),
    lambda x: np.zeros((2, 3)).__iadd__(x),
    lambda x: np.zeros((2, 2)).__imatmul__(x[:, :2]),
    lambda x: np.divmod(x, 2.0, out=(None, np.zeros((2, 3)))),
    lambda x: np.divide(x, 2.0, out=np.zeros((2, 3)), where=True),
    lambda x: np.divide(x, 2.0, out=np.zeros((2, 3)), where=np.ones((2, 3), bool)),
])  # fmt: skip
def test_writing_into_a_plain_array_is_refused(call: Any) -> None:
    with pytest.raises(opreg.NotDifferentiable, match="existing plain array"):
        value(call)


@pytest.mark.parametrize(
    ("keyword", "given"), [("where", [True, False, True]), ("dtype", np.float32), ("casting", "no")]
)
def test_keywords_of_every_ufunc_are_refused_in_a_sentence(keyword: str, given: Any) -> None:
    with pytest.raises(opreg.NotDifferentiable, match=f"{keyword}="):
        value(lambda x: np.multiply(x, 2.0, **{keyword: given}))


def test_keywords_at_their_defaults_change_nothing() -> None:
    np.testing.assert_array_equal(
        value(lambda x: np.multiply(x, 2.0, where=True, out=None, dtype=None, casting="same_kind")), 2 * X
    )


def test_other_methods_of_ufuncs_are_refused_by_name() -> None:
    with pytest.raises(opreg.NotDifferentiable, match=r"numpy\.divmod\.outer"):
        value(lambda x: np.divmod.outer(x, x))


def test_comparisons_through_ufuncs_are_plain() -> None:
    seen: list[Any] = []
    opreg.vjp(lambda x: seen.append(np.logical_and.reduce(np.greater(x, 1.5), axis=0)) or x, X)
    assert seen[0].tolist() == [True, False, True]


@pytest.fixture
def without() -> Iterator[Callable[[str], None]]:
    """Block a primitive, as if nobody had registered it."""
    yield plugins.block
    plugins.reset()


def test_an_unregistered_function_is_refused_with_the_nearest_names(without: Callable[[str], None]) -> None:
    without("numpy.nanmean")
    with pytest.raises(opreg.NotDifferentiable, match=r"numpy\.nanmean is not registered.*numpy\.nanmedian"):
        value(lambda x: np.nanmean(x))


def test_an_unregistered_ufunc_is_refused_by_name(without: Callable[[str], None]) -> None:
    without("numpy.spacing")
    with pytest.raises(opreg.NotDifferentiable, match=r"numpy\.spacing is not registered"):
        value(lambda x: np.spacing(x))


@pytest.mark.parametrize("call", [
    lambda x: np.sin([x, x]), lambda x: np.sin([x[0, 0], 1.0]), lambda x: np.array([x, x]),
    lambda x: np.array([1.0, x[0, 0]]),
    lambda x: np.sum([x[0, 0], x[0, 1]]), lambda x: np.asarray([[x[0, 0]], [2.0]]), lambda x: np.max([x[0, 0], 1.0]),
])  # fmt: skip
def test_a_list_of_traced_values_never_becomes_an_array_of_objects(call: Any) -> None:
    with pytest.raises(opreg.NotDifferentiable, match=r"np\.stack.*opreg\.numpy\.array"):
        value(call)


def test_a_foreign_operand_that_opts_out_gets_its_turn() -> None:
    class Foreign:
        __array_ufunc__ = None

        def __rmul__(self, other: Any) -> str:
            return "its own"

    assert value(lambda x: (x * Foreign()) and x[0, 0]) == 3.0


@pytest.mark.parametrize(
    "transform", [opreg.grad, lambda f: lambda x: opreg.jvp(f, (x,), (np.ones_like(x),))[1]]
)
def test_the_namespace_of_a_traced_value_creates_traced_values(transform: Any) -> None:
    seen: list[Any] = []

    def function(x: Any) -> Any:
        xp = x.__array_namespace__(api_version="2024.12")
        half, counts = xp.asarray(0.5), xp.arange(3)
        seen.extend([xp, half, xp.linalg.inv(xp.eye(2)), *xp.linalg.eigh(np.eye(2))])
        assert type(counts) is np.ndarray
        assert xp.float64 is np.float64
        return xp.sum(x * half) + xp.linalg.vector_norm(xp.zeros(2))

    np.testing.assert_allclose(np.sum(transform(function)(X)), 3.0)
    namespace, *made = seen
    assert all(opreg.is_traced(value) for value in made)
    assert namespace.sum(np.ones(2)) == 2.0  # after the trace has ended it creates plain values
    np.testing.assert_allclose(  # no derivative by the constant, which for negative numbers is none
        transform(lambda x: x.__array_namespace__().sum((x - 5.0) ** x.__array_namespace__().asarray(2.0)))(
            X
        ),
        transform(lambda x: np.sum((x - 5.0) ** 2))(X),
    )
    transform(lambda x: seen.append(x.__array_namespace__()) or x.sum())(X)
    assert seen[-1] == namespace
    assert len({seen[-1], namespace}) == 1
    with pytest.raises(AttributeError, match="not registered"):
        namespace.special.nonsense  # noqa: B018


def test_a_version_of_the_array_api_is_accepted_as_numpy_accepts_it() -> None:
    def function(x: Any) -> Any:
        for version in (None, "2021.12", "2024.12"):
            assert x.__array_namespace__(api_version=version) == x.__array_namespace__()
        for version in ("1999", 2024):
            with pytest.raises(ValueError, match="Array API"):
                x.__array_namespace__(api_version=version)
        return np.sum(x)

    opreg.grad(function)(X)


def test_a_ufunc_of_another_library_is_refused_by_its_full_name(without: Callable[[str], None]) -> None:
    special = pytest.importorskip("scipy.special")
    without("scipy.special.gammaincc")
    with pytest.raises(opreg.NotDifferentiable, match=r"scipy\.special\.gammaincc is not registered"):
        opreg.grad(lambda x: special.gammaincc(2.0, x))(1.0)


def test_divmod_as_python_calls_it():
    quotient, remainder = divmod(np.array([7.5, -7.5]), 2.0)
    out, pullback = opreg.vjp(lambda x: divmod(x, 2.0), np.array([7.5, -7.5]))
    np.testing.assert_array_equal(out[0], quotient)
    np.testing.assert_array_equal(out[1], remainder)
    np.testing.assert_array_equal(pullback((np.ones(2), np.array([3.0, 5.0])))[0], [3.0, 5.0])
    assert opreg.grad(lambda x: divmod(7.0, x)[1])(2.0) == -3.0


def test_the_rest_of_the_array_api_s_array_object_answers_as_numpy_does() -> None:
    x = np.array([1.0, 2.0])

    def function(x: Any) -> Any:
        assert x.__dlpack_device__() == np.ones(1).__dlpack_device__()
        assert x.to_device("cpu") is x
        with pytest.raises(ValueError, match="device"):
            x.to_device("gpu")
        for name in ("and", "or", "xor", "lshift", "rshift"):
            with pytest.raises(TypeError, match="not supported for the input types"):
                getattr(x, f"__{name}__")(1.0)
        with pytest.raises(TypeError, match="not supported for the input types"):
            x.__invert__()
        with pytest.raises(opreg.NotDifferentiable, match="another library"):
            x.__dlpack__()
        with pytest.raises(opreg.NotDifferentiable, match="another library"):
            np.from_dlpack(x)
        y, z = opreg.numpy.from_dlpack(x * 1), opreg.numpy.from_dlpack(x, device="cpu", copy=True)
        y[0] = z[1]
        z[...] = 0
        with pytest.raises(ValueError, match="Device"):
            opreg.numpy.from_dlpack(x, device="gpu")
        assert np.array_equal(y, [2.0, 2.0])
        assert str(inspect.signature(x.__array_namespace__)) == "(*, api_version: 'Any' = None) -> 'Any'"
        return np.sum(x.to_device("cpu") ** 2 + y)

    np.testing.assert_array_equal(opreg.grad(function)(x), [2.0, 6.0])


def test_the_limit_of_a_pseudo_inverse_is_constant_between_the_jumps_of_the_rank() -> None:
    a = np.array([[2.0, 1.0], [1.0, 3.0], [0.5, 0.0]])
    for name in ("rtol", "rcond"):
        found = opreg.grad(lambda a, name=name: np.sum(np.linalg.pinv(a, **{name: 1e-9 * a[0, 0]})))(a)
        np.testing.assert_allclose(found, opreg.grad(lambda a: np.sum(np.linalg.pinv(a)))(a))


def test_the_module_copy_makes_traced_copies_with_memory_of_their_own() -> None:
    def f(x):
        kept = copy.deepcopy({"a": x, "b": [x, 1.0]})
        kept["a"][0] = 5.0
        return np.sum(copy.copy(x) ** 2) + np.sum(kept["a"] * kept["b"][0])

    x = np.array([3.0, 1.0, 2.0])
    np.testing.assert_array_equal(
        opreg.grad(f)(x), 2 * x + [0.0, 2.0, 4.0]
    )  # one array in both places, as there
    assert opreg.grad(lambda x: copy.copy(x) * 2)(3.0) == 2.0


def test_pickling_a_traced_value_is_refused() -> None:
    with pytest.raises(opreg.NotDifferentiable, match="for another process"):
        opreg.grad(lambda x: pickle.dumps(x))(np.ones(2))


@pytest.mark.parametrize(
    "transform", [opreg.grad, lambda f: lambda x: opreg.jvp(f, (x,), (np.ones_like(x),))[1]]
)
def test_a_value_on_which_no_input_acts_becomes_a_plain_array_that_nothing_is_written_into(
    transform: Any,
) -> None:
    def function(x: Any) -> Any:
        fixed = np.zeros(2, like=x) * 2 + 1
        plain = np.asarray(fixed)
        assert type(plain) is np.ndarray
        assert plain.tolist() == [1.0, 1.0]
        with pytest.raises(ValueError, match="read-only"):
            plain[0] = 2.0
        del plain
        fixed[0] = x[0]
        for moving in fixed, x, x * 0:
            with pytest.raises(opreg.NotDifferentiable, match="plain array"):
                np.asarray(moving)
        return fixed.sum()

    assert np.sum(transform(function)(np.ones(2))) == 1.0
    nested = opreg.grad(lambda y: opreg.grad(lambda x: np.sum(x * function(y)))(np.ones(2)).sum())
    assert nested(np.ones(2)).tolist() == [2.0, 0.0]


def test_a_view_of_the_same_dtype_shares_its_elements_and_others_are_refused() -> None:
    def function(x: Any) -> Any:
        y = x.copy()
        y.view(float)[0] = 0.0
        with pytest.raises(opreg.NotDifferentiable, match=r"np\.real"):
            y.view(complex)
        return np.sum(y.view() ** 2)

    assert opreg.grad(function)(np.array([1.0, 2.0])).tolist() == [0.0, 4.0]


def test_an_array_of_objects_does_not_carry_traced_values_out() -> None:
    def hidden(x: Any) -> Any:
        found = np.empty(2, object)
        found[0] = x[0, 0] ** 2
        return found

    for transform in (
        lambda: opreg.vjp(hidden, X),
        lambda: opreg.jvp(hidden, (X,), (X,)),
        lambda: opreg.jacobian(hidden)(X),
    ):
        with pytest.raises(
            opreg.NotDifferentiable, match=r"an array of objects that holds traced.*np\.stack"
        ):
            transform()
    labels = np.array(["a", None], object)
    assert opreg.vjp(lambda x: (x, labels), X)[0][1] is labels


def test_membership_is_that_of_the_plain_array() -> None:
    assert value(lambda x: x * (6.0 in x) * (x[0, 0] in x) + (7.0 in x)).tolist() == X.tolist()
    with pytest.raises(TypeError):
        opreg.grad(lambda x: x * (1.0 in x))(2.0)


def test_an_outer_product_takes_numbers_for_arrays_as_numpy_does() -> None:
    x = np.ones(2, np.float32)
    for call in (
        lambda x: np.multiply.outer(x, 3),
        lambda x: np.add.outer(2.5, x),
        lambda x: np.multiply.outer(x, x),
        lambda x: np.power.outer(x, np.float32(2)),
    ):
        assert value(call, x).dtype == call(x).dtype


def test_what_gives_an_array_is_an_operand_unless_it_answers_itself() -> None:
    class Gives:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return np.arange(3.0)

    class Answers(Gives):
        def __rmul__(self, other: Any) -> str:
            return "its own"

    expected = [[0.0, 1, 2], [0, 1, 2]]
    assert opreg.grad(lambda x: np.sum(x * Gives()))(X).tolist() == expected
    assert opreg.grad(lambda x: np.sum(Gives() * x))(X).tolist() == expected
    assert value(lambda x: (x * Answers()) and x[0, 0]) == 3.0


def test_a_view_as_an_array_is_the_array() -> None:
    assert value(lambda x: x.view(np.ndarray)).tolist() == X.tolist()


@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.logaddexp])
@pytest.mark.parametrize(("x", "axis"), [(X, None), (X, (0, 1)), (X, 2), (np.float64(1.0), 0), (X, 0.5)])
def test_what_numpy_does_not_accumulate_is_refused_as_it_does(ufunc: Any, x: Any, axis: Any) -> None:
    with pytest.raises(Exception) as plain:
        ufunc.accumulate(x, axis=axis)
    with pytest.raises(type(plain.value)) as traced:
        value(lambda x: ufunc.accumulate(x, axis=axis), x)
    assert str(traced.value) == str(plain.value)


@pytest.mark.parametrize("axis", [(0,), (-1,), np.int64(1)])
def test_an_axis_of_an_accumulation_may_be_a_tuple(axis: Any) -> None:
    assert (
        value(lambda x: np.add.accumulate(x, axis=axis)).tolist() == np.add.accumulate(X, axis=axis).tolist()
    )
