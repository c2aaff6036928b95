"""The attributes and methods of an ndarray, on a traced value, and what NumPy's protocols cannot settle alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from opreg import NotDifferentiable, plugins, stop_gradient


def attribute_of(traced: Any, name: str) -> Any:
    """Return an attribute of a traced value, as the ndarray that it stands for would have it."""
    found = _PROPERTIES.get(name)
    if found is not None:
        return found(traced)
    method = _METHODS.get(name)
    if method is not None:
        return lambda *args, **kwargs: method(traced, *args, **kwargs)
    plain = stop_gradient(traced)
    if isinstance(plain, (float, int, complex)):
        plain = np.asarray(plain)
    if hasattr(plain, name):
        raise AttributeError(
            f"a traced value does not support .{name}: its derivative would be lost. Use a function of NumPy, or "
            "opreg.stop_gradient(x) if the derivative is not wanted"
        )
    raise AttributeError(f"neither an ndarray nor a traced value has an attribute {name!r}")


def _plain(name: str) -> Callable[[Any], Any]:
    """Return the property of the primal's array that no derivative passes through."""
    return lambda traced: getattr(np.asarray(stop_gradient(traced)), name)


def _ufunc(traced: Any, ufunc: Any, method: str, inputs: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Answer a ufunc that is not a plain call of a registered primitive."""
    if any(type(value).__array_ufunc__ is None for value in inputs if hasattr(type(value), "__array_ufunc__")):
        return NotImplemented
    name = _name_of(ufunc)
    out = kwargs.get("out")
    if out is not None and any(target is not None for target in out):
        raise NotDifferentiable(
            f"{name} cannot write a traced value into an existing array (out=, or an in-place operator such as "
            "array += traced). Write array = array + traced instead"
        )
    primitive = plugins.for_function(ufunc)
    if method != "__call__":
        reduction = _REDUCTIONS.get((ufunc, method))
        if reduction is not None:
            return reduction(*inputs, **{key: value for key, value in kwargs.items() if value is not None})
        raise NotDifferentiable(f"{name}.{method} is not differentiated. {_advice(name)}")
    if primitive is None:
        raise NotDifferentiable(f"{name} is not registered as a primitive. {_advice(name)}")
    options = {key: value for key, value in kwargs.items() if key != "out"}
    return primitive(*inputs, **options)


def _array_function(traced: Any, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Answer a function of NumPy's that is no registered primitive."""
    name = _name_of(function)
    if function in _OF_SHAPE:
        return function(*stop_gradient(args), **stop_gradient(kwargs))
    raise NotDifferentiable(f"{name} is not registered as a primitive. {_advice(name)}")


def _name_of(function: Any) -> str:
    module = getattr(function, "__module__", None) or ("numpy" if isinstance(function, np.ufunc) else "")
    return f"{module}.{function.__name__}".lstrip(".")


def _advice(name: str) -> str:
    """Say what to do about a function that nobody registered."""
    near = [other for other in plugins.nearest(name) if other != name]
    hint = f"The nearest registered names: {', '.join(near)}. " if near else ""
    return (
        f"{hint}Register it (see opreg.primitive), or pass opreg.stop_gradient(x) if the derivative is not wanted"
    )


def _reduce_with(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``ufunc.reduce`` in terms of the function that reduces: it differs in the axis that it takes if none."""

    def reduce(array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: Any = False, **rest: Any) -> Any:
        options = {"dtype": dtype} if dtype is not None else {}
        return function(array, axis=axis, keepdims=keepdims, **options, **rest)

    return reduce


_OF_SHAPE = {np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj, np.shares_memory,
             np.may_share_memory, np.min_scalar_type, np.common_type, np.array_equal, np.array_equiv, np.allclose,
             np.isclose}  # fmt: skip
"""Functions whose result is no differentiable number: they are answered by the plain values."""

_REDUCTIONS: Mapping[tuple[Any, str], Callable[..., Any]] = {
    (np.add, "reduce"): _reduce_with(np.sum),
    (np.multiply, "reduce"): _reduce_with(np.prod),
    (np.maximum, "reduce"): _reduce_with(np.max),
    (np.minimum, "reduce"): _reduce_with(np.min),
    (np.add, "accumulate"): lambda array, axis=0, **kwargs: np.cumsum(array, axis=axis, **kwargs),
    (np.multiply, "accumulate"): lambda array, axis=0, **kwargs: np.cumprod(array, axis=axis, **kwargs),
    **{
        (ufunc, "outer"): (lambda ufunc: lambda a, b: ufunc(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b))(ufunc)
        for ufunc in (np.add, np.subtract, np.multiply, np.divide, np.power, np.maximum, np.minimum)
    },
}


def _getitem(traced: Any, index: Any) -> Any:
    return plugins.get("operator.getitem")(traced, index)


def _transpose(traced: Any, *axes: Any) -> Any:
    if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list))):
        return np.transpose(traced, axes[0])
    return np.transpose(traced, axes or None)


def _reshape(traced: Any, *shape: Any, order: Any = "C", **kwargs: Any) -> Any:
    return np.reshape(traced, shape[0] if len(shape) == 1 else shape, order=order, **kwargs)


def _namespace(traced: Any, api_version: Any = None) -> Any:
    import opreg.numpy

    return opreg.numpy


def _clip(traced: Any, *args: Any, min: Any = None, max: Any = None, **kwargs: Any) -> Any:
    lower = args[0] if args else min
    upper = args[1] if len(args) > 1 else max
    return np.clip(traced, lower, upper, **kwargs)


_PROPERTIES: Mapping[str, Callable[[Any], Any]] = {
    **{name: _plain(name) for name in ("shape", "ndim", "size", "dtype", "itemsize", "nbytes", "strides", "flags")},
    "device": lambda traced: "cpu",
    "T": lambda traced: np.transpose(traced),
    "mT": lambda traced: np.matrix_transpose(traced),
    "real": lambda traced: np.real(traced),
    "imag": lambda traced: np.imag(traced),
    "flat": lambda traced: iter(np.ravel(traced)),
}

_METHODS: Mapping[str, Callable[..., Any]] = {
    **{
        name: (lambda name: lambda traced, *args, **kwargs: getattr(np, name)(traced, *args, **kwargs))(name)
        for name in (
            "all", "any", "argmax", "argmin", "argsort", "astype", "compress", "cumprod", "cumsum", "diagonal", "dot",
            "max", "mean", "min", "nonzero", "prod", "ravel", "repeat", "round", "searchsorted", "squeeze", "std",
            "sum", "swapaxes", "take", "trace", "var",
        )
    },
    "__array_function__": _array_function,
    "__array_ufunc__": _ufunc,
    "__getitem__": _getitem,
    "__array_namespace__": _namespace,
    "choose": lambda traced, *args, **kwargs: np.choose(traced, *args, **kwargs),
    "clip": _clip,
    "conj": lambda traced: np.conj(traced),
    "conjugate": lambda traced: np.conj(traced),
    "copy": lambda traced, order="C": np.positive(traced),
    "flatten": lambda traced, order="C": np.ravel(traced, order=order),
    "item": lambda traced, *args: np.reshape(traced, -1)[args[0]] if args else np.reshape(traced, ()),
    "reshape": _reshape,
    "transpose": _transpose,
}  # fmt: skip
