"""Declaring rules, deriving the mode that is missing, and what the engine enforces."""

from collections import namedtuple

import pytest
from exact import Exact

import opreg
from opreg import primitive
from opreg.verify._coverage import keywords

ZERO = Exact(0)


def both_modes(f, *args):
    """Return the gradient by reverse and by forward mode."""
    reverse = opreg.grad(f, argnums=tuple(range(len(args))))(*args)
    forward = tuple(
        opreg.jvp(f, args, [Exact(int(i == k)) for i in range(len(args))])[1] for k in range(len(args))
    )
    return reverse, forward


def fresh(name="exact.test", **_):
    @primitive(name)
    def product(x, y, /):
        return x * y

    return product


ways = {
    "vjp": lambda p: p.defvjp(x=lambda g, y: g * y, y=lambda g, x: g * x),
    "jvp": lambda p: p.defjvp(x=lambda t, y: t * y, y=lambda g, x: g * x),
    "linear": lambda p: p.deflinear(x=lambda g, y: g * y, y=lambda x, g: g * x),
    "elementwise": lambda p: opreg.elementwise(p, x=lambda y: y, y=lambda x: x),
    "joint vjp": lambda p: p.defvjp(lambda g, out, x, y: (g * y, g * x)),
    "joint jvp": lambda p: p.defjvp(lambda g, x, y: g[0] * y + x * g[1]),
    "one of each": lambda p: p.defvjp(x=lambda g, y: g * y).defjvp(y=lambda tangent, x: tangent * x),
}


@pytest.mark.parametrize("way", ways)
def test_every_way_of_declaring_gives_both_modes_to_third_order(way):
    product = fresh()
    ways[way](product)
    assert both_modes(product, Exact(2), Exact(3)) == ((3, 2), (3, 2))
    cube = lambda x: product(product(x, x), x)  # noqa: E731
    for modes in ("rrr", "fff", "rfr", "frf", "ffr"):
        f = cube
        for mode in modes:
            f = opreg.grad(f) if mode == "r" else (lambda h: lambda x: opreg.jvp(h, (x,), (Exact(1),))[1])(f)
        assert f(Exact(5)) == 6, modes


def test_a_residual_is_handed_from_the_forward_computation_to_the_rule():
    @primitive("exact.reciprocal_square")
    def f(x, /):
        return 1 / (x * x)

    runs = []

    @f.with_residual
    def _(x):
        inverse = 1 / x
        runs.append(1)
        return inverse * inverse, inverse

    f.defvjp(x=lambda g, residual: -2 * g * residual * residual * residual)
    assert both_modes(f, Exact(2)) == ((-Exact(2, 8),), (-Exact(2, 8),))
    assert opreg.grad(opreg.grad(f))(Exact(2)) == 6 * Exact(1, 16)
    assert f(Exact(2)) == Exact(1, 4)
    assert runs


def test_a_residual_of_the_data_alone_is_all_that_the_tape_keeps_of_them():
    @primitive("exact.square")
    def square(x, /):
        return x * x

    square.defvjp(x=lambda g, residual: g * residual).residual_of(lambda x: x + x)
    assert both_modes(square, Exact(3)) == ((6,), (6,))
    assert opreg.grad(opreg.grad(square))(Exact(3)) == 2
    assert square.vjp(Exact(5), square(Exact(3)), Exact(3)) == (30,)

    counted = fresh()
    seen = []
    counted.defvjp(x=lambda g, residual: g * residual, y=lambda g, x: g * x)
    counted.residual_of(lambda x, y: seen.append((x, y)) or y)
    assert opreg.grad(lambda x: counted(x, Exact(7)))(Exact(2)) == 7
    assert seen == [(2, 7)]  # once, and of what is below


Both = namedtuple("Both", "total product")


def test_several_outputs():
    @primitive("exact.both")
    def both(x, y, /):
        return Both(x + y, x * y)

    both.defvjp(
        x=lambda g, y: g[0] + g.product * y if hasattr(g, "product") else g[0] + g[1] * y,
        y=lambda g, x: g[0] + g[1] * x,
    )
    f = lambda x, y: both(x, y).total ** 2 * both(x, y).product  # noqa: E731
    x, y = Exact(2), Exact(3)
    expected = (2 * 5 * 6 + 25 * 3, 2 * 5 * 6 + 25 * 2)
    assert both_modes(f, x, y) == (expected, expected)
    only = lambda x, y: both(x, y)[1]  # noqa: E731
    assert both_modes(only, x, y) == ((3, 2), (3, 2))
    assert opreg.grad(opreg.grad(lambda x: both(x, x)[1]))(Exact(7)) == 2


def test_several_outputs_with_a_joint_rule():
    @primitive("exact.both")
    def both(x, y, /):
        return x + y, x * y

    both.defvjp(lambda g, x, y: (g[0] + g[1] * y, g[0] + g[1] * x))
    f = lambda x, y: both(x, y)[0] * both(x, y)[1]  # noqa: E731
    assert both_modes(f, Exact(2), Exact(3)) == ((6 + 15, 6 + 10), (21, 16))


def test_a_joint_rule_may_ask_which_cotangents_are_needed():
    product, asked = fresh(), []

    def rule(g, x, y, needed):
        asked.append(needed)
        return (g * y if needed[0] else None), (g * x if needed[1] else None)

    product.defvjp(rule)
    assert opreg.grad(product, (0, 1))(Exact(2), Exact(3)) == (3, 2)
    assert opreg.grad(lambda x: product(x, Exact(3)))(Exact(2)) == 3
    assert opreg.grad(lambda y: product(Exact(2), y))(Exact(3)) == 2
    assert asked == [(True, True), (True, False), (False, True)]
    assert both_modes(product, Exact(2), Exact(3)) == ((3, 2), (3, 2))
    x, y, g = Exact(2), Exact(3), Exact(5)
    assert product.vjp(g, product(x, y), x, y) == (15, 10)
    assert product.vjp_needed((1,), g, product(x, y), x, y) == (None, 10)
    assert product.asks_needed
    product.not_differentiable(x="for a test")
    assert opreg.grad(lambda x: product(x, x))(Exact(2)) == 2
    assert asked[-1] == (False, True)


def test_a_joint_rule_of_variadic_data_may_ask_too():
    @primitive("exact.both")
    def both(*terms):
        return sum(terms, Exact(0)), terms[0] * terms[-1]

    asked = []

    def rule(g, terms, needed):
        asked.append(needed)
        ends = {0: terms[-1], len(terms) - 1: terms[0]}
        return [g[0] + g[1] * ends.get(i, ZERO) if wanted else None for i, wanted in enumerate(needed)]

    both.defvjp(rule)
    f = lambda x, y: both(x, Exact(5), y)[0] * both(x, Exact(5), y)[1]  # noqa: E731
    assert opreg.grad(f, (0, 1))(Exact(2), Exact(3)) == (6 + 10 * 3, 6 + 10 * 2)
    assert set(asked) == {(True, False, True)}
    assert both_modes(f, Exact(2), Exact(3)) == ((36, 26), (36, 26))


def test_variadic_data():
    @primitive("exact.total")
    def total(*terms, weight=1):
        return sum((term * (i + 1) for i, term in enumerate(terms)), Exact(0)) * weight

    total.defvjp(terms=lambda g, terms, index, weight: g * weight * (index + 1))
    f = lambda x, y: total(x, Exact(5), y, x, weight=3)  # noqa: E731
    assert f(Exact(1), Exact(2)) == 3 * (1 + 10 + 6 + 4)
    assert both_modes(f, Exact(1), Exact(2)) == ((15, 9), (15, 9))


def test_static_keywords_reach_the_rules_and_defaults_do_too():
    @primitive("exact.scaled")
    def scaled(x, /, *, by=2):
        return x * by

    scaled.defvjp(x=lambda g, by: g * by)
    assert opreg.grad(scaled)(Exact(1)) == 2
    assert opreg.grad(lambda x: scaled(x, by=5))(Exact(1)) == 5
    assert opreg.grad(lambda x: scaled(x, 7))(Exact(1)) == 7


def test_a_traced_keyword_is_refused():
    @primitive("exact.scaled")
    def scaled(x, /, *, by=2):
        return x * by

    scaled.defvjp(x=lambda g, by: g * by)
    with pytest.raises(opreg.NotDifferentiable, match="keyword 'by' is static"):
        opreg.grad(lambda x: scaled(x, by=x))(Exact(1))


def test_calls_in_the_user_s_form():
    @primitive("exact.clip")
    def clip(x, low, /, *, strict=False):
        return x if x > low else low

    clip.defvjp(x=lambda g: g).not_differentiable(low="a bound here")
    clip.called_as(lambda x, floor=ZERO, strict=False: ((x, floor), {"strict": strict}))
    assert clip(Exact(-1)) == 0
    assert opreg.grad(lambda x: clip(x, floor=Exact(1)))(Exact(2)) == 1
    with pytest.raises(TypeError):
        clip(Exact(1), roof=Exact(1))


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((Exact(1),), {}, r"exact.test\(\) missing 1 required positional argument: 'y'"),
        ((Exact(1),) * 3, {}, r"exact.test\(\) takes 2 positional arguments but 3"),
        ((Exact(1),) * 2, {"axis": 0}, r"exact.test\(\) got an unexpected keyword argument 'axis'"),
    ],
)
def test_a_wrong_call_is_a_type_error(args, kwargs, message):
    product = fresh()
    with pytest.raises(TypeError, match=message):
        product(*args, **kwargs)


def scaled(**names):
    """Return a primitive of one argument, by a function whose keywords have these names and defaults."""
    space, product = {}, " * ".join(names)
    exec(f"def scaled(x, /, *, {', '.join(names)}): return x * {product}", space)
    space["scaled"].__kwdefaults__ = names
    made = opreg.Primitive(space["scaled"], "exact.scaled")
    exec(f"def rule(g, {', '.join(names)}): return g * {product}", space)
    return made.defvjp(x=space["rule"])


@pytest.mark.parametrize("kept", [True, False], ids=["traced", "plain"])
def test_a_call_by_names_in_another_order_and_a_parameter_that_is_refused(kept):
    made = scaled(by=1, times=1)
    made.called_like(lambda x, times=1, out=None, *, by=5: ..., out="write into out=")

    def called(*args, **kwargs):
        if not kept:
            return made(Exact(3), *args, **kwargs)
        derivative = opreg.grad(lambda x: made(x, *args, **kwargs))(Exact(3))
        return 3 * derivative

    assert called() == 3 * 5
    assert called(2) == 3 * 5 * 2
    assert called(2, None, by=7) == 3 * 7 * 2
    assert made.canonical((Exact(3), 2), {}) == ((Exact(3),), {"times": 2, "by": 5})
    for args, kwargs in (((1, Exact(0)), {}), ((), {"out": Exact(0)})):
        with pytest.raises(opreg.NotDifferentiable, match=r"^exact\.scaled cannot write into out=$"):
            called(*args, **kwargs)
    with pytest.raises(TypeError, match="from 1 to 3 positional"):
        called(1, None, 1)
    with pytest.raises(opreg.NotDifferentiable, match="keyword 'times' is static"):
        opreg.grad(lambda x: made(x, x))(Exact(1))


@pytest.mark.parametrize(
    "name",
    ["trace", "spec", "bind", "forward", "primitive", "a0", "note", "type", "usual", "_refused", "self"],
)
def test_a_keyword_may_have_any_name(name):
    made = scaled(**{name: 1})
    assert made(Exact(3), 2) == 6
    assert opreg.grad(lambda x: made(x, **{name: Exact(2)}))(Exact(3)) == 2
    assert opreg.grad(lambda x: made(x, 2))(Exact(3)) == 2
    assert made.canonical((Exact(3), 5), {}) == ((Exact(3),), {name: 5})


@pytest.mark.parametrize(
    ("form", "reasons", "message"),
    [
        (lambda x, out=None: ..., {}, "'out' is no parameter of it; say why it is refused"),
        (lambda by=1: ..., {}, "its parameter 'x' is missing"),
        (lambda x, *by: ..., {}, "names its parameters"),
        (lambda x, out=True: ..., {"out": "have out"}, "must have the default None"),
        (lambda x, out=None: ..., {"out": ""}, "the reason for 'out' must be a sentence"),
        (lambda x: ..., {"by": "have by"}, "the reason for 'by' must be a sentence"),
        (lambda x: ..., {"out": "have out"}, "the reason for 'out' must be a sentence"),
        (3, {}, "a function with a signature"),
    ],
)
def test_a_wrong_form_of_a_call_is_refused_where_it_is_declared(form, reasons, message):
    with pytest.raises(opreg.DeclarationError, match=message) as raised:
        scaled(by=1).called_like(form, **reasons)
    assert not callable(form) or __file__ in str(raised.value)


def test_what_takes_any_number_of_data_has_no_form():
    total = opreg.Primitive(lambda *xs, by=1: sum(xs) * by, "exact.total")
    with pytest.raises(opreg.DeclarationError, match="any number of data"):
        total.called_like(lambda xs, by=1: ...)


def test_the_later_of_two_forms_counts():
    made = scaled(by=2)
    made.called_as(lambda x: ((x,), {"by": 5}))
    made.called_like(lambda x, by=7: ...)
    assert made(Exact(1)) == opreg.grad(made)(Exact(1)) == 7
    made.called_as(lambda x: ((x,), {"by": 5}))
    assert made(Exact(1)) == opreg.grad(made)(Exact(1)) == 5


def test_the_refusals_of_a_form_end_with_it():
    made = scaled(by=2)
    made.called_like(lambda x, by=7, order=None: ..., order="have an order")
    assert keywords(made) == {"by": 7}
    made.called_as(lambda x, order="C": ((x,), {"by": 5}))
    assert keywords(made) == {"by": 2, "order": "C"}


def test_a_form_may_be_annotated_with_anything():
    def form(x: lambda: 3, by: object() = 5) -> object(): ...

    assert opreg.grad(scaled(by=2).called_like(form))(Exact(1)) == 5


def test_a_keyword_without_a_default_must_be_given():
    def forward(x, /, *, first=2, by):
        return x * by * first

    made = opreg.Primitive(forward, "exact.by").defvjp(x=lambda g, first, by: g * by * first)
    for call in (
        made,
        opreg.grad(made),
        lambda x: opreg.jvp(made, (x,), (x,)),
        lambda x: made.canonical((x,), {}),
    ):
        with pytest.raises(TypeError, match=r"exact\.by\(\) missing 1 required keyword-only argument: 'by'"):
            call(Exact(3))
    assert made(Exact(3), by=5) == 30
    assert opreg.grad(lambda x: made(x, by=5))(Exact(3)) == 10


@pytest.mark.parametrize(
    "arranged",
    [lambda x: ((x, x), {}), lambda x: ((x,), {"scale": 3}), lambda x: ((), {})],
    ids=["two", "keyword", "none"],
)
def test_what_called_as_gives_beyond_the_parameters_is_an_error(arranged):
    made = opreg.Primitive(lambda x, /: x * 2, "exact.doubled").defvjp(x=lambda g: g * 2)
    made.called_as(arranged)
    for call in (made, opreg.grad(made)):
        with pytest.raises(TypeError):
            call(Exact(3))


def test_a_traced_keyword_that_called_as_gives_is_refused():
    made = opreg.Primitive(lambda x, /: x * 2, "exact.doubled").defvjp(x=lambda g: g * 2)
    made.called_as(lambda x, scale: ((x,), {"scale": scale}))
    with pytest.raises(opreg.NotDifferentiable, match="keyword 'scale' is static"):
        opreg.grad(lambda x: made(x, x))(Exact(3))


def test_a_forward_function_that_is_put_in_its_place_counts():
    made = scaled(by=2)
    assert opreg.value_and_grad(made)(Exact(3)) == (6, 2)
    made.forward = lambda x, /, *, by: x * 100
    assert made(Exact(3)) == opreg.value_and_grad(made)(Exact(3))[0] == 300


def test_what_is_declared_after_a_call_counts():
    made = scaled(by=2)
    assert opreg.grad(made)(Exact(3)) == 2
    made.defvjp(x=lambda g: g * 7)
    assert opreg.grad(made)(Exact(3)) == 7
    made.called_like(lambda x, by=5: ...)
    assert made(Exact(3)) == 15


def test_constants():
    @primitive("exact.floor")
    def floor(x, /):
        return Exact(x.numerator // x.denominator)

    floor.not_differentiable("it is constant between integers")
    assert floor.is_constant
    assert opreg.grad(lambda x: x * floor(x))(Exact(7, 2)) == 3
    assert opreg.jvp(floor, (Exact(7, 2),), (Exact(1),)) == (3, 0)
    assert floor.reason(0) == "it is constant between integers"


def test_a_missing_rule_is_an_error_when_it_is_needed_and_names_the_argument():
    product = fresh()
    product.defvjp(x=lambda g, y: g * y)
    assert opreg.grad(lambda x: product(x, Exact(3)))(Exact(1)) == 3
    with pytest.raises(
        opreg.NotDifferentiable, match=r"exact\.test has no rule for its argument 'y'.*test_rules\.py:\d+"
    ):
        opreg.grad(lambda x: product(x, x))(Exact(1))
    with pytest.raises(opreg.NotDifferentiable, match="no rule for its argument 'y'"):
        opreg.jvp(lambda x: product(x, x), (Exact(1),), (Exact(1),))
    assert product.missing_rules() == ["y"]


# ------------------------------------------------------------------------------- what declarations refuse
@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (
            lambda p: p.defvjp(z=lambda g: g),
            r"defvjp names 'z', which is not one of its data parameters \(x, y\)",
        ),
        (lambda p: p.defvjp(x=lambda g, z: g), r"a VJP rule asks for 'z'.*test_rules\.py:\d+"),
        (lambda p: p.defvjp(x=lambda t, y: t), "a VJP rule asks for 't'"),
        (lambda p: p.defjvp(x=lambda g, ans: g), "a JVP rule asks for 'ans'"),
        (
            lambda p: p.defvjp(x=lambda *everything: 0),
            "a rule's parameters are plain names|asks for 'everything'",
        ),
        (lambda p: p.defvjp(x=lambda g, needed: g), "a VJP rule asks for 'needed'"),
        (lambda p: p.defjvp(lambda g, needed: g), "a JVP rule asks for 'needed'"),
        (lambda p: p.defvjp(x=3), "is 3, not a function"),
        (lambda p: p.defvjp(), "was given no rule"),
        (lambda p: p.defvjp(lambda g: g, x=lambda g: g), "one joint rule or a rule per argument"),
        (lambda p: p.not_differentiable(x=""), "needs a reason"),
        (lambda p: p.not_differentiable(), "needs a reason"),
        (lambda p: p.not_differentiable(z="no"), "names 'z'"),
        (lambda p: p.deflinear(z=lambda g: g), "defvjp names 'z'"),
        (lambda p: opreg.elementwise(p, x=lambda w: w), "asks for 'w'"),
    ],
)
def test_a_wrong_declaration_is_refused_at_once_with_the_line(declare, message):
    with pytest.raises(opreg.DeclarationError, match=message):
        declare(fresh())


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (lambda g: g, "'g' is a name that rules use"),
        (lambda x=1: x, "the data parameter 'x' has a default"),
        (lambda x, **rest: x, r"\*\*rest hides keywords"),
        (lambda x, *rest: x, "either named or variadic"),
        (lambda *, axis: 1, "no positional parameter"),
    ],
)
def test_a_forward_that_cannot_be_a_primitive_is_refused(forward, message):
    with pytest.raises(opreg.DeclarationError, match=message):
        primitive("exact.test")(forward)


def test_a_name_without_a_module_is_refused():
    with pytest.raises(opreg.DeclarationError, match=r"full importable name.*mylib\.softsign"):
        primitive("softsign")(lambda x: x)


def test_a_sample_takes_a_tuple():
    with pytest.raises(opreg.DeclarationError, match=r"Sample\(\(x,\)\)"):
        opreg.Sample(Exact(1))


# ------------------------------------------------------------------------------------ what rules may return
@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda g: None, "returned None where the primal is in the space 'exact'"),
        (lambda g: "cotangent", "returned a str without derivative"),
        (lambda g: 1, "returned a int without derivative"),
    ],
)
def test_what_is_no_cotangent_is_refused_with_the_rule_and_its_line(rule, message):
    product = fresh()
    product.defvjp(x=rule, y=lambda g, x: g * x)
    with pytest.raises(
        opreg.RuleError, match=rf"VJP rule of exact\.test for 'x' {message}.*test_rules\.py:\d+"
    ):
        opreg.grad(lambda x: product(x, Exact(2)))(Exact(1))


@pytest.mark.parametrize("returned", [(Exact(1),), (Exact(1),) * 3, Exact(1), None])
def test_a_joint_rule_returns_one_cotangent_per_argument(returned):
    product = fresh()
    product.defvjp(lambda g, x: returned)
    with pytest.raises(opreg.RuleError, match=r"joint VJP rule of exact\.test returned.*test_rules\.py:\d+"):
        opreg.grad(lambda x: product(x, Exact(2)))(Exact(1))


def test_a_tangent_is_checked_too():
    product = fresh()
    product.defjvp(x=lambda t: "tangent", y=lambda t: t)
    with pytest.raises(opreg.RuleError, match=r"JVP of exact\.test returned a str.*test_rules\.py:\d+"):
        opreg.jvp(lambda x: product(x, Exact(2)), (Exact(1),), (Exact(1),))


# ---------------------------------------------------------------------------------- for verifiers and readers
def test_the_rules_can_be_called_as_they_were_declared():
    product = fresh()
    ways["vjp"](product)
    x, y, g = Exact(2), Exact(3), Exact(5)
    assert product.vjp(g, product(x, y), x, y) == (15, 10)
    assert product.jvp((g, None), product(x, y), x, y) == 15
    assert product.jvp((None, None), product(x, y), x, y) is None
    assert product.modes == ("vjp",)
    assert not product.has_jvp
    assert [(rule.argument, rule.mode) for rule in product.rules] == [("x", "vjp"), ("y", "vjp")]


def test_a_rule_declared_later_replaces_the_earlier_one():
    product = fresh()
    ways["vjp"](product)
    assert opreg.grad(lambda x: product(x, Exact(3)))(Exact(1)) == 3
    product.defvjp(x=lambda g, y: g * y * 10)
    assert opreg.grad(lambda x: product(x, Exact(3)))(Exact(1)) == 30


# ------------------------------------------------------------------------------------- functions' own rules
def test_custom_vjp():
    @opreg.custom_vjp
    def f(p, n):
        return p["x"] * p["y"] * n

    f.defvjp(
        lambda p, n: (p["x"] * p["y"] * n, (p, n)), lambda r, g: ({"x": g * 100 * r[1], "y": None}, None)
    )
    p = {"x": Exact(2), "y": Exact(3)}
    assert f(p, 2) == 12
    assert opreg.grad(lambda p: f(p, 2))(p) == {"x": 200, "y": 0}
    assert opreg.jvp(lambda p: f(p, 2), (p,), ({"x": Exact(1), "y": Exact(0)},))[1] == 200
    with pytest.raises(opreg.DeclarationError, match="has no rule"):
        opreg.custom_vjp(lambda x: x)(Exact(1))


def test_custom_vjp_of_wrong_arity():
    f = opreg.custom_vjp(lambda x, y: x * y)
    f.defvjp(lambda x, y: (x * y, None), lambda r, g: (g,))
    with pytest.raises(opreg.DeclarationError, match="tuple of 2 cotangents"):
        opreg.grad(f)(Exact(1), Exact(2))


def test_custom_jvp():
    @opreg.custom_jvp
    def f(x, y):
        return [x * y, x]

    f.defjvp(lambda primals, tangents: (f(*primals), [tangents[0] * 7, tangents[1] * primals[0]]))
    assert opreg.jvp(f, (Exact(2), Exact(3)), (Exact(1), Exact(10))) == ([6, 2], [7, 20])
    assert opreg.grad(lambda x: f(x, Exact(3))[0])(Exact(2)) == 7
    assert opreg.grad(lambda y: f(Exact(2), y)[1])(Exact(3)) == 2


def test_checkpoint_computes_again_and_keeps_nothing():
    calls = []

    def inner(x, *, n):
        calls.append(1)
        return {"y": x**n}

    f = lambda x: opreg.checkpoint(inner)(x, n=3)["y"] * x  # noqa: E731
    assert opreg.grad(f)(Exact(2)) == 4 * 8
    assert len(calls) == 2
    assert opreg.grad(opreg.grad(f))(Exact(2)) == 12 * 4
    assert opreg.jvp(f, (Exact(2),), (Exact(1),))[1] == 32


def test_stop_gradient():
    assert opreg.grad(lambda x: x * opreg.stop_gradient(x))(Exact(3)) == 3
    assert opreg.grad(lambda x: x * opreg.stop_gradient({"a": [x * x]})["a"][0])(Exact(3)) == 9
    assert opreg.grad(opreg.grad(lambda x: opreg.stop_gradient(x) * x))(Exact(3)) == 0
    assert opreg.grad(lambda x: opreg.stop_gradient(x))(Exact(3)) == 0


def test_a_rule_asks_in_any_order():
    @primitive("exact.ratio")
    def ratio(x, y, /):
        return x / y

    ratio.defvjp(x=lambda y, g: g / y, y=lambda out, g, y: -g * out / y)
    x, y = Exact(3), Exact(4)
    assert both_modes(ratio, x, y) == ((1 / y, -x / y**2), (1 / y, -x / y**2))
    assert ratio.vjp(Exact(2), ratio(x, y), x, y) == (2 / y, -2 * x / y**2)


def test_a_rule_may_ask_for_nothing_but_the_value():
    @primitive("exact.inverse")
    def inverse(x, /):
        return 1 / x

    inverse.defvjp(x=lambda out, g: -g * out * out)
    assert opreg.grad(opreg.grad(inverse))(Exact(2)) == Exact(1, 4)


def test_what_a_composite_refuses_where_values_are_traced():
    @opreg.composite("exact.twice", static=["by"], out="write into out=")
    def twice(x, by=2, out=None):
        return x * by

    assert opreg.grad(lambda x: twice(x, out=None))(Exact(3)) == 2
    for call in (lambda x: twice(x, 2, Exact(0)), lambda x: twice(x, out=Exact(0))):
        with pytest.raises(opreg.NotDifferentiable, match=r"^exact\.twice cannot write into out=$"):
            opreg.grad(call)(Exact(3))
    with pytest.raises(opreg.NotDifferentiable, match="'by' is static"):
        opreg.grad(lambda x: twice(x, x))(Exact(3))


@pytest.mark.parametrize(("declared", "what"), [({"static": ["by"]}, "static"), ({"by": "be by"}, "refused")])
def test_a_composite_declares_parameters_that_it_has(declared, what):
    with pytest.raises(
        opreg.DeclarationError, match=f"'by' is declared {what}, but is no parameter"
    ) as raised:
        opreg.composite("exact.same", **declared)(lambda x: x)
    assert __file__ in str(raised.value)
