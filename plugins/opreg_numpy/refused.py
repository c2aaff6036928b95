"""Functions of NumPy's that have no rule and are no constants: each with the reason, and with what to do instead.

The text ends the sentence "numpy.kaiser is not differentiated: ...".
"""

from __future__ import annotations

_INTEGERS = (
    "it takes integers and truth values only, and these have no derivative. Convert on the way: x.astype(int)"
)
_PLACES = "it takes and returns places, which are integers and have no derivative"
_FILE = "it writes a file, in which a derivative would be lost. Write opreg.stop_gradient(x)"
_TEXT = "text has no derivative. Format opreg.stop_gradient(x)"
_MATRIX = "it makes a numpy.matrix, which NumPy advises against. Use arrays of two dimensions"
_DATE = "dates have no derivative. Count days as floats where one is wanted"
_READS = "it reads files, text or memory: make the array first, then differentiate what is computed of it"
_SIZES = "it takes sizes and places only: nothing to differentiate. Give it plain ones, such as x.shape, without like="
_CREATES = "it takes sizes only, plain ones such as x.shape. With like=x it makes an array to write traced values into"
_TYPES = "it is about types, and takes no numbers. Ask it about x.dtype"
_SETTINGS = "it tells or sets how NumPy works, and takes no numbers"


def _old(name: str) -> str:
    return f"it is an older name. Use numpy.{name}"


def _all(reason: str, names: str) -> dict[str, str]:
    return {f"numpy.{name}": reason for name in names.split()}


REFUSED: dict[str, str] = {
    "numpy.intersect1d": (
        "numbers of two arrays that are equal are so at single points, and next to them the result has another "
        "length. Use x[np.isin(x, y)] for the elements of x alone"
    ),
    "numpy.kaiser": (
        "it takes plain numbers. Write np.i0(beta * np.sqrt(1 - u**2)) / np.i0(beta) with u = np.linspace(-1, 1, M)"
    ),
    "numpy.histogramdd": (
        "it counts in several dimensions, and counts have no derivative. To differentiate weights, number the bins "
        "with np.digitize and np.ravel_multi_index and add up with np.bincount(bins, weights)"
    ),
    "numpy.histogram2d": (
        "it counts in two dimensions, and counts have no derivative. To differentiate weights, number the bins with "
        "np.digitize and np.ravel_multi_index and add up with np.bincount(bins, weights)"
    ),
    "numpy.frompyfunc": (
        "it makes a function of Python objects. Write the function with NumPy's own, or declare it: opreg.primitive"
    ),
    "numpy.nested_iters": "it iterates in the memory of plain arrays. Iterate over x itself, or over its indices",
    "numpy.ix_": "it makes an index of integers or truth values. For a grid use np.meshgrid(x, y, sparse=True)",
    "numpy.einsum_path": (
        "it plans a product and computes none. Pass arrays of the same shapes, such as opreg.stop_gradient(x)"
    ),
    "numpy.trapz": _old("trapezoid"),
    "numpy.in1d": _old("isin"),
    "numpy.row_stack": _old("vstack"),
    **_all(
        _INTEGERS,
        "bitwise_and bitwise_count bitwise_invert bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift "
        "bitwise_xor gcd invert lcm left_shift packbits right_shift unpackbits",
    ),
    **_all(_PLACES, "ravel_multi_index unravel_index"),
    **_all(_FILE, "save savetxt savez savez_compressed"),
    **_all(
        _TEXT,
        "array2string array_repr array_str base_repr binary_repr format_float_positional format_float_scientific",
    ),
    **_all(_MATRIX, "asmatrix bmat"),
    **_all(_DATE, "busday_count busday_offset datetime_as_string datetime_data is_busday isnat"),
    **_all(_READS, "frombuffer fromfile fromiter fromregex fromstring genfromtxt load loadtxt"),
    **_all(
        _SIZES,
        "bartlett blackman broadcast_shapes diag_indices hamming hanning indices mask_indices tri tril_indices "
        "triu_indices",
    ),
    **_all(_CREATES, "empty eye identity ones zeros"),
    **_all(_TYPES, "isdtype isfortran isscalar issubdtype iterable mintypecode promote_types typename"),
    **_all(
        _SETTINGS,
        "fft.test get_include get_printoptions getbufsize geterr geterrcall info linalg.test printoptions "
        "set_printoptions setbufsize seterr seterrcall show_config show_runtime test",
    ),
}
"""Names, each with why the function is not differentiated."""

ANSWERED: dict[str, str] = _all(
    "what it tells of a traced value is what it tells of the plain one, and is no number to differentiate",
    "can_cast common_type iscomplexobj isrealobj may_share_memory min_scalar_type ndim result_type shape "
    "shares_memory size",
)
"""Names of functions that take traced values and answer for the plain ones."""
