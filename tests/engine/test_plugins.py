"""The registry: names, blocking, duplicates, broken plugins, pickling. Processes are fresh where that matters."""

import os
import pickle
import subprocess
import sys
import textwrap
import types
import zipfile
from importlib import metadata

import pytest
from exact import Exact, multiply

import opreg
from opreg import _metadata, plugins


def run(code, tmp_path, path=(), **environment):
    """Run Python code in a fresh process and return what it printed."""
    support = os.path.dirname(sys.modules["exact"].__file__)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([support, *map(str, path)]),
            "OPREG_DISABLE": "",
            **environment,
        },
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def distribution(folder, name, version, entries, **modules):
    """Write an installed distribution with entry points into a folder."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text("[opreg]\n" + "\n".join(f"{k} = {v}" for k, v in entries.items()))
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(textwrap.dedent(source))
    return folder


GOOD = """
import opreg

@opreg.primitive("mylib.double", aliases=("double",))
def double(x, /):
    return x + x

double.deflinear(x=lambda g: g + g)

@opreg.hookimpl
def opreg_primitives():
    return [double]
"""


def test_the_engine_runs_without_numpy(tmp_path):
    printed = run(
        """
        import sys, opreg, exact
        exact.install()
        print(opreg.grad(opreg.grad(lambda x: x**3))(exact.Exact(5)) == 30)
        print("numpy" in sys.modules, "ray" in sys.modules)
        """,
        tmp_path,
        OPREG_DISABLE="numpy*,builtins",
    )
    assert printed.split() == ["True", "False", "False"]


def test_importing_opreg_loads_neither_numpy_nor_pluggy(tmp_path):
    code = "import sys, opreg; print([m for m in ('numpy', 'pluggy', 'ray', 'importlib.metadata') if m in sys.modules])"
    assert run(code, tmp_path).strip() == "[]"


def test_with_every_plugin_blocked_grad_says_what_to_install(tmp_path):
    code = """
        import opreg
        try:
            opreg.grad(lambda x: x * x)(2.0)
        except opreg.NotDifferentiable as error:
            print(error)
        """
    printed = run(code, tmp_path, OPREG_DISABLE="*")
    assert "no installed plugin supplies a Space" in printed
    assert "pip install opreg" in printed


def test_an_alias_and_a_name_lead_to_the_same_primitive():
    assert plugins.get("exact.multiply") is multiply
    assert plugins.get("exact-add").name == "exact.add"


def test_an_unknown_name_suggests_near_ones():
    with pytest.raises(
        opreg.UnknownPrimitive, match=r"no primitive 'exact\.multipy'.*Did you mean exact\.multiply"
    ):
        plugins.get("exact.multipy")
    with pytest.raises(opreg.UnknownPrimitive, match=r"exact\.divide"):
        plugins.get("divde")
    with pytest.raises(opreg.UnknownPrimitive, match="opreg list"):
        plugins.get("zzzzzzzzzz")


def test_patterns():
    names = [p.name for p in plugins.primitives(["exact.*ly", "exact-add"])]
    assert names == ["exact.add", "exact.multiply"]
    assert len(plugins.primitives(["exact"])) == len(plugins.primitives())
    with pytest.raises(opreg.UnknownPrimitive):
        plugins.primitives(["exact.nothing*"])


def test_each_primitive_is_a_pluggy_plugin_of_its_own_name():
    assert plugins.manager().get_plugin("exact.multiply") is multiply
    assert plugins.manager().has_plugin("exact.divide")


def test_blocking_a_primitive():
    f = lambda x: x * x  # noqa: E731
    assert opreg.grad(f)(Exact(1)) == 2
    plugins.block("exact.multiply")
    with pytest.raises(opreg.BlockedPrimitive, match=r"exact\.multiply is blocked"):
        opreg.grad(f)(Exact(1))
    assert opreg.grad(lambda x: x + x)(Exact(1)) == 2
    assert "exact.multiply" not in [p.name for p in plugins.primitives()]


def test_blocking_by_alias_and_by_module():
    plugins.block("exact-add")
    with pytest.raises(opreg.BlockedPrimitive):
        plugins.get("exact.add")
    plugins.block("exact")
    with pytest.raises(opreg.BlockedPrimitive):
        plugins.get("exact.divide")


def test_registering_by_hand_a_single_primitive_and_rubbish():
    @opreg.primitive("here.same")
    def same(x, /):
        return x

    plugins.register(same)
    assert plugins.get("here.same") is same
    plugins.register(object(), "rubbish")
    assert any("supplies nothing" in p.message and "rubbish" in p.message for p in plugins.problems())


def test_a_function_without_a_primitive_is_looked_for_once_until_something_changes(monkeypatch):
    here = types.ModuleType("here")
    for name in "first", "second", "third":
        setattr(here, name, eval("lambda x: x"))
    looked = []
    locate = plugins.locate
    monkeypatch.setattr(plugins, "locate", lambda name, **how: looked.append(name) or locate(name, **how))
    plugins.register(opreg.primitive("elsewhere.never")(lambda x, /: x))  # unresolved for good
    for name in "first", "second":  # one that is imported afterwards, one that is there
        plugins.register(opreg.primitive(f"here.{name}")(lambda x, /: x))
    assert plugins.for_function(here.first) is None
    assert looked
    looked.clear()
    assert plugins.for_function(here.first) is None
    assert not looked
    monkeypatch.setitem(sys.modules, "here", here)
    assert plugins.for_function(here.first).name == "here.first"
    assert plugins.for_function(here.third) is None
    plugins.register(opreg.primitive("here.third")(lambda x, /: x))
    assert plugins.for_function(here.third).name == "here.third"
    plugins.block("here.second")
    assert plugins.for_function(here.second) is None


def test_a_plugin_is_found_by_its_entry_point_and_only_when_it_is_needed(tmp_path):
    site = distribution(tmp_path / "site", "opreg-mylib", "1.2", {"mylib": "opreg_mylib"}, opreg_mylib=GOOD)
    code = """
        import sys, opreg, exact
        exact.install()
        opreg.grad(lambda x: x * x)(exact.Exact(1))
        print("opreg_mylib" in sys.modules)
        p = opreg.plugins.get("mylib.double")
        print(p.name, *opreg.plugins.origin(p), opreg.plugins.get("double") is p)
        """
    printed = run(code, tmp_path, [site], OPREG_DISABLE="numpy*,builtins").splitlines()
    assert printed == ["False", "mylib.double mylib opreg-mylib 1.2 True"]


def test_an_entry_point_may_name_a_single_primitive(tmp_path):
    site = distribution(
        tmp_path / "site", "one", "1", {"mylib.double": "opreg_mylib:double"}, opreg_mylib=GOOD
    )
    code = "import opreg; print(opreg.plugins.get('mylib.double').name)"
    assert run(code, tmp_path, [site], OPREG_DISABLE="numpy*").strip() == "mylib.double"


@pytest.mark.parametrize("pattern", ["mylib", "mylib.double", "my*"])
def test_what_is_blocked_is_not_imported(tmp_path, pattern):
    source = "raise SystemExit('imported')"
    site = distribution(
        tmp_path / "site", "one", "1", {"mylib.double": "opreg_mylib:double"}, opreg_mylib=source
    )
    code = """
        import opreg
        opreg.plugins.load_all()
        print(opreg.plugins.problems(), [e.blocked for e in opreg.plugins.entries() if e.name == "mylib.double"])
        try:
            opreg.plugins.get("mylib.double")
        except opreg.BlockedPrimitive as error:
            print("blocked")
        """
    assert run(code, tmp_path, [site], OPREG_DISABLE=f"{pattern},numpy*,builtins").split("\n")[:2] == [
        "[] [True]",
        "blocked",
    ]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise RuntimeError('no licence')", "could not be loaded: RuntimeError: no licence"),
        ("raise SystemExit(3)", "could not be loaded: SystemExit: 3"),
        ("def f(:", "could not be loaded: SyntaxError"),
        ("x = 1", "supplies nothing"),
        (
            "import opreg\n@opreg.hookimpl\ndef opreg_primitves():\n    return []",
            "implements opreg_primitves.*Did you mean opreg_primitives",
        ),
        ("def opreg_primitives():\n    return []", "lacks @opreg.hookimpl"),
        ("import opreg\n@opreg.hookimpl\ndef opreg_primitives():\n    return [3]", "returned 3 .*not a Primitive"),
        ("import opreg\n@opreg.hookimpl\ndef opreg_primitives():\n    return 1 / 0", "ZeroDivisionError"),
        ("import opreg\n@opreg.hookimpl\ndef opreg_primitives():\n    pass", "returned None from opreg_primitives"),
        ("import opreg\n@opreg.hookimpl\ndef opreg_without_rule():\n    pass", "None from opreg_without_rule"),
    ],
)  # fmt: skip
def test_a_broken_plugin_is_reported_and_kills_nothing(tmp_path, source, message):
    site = distribution(
        tmp_path / "site", "opreg-broken", "0.3", {"broken": "opreg_broken"}, opreg_broken=source
    )
    code = """
        import opreg, exact
        exact.install()
        opreg.plugins.load_all()
        print(opreg.grad(lambda x: x * x)(exact.Exact(1)) == 2)
        for p in opreg.plugins.problems():
            print(p.plugin, p.distribution, p.version, p.message)
        """
    printed = run(code, tmp_path, [site], OPREG_DISABLE="numpy*,builtins")
    import re

    assert printed.startswith(
        "True\nbroken opreg-broken 0.3 plugin 'broken' (opreg_broken) of opreg-broken 0.3 "
    )
    assert re.search(message, printed)
    assert printed.count("\n") == 2


def test_a_plugin_whose_library_is_not_installed_is_dormant_and_no_problem(tmp_path):
    source = "import absent_library.special\n" + GOOD
    site = distribution(
        tmp_path / "site",
        "opreg-absent",
        "0.3",
        {"absent_library.special": "opreg_absent"},
        opreg_absent=source,
    )
    code = """
        import opreg
        opreg.plugins.load_all()
        print([(e.name, e.missing) for e in opreg.plugins.dormant()], opreg.plugins.problems())
        try:
            opreg.plugins.get("absent_library.special.double")
        except opreg.UnknownPrimitive as error:
            print(error)
        """
    printed = run(code, tmp_path, [site], OPREG_DISABLE="numpy*,scipy*,builtins").split("\n")
    assert printed[0] == "[('absent_library.special', 'absent_library')] []"
    assert "absent_library is not: pip install absent_library" in printed[1]


def test_a_plugin_that_lacks_another_module_is_broken(tmp_path):
    source = "import absent_library\n" + GOOD
    site = distribution(tmp_path / "site", "opreg-x", "0.3", {"mylib": "opreg_x"}, opreg_x=source)
    code = """
        import opreg
        opreg.plugins.load_all()
        print(opreg.plugins.dormant(), [p.message for p in opreg.plugins.problems()])
        """
    printed = run(code, tmp_path, [site], OPREG_DISABLE="numpy*,scipy*,builtins")
    assert printed.startswith("[] ")
    assert "No module named 'absent_library'" in printed


def two_claims(tmp_path):
    first = distribution(
        tmp_path / "first", "first-dist", "1.0", {"mylib": "first_plugin"}, first_plugin=GOOD
    )
    second = distribution(
        tmp_path / "second", "second-dist", "2.0", {"mylib": "second_plugin"}, second_plugin=GOOD
    )
    return [first, second]


def test_two_plugins_that_claim_one_name_are_an_error_naming_both(tmp_path):
    code = """
        import opreg
        try:
            opreg.plugins.get("mylib.double")
        except opreg.DuplicatePrimitive as error:
            print(error)
        opreg.plugins.load_all()
        print([p.message for p in opreg.plugins.problems()])
        """
    printed = run(code, tmp_path, two_claims(tmp_path), OPREG_DISABLE="numpy*")
    assert printed.count("first-dist 1.0") >= 2
    assert printed.count("second-dist 2.0") >= 2
    assert "OPREG_CHOOSE=mylib.double=DISTRIBUTION" in printed


def test_one_of_two_claims_may_be_chosen(tmp_path):
    code = """
        import opreg
        p = opreg.plugins.get("mylib.double")
        opreg.plugins.load_all()
        print(opreg.plugins.origin(p).distribution, opreg.plugins.problems())
        """
    paths = two_claims(tmp_path)
    chosen = {"OPREG_CHOOSE": "mylib.double=second-dist", "OPREG_DISABLE": "numpy*"}
    assert run(code, tmp_path, paths, **chosen).strip() == "second-dist []"


def test_a_primitive_survives_pickling_by_its_name(tmp_path):
    site = distribution(tmp_path / "site", "opreg-mylib", "1.2", {"mylib": "opreg_mylib"}, opreg_mylib=GOOD)
    data = tmp_path / "primitive.pickle"
    code = f"""
        import pickle, opreg, pathlib
        p = opreg.plugins.get("mylib.double")
        pathlib.Path({str(data)!r}).write_bytes(pickle.dumps(p))
        """
    run(code, tmp_path, [site])
    assert b"vjp" not in data.read_bytes()
    code = f"""
        import pickle, pathlib, opreg
        p = pickle.loads(pathlib.Path({str(data)!r}).read_bytes())
        print(p is opreg.plugins.get("mylib.double"), opreg.grad(p)(3.0))
        """
    assert run(code, tmp_path, [site]).strip() == "True 2.0"


def test_a_primitive_of_the_main_module_survives_pickling_by_value(tmp_path):
    pytest.importorskip("cloudpickle")
    data = tmp_path / "primitive.pickle"
    script = tmp_path / "script.py"
    script.write_text(
        GOOD.replace("mylib", "__main__")
        + "import cloudpickle, sys\nopen(sys.argv[1], 'wb').write(cloudpickle.dumps(double))\n"
    )
    subprocess.run([sys.executable, str(script), str(data)], check=True, cwd=tmp_path)
    code = f"""
        import pickle, pathlib, opreg
        p = pickle.loads(pathlib.Path({str(data)!r}).read_bytes())
        print(p.name, opreg.grad(p)(3.0), p.aliases)
        """
    assert run(code, tmp_path).strip() == "__main__.double 2.0 ('double',)"


def test_an_unregistered_primitive_pickles_by_value_if_its_functions_do():
    @opreg.primitive("operator.neg")
    def local(x, /):
        return -x

    with pytest.raises((pickle.PicklingError, AttributeError)):  # a local function: pickle itself cannot
        pickle.dumps(local)


@pytest.mark.parametrize("group", ["opreg", "console_scripts", "pytest11", "no.such.group"])
def test_the_metadata_reader_finds_what_importlib_finds(group, monkeypatch):
    monkeypatch.setattr(_metadata, "_needs_importlib", lambda: False)
    found = _metadata.entry_points(group)
    expected = [(p.name, p.value, p.dist.name, p.dist.version) for p in metadata.entry_points(group=group)]
    assert sorted(map(tuple, found)) == sorted(expected)


def test_the_first_distribution_of_a_name_hides_the_others(tmp_path):
    new = distribution(tmp_path / "new", "opreg-mylib", "2.0", {"mylib": "opreg_mylib"}, opreg_mylib=GOOD)
    old = distribution(tmp_path / "old", "opreg_mylib", "1.0", {"mylib": "opreg_old"}, opreg_old=GOOD)
    code = """
        import opreg
        opreg.plugins.load_all()
        print([e.version for e in opreg.plugins.entries() if e.name == "mylib"], opreg.plugins.problems())
        """
    assert run(code, tmp_path, [new, old], OPREG_DISABLE="numpy*").strip() == "['2.0'] []"


def test_a_zip_archive_on_the_path_is_left_to_importlib(tmp_path, monkeypatch):
    archive = tmp_path / "plugins.zip"
    with zipfile.ZipFile(archive, "w") as file:
        info = "opreg_mylib-3.0.dist-info"
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: opreg-mylib\nVersion: 3.0\n")
        file.writestr(f"{info}/entry_points.txt", "[opreg]\nmylib = opreg_mylib\n")
    monkeypatch.syspath_prepend(str(archive))
    assert ("mylib", "opreg_mylib", "opreg-mylib", "3.0") in map(tuple, _metadata.entry_points("opreg"))
