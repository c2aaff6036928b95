"""The errors that opreg raises: each message says what was wrong, where, and what to do."""

__all__ = [
    "BlockedPrimitive",
    "DeclarationError",
    "DuplicatePrimitive",
    "EscapedTracer",
    "NotDifferentiable",
    "NotInGraph",
    "OpregError",
    "RuleError",
    "UnknownPrimitive",
]


class OpregError(Exception):
    """The base of every error that opreg raises on purpose."""


class DeclarationError(OpregError, TypeError):
    """A primitive, a rule or a sample was declared in a way that cannot work."""


class RuleError(OpregError):
    """A rule broke its contract: the number, shape, dtype or realness of what it returned."""


class NotDifferentiable(OpregError, TypeError):
    """A derivative was asked for where none is defined: integers, a missing rule, an unregistered function."""


class EscapedTracer(OpregError):
    """A traced value was used after the transformation that made it had ended."""


class NotInGraph(OpregError, ValueError):
    """A gradient was asked for with respect to a variable on which the output does not depend."""


class UnknownPrimitive(OpregError, LookupError):
    """No plugin registers a primitive of this name."""


class BlockedPrimitive(OpregError, LookupError):
    """The primitive, or the plugin that supplies it, was blocked by the user."""


class DuplicatePrimitive(OpregError, LookupError):
    """Two plugins claim one primitive and none was chosen."""
