"""Primitive: a forward function, its rules and its samples; itself a valid pluggy plugin."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from opreg import plugins
from opreg._errors import DeclarationError, NotDifferentiable, RuleError
from opreg._form import Form
from opreg._recorder import Recorders, call_of
from opreg._signature import Entry, Function, Parameters, as_called, for_joint, read_forward, read_rule, where
from opreg._space import ADMITTED, space_of, spec_of
from opreg._trace import RECORDING, Tracer, add, call, highest, is_constant, strip, transpose, zeros_like
from opreg._views import note
from opreg.hookspecs import hookimpl


@dataclass(frozen=True)
class Sample:
    """One sample input of a primitive: how a user would call it.

    >>> import opreg
    >>> opreg.Sample((2.0, 3.0), note="two floats").args
    (2.0, 3.0)
    """

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.args, tuple):
            raise DeclarationError(
                f"Sample.args must be a tuple of positional arguments, not {type(self.args).__name__}: "
                "write Sample((x,)) for one argument"
            )


class Kink(NamedTuple):
    """A point without a derivative, and the cotangents that are declared to be given there."""

    data: tuple[Any, ...]
    static: dict[str, Any]
    cotangents: tuple[Any, ...]


class Rule(NamedTuple):
    """A declared rule: the argument that it is for (``"*"``: all), its mode and the author's function."""

    argument: str
    mode: str
    function: Function


class Waiver(NamedTuple):
    """A declared reason why a change of a rule, ``"before -> after"``, is no mistake."""

    argument: str
    change: str
    reason: str


class Primitive:
    """A differentiable function: forward computation, rules, samples. Made by :func:`opreg.primitive`.

    Positional parameters of the forward function are data, keyword-only ones are static. A rule asks for what it
    needs by the names of its own parameters: ``g`` (the cotangent of the output; in a JVP rule the tangent of the
    argument), ``out``, the data, the static keywords, ``index`` (in a variadic parameter) and ``residual``; a joint
    VJP rule also for ``needed``, which tells for each argument whether its cotangent is (else it may be ``None``).
    """

    is_composite = False

    def __init__(self, forward: Function, name: str, aliases: Sequence[str] = ()) -> None:
        if "." not in name:
            raise DeclarationError(
                f"the primitive {name!r} needs the full importable name of its function, such as 'mylib.{name}'"
            )
        self.name = name
        self.aliases = tuple(aliases)
        self.forward = forward
        self.__name__ = name.rsplit(".", 1)[-1]
        doc = forward.__doc__ or ""
        self.doc = self.__doc__ = inspect.cleandoc(doc) if "\n" in doc else doc
        self.__module__ = getattr(forward, "__module__", __name__)
        self.data, self.variadic, self.static, self.required = self._parameters(forward)
        self.elementwise = False
        self.view = self.copied = self.in_place = self.new = False
        self.sample_generators: list[Function] = []
        self.kinks: list[Kink] = []
        self._rules: dict[tuple[str, str], Function] = {}
        self._asks: dict[tuple[str, str], tuple[str, ...]] = {}  # what each rule asks for, by name
        self._linear: set[str] = set()
        self._reasons: dict[str, str] = {}
        self._unchecked: dict[str, str] = {}
        self.waivers: list[Waiver] = []
        self.form = Form(name, self.parameters)
        self._with_residual: Function | None = None
        self.comparison: Function | None = None
        self._prepare()

    def _parameters(self, forward: Function) -> Parameters:
        return read_forward(self.name, forward)

    @property
    def parameters(self) -> Parameters:
        """The parameters of the forward function."""
        return Parameters(self.data, self.variadic, self.static, self.required)

    # ------------------------------------------------------------------------------------------- declaring
    def defvjp(self, joint: Function | None = None, /, **rules: Function) -> Self:
        """Declare VJP rules: one per argument by name, or one joint rule that returns a cotangent per argument."""
        return self._declare("vjp", joint, rules)

    def defjvp(self, joint: Function | None = None, /, **rules: Function) -> Self:
        """Declare JVP rules: each gives what one argument's tangent contributes; a joint rule takes all tangents."""
        return self._declare("jvp", joint, rules)

    def deflinear(self, **rules: Function) -> Self:
        """Declare that the function is linear in each argument named, and its transpose: the VJP rule.

        The JVP follows: the forward function with the tangent in the argument's place.
        """
        self._declare("vjp", None, rules)
        self._linear |= rules.keys()
        self._prepare()
        return self

    def returns_view(self, *, copied: bool = False) -> Self:
        """Declare that the output may be a view of the first argument, its elements in another arrangement.

        Then writing into the one, while it is traced, writes into the other, as it does with plain arrays. The
        function is called with an array of integers, to see where it puts which element. With ``copied`` the output is
        a copy that is written through all the same, and what is picked from it is a copy: so is ``x.flat``.
        """
        self.view, self.copied = True, copied
        self._prepare()
        return self

    def not_differentiable(self, reason: str | None = None, /, **reasons: str) -> Self:
        """Declare, with the reason, that the function or some of its arguments have no derivative."""
        for name in reasons:
            self._require_data(name, "not_differentiable")
        if reason is not None:
            reasons = dict.fromkeys(self.data, reason)
        for name, text in reasons.items():
            if not str(text).strip():
                raise DeclarationError(f"{self.name}: not_differentiable needs a reason for {name!r}")
        if not reasons:
            raise DeclarationError(f"{self.name}: not_differentiable needs a reason")
        self._reasons.update(reasons)
        self._prepare()
        return self

    def leave_unchecked(self, what: str, reason: str) -> Self:
        """Declare, with the reason, that samples do not exercise something; a run reports it as waived.

        ``what`` is the name of a keyword or an argument, or a piece of the source of a rule: the line that no sample
        reaches, a condition that always has the same outcome, or the name of a function.
        """
        if not what.strip() or not reason.strip():
            raise DeclarationError(
                f"{self.name}: leave_unchecked needs what is left unchecked, and the reason why"
            )
        self._unchecked[what] = reason
        return self

    def with_residual(self, function: Function) -> Function:
        """Declare a forward that returns ``(out, residual)``, used where a rule asks for ``residual``."""
        self._with_residual = function
        self._prepare()
        return function

    def writes_in_place(self) -> Self:
        """Declare that the function of its name writes into its first argument, as ``numpy.put`` does.

        The forward function is given the same arguments and returns the array that is left, a new one. To call the
        primitive with a traced array is to write into that, and returns nothing.
        """
        self.in_place = True
        self._prepare()
        return self

    def returns_new(self) -> Self:
        """Declare that the output is a new array made to be written into, as that of ``numpy.zeros_like`` is.

        Where an argument is traced, or ``like=`` is, so is the output, though its derivative is zero: a plain array
        cannot hold traced values.
        """
        self.new = True
        self._prepare()
        return self

    def residual_of(self, function: Function) -> Self:
        """Declare that ``residual`` is ``function(*data)``: so the tape need not keep the data for, say, their shape.

        >>> import numpy as np, opreg
        >>> total = opreg.primitive("mylib.total")(lambda x, /: np.sum(x))
        >>> _ = total.defvjp(x=lambda g, residual: np.full(residual, g)).residual_of(np.shape)
        >>> opreg.grad(total)(np.array([1.0, 2.0]))
        array([1., 1.])
        """

        def pair(*data: Any, **static: Any) -> tuple[Any, Any]:
            return self.bind(*data, **static), function(*data)

        pair.of_data = function  # type: ignore[attr-defined]  # so that a recording need not call the pair
        self.with_residual(pair)
        return self

    def called_as(self, function: Function) -> Function:
        """Declare how users call it: a function with their signature that returns ``(data, static)``."""
        self.form = Form(self.name, self.parameters, apart=function)
        self._prepare()
        return function

    def called_like(self, function: Function, /, **refused: str) -> Self:
        """Declare how users call it: as a function of their signature, each parameter by the name it has here.

        The function itself is not called. For a parameter that the forward function does not have, say why it must be
        ``None``: the sentence completes "mylib.norm cannot ...".

        >>> import numpy as np, opreg
        >>> @opreg.primitive("mylib.norm")
        ... def norm(x, /, *, axis=None):
        ...     return np.sqrt(np.sum(x * x, axis=axis))
        >>> _ = norm.called_like(lambda x, axis=None, out=None: ..., out="write into out=")
        >>> norm(np.array([3.0, 4.0]), 0)
        np.float64(5.0)
        """
        self.form = Form(self.name, self.parameters, like=function, refused=refused)
        self._prepare()
        return self

    def compared_as(self, function: Function) -> Function:
        """Declare what of an output is determined, where not all of it is: a function of the output.

        The phase of a complex eigenvector is the algorithm's choice, and another at each point. The verifier compares
        what the function makes of the output, out of primitives, and the derivatives of that. Where it gives back what
        it was given, nothing changes.

        >>> import numpy as np, opreg
        >>> eigh = opreg.primitive("mylib.eigh")(lambda a, /: tuple(np.linalg.eigh(a)))
        >>> @eigh.compared_as
        ... def _(out):
        ...     w, v = out
        ...     return w, np.expand_dims(v, -2) * np.conj(v)  # to each value its projector
        """
        self.comparison = function
        return function

    def samples(self, generator: Function) -> Function:
        """Add a generator of samples: a function of a ``numpy.random.Generator`` that yields :class:`Sample`."""
        self.sample_generators.append(generator)
        return generator

    def at_kink(self, *args: Any, cotangents: Sequence[Any], **kwargs: Any) -> Self:
        """Declare what the VJP rule gives at a point where there is no derivative: one of the subgradients there.

        ``cotangents`` holds one cotangent for each data argument (``None`` where it has none), for a cotangent of ones.
        The verifier holds the rule to this convention.

        >>> import numpy as np, opreg
        >>> relu = opreg.primitive("mylib.relu")(lambda x, /: np.maximum(x, 0))
        >>> _ = relu.defvjp(x=lambda g, x: g * (x > 0))
        >>> _ = relu.at_kink(0.0, cotangents=[0.0])
        """
        data, static = self.canonical(args, kwargs)
        if len(cotangents) != len(data):
            raise DeclarationError(
                f"{self.name}: at_kink was given {len(cotangents)} cotangents for {len(data)} data arguments"
            )
        self.kinks.append(Kink(data, static, tuple(cotangents)))
        return self

    def waive_mutant(self, argument: str, change: str, reason: str) -> Self:
        """Declare, with the reason, that no sample need show a change of a rule, as ``opreg mutate`` prints it.

        ``argument`` is the one whose rule it is, or ``"*"`` for all. ``change`` reads ``"before -> after"``, or
        ``"before -> ..."`` for whatever becomes of ``before``, which may be the name of a helper, for all changes of
        it. A waiver that waives no surviving mutant is reported.
        """
        if argument != "*":
            self._require_data(argument, "waive_mutant")
        if not all(part.strip() for part in change.partition(" -> ")):
            raise DeclarationError(
                f"{self.name}: waive_mutant needs a change that reads 'before -> after', not {change!r}"
            )
        if not reason.strip():
            raise DeclarationError(f"{self.name}: waive_mutant needs a reason for {change!r}")
        self.waivers.append(Waiver(argument, change, reason))
        return self

    def _declare(self, mode: str, joint: Function | None, rules: Mapping[str, Function]) -> Self:
        if joint is not None and rules:
            raise DeclarationError(
                f"{self.name}: give def{mode} one joint rule or a rule per argument, not both"
            )
        if joint is None and not rules:
            raise DeclarationError(f"{self.name}: def{mode} was given no rule")
        for name, rule in rules.items():
            self._require_data(name, f"def{mode}", rule)
        for name, rule in {"*": joint}.items() if joint is not None else rules.items():
            if not callable(rule):
                raise DeclarationError(
                    f"{self.name}: the {mode.upper()} rule for {name!r} is {rule!r}, not a function"
                )
            self._asks[mode, name] = read_rule(  # raises, with the line
                self.name, rule, mode, self.parameters, name == "*"
            )
            self._rules[mode, name] = rule
        self._prepare()
        return self

    def _require_data(self, name: str, place: str, rule: Any = None) -> None:
        if name not in self.data:
            raise DeclarationError(
                f"{self.name}: {place} names {name!r}, which is not one of its data parameters "
                f"({', '.join(self.data)}){where(rule) if rule is not None else ''}"
            )

    # ------------------------------------------------------------------------------------ prepared for speed
    def _prepare(self) -> None:
        """Derive from the declarations what the traces read on every call."""
        self._cache: dict[Any, Any] = {}
        plugins.UNARY.clear()
        needs_residual = any("residual" in names for names in self._asks.values())
        self.residual_from = self._with_residual if needs_residual else None
        self.plain = self.form.declared is None and not (
            self.view or self.static or self.variadic or self.is_composite or self.in_place or self.new
        )
        self.entry: Function = self._apply if self.variadic or self.in_place or self.new else self._first_call
        self.recorders = None if self.variadic else Recorders(self, RECORDING)

    def environment(
        self, out: Any, residual: Any, primals: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[Any, ...]:
        """Return everything that a rule may ask for, in the order of the layout, but for the last two."""
        static = [kwargs.get(name, default) for name, default in self.static.items()]
        return (
            (out, residual, tuple(primals), *static) if self.variadic else (out, residual, *primals, *static)
        )

    def _entry(self, mode: str, name: str) -> Entry:
        """Return a declared rule as the engine calls it."""
        return as_called(self._rules[mode, name], self._asks[mode, name], self.parameters.layout)

    def entries(self, mode: str, count: int) -> tuple[Entry | None, ...]:
        """Return the rule of each argument as the engine calls it; ``None`` where declared not differentiable."""
        key = (mode, count)
        if key not in self._cache:
            names = self.data * count if self.variadic else self.data
            if len(names) != count:
                raise TypeError(
                    f"{self.name} takes {len(names)} data arguments ({', '.join(names)}), not {count}"
                )
            self._cache[key] = tuple(self._entry_for(mode, i, name) for i, name in enumerate(names))
        found: tuple[Entry | None, ...] = self._cache[key]
        return found

    def _entry_for(self, mode: str, position: int, name: str) -> Entry | None:
        if name in self._reasons:
            return None
        for which in (name, "*"):
            if (mode, which) in self._rules:
                return self._entry(mode, which)
        other = "jvp" if mode == "vjp" else "vjp"
        if mode == "jvp" and name in self._linear:
            return self._linear_jvp(position), _whole
        if (other, name) in self._rules or (other, "*") in self._rules:
            return self._transposed(mode, position, name), _whole

        def missing(g: Any, environment: Any) -> Any:
            raise NotDifferentiable(
                f"{self.name} has no rule for its argument {name!r}. Declare one with defvjp or defjvp, or "
                f"not_differentiable({name}='why'){where(self.forward)}"
            )

        return missing, _whole

    def _linear_jvp(self, position: int) -> Function:
        def jvp(t: Any, environment: Any) -> Any:
            primals, static = self._split(environment)
            return self.bind(*primals[:position], t, *primals[position + 1 :], **static)

        return jvp

    def _split(self, environment: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the data and the static keywords that lie in an environment."""
        first = 2 + len(self.data)
        data = environment[2] if self.variadic else tuple(environment[2:first])
        return data, dict(zip(self.static, environment[first:], strict=False))

    def _transposed(self, mode: str, position: int, name: str) -> Function:
        """Derive a missing mode: a rule is linear in ``g``, and its transpose is the rule of the other mode."""
        other = "jvp" if mode == "vjp" else "vjp"

        def derived(g: Any, environment: Any) -> Any:
            primals, _ = self._split(environment)

            def linear(source: Any) -> Any:
                if (other, name) in self._rules:
                    rule, pick = self._entry(other, name)
                    return rule(source, pick(environment))
                rule, pick = self._entry(other, "*")
                if other == "vjp":
                    asked = for_joint(
                        environment[: len(self.parameters.layout) - 2], [position], len(primals)
                    )
                    return self.joint_results(rule, rule(source, pick(asked)), [position])[0]
                tangents = [zeros_like(p) if spec_of(p) is not None else None for p in primals]
                tangents[position] = source
                return rule(tuple(tangents), pick(environment))

            if mode == "jvp":
                return _transpose_rule(linear, environment[0], g)
            return transpose(
                lambda source: self._fitted(linear(source), environment[0]), primals[position], g
            )

        derived.__wrapped__ = self._rules.get((other, name), self._rules.get((other, "*")))  # type: ignore[attr-defined]
        return derived

    def joint(self, mode: str) -> Entry | None:
        """Return the joint rule of a mode as the engine calls it, if that is how the mode is declared."""
        return self._entry(mode, "*") if (mode, "*") in self._rules else None

    # ------------------------------------------------------------------------------------------------ calling
    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self.entry(*args, **kwargs)

    def _first_call(self, /, *args: Any, **kwargs: Any) -> Any:
        """Make what users call, once anything is traced."""
        if highest(args) is None:
            return self._apply(*args, **kwargs)
        self.entry = call_of(self, {**RECORDING, "note": note})
        return self.entry(*args, **kwargs)

    def _apply(self, /, *args: Any, **kwargs: Any) -> Any:
        data, static = self.form.arrange(*args, **kwargs)
        if self.in_place:
            return self._write(data, static)
        out = self.bind(*data, **static)
        trace = highest((*args, *kwargs.values())) if self.new else None
        return out if trace is None else trace.writable(out)

    def _write(self, data: tuple[Any, ...], static: dict[str, Any]) -> None:
        """Write into the first argument what the function leaves of it."""
        if type(data[0]) is not Tracer and not all(map(is_constant, data)):
            raise NotDifferentiable(
                f"{self.name} cannot write a traced value into a plain one: its derivative would be lost. An array to "
                "write it into is np.zeros(shape, like=x)"
            )
        data[0][...] = self.bind(*data, **static)

    def canonical(
        self, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Bring a call in the user's form to ``(data, static)``, with the errors of Python's own call."""
        data, static = self.form.arrange(*args, **kwargs)
        return tuple(data), dict(static)

    def bind(self, /, *data: Any, **static: Any) -> Any:
        """Apply the primitive to data and static keywords, traced where any of the data is."""
        trace, mask, bit, simple = None, 0, 1, True
        for value in data:
            if type(value) is Tracer:
                if trace is None:
                    trace = value.tracing
                simple = simple and value.tracing is trace and type(value.primal) is not Tracer
                mask |= bit
            elif type(value) not in ADMITTED:
                simple = False
            bit <<= 1
        if static and Tracer in map(type, static.values()):
            raise self._static_traced(static)
        if trace is None:
            return self.forward(*data, **static)
        if simple and trace.recording and self.recorders is not None:  # the short way of process()
            out = self.recorders[mask](trace, self.forward, static, *data)
        else:
            out = highest(data).process(self, data, static)
        return note(self, data[0], static, out) if self.view else out

    def _static_traced(self, static: Mapping[str, Any]) -> NotDifferentiable:
        name = next(name for name, value in static.items() if type(value) is Tracer)
        return NotDifferentiable(
            f"{self.name}: the keyword {name!r} is static and has no derivative, but a traced value was passed. Pass "
            "opreg.stop_gradient(value) if the derivative is not wanted"
        )

    def run(self, compute: Function, primals: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, Any]:
        """Compute the output and, where a rule asks for it, the residual."""
        if self.residual_from is None:
            return compute(*primals, **kwargs), None
        out, residual = self.residual_from(*primals, **kwargs)
        return out, residual

    # ---------------------------------------------------------------------------------- enforcing the contract
    def fit_cotangent(self, c: Any, spec: Any, rule: Function) -> Any:
        """Return a cotangent that a rule gave as one of ``spec``, or raise: only promotion is undone."""
        c = self._restricted(c, spec)
        if c is not None and spec_of(c) == spec:
            return c
        joint = self._rules.get(("vjp", "*"))  # of which `rule` takes a part
        raise RuleError(
            f"the VJP rule of {self.name}{self._argument_of(rule)} returned {_describe(c)} where the primal is "
            f"{_describe_spec(spec)}{where(joint or rule)}. A cotangent has the shape, dtype and realness of its primal"
        )

    def fit_tangent(self, t: Any, spec: Any) -> Any:
        """Return a tangent that the rules gave as one of the output's ``spec``, or raise."""
        if spec_of(t) != spec and t is not None and self.elementwise:
            t = space_of(t).promote(t, spec)
        if spec_of(t) != spec:
            rules = [rule for (mode, _), rule in self._rules.items() if mode == "jvp"]
            raise RuleError(
                f"the JVP of {self.name} returned {_describe(t)} where the output is {_describe_spec(spec)}"
                f"{where(rules[0]) if rules else ''}. A tangent has the shape, dtype and realness of its primal"
            )
        return t

    def _fitted(self, image: Any, out: Any) -> Any:
        """Return what a JVP rule made for all outputs, or for the only one, as tangents of them."""
        if not isinstance(out, tuple):
            return None if image is None else self.fit_tangent(image, spec_of(out))
        return tuple([
            None if t is None or spec_of(part) is None else self.fit_tangent(t, spec_of(part))
            for t, part in zip(image, out, strict=True)
        ])  # fmt: skip

    def joint_results(self, rule: Function, results: Any, needed: Sequence[int]) -> list[Any]:
        """Return the needed cotangents of those that a joint rule returned, which must be one per argument."""
        if not isinstance(results, (tuple, list)):
            raise RuleError(
                f"the joint VJP rule of {self.name} returned {_describe(results)}, not a tuple of one cotangent per "
                f"argument{where(rule)}"
            )
        if not self.variadic and len(results) != len(self.data):
            raise RuleError(
                f"the joint VJP rule of {self.name} returned {len(results)} cotangents for {len(self.data)} "
                f"arguments ({', '.join(self.data)}){where(rule)}"
            )
        if needed and max(needed) >= len(results):
            raise RuleError(
                f"the joint VJP rule of {self.name} returned {len(results)} cotangents, too few for its arguments"
                f"{where(rule)}"
            )
        return [results[i] for i in needed]

    def _argument_of(self, rule: Function) -> str:
        for (mode, name), declared in self._rules.items():
            if mode == "vjp" and where(declared) == where(rule) and name != "*":
                return f" for {name!r}"
        return ""

    def push(self, environment: Sequence[Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
        """Return the output's tangent from those of the arguments (``None``: zero), by the JVP rules."""
        entries = self.entries("jvp", len(primals))
        moved = [i for i, t in enumerate(tangents) if t is not None and entries[i] is not None]
        if not moved:
            return None
        joint = self.joint("jvp")
        if joint is not None:
            rule, pick = joint
            everything = tuple(
                t if i in moved else zeros_like(p) if spec_of(p) is not None else None
                for i, (p, t) in enumerate(zip(primals, tangents, strict=True))
            )
            return call(rule, everything, pick(environment))
        total: Any = None
        for i in moved:
            rule, pick = entries[i]  # type: ignore[misc]
            t = call(rule, tangents[i], pick((*environment, i)))
            total = t if total is None else self._plus(total, t, environment[0])
        return total

    def _plus(self, a: Any, b: Any, out: Any) -> Any:
        if isinstance(out, tuple):
            return tuple(y if x is None else x if y is None else add(x, y) for x, y in zip(a, b, strict=True))
        spec = spec_of(out)
        return add(self.fit_tangent(a, spec), self.fit_tangent(b, spec))

    # ------------------------------------------------------------------------------ for verifiers and readers
    def vjp(self, g: Any, out: Any, /, *data: Any, **static: Any) -> tuple[Any, ...]:
        """Call the rules as declared: one cotangent per data argument, ``None`` where not differentiable.

        What the engine checks after each rule is not checked here, so that a verifier sees the rule itself.
        """
        return self.vjp_from(self._residual(data, static), g, out, *data, **static)

    def _residual(self, data: Sequence[Any], static: Mapping[str, Any]) -> Any:
        return self.residual_from(*data, **static)[1] if self.residual_from else None

    def vjp_from(self, residual: Any, g: Any, out: Any, /, *data: Any, **static: Any) -> tuple[Any, ...]:
        """Call the rules as `vjp` does, with a residual that is at hand."""
        return self._cotangents(residual, g, out, data, static)

    def vjp_needed(
        self, only: Sequence[int], g: Any, out: Any, /, *data: Any, **static: Any
    ) -> tuple[Any, ...]:
        """Call the rules as `vjp` does, where only the cotangents of the arguments at these positions are needed."""
        return self._cotangents(self._residual(data, static), g, out, data, static, only)

    def _cotangents(
        self, residual: Any, g: Any, out: Any, data: tuple[Any, ...], static: Mapping[str, Any],
        only: Sequence[int] | None = None,
    ) -> tuple[Any, ...]:  # fmt: skip
        environment = self.environment(out, residual, data, static)
        entries = self.entries("vjp", len(data))
        joint = self.joint("vjp")
        if joint is not None:
            rule, pick = joint
            needed = [i for i, entry in enumerate(entries) if entry is not None]
            if only is not None:
                needed = [i for i in needed if i in only]
            results = call(rule, g, pick(for_joint(environment, needed, len(data))))
            found = dict(zip(needed, self.joint_results(rule, results, needed), strict=True))
        else:
            found = {
                i: call(entry[0], g, entry[1]((*environment, i)))
                for i, entry in enumerate(entries)
                if entry is not None and spec_of(data[i]) is not None and (only is None or i in only)
            }
        return tuple([self._restricted(found.get(i), spec_of(part)) for i, part in enumerate(data)])

    def _restricted(self, c: Any, spec: Any) -> Any:
        """Return a cotangent as the engine takes it: of an elementwise function brought to the primal's ``spec``."""
        if not self.elementwise or c is None or spec is None or spec_of(c) == spec:
            return c
        return space_of(c).restrict(c, spec)

    def jvp(self, tangents: Sequence[Any], out: Any, /, *data: Any, **static: Any) -> Any:
        """Call the JVP rules, declared or derived; a tangent that is ``None`` is zero, and so is such a result."""
        return self.jvp_from(self._residual(data, static), tangents, out, *data, **static)

    def jvp_from(self, residual: Any, tangents: Sequence[Any], out: Any, /, *data: Any, **static: Any) -> Any:
        """Call the JVP rules as `jvp` does, with a residual that is at hand."""
        total = self.push(self.environment(out, residual, data, static), data, tangents)
        if total is None or isinstance(out, tuple) or spec_of(total) == spec_of(out) or not self.elementwise:
            return total
        return space_of(total).promote(total, spec_of(out))

    def reason(self, position: int) -> str | None:
        """Return the declared reason why an argument has no derivative, or ``None`` if it has one."""
        return self._reasons.get(self.data[0] if self.variadic else self.data[position])

    @property
    def reasons(self) -> Mapping[str, str]:
        """The arguments declared not differentiable, with the reasons."""
        return MappingProxyType(self._reasons)

    @property
    def unchecked(self) -> Mapping[str, str]:
        """What was declared to be left unchecked, with the reasons."""
        return MappingProxyType(self._unchecked)

    @property
    def is_constant(self) -> bool:
        """Whether every argument was declared not differentiable."""
        return all(name in self._reasons for name in self.data)

    @property
    def rules(self) -> list[Rule]:
        """The rules as declared."""
        return [
            Rule(name, mode, getattr(rule, "__wrapped__", rule)) for (mode, name), rule in self._rules.items()
        ]

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes that the author declared; the other is derived."""
        declared = {mode for mode, _ in self._rules} | ({"jvp"} if self._linear else set())
        return tuple(mode for mode in ("vjp", "jvp") if mode in declared)

    @property
    def asks_needed(self) -> bool:
        """Whether a joint VJP rule asks which cotangents are needed."""
        return "needed" in self._asks.get(("vjp", "*"), ())

    @property
    def has_jvp(self) -> bool:
        """Whether a JVP was declared, for every differentiable argument; else it is derived."""
        names = [name for name in self.data if name not in self._reasons]
        return all(
            ("jvp", n) in self._rules or ("jvp", "*") in self._rules or n in self._linear for n in names
        )

    def missing_rules(self) -> list[str]:
        """Return the arguments for which there is neither a rule nor a declared reason."""
        return [
            name for name in self.data
            if name not in self._reasons
            and not any((mode, which) in self._rules for mode in ("vjp", "jvp") for which in (name, "*"))
        ]  # fmt: skip

    @hookimpl
    def opreg_primitives(self) -> Iterable[Primitive]:
        return [self]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def __reduce__(self) -> Any:
        if plugins.is_registered(self) and not self.__module__.startswith("__main__"):
            return plugins.get, (self.name,)
        state = {
            k: v for k, v in self.__dict__.items() if k not in ("_cache", "entry", "recorders", "static")
        }
        return _rebuild, (type(self), state, dict(self.static))


def _whole(environment: Any) -> Any:
    return environment


def _rebuild(kind: type[Primitive], state: dict[str, Any], static: dict[str, Any]) -> Primitive:
    primitive = object.__new__(kind)
    primitive.__dict__.update(state, static=MappingProxyType(static))
    primitive._prepare()
    return primitive


def _transpose_rule(linear: Function, out: Any, tangent: Any) -> Any:
    """Transpose a VJP rule, linear in the cotangent of ``out``, which may be a tuple of outputs."""
    if not isinstance(out, tuple):
        return transpose(linear, out, tangent)
    zeros = [None if spec_of(part) is None else zeros_like(part) for part in out]
    return tuple(
        None if zero is None
        else transpose(lambda s, i=i: linear((*zeros[:i], s, *zeros[i + 1 :])), part, tangent)
        for i, (part, zero) in enumerate(zip(out, zeros, strict=True))
    )  # fmt: skip


def _describe(value: Any) -> str:
    if value is None:
        return "None"
    spec = spec_of(value)
    kind = f"a {type(strip(value)).__name__}"
    return f"{kind} without derivative" if spec is None else f"{kind} {_describe_spec(spec)}"


def _describe_spec(spec: Any) -> str:
    if isinstance(spec, tuple) and len(spec) == 2 and isinstance(spec[0], tuple):
        return f"of shape {spec[0]} and dtype {spec[1]}"
    return f"in the space {spec!r}"


def primitive(name: str, *, aliases: Sequence[str] = ()) -> Callable[[Function], Primitive]:
    """Make a :class:`Primitive` of a forward function: positional parameters are data, keyword-only ones static.

    ``name`` is the full importable name of the function that it differentiates.

    >>> import numpy as np, opreg
    >>> @opreg.primitive("mylib.softsign")
    ... def softsign(x, /):
    ...     return x / (1 + np.abs(x))
    >>> _ = softsign.defvjp(x=lambda g, x: g / (1 + np.abs(x)) ** 2)
    >>> opreg.grad(softsign)(1.0)
    0.25
    """
    return lambda forward: Primitive(forward, name, aliases)
