"""Samples of the methods of distributions: every way of broadcasting and calling, inside of the support and out."""

from __future__ import annotations

import numpy as np

from opreg import Sample
from opreg_numpy._samples import backwards, fortran, read_only, scalar_of, strided


def between(low, high):
    """Return a draw of numbers between two bounds."""
    return lambda rng, shape: np.asarray(rng.uniform(low, high, shape))


SCALE = between(0.6, 2.5)
LINE = between(-3.0, 3.0), between(-1.0, 1.0), SCALE
HALF_LINE = between(0.2, 5.0), between(-1.0, -0.1), SCALE
UNIT_INTERVAL = between(0.1, 0.8), between(-0.3, -0.05), between(1.3, 2.5)
QUANTILES = between(0.05, 0.95), between(-1.0, 1.0), SCALE
SHAPE = between(0.7, 4.0)

FORMS = (  # the shapes of x, of the shape parameters, of loc and of scale
    ((2, 3), (2, 3), (2, 3), (2, 3)),
    ((3,), (2, 1), (2, 3), (1,)),
    ((2, 1), (3,), (), (2, 3)),
    ((), (), (), ()),
    ((2, 1, 3), (4, 1), (3,), ()),
    ((1,), (), (1, 1), (2,)),
    ((0, 2), (2,), (), ()),
)


def of_location_and_scale(draws, shapes, *, outside=None):
    """Return a generator of samples of one method.

    ``draws``: of x (or q), loc and scale. ``shapes``: those of the shape parameters by name. ``outside``: values of x
    among which some are outside of the support.
    """
    x, loc, scale = draws

    def samples(rng):
        def data(form):
            return (
                x(rng, form[0]),
                *(shape(rng, form[1]) for shape in shapes.values()),
                loc(rng, form[2]),
                scale(rng, form[3]),
            )

        count = 1 + len(shapes)
        for form in FORMS:
            yield Sample(data(form), note=f"shapes {form}")
        floats = tuple(map(scalar_of, data(((1,),) * 4)))
        yield Sample(floats, note="Python floats")
        args = data(((3,), (2, 1), (), (3,)))
        yield Sample(args[:count], {"scale": args[-1], "loc": args[-2]}, note="loc and scale by name")
        names = dict(zip(shapes, args[1:count], strict=True))
        yield Sample(args[:1], {**names, "scale": args[-1]}, note="all by name but x")
        yield Sample(args[:count], note="loc and scale by default")
        yield Sample((*args[:count], -1, 2), note="integers beside floats")
        yield Sample(tuple(part.astype(np.float32) for part in args), note="float32")
        yield Sample((args[0].astype(np.float32), *args[1:]), note="float32 and float64")
        args = data(((2, 3),) * 4)
        layouts = (fortran, backwards, strided, read_only, fortran)
        yield Sample(tuple(layout(part) for layout, part in zip(layouts, args, strict=False)), note="layouts")
        both = scale(rng, (3,)) if draws is not QUANTILES else x(rng, (3,))
        yield Sample((x(rng, (3,)), *args_of(shapes, rng), both - both, both), note="a loc of zero")
        if outside is not None:
            yield Sample((np.array(outside), *args_of(shapes, rng), 0.0, 1.0), note="outside of the support")

    return samples


def args_of(shapes, rng):
    """Return a number for each shape parameter."""
    return tuple(float(shape(rng, ())) for shape in shapes.values())
