"""What authors say of their functions beyond what the registry knows: the domain, and where a formula is from.

It lies in the file ``catalogue.toml`` of the package that the primitive's module belongs to, and is read when a page is
made, so nobody else pays for it. Each table ``[[function]]`` has ``of``, a list of names or patterns, ``domain`` and
``source``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib import resources
from typing import Any

from opreg._errors import DeclarationError
from opreg._primitive import Primitive

FILE = "catalogue.toml"
FIELDS = ("domain", "source")


def said_of(primitive: Primitive) -> Mapping[str, str]:
    """Return what is said of a primitive: the fields that its package declares. Of several entries the first counts.

    Raises :class:`opreg.DeclarationError` where the file is not as it should be.
    """
    for entry in entries(primitive.__module__.partition(".")[0]):
        if any(fnmatchcase(primitive.name, pattern) for pattern in entry["of"]):
            return {field: entry[field] for field in FIELDS if field in entry}
    return {}


@lru_cache(maxsize=64)
def entries(package: str) -> tuple[dict[str, Any], ...]:
    """Return the entries of a package's file: none where it has no such file."""
    try:
        file = resources.files(package) / FILE
        text = file.read_text(encoding="utf-8")
    except (OSError, ModuleNotFoundError, TypeError, ValueError):  # none, or no package of files
        return ()
    try:
        found = tomllib.loads(text).get("function", [])
    except tomllib.TOMLDecodeError as error:
        raise DeclarationError(f"{file}: {error}") from None
    for entry in found:
        of = entry.get("of")
        if not (isinstance(of, list) and of and all(isinstance(name, str) for name in of)):
            raise DeclarationError(
                f"{file}: each [[function]] names in a list 'of' what it is about; see {entry}"
            )
        for field, value in entry.items():
            if field != "of" and (field not in FIELDS or not isinstance(value, str) or not value.strip()):
                raise DeclarationError(
                    f"{file}: the entry of {', '.join(of)} has {field} = {value!r}; it may have, as a sentence, "
                    f"{' and '.join(FIELDS)}"
                )
    return tuple(found)
