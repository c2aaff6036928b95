"""Find, load, block, list and explain plugins. pluggy collects them; each primitive is a plugin of its own name.

Loading is lazy: an entry point is imported when a primitive below its name is asked for, when a value of its
module is differentiated, or when everything is listed. A broken plugin is remembered and reported, never raised.
"""

from __future__ import annotations

import difflib
import fnmatch
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from opreg._errors import BlockedPrimitive, DuplicatePrimitive, UnknownPrimitive

if TYPE_CHECKING:
    import pluggy

    from opreg._primitive import Primitive
    from opreg._space import Space
    from opreg.verify._check import Check

GROUP = "opreg"
HOOKS = ("opreg_primitives", "opreg_spaces", "opreg_checks", "opreg_without_rule")
INSTALL = "Install the plugin that supplies it (NumPy's comes with opreg: pip install opreg), or unblock it."


class Problem(NamedTuple):
    """A plugin that could not be used as it is: who it is and what is wrong, in a sentence."""

    plugin: str
    distribution: str
    version: str
    message: str


class Origin(NamedTuple):
    """Where a primitive comes from."""

    plugin: str
    distribution: str
    version: str


@dataclass
class Entry:
    """An entry point of the group ``opreg``: a plugin that is installed, loaded or not."""

    name: str
    value: str
    distribution: str = "(registered by hand)"
    version: str = ""
    blocked: bool = False
    loaded: bool = False
    missing: str = ""
    """The library below its name that is not installed, once that was found on loading: the plugin is dormant."""
    load: Callable[[], Any] = field(default=lambda: None, repr=False)

    def covers(self, name: str) -> bool:
        """Tell whether a primitive of this name would be this entry's."""
        return name == self.name or name.startswith(self.name + ".")


class _Registry:
    """Everything known about plugins in this process."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.blocked: list[str] = _patterns(os.environ.get("OPREG_DISABLE", ""))
        self.chosen: dict[str, str] = dict(
            pair.split("=", 1) for pair in _patterns(os.environ.get("OPREG_CHOOSE", "")) if "=" in pair
        )
        self.entries: list[Entry] | None = None
        self.manager: pluggy.PluginManager | None = None
        self.claims: dict[str, list[tuple[Primitive, Entry]]] = {}
        self.aliases: dict[str, str] = {}
        self.named: dict[str, Primitive] = {}  # what `get` has found, until anything changes
        self.unresolved: set[str] = set()
        self.without: dict[Any, int] = {}  # functions without a primitive; how many modules there were then
        self.spaces: list[Space] = []
        self.checks: dict[str, tuple[Check, Entry]] = {}
        self.without_rule: dict[str, tuple[str, Entry]] = {}
        self.problems: dict[str, Problem] = {}


def _patterns(text: str) -> list[str]:
    return [part for part in text.replace(",", " ").split() if part]


FUNCTIONS: dict[Any, Primitive] = {}
"""The primitive behind each function object met so far, such as ``numpy.sin``."""

UNARY: dict[Any, Callable[..., Any]] = {}
"""The recording function of each ufunc of one argument that was met: one look-up on the path of every call."""

_registry = _Registry()


def reset() -> None:
    """Forget every plugin that was loaded, blocked or registered by hand, and read the environment again."""
    global _registry
    _registry = _Registry()
    FUNCTIONS.clear()
    UNARY.clear()
    _forget_spaces()


def _forget_spaces() -> None:
    module = sys.modules.get("opreg._space")
    if module is not None and hasattr(module, "forget"):
        module.forget()


def manager() -> pluggy.PluginManager:
    """Return pluggy's plugin manager: every loaded primitive is registered with it under its own name."""
    with _registry.lock:
        pm = _manager()
        for name in list(_registry.claims):
            if not _is_blocked(name) and not pm.has_plugin(name):
                pm.register(_registry.claims[name][0][0], name=name)
        return pm


def _manager() -> pluggy.PluginManager:
    """Return the plugin manager with the modules that are loaded; single primitives join when it is looked at."""
    with _registry.lock:
        if _registry.manager is None:
            import pluggy

            from opreg import hookspecs

            class Manager(pluggy.PluginManager):
                def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
                    if hasattr(type(plugin), "opreg_primitives") and not name.startswith("opreg_"):
                        return (
                            None  # a Primitive: its other attributes are not hooks, and need not be touched
                        )
                    return super().parse_hookimpl_opts(plugin, name)

            _registry.manager = Manager(hookspecs.PROJECT)
            _registry.manager.add_hookspecs(hookspecs)
        return _registry.manager


def entries() -> list[Entry]:
    """Return every installed plugin, whether loaded or not, in the order of their names."""
    with _registry.lock:
        if _registry.entries is None:
            from opreg._metadata import entry_points

            unique = {
                (p.name, p.value, p.distribution): Entry(
                    p.name, p.value, p.distribution, p.version, load=p.load
                )
                for p in entry_points(GROUP)
            }
            _registry.entries = sorted(unique.values(), key=lambda e: (e.name, e.distribution))
        for entry in _registry.entries:
            entry.blocked = _is_blocked(entry.name)
        return list(_registry.entries)


def _changed() -> None:
    """Forget what was looked up: a primitive came, or was blocked."""
    _registry.named.clear()
    _registry.without.clear()


def _is_blocked(name: str) -> bool:
    """Tell whether a name, or the module that holds it, is blocked."""
    parts = name.split(".")
    prefixes = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return any(fnmatch.fnmatchcase(prefix, pattern) for pattern in _registry.blocked for prefix in prefixes)


def block(pattern: str) -> None:
    """Block a plugin, a primitive or a glob of them, as ``-p no:NAME`` and ``OPREG_DISABLE`` do.

    What is blocked is not imported if it was not yet; a primitive already loaded is refused from now on. An alias
    blocks the primitive that it stands for.
    """
    with _registry.lock:
        _registry.blocked.append(pattern)
        target = _registry.aliases.get(pattern)
        if target is not None:
            _registry.blocked.append(target)
        UNARY.clear()
        _changed()
        for function in [f for f, p in FUNCTIONS.items() if _is_blocked(p.name)]:
            del FUNCTIONS[function]
    _forget_spaces()


def choose(name: str, distribution: str) -> None:
    """Choose the distribution whose primitive ``name`` is used where several claim it (``OPREG_CHOOSE``)."""
    _registry.chosen[name] = distribution
    _changed()


def _load(entry: Entry) -> None:
    """Import one plugin and register what it supplies; what goes wrong becomes a Problem."""
    if entry.loaded or _is_blocked(entry.name):
        return
    entry.loaded = True
    try:
        _register(entry.load(), entry)
    except (KeyboardInterrupt, MemoryError):
        entry.loaded = False
        raise
    except ModuleNotFoundError as error:
        if error.name == entry.name.split(".")[0]:
            entry.missing = error.name  # there is nothing to differentiate
        else:
            _problem(entry, f"could not be loaded: {_last_line(error)}")
    except BaseException as error:  # a plugin may raise anything, SystemExit included, when it is imported
        _problem(entry, f"could not be loaded: {_last_line(error)}")


def _last_line(error: BaseException) -> str:
    try:
        return traceback.format_exception_only(error)[-1].strip()
    except Exception:
        return type(error).__name__


def _problem(entry: Entry, message: str) -> None:
    who = f"plugin {entry.name!r} ({entry.value}) of {entry.distribution} {entry.version}".rstrip()
    sentence = f"{who} {message}"
    _registry.problems[sentence] = Problem(entry.name, entry.distribution, entry.version, sentence)


def _register(plugin: Any, entry: Entry) -> None:
    pm = _manager()
    supplies = [getattr(plugin, hook, None) for hook in HOOKS]
    if not any(supplies) and not _marked_names(plugin):
        _problem(
            entry,
            "supplies nothing: it is neither a Primitive nor has it an @opreg.hookimpl opreg_primitives.",
        )
        return
    single = hasattr(type(plugin), "opreg_primitives")
    if not single:
        pm.register(plugin, name=f"{entry.value} [{entry.distribution}]")
        for name in _misspelt(plugin):
            near = difflib.get_close_matches(name, HOOKS, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            _problem(
                entry, f"implements {name}, which is not a hook of opreg or lacks @opreg.hookimpl.{hint}"
            )
    made = {name: _returned(plugin, name, entry) for name in HOOKS}
    for space in made["opreg_spaces"]:
        _registry.spaces.append(space)
    for check in made["opreg_checks"]:
        _add_check(check, entry)
    for name, reason in dict(made["opreg_without_rule"]).items():
        _registry.without_rule.setdefault(name, (reason, entry))
    for primitive in made["opreg_primitives"]:
        _claim(primitive, entry)


def _returned(plugin: Any, hook: str, entry: Entry) -> Any:
    """Return what a plugin supplies by a hook: nothing where it does not implement it, or forgot to return it."""
    if not _manager().parse_hookimpl_opts(plugin, hook):
        return ()
    made = getattr(plugin, hook)()
    if made is None:
        _problem(entry, f"returned None from {hook}. Return what it supplies, which may be an empty list.")
        return ()
    return made


def _add_check(check: Check, entry: Entry) -> None:
    name = getattr(check, "name", None)
    if not isinstance(name, str) or not callable(getattr(check, "run", None)):
        _problem(entry, f"returned {check!r} from opreg_checks, which is not an opreg.testing.Check.")
        return
    first = _registry.checks.setdefault(name, (check, entry))
    if first[0] is not check:
        _problem(entry, f"adds the check {name!r}, which {first[1].distribution} adds too. Rename one.")


def _marked_names(plugin: Any) -> list[str]:
    return [name for name in dir(plugin) if hasattr(getattr(plugin, name, None), "opreg_impl")]


def _misspelt(plugin: Any) -> list[str]:
    """Return the names by which a plugin seems to implement a hook and does not."""
    marked = set(_marked_names(plugin))
    wrong = {name for name in marked if name not in HOOKS}
    unmarked = {
        n for n in dir(plugin) if n.startswith("opreg_") and n not in marked and callable(getattr(plugin, n))
    }
    return sorted(wrong | unmarked)


def _claim(primitive: Primitive, entry: Entry) -> None:
    name = getattr(primitive, "name", None)
    if not isinstance(name, str):
        _problem(entry, f"returned {primitive!r} from opreg_primitives, which is not a Primitive.")
        return
    claims = _registry.claims.setdefault(name, [])
    if any(claimed is primitive for claimed, _ in claims):
        return
    claims.append((primitive, entry))
    _changed()
    if len(claims) > 1 and name not in _registry.chosen:
        others = " and ".join(sorted({f"{e.distribution} {e.version}".strip() for _, e in claims}))
        _problem(entry, f"claims {name}, which another plugin supplies too: {others}. {_how_to_choose(name)}")
    for alias in primitive.aliases:
        if _registry.aliases.setdefault(alias, name) != name:
            _problem(
                entry, f"gives {name} the alias {alias}, which stands for {_registry.aliases[alias]} already."
            )
        if alias in _registry.blocked:
            _registry.blocked.append(name)
    _registry.unresolved.add(name)


def _how_to_choose(name: str) -> str:
    return f"Choose one with OPREG_CHOOSE={name}=DISTRIBUTION, or block one plugin."


def register(plugin: Any, name: str = "") -> None:
    """Register a primitive, or a module or object with opreg's hooks, by hand: in a notebook or a test."""
    with _registry.lock:
        label = name or getattr(plugin, "name", None) or getattr(plugin, "__name__", type(plugin).__name__)
        entry = Entry(str(label), str(label), loaded=True)
        entries()
        assert _registry.entries is not None
        _registry.entries.append(entry)
        _register(plugin, entry)
    _forget_spaces()


def load_all() -> None:
    """Load every plugin that is installed and not blocked."""
    with _registry.lock:
        for entry in entries():
            _load(entry)


def load_for_type(kind: type) -> None:
    """Load the plugins of the module in which a type is defined: they may supply its Space."""
    for base in kind.__mro__:
        root = base.__module__.split(".")[0]
        with _registry.lock:
            for entry in entries():
                if entry.name == root or entry.name == base.__module__:
                    _load(entry)


def spaces() -> list[Space]:
    """Return the spaces of every plugin loaded so far."""
    return _registry.spaces


def checks() -> list[Check]:
    """Return the checks that installed plugins add to opreg's own."""
    load_all()
    return [check for check, entry in _registry.checks.values() if not _is_blocked(entry.name)]


def without_rule() -> dict[str, str]:
    """Return the functions that the plugins loaded so far leave undifferentiated on purpose, each with the reason."""
    found = _registry.without_rule.items()
    return {name: reason for name, (reason, entry) in found if not _is_blocked(entry.name)}


def refusal(name: str) -> str:
    """Return the sentence that refuses a traced value to a function, or an empty string if none is known."""
    reason = without_rule().get(name)
    return f"{name} is not differentiated: {reason}" if reason else ""


def why_missing(module: str) -> str:
    """Say, for the end of a sentence, why nothing serves a module: blocked, broken or not installed."""
    root = module.split(".")[0]
    related = [e for e in entries() if e.name.split(".")[0] == root]
    if any(_is_blocked(e.name) for e in related):
        return f" (blocked: {', '.join(_registry.blocked)}). {INSTALL}"
    if any(e.missing for e in related):
        return f": {root} is not installed"
    broken = [p.message for p in problems() if p.plugin.split(".")[0] == root]
    return f": {broken[0]}" if broken else f". {INSTALL}"


def get(name: str) -> Primitive:
    """Return the primitive of this full name or alias.

    Raises :class:`opreg.UnknownPrimitive` with the nearest names, :class:`opreg.BlockedPrimitive` or
    :class:`opreg.DuplicatePrimitive`.

    >>> import opreg
    >>> opreg.plugins.get("mul").name
    'numpy.multiply'
    """
    known = _registry.named.get(name)
    if known is not None:
        return known
    with _registry.lock:
        full = _registry.aliases.get(name, name)
        for entry in entries():
            if entry.covers(full):
                _load(entry)  # each of them: two that claim one name must be noticed
        found = _lookup(name)
        if found is None:
            load_all()
            found = _lookup(name)
        full = _registry.aliases.get(name, name)
        if _is_blocked(full) or (found is None and _is_blocked(name)):
            raise BlockedPrimitive(
                f"the primitive {full} is blocked ({', '.join(_registry.blocked)}). {INSTALL}"
            )
        if found is None:
            raise UnknownPrimitive(_unknown(name))
        _registry.named[name] = found
        return found


def _lookup(name: str) -> Primitive | None:
    name = _registry.aliases.get(name, name)
    claims = _registry.claims.get(name)
    if not claims:
        return None
    live = [(p, e) for p, e in claims if not _is_blocked(e.name)] or claims
    if len(live) > 1:
        chosen = [(p, e) for p, e in live if e.distribution == _registry.chosen.get(name)]
        if len(chosen) != 1:
            owners = " and ".join(f"{e.distribution} {e.version}".strip() for _, e in live)
            raise DuplicatePrimitive(f"{name} is supplied by {owners}. {_how_to_choose(name)}")
        live = chosen
    return live[0][0]


def _unknown(name: str) -> str:
    for entry in dormant():
        if entry.covers(name):
            return f"{name} is not installed, as {entry.missing} is not: pip install {entry.missing}"
    near = nearest(name)
    hint = f"Did you mean {' or '.join(near)}?" if near else "See `opreg list` for those installed."
    return f"no primitive {name!r} is registered. {hint}"


def nearest(name: str, count: int = 3) -> list[str]:
    """Return the registered names that look most like ``name``."""
    known = [*_registry.claims, *_registry.aliases]
    by_tail: dict[str, list[str]] = {}
    for full in known:
        by_tail.setdefault(full.rsplit(".", 1)[-1], []).append(full)
    near = difflib.get_close_matches(name, known, count, 0.75)
    for tail in difflib.get_close_matches(name.rsplit(".", 1)[-1], by_tail, count, 0.7):
        near += [full for full in by_tail[tail] if full not in near]
    return near[:count]


def primitives(patterns: Iterable[str] = ()) -> list[Primitive]:
    """Return the registered primitives whose names match, all without a pattern, in the order of their names.

    A pattern is a full name, an alias, a glob, or a module (which stands for all that is below it). One that
    matches nothing raises :class:`opreg.UnknownPrimitive`.
    """
    load_all()
    everything = {name: p for name, p in _each()}
    patterns = list(patterns)
    if not patterns:
        return [everything[name] for name in sorted(everything)]
    wanted: set[str] = set()
    for pattern in patterns:
        full = _registry.aliases.get(pattern, pattern)
        matches = {n for n in everything if fnmatch.fnmatchcase(n, full) or n.startswith(full + ".")}
        if not matches:
            matches = {get(pattern).name}  # raises, with the reason
        wanted |= matches
    return [everything[name] for name in sorted(wanted)]


def _each() -> Iterator[tuple[str, Primitive]]:
    for name in list(_registry.claims):
        if _is_blocked(name):
            continue
        try:
            found = _lookup(name)
        except DuplicatePrimitive:
            continue  # reported by problems()
        if found is not None and not _is_blocked(_entry(found).name):
            yield name, found


def _entry(primitive: Primitive) -> Entry:
    for claimed, entry in _registry.claims.get(primitive.name, ()):
        if claimed is primitive:
            return entry
    return Entry("", "", "(not registered)")


def problems() -> list[Problem]:
    """Return what is wrong with the plugins loaded so far: broken imports, misspelt hooks, duplicate claims."""
    return [p for p in _registry.problems.values() if not _is_blocked(p.plugin)]


def dormant() -> list[Entry]:
    """Return the plugins met so far whose library is not installed: there is nothing for them to differentiate."""
    return [entry for entry in entries() if entry.missing and not entry.blocked]


def origin(primitive: Primitive) -> Origin:
    """Return the plugin, distribution and version that a primitive comes from."""
    entry = _entry(primitive)
    return Origin(entry.name, entry.distribution, entry.version)


def siblings(primitive: Primitive) -> list[Primitive]:
    """Return the primitives that the same plugin supplies, blocked ones too, in the order in which they came."""
    mine = _entry(primitive)
    claims = (claim for several in _registry.claims.values() for claim in several)
    return [other for other, entry in claims if entry is mine]


def is_registered(primitive: Primitive) -> bool:
    """Tell whether a fresh process would find this primitive by its name."""
    return bool(_entry(primitive).distribution) and not _entry(primitive).distribution.startswith("(")


def has_below(name: str) -> bool:
    """Tell whether primitives are registered whose names begin with this one: methods of an object."""
    with _registry.lock:
        for entry in entries():
            if entry.name in sys.modules or entry.covers(name):
                _load(entry)
        return any(full.startswith(f"{name}.") for full in _registry.claims)


def for_function(function: Any) -> Primitive | None:
    """Return the primitive that differentiates a function object such as ``numpy.sin``, or ``None``."""
    try:
        found = FUNCTIONS.get(function)
    except TypeError:  # not hashable
        return None
    if found is not None or _registry.without.get(function) == len(sys.modules):
        return found
    with _registry.lock:
        _resolve()
        if function not in FUNCTIONS:
            for entry in entries():
                if entry.name in sys.modules:
                    _load(entry)
            _resolve()
        found = FUNCTIONS.get(function)
        if found is None:
            _registry.without[function] = len(sys.modules)
        return found


def _resolve() -> None:
    """Connect primitives to the function objects that they are named after, where their modules are imported."""
    for name in list(_registry.unresolved):
        if _is_blocked(name):
            continue
        target = locate(name, importing=False)
        if target is not None:
            found = _lookup(name)
            _registry.unresolved.discard(name)
            if found is not None:
                FUNCTIONS.setdefault(target, found)


def locate(name: str, importing: bool = True) -> Any:
    """Return the object of this importable name, or ``None``.

    Where nothing is to be imported, a package is not asked for a module either: SciPy imports one that it is asked for.
    """
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        module_name = ".".join(parts[:count])
        module = sys.modules.get(module_name)
        if module is None and importing:
            try:
                module = import_module(module_name)
            except ImportError:
                continue
        if module is None:
            continue
        found: Any = module
        for place, part in enumerate(parts[count:], count + 1):
            if isinstance(found, ModuleType) and place < len(parts) and not importing:
                found = vars(found).get(part)
            else:
                found = getattr(found, part, None)
        return found
    return None
