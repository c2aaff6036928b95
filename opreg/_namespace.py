"""The generic namespaces: a library's functions, differentiable where its protocols do not reach.

A function that is registered as a primitive is served such that traced arguments, also inside lists, go to the
primitive and plain ones to the original. Everything else of the library is served as it is, but that an error which a
function raises for traced arguments names it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from importlib import import_module
from types import FunctionType, MethodType, ModuleType
from typing import Any

from opreg import plugins
from opreg._composite import Composite
from opreg._errors import NotDifferentiable
from opreg._space import spec_of
from opreg._trace import UNARY, Trace, Tracer


def holds_traced(value: Any) -> bool:
    """Tell whether a value is traced, or a sequence or mapping in which one is."""
    kind = type(value)
    if kind is Tracer:
        return True
    if kind is list or kind is tuple:
        return any(holds_traced(part) for part in value)
    return kind is dict and any(holds_traced(part) for part in value.values())


class Served:
    """A function of a library: the registered primitive where an argument is traced, else the original."""

    def __init__(self, original: Callable[..., Any]) -> None:
        self.__wrapped__ = original
        self.__doc__ = original.__doc__
        self.__name__ = getattr(original, "__name__", repr(original))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        original = self.__wrapped__
        alone = len(args) == 1 and not kwargs and type(args[0]) is Tracer
        if alone:
            record, x = UNARY.get(original), args[0]
            if record is not None and x.tracing.recording:
                return record(x.tracing, self if type(x.primal) is Tracer else original, kwargs, x)
        if not (any(map(holds_traced, args)) or (kwargs and any(map(holds_traced, kwargs.values())))):
            return original(*args, **kwargs)
        primitive = plugins.for_function(original)
        if isinstance(primitive, Composite):
            args, kwargs = primitive.of_arrays(args, kwargs, _as_array)
        if alone and primitive is not None and primitive.plain and primitive.recorders is not None:
            UNARY[original] = primitive.recorders[1]  # the next call takes the short way
        if kwargs and hasattr(original, "reduce"):  # a ufunc: its protocol tells what keywords mean
            return original(*map(_as_array, args), **kwargs)
        if (
            primitive is None
            or primitive.is_composite
            or primitive.in_place
            or any(kwargs.get(name) is not None for name in ("out", "where"))
        ):
            return (primitive or original)(*args, **kwargs)
        if primitive.new:
            return primitive(*map(_as_array, args), **kwargs)
        data, static = primitive.canonical(args, kwargs)
        return primitive.bind(*map(_as_array, data), **static)

    def __getattr__(self, name: str) -> Any:
        if name == "__wrapped__":  # while being copied or unpickled
            raise AttributeError(name)
        return getattr(self.__wrapped__, name)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __reduce__(self) -> Any:
        return Served, (self.__wrapped__,)


class Unregistered(Served):
    """A function of a library that is no primitive. Written in functions that are, it works on traced values."""

    def __init__(self, original: Callable[..., Any], path: str) -> None:
        super().__init__(original)
        self._path = path

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self.__wrapped__(*args, **kwargs)
        except NotDifferentiable as error:
            if not (any(map(holds_traced, args)) or any(map(holds_traced, kwargs.values()))):
                raise
            raise NotDifferentiable(f"{self._path} is not registered as a primitive: {error}") from error

    def __reduce__(self) -> Any:
        return Unregistered, (self.__wrapped__, self._path)


def _as_array(value: Any) -> Any:
    """Return a sequence that holds traced values as one traced array."""
    return plugins.get("numpy.array")(value) if type(value) is not Tracer and holds_traced(value) else value


class Below:
    """An object of a library below whose name primitives are registered, such as ``scipy.stats.norm``."""

    def __init__(self, original: Any, path: str) -> None:
        self.__wrapped__ = original
        self._path = path

    def __getattr__(self, name: str) -> Any:
        if name == "__wrapped__":
            raise AttributeError(name)
        return served(getattr(self.__wrapped__, name), f"{self._path}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__wrapped__(*args, **kwargs)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)


def served(original: Any, path: str) -> Any:
    """Return what stands for an object of a library, whose importable name is ``path``."""
    if isinstance(original, ModuleType):
        inside = original.__name__.split(".")[0] == path.split(".")[0]
        return Namespace(f"opreg.{path}", path) if inside else original
    if isinstance(original, type) or (type(original).__module__ == "builtins" and not callable(original)):
        return original
    if callable(original) and plugins.for_function(original) is not None:
        return Served(original)
    if plugins.has_below(path):
        return Below(original, path)
    return Unregistered(original, path) if isinstance(original, (FunctionType, MethodType)) else original


class Namespace(ModuleType):
    """A module that serves the names of another, which is imported when the first of them is asked for."""

    def __init__(self, name: str, target: str) -> None:
        super().__init__(name, f"{target}, differentiable: see :mod:`{'.'.join(name.split('.')[:2])}`.")
        self._target = target

    def __getattr__(self, name: str) -> Any:
        if name in ("__path__", "__file__", "__wrapped__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return look_up(self._target, name, self.__dict__)

    def __dir__(self) -> list[str]:
        return names_of(self._target)


class Bound(Namespace):
    """A namespace whose functions give traced values only, as one trace's constants where nothing else is traced.

    A library written for the Array API takes all arrays of one call to be of one kind, also those that it creates.
    The namespaces of several traces stand for one kind: a trace's constants mix with the values of any other.
    """

    def __init__(self, name: str, target: str, trace: Trace) -> None:
        super().__init__(name, target)
        self._trace = trace

    def __getattr__(self, name: str) -> Any:
        found = super().__getattr__(name)
        if isinstance(found, Namespace):
            return Bound(found.__name__, found._target, self._trace)
        if isinstance(found, type) or not callable(found):
            return found

        @functools.wraps(found)
        def traced(*args: Any, **kwargs: Any) -> Any:
            return self._traced(found(*args, **kwargs))

        self.__dict__[name] = traced
        return traced

    def _traced(self, result: Any) -> Any:
        if type(result) is Tracer or not self._trace.live:
            return result
        if isinstance(result, (tuple, list)):
            parts = [self._traced(part) for part in result]
            return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
        has_dtype = hasattr(result, "dtype") and spec_of(result) is not None
        return self._trace.constant(result) if has_dtype else result

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bound) and other._target == self._target

    def __hash__(self) -> int:
        return hash(self._target)


def look_up(target: str, name: str, cache: dict[str, Any]) -> Any:
    """Return what stands for one name of the module ``target``, and keep it in ``cache`` if it is of our making."""
    offered = sys.modules.get(f"opreg.{target}.{name}")
    if isinstance(offered, Namespace):
        return offered
    module = _imported(target)
    try:
        original = getattr(module, name)
    except AttributeError as error:
        raise AttributeError(
            f"module 'opreg.{target}' has no attribute {name!r}: {target} has none"
        ) from error
    found = served(original, f"{target}.{name}")
    if isinstance(found, (Served, Namespace)):
        cache[name] = found
    return found


def _imported(target: str) -> ModuleType:
    root = target.split(".")[0]
    try:
        import_module(root)
        return import_module(target)
    except ModuleNotFoundError as error:
        if error.name != root:
            raise
        raise ModuleNotFoundError(
            f"opreg.{target} needs {root}, which is not installed. Install it: pip install {root}", name=root
        ) from None


def names_of(target: str) -> list[str]:
    """Return the names of a module, for ``dir``."""
    return sorted(dir(_imported(target)))


def offer(target: str, submodules: tuple[str, ...]) -> None:
    """Make ``import opreg.<target>.<submodule>`` possible; nothing of the library is imported by it."""
    for name in submodules:
        module = Namespace(f"opreg.{target}.{name}", f"{target}.{name}")
        sys.modules.setdefault(module.__name__, module)
