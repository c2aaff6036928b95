"""The plugin of Python's own numbers: the space of ``float`` and ``complex``."""

from collections.abc import Iterable

from opreg import Space, hookimpl
from opreg_numpy._space import SCALARS


@hookimpl
def opreg_spaces() -> Iterable[Space]:
    return [SCALARS]
