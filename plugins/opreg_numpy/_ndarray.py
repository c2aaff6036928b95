"""The attributes and methods of an ndarray, on a traced value, and what NumPy's protocols cannot settle alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from opreg import NotDifferentiable, is_traced, plugins, stop_gradient
from opreg_numpy._axes import as_scalar, normalised
from opreg_numpy._beside import acquaint_scipy
from opreg_numpy._rules import is_default, refuse_options
from opreg_numpy._writing import rewriting
from opreg_numpy.refused import ANSWERED


def attribute_of(traced: Any, name: str) -> Any:
    """Return an attribute of a traced value, as the ndarray that it stands for would have it."""
    found = _PROPERTIES.get(name)
    if found is not None:
        return found(traced)
    method = _METHODS.get(name)
    if method is not None:
        return partial(method, traced)
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
    if any(
        type(value).__array_ufunc__ is None for value in inputs if hasattr(type(value), "__array_ufunc__")
    ):
        return NotImplemented
    name = _name_of(ufunc)
    if method == "at":
        return _at(name, ufunc, *inputs)
    out, primitive = kwargs.get("out"), plugins.for_function(ufunc)
    if not any(map(is_traced, out or ())) and (out or primitive is None):
        fixed = _without_derivative(inputs, kwargs)
        if fixed is not None:
            return getattr(ufunc, method)(*fixed[0], **fixed[1])
    if out:
        for target in out:
            if target is not None:
                _require_traced(name, target)  # before what is said of keywords: `array @= traced` sets one
        options = {key: value for key, value in kwargs.items() if key != "out"}
        if (
            method == "__call__"
            and options.get("where", True) is not True
            and all(target is not None for target in out)
        ):
            return _written_where(ufunc, inputs, out, **options)
        result = getattr(ufunc, method)(*inputs, **options)
        results = result if ufunc.nout > 1 else (result,)
        written = [
            part if target is None else _written(name, method, target, part)
            for target, part in zip(out, results, strict=True)
        ]
        return written[0] if ufunc.nout == 1 else tuple(written)
    options = {key: value for key, value in kwargs.items() if key != "out" and not is_default(key, value)}
    if primitive is None:
        raise NotDifferentiable(
            plugins.refusal(name) or f"{name} is not registered as a primitive. {_advice(name)}"
        )
    if primitive.is_constant:
        return getattr(ufunc, method)(*stop_gradient(tuple(inputs)), **stop_gradient(options))
    if method == "__call__":
        refuse_options(name, options, primitive.static)
        return primitive(*inputs, **options)
    way = _WAYS.get((ufunc, method)) or _GENERAL_WAYS.get(method)
    if way is None or ufunc.nin != 2 or ufunc.nout != 1:
        raise NotDifferentiable(
            f"{name}.{method} is not differentiated. Call {name} on parts of the arrays instead, or pass "
            "opreg.stop_gradient(x) if the derivative is not wanted"
        )
    return way(ufunc, *inputs, **options)


def _without_derivative(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return arguments as plain values if some are traced and have no derivative, as np.zeros_like(x); else None."""
    if not any(map(is_traced, (*args, *kwargs.values()))):
        return None

    def plain(value: Any) -> Any:
        return np.array(value)[()] if is_traced(value) else value

    try:
        return tuple(map(plain, args)), {name: plain(value) for name, value in kwargs.items()}
    except NotDifferentiable:
        return None


def _require_traced(name: str, target: Any) -> None:
    if not is_traced(target):
        raise NotDifferentiable(
            f"{name} cannot write a traced value into an existing plain array (out=, .at, or an in-place operator "
            "such as array += traced). Write array = array + traced instead, or make the array a traced one: "
            "np.zeros(shape, like=x)"
        )


def _written(name: str, method: str, target: Any, part: Any) -> Any:
    """Return the array given as ``out``, with a result written into it, to whose shape only a call's broadcasts."""
    due, have = np.shape(target), np.shape(part)
    if due != have and (method != "__call__" or np.broadcast_shapes(due, have) != due):
        raise ValueError(
            f"{name}: a result of shape {have} does not fit the array of shape {due} given as out="
        )
    target[...] = part
    return target


def _written_where(
    ufunc: Any, inputs: Sequence[Any], targets: tuple[Any, ...], where: Any, **options: Any
) -> Any:
    """Write results into the arrays given as ``out`` where a mask is true; elsewhere nothing is computed."""
    where = stop_gradient(where)
    if isinstance(where, np.ndarray) and where.dtype != bool:
        raise TypeError(f"{ufunc.__name__}: where= is a mask of booleans, not of dtype {where.dtype}")
    mask = np.broadcast_to(np.asarray(where, bool), np.shape(targets[0]))
    result = ufunc(*[np.broadcast_to(x, mask.shape)[mask] for x in inputs], **options)
    for target, part in zip(targets, result if ufunc.nout > 1 else (result,), strict=True):
        target[mask] = part
    return targets if ufunc.nout > 1 else targets[0]


def _at(name: str, ufunc: Any, target: Any, indices: Any, *values: Any) -> None:
    """``ufunc.at``: sums and differences add up in places that are named twice."""
    fixed = None if is_traced(target) else _without_derivative(values, {})
    if fixed is not None:
        ufunc.at(target, indices, *fixed[0])
        return
    _require_traced(name, target)
    if ufunc not in (np.add, np.subtract):
        raise NotDifferentiable(
            f"{name}.at is not differentiated. Where each place is named once, write x[i] = {ufunc.__name__}(x[i], ...)"
        )
    shape = np.shape(target)
    due = np.shape(stop_gradient(target)[indices])
    added = plugins.get("opreg_numpy.indexing.scatter_add")(
        np.astype(np.broadcast_to(values[0], due), target.dtype), key=indices, shape=shape
    )
    target[...] = ufunc(target, added)


def _array_function(traced: Any, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Answer a function of NumPy's that is no registered primitive."""
    if function in _CREATED:
        return traced.tracing.writable(function(*args, **kwargs))
    if function in _ANSWERED:
        return function(*stop_gradient(args), **(stop_gradient(kwargs) if kwargs else kwargs))
    fixed = _without_derivative(args, kwargs)
    if fixed is not None:
        return function(*fixed[0], **fixed[1])
    name = _name_of(function)
    raise NotDifferentiable(
        plugins.refusal(name) or f"{name} is not registered as a primitive. {_advice(name)}"
    )


def _name_of(function: Any) -> str:
    """Return a function's importable name. A ufunc knows no module: ask the public modules that hold it."""
    module, name = getattr(function, "__module__", None), function.__name__
    if isinstance(function, np.ufunc):
        holders = [
            held for held, of in list(sys.modules.items())
            if "._" not in held and not held.startswith("_") and vars(of).get(name) is function
        ]  # fmt: skip
        module = "numpy" if "numpy" in holders else min(holders, key=len, default="")
    return f"{module or ''}.{name}".lstrip(".")


def _advice(name: str) -> str:
    """Say what to do about a function that nobody registered."""
    near = [other for other in plugins.nearest(name) if other != name]
    hint = f"The nearest registered names: {', '.join(near)}. " if near else ""
    return f"{hint}Register it (see opreg.primitive), or pass opreg.stop_gradient(x) if the derivative is not wanted"


def _cast(array: Any, dtype: Any) -> Any:
    """Return an operand as a method of a ufunc takes it: in the dtype asked for, as far as NumPy converts to it."""
    if dtype is None:
        return array
    array = array if hasattr(array, "dtype") else np.asarray(array)
    if not np.can_cast(array.dtype, dtype, "same_kind"):
        raise TypeError(f"Cannot cast array data from {array.dtype!r} to {np.dtype(dtype)!r}")
    return np.astype(array, dtype)


def _reduce_with(function: Callable[..., Any], converts: bool = True) -> Callable[..., Any]:
    """Return ``ufunc.reduce`` in terms of the function that reduces: it differs in the axis that it takes if none.

    ``converts`` tells whether the function has the keyword ``dtype``.
    """

    def reduce(ufunc: Any, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: Any = False,
               initial: Any = np._NoValue, where: Any = True) -> Any:  # fmt: skip
        options = {"initial": initial} if initial is not np._NoValue else {}
        if dtype is not None and converts:
            options["dtype"] = dtype
        elif dtype is not None:
            array = _cast(array, dtype)
        return function(array, axis=axis, keepdims=keepdims, where=where, **options)

    return reduce


def _accumulate_with(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``ufunc.accumulate`` in terms of the function that accumulates."""

    def accumulate(ufunc: Any, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
        ndim = np.ndim(array)
        ufunc.accumulate(np.ones((1,) * ndim), axis=axis)  # raises where NumPy does
        return function(array, axis=normalised(axis, ndim)[0], dtype=dtype)

    return accumulate


def _reduce(
    ufunc: Any, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: Any = False,
    initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    """Reduce step by step: for ufuncs without a function of their own, such as np.logaddexp."""
    start = {} if initial is None else {"initial": initial}
    options = stop_gradient({"axis": axis, "dtype": dtype, "keepdims": keepdims, "where": where, **start})
    plain = ufunc.reduce(stop_gradient(array), **options)  # raises where NumPy does
    array = _cast(array, dtype)
    shape = np.shape(array)
    axes = normalised(axis, len(shape)) if shape else ()
    order = (*axes, *(i for i in range(len(shape)) if i not in axes))
    lanes = (prod(shape[i] for i in axes), *(shape[i] for i in order[len(axes) :]))
    parts = list(np.reshape(np.transpose(array, order), lanes))
    masks: list[Any] = [None] * lanes[0]
    if where is not True:
        masks = list(np.reshape(np.transpose(np.broadcast_to(where, shape), order), lanes))
    if initial is None and (where is not True or not parts):
        initial = ufunc.identity
    if initial is not None:
        found = np.broadcast_to(_cast(initial, plain.dtype), lanes[1:])[()]
    else:
        found, parts = parts[0] if len(parts) > 1 else np.positive(parts[0]), parts[1:]
    for part, mask in zip(parts, masks, strict=False):
        taken = part if mask is None else np.where(mask, part, 1)  # 1 is in the domain of all of them
        following = ufunc(found, taken)
        found = following if mask is None else np.where(mask, following, found)
    return np.reshape(found, np.shape(plain))


def _accumulate(ufunc: Any, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
    ufunc.accumulate(stop_gradient(array), axis=axis, dtype=dtype)  # raises where NumPy does
    array = _cast(array, dtype)
    results: list[Any] = []
    for part in np.moveaxis(array, axis, 0):
        results.append(ufunc(results[-1], part) if results else part)
    return np.stack(results, axis=axis) if results else array


def _reduceat(ufunc: Any, array: Any, indices: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
    """Reduce from each index up to the next one, or take that element alone if the next one is no larger."""
    plain = ufunc.reduceat(stop_gradient(array), indices, axis=axis, dtype=dtype)  # raises where NumPy does
    array = np.moveaxis(_cast(array, dtype), axis, 0)
    starts = np.asarray(indices).astype(np.intp).tolist()
    ends = [*starts[1:], len(array)]
    parts = [ufunc.reduce(array[i : max(i + 1, j)]) for i, j in zip(starts, ends, strict=False)]
    return np.stack(parts, axis=axis) if parts else plain


def _outer(ufunc: Any, a: Any, b: Any, dtype: Any = None, **options: Any) -> Any:
    refuse_options(f"{_name_of(ufunc)}.outer", options)
    a, b = (_cast(x if is_traced(x) else np.asarray(x), dtype) for x in (a, b))
    return ufunc(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b)


_CREATED = {np.zeros, np.ones, np.empty, np.eye, np.identity}
"""What makes new arrays, of which ``like=x`` makes traced ones, so that traced values can be written into them."""
_ANSWERED = {getattr(np, name.removeprefix("numpy.")) for name in ANSWERED}


_WAYS: Mapping[tuple[Any, str], Callable[..., Any]] = {
    (np.add, "reduce"): _reduce_with(np.sum),
    (np.multiply, "reduce"): _reduce_with(np.prod),
    (np.maximum, "reduce"): _reduce_with(np.max, converts=False),
    (np.minimum, "reduce"): _reduce_with(np.min, converts=False),
    (np.add, "accumulate"): _accumulate_with(np.cumsum),
    (np.multiply, "accumulate"): _accumulate_with(np.cumprod),
}
"""Methods of ufuncs for which there is a function."""

_GENERAL_WAYS: Mapping[str, Callable[..., Any]] = {
    "reduce": _reduce,
    "accumulate": _accumulate,
    "reduceat": _reduceat,
    "outer": _outer,
}


def _transpose(traced: Any, *axes: Any) -> Any:
    if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list))):
        return np.transpose(traced, axes[0])
    return np.transpose(traced, axes or None)


def _reshape(traced: Any, *shape: Any, order: Any = "C", **kwargs: Any) -> Any:
    if not shape:
        raise TypeError("reshape() takes exactly 1 argument (0 given)")
    return np.reshape(traced, shape[0] if len(shape) == 1 else shape, order=order, **kwargs)


def _namespace(traced: Any) -> Callable[..., Any]:
    """Return the method that gives the Array API namespace. Whoever asks for it may be SciPy, about to call it."""
    from opreg.numpy import namespace_of

    acquaint_scipy()

    def __array_namespace__(*, api_version: Any = None) -> Any:
        np.empty(0).__array_namespace__(api_version=api_version)  # refuses unknown versions
        return namespace_of(traced)

    return __array_namespace__


def _to_device(traced: Any, device: Any, /, *, stream: Any = None) -> Any:
    """Return the value itself: it is where every array of NumPy's is."""
    np.asarray(stop_gradient(traced)).to_device(device, stream=stream)  # refuses other devices
    return traced


def _dlpack(
    traced: Any, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: Any = None
) -> Any:
    raise NotDifferentiable(
        "a traced value is not handed to another library: its derivative would be lost. Pass opreg.stop_gradient(x) "
        "if it is not wanted; opreg.numpy.from_dlpack(x) keeps it"
    )


def _dlpack_device(traced: Any) -> Any:
    return np.asarray(stop_gradient(traced)).__dlpack_device__()


def _array(traced: Any, dtype: Any = None, *, copy: Any = None) -> Any:
    """Return a plain array of a value that has no derivative, read-only: what is written into it would be lost.

    A view lies in a copy of all that it is a view of, so that functions may look at it by other strides.
    """
    plain = owner = np.asarray(stop_gradient(traced))
    if copy:
        return np.array(plain, dtype)
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    if owner is plain or not owner.flags.forc:
        found = np.array(plain, dtype)
    else:
        start, memory = owner.__array_interface__["data"][0], np.ravel(owner, "K").copy()
        offset = plain.__array_interface__["data"][0] - start
        found = np.ndarray(plain.shape, plain.dtype, memory, offset, plain.strides).astype(
            dtype or plain.dtype, copy=False
        )
    found.flags.writeable = False
    return found


def _view(traced: Any, dtype: Any = None) -> Any:
    if dtype is None or dtype is np.ndarray or np.dtype(dtype) == traced.dtype:
        return traced[...]
    raise NotDifferentiable(
        f"a traced array of {traced.dtype} is not looked at as one of {np.dtype(dtype)}. "
        "Use np.astype, np.real or np.imag"
    )


def _of_bits(name: str) -> Callable[..., Any]:
    """Return an operation on bits, which NumPy refuses: floating-point numbers, the only ones traced, have none."""
    return lambda traced, *others: getattr(np.asarray(stop_gradient(traced)), name)(*others)


def _clip(traced: Any, min: Any = None, max: Any = None, out: Any = None, **kwargs: Any) -> Any:
    return np.clip(traced, min, max, out, **kwargs)


def _astype(
    traced: Any, dtype: Any, order: Any = "K", casting: Any = "unsafe", subok: bool = True, copy: bool = True
) -> Any:
    if casting != "unsafe" and not np.can_cast(traced.dtype, dtype, casting):
        raise TypeError(
            f"Cannot cast array data from {traced.dtype!r} to {np.dtype(dtype)!r} according to {casting!r}"
        )
    return plugins.get("numpy.astype").bind(traced, dtype=dtype, order=order, copy=copy)


def _copy(traced: Any, order: Any = "C") -> Any:
    if isinstance(stop_gradient(traced), np.ndarray):
        return plugins.get("numpy.copy").bind(traced, order=order)
    return np.positive(traced)  # a number stays one


def _flat(traced: Any) -> Any:
    if isinstance(stop_gradient(traced), np.ndarray):
        return plugins.get("opreg_numpy.shapes.flat")(traced)
    return np.ravel(traced)  # the line of a number is its own


def _conj(traced: Any) -> Any:
    return np.conj(traced) if np.iscomplexobj(traced) else traced


def _item(traced: Any, *where: Any) -> Any:
    """Return one element, traced: a plain number would lose its derivative."""
    if not where:
        if np.size(traced) != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return as_scalar(np.reshape(traced, ()))
    place = where[0] if len(where) == 1 and isinstance(where[0], tuple) else where
    return traced[place] if len(place) > 1 or np.ndim(traced) == 1 else np.ravel(traced)[place[0]]


def _tolist(traced: Any) -> Any:
    return [_tolist(part) for part in traced] if np.ndim(traced) else traced[()]


def _resize(traced: Any, *args: Any, **kwargs: Any) -> Any:
    raise NotDifferentiable(
        "a traced value keeps its shape, which .resize would change. Use np.reshape or np.pad"
    )


def _fill(traced: Any, value: Any) -> None:
    traced[...] = value


def _method(name: str) -> Callable[..., Any]:
    """Return the method that does what NumPy's function of that name does."""
    return lambda traced, *args, **kwargs: getattr(np, name)(traced, *args, **kwargs)


_PROPERTIES: Mapping[str, Callable[[Any], Any]] = {
    **{
        name: _plain(name)
        for name in ("shape", "ndim", "size", "dtype", "itemsize", "nbytes", "strides", "flags")
    },
    "device": lambda traced: "cpu",
    "T": lambda traced: np.transpose(traced),
    "mT": lambda traced: np.matrix_transpose(traced),
    "real": lambda traced: np.real(traced),
    "imag": lambda traced: np.imag(traced),
    "flat": _flat,
    "__array_namespace__": _namespace,
}

_METHODS: Mapping[str, Callable[..., Any]] = {
    **{
        name: _method(name)
        for name in (
            "all", "any", "argmax", "argmin", "argpartition", "argsort", "cumprod", "cumsum", "diagonal", "dot", "max",
            "mean", "min", "nonzero", "prod", "ravel", "repeat", "round", "searchsorted", "squeeze", "std", "sum",
            "swapaxes", "take", "trace", "var",
        )
    },
    "__array__": _array,
    "__array_function__": _array_function,
    "__array_ufunc__": _ufunc,
    "__dlpack__": _dlpack,
    "__dlpack_device__": _dlpack_device,
    **{
        name: _of_bits(name)
        for name in ("__and__", "__or__", "__xor__", "__lshift__", "__rshift__", "__invert__")
    },
    "to_device": _to_device,
    "view": _view,
    "astype": _astype,
    "clip": _clip,
    "compress": lambda traced, condition, axis=None: np.compress(condition, traced, axis=axis),
    "conj": _conj,
    "conjugate": _conj,
    "copy": _copy,
    "__copy__": partial(_copy, order="K"),
    "flatten": lambda traced, order="C": np.copy(np.ravel(traced, order=order)),
    "item": _item,
    "reshape": _reshape,
    "tolist": _tolist,
    "transpose": _transpose,
    "fill": _fill,
    "partition": rewriting(lambda traced, *args, **kwargs: np.partition(traced, *args, **kwargs)),
    "put": _method("put"),
    "resize": _resize,
    "sort": rewriting(lambda traced, *args, **kwargs: np.sort(traced, *args, **kwargs)),
}  # fmt: skip
