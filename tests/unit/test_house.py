"""What is promised of the source as a whole, read from the source: what is absent cannot be shown by running it."""

import ast
import dataclasses
import enum
import importlib
import logging
import pkgutil
import re
import struct
import types
from collections.abc import Iterator
from datetime import tzinfo
from functools import cache
from pathlib import Path, PurePath

import click
import pytest

import openelb

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/openelb"
GENERATED = SOURCE / "host/gobgp/api"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if GENERATED not in path.parents)
TESTS = sorted(path for name in ("unit", "stories", "fakes") for path in (ROOT / "tests" / name).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text())))


def told(path: Path, found: Iterator[ast.AST]) -> list[str]:
    """Each with its place, for a person."""
    return [f"{name_of(path)}:{node.lineno}: {ast.unparse(node)}" for node in found]


def imports(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """What a file imports, also within its functions: `module` and, from a module, `module.name`."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{node.module}.{alias.name}", node) for alias in node.names)


def test_modules_are_read_in_one_sitting() -> None:
    assert [name_of(path) for path in MODULES if len(path.read_text().splitlines()) > 350] == []


# What is judged is judged without the world. The contracts of import-linter say which modules of ours and which doors of
# Python are forbidden; this says what is allowed, so that a door nobody thought of is closed as well.

PURE = [
    *(path for floor in ("model", "plan", "wire") for path in sorted((SOURCE / floor).rglob("*.py"))),
    *(
        SOURCE / f"announce/{name}.py"
        for name in (
            "responder",
            "rivals",
            "probing",
            "standings",
            "ring",
            "pace",
            "peer",
            "vigil",
            "gateways",
            "bgp_changes",
            "bgp_policies",
            "bgp_readback",
        )
    ),
]
ALLOWED = (
    *("openelb.model", "openelb.plan", "openelb.wire", "openelb.announce.rivals"),
    *("openelb.announce.standings", "openelb.announce.ring", "openelb.announce.pace", "openelb.announce.peer"),
    "openelb.announce.bgp_policies",
    "openelb.announce.bgp_readback",
    *(
        "bisect",
        "collections",
        "dataclasses",
        "difflib",
        "enum",
        "fnmatch",
        "functools",
        "hashlib",
        "heapq",
        "hmac",
        "ipaddress",
        "itertools",
        "math",
        "re",
    ),
    *("struct", "tomllib", "types", "typing"),
    "sys",  # the byte order of the kernel, and strings of which there is one copy
)
OF_THE_WORLD = {"open", "print", "input", "breakpoint", "__import__", "argv", "stdin", "stdout", "stderr"}
OF_ONE_PROCESS = {"hash", "id"}  # every process has other ones, and all nodes have to judge alike


@pytest.mark.parametrize("path", PURE, ids=name_of)
def test_what_is_judged_knows_no_world_and_no_chance(path: Path) -> None:
    doors = (node for name, node in imports(path) if not f"{name}.".startswith(tuple(f"{one}." for one in ALLOWED)))
    words = (node for node in nodes(path) if _words(node) & (OF_THE_WORLD | OF_ONE_PROCESS))
    assert told(path, doors) + told(path, words) == []


def _words(node: ast.AST) -> set[str]:
    """The name that it is, and the name of an attribute."""
    return {getattr(node, "id", ""), getattr(node, "attr", "")}


# One task owns the state of a process: no locks, no threads but those of links and of heartbeats, nothing at module level that changes.

WITH_THREADS = {SOURCE / "announce/layer2.py", SOURCE / "announce/heartbeats.py"}
THREADS = ("threading", "_thread", "concurrent", "multiprocessing")
LOCKS = {"Lock", "RLock", "Condition", "Barrier", "flock", "lockf", "to_thread", "run_in_executor"}
WITH_LOCKS = ("asyncio", "threading", "fcntl")


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_there_are_no_locks_and_no_threads_but_those_of_links_and_heartbeats(path: Path) -> None:
    threads = (node for name, node in imports(path) if name.startswith(THREADS) and path not in WITH_THREADS)
    locks = (node for node in nodes(path) if isinstance(node, ast.Attribute) and _is_lock(ast.unparse(node)))
    by_name = (node for name, node in imports(path) if _is_lock(name))
    assert told(path, threads) + told(path, locks) + told(path, by_name) == []


def _is_lock(name: str) -> bool:
    owner, _, attribute = name.rpartition(".")
    return attribute in LOCKS and (owner in WITH_LOCKS or attribute == "run_in_executor")


def modules() -> list[types.ModuleType]:
    found = pkgutil.walk_packages(openelb.__path__, "openelb.")
    generated = ".".join(("openelb", *GENERATED.relative_to(SOURCE).parts))
    names = [one.name for one in found if not one.name.endswith("__main__")]
    return [importlib.import_module(name) for name in names if not name.startswith(generated)]


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__)
def test_nothing_at_module_level_can_change(module: types.ModuleType) -> None:
    named = {name: value for name, value in vars(module).items() if not name.startswith("__")}
    classes = [value for value in named.values() if isinstance(value, type) and value.__module__ == module.__name__]
    of_classes = {
        f"{owner.__name__}.{name}": value
        for owner in classes
        for name, value in vars(owner).items()
        if isinstance(value, list | dict | set)
        and not name.startswith("__")
        and not issubclass(owner, enum.Enum | tuple)
    }
    changing = {name: value for name, value in named.items() if not _is_constant(value)}
    assert changing | of_classes == {}


def _is_constant(value: object) -> bool:
    """A dict counts: that nobody writes to one is `test_no_constant_is_written_to`."""
    if isinstance(value, tuple | frozenset):
        return all(map(_is_constant, value))
    if isinstance(value, dict | types.MappingProxyType):
        return all(_is_constant(tuple(one) if isinstance(one, list) else one) for one in value.values())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return bool(type(value).__dataclass_params__.frozen)
    return isinstance(value, CONSTANTS) or type(value).__module__ in {"typing", "types", "collections.abc"}


CONSTANTS = (
    *(type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.GenericAlias, types.UnionType),
    *(types.NoneType, str, bytes, int, float, enum.Enum, PurePath, re.Pattern, struct.Struct, tzinfo),
    *(logging.Logger, click.Command),
    type(cache(len)),  # what a pure function remembers changes none of its answers
)
WRITERS = {"update", "setdefault", "pop", "popitem", "clear"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_constant_is_written_to(path: Path) -> None:
    module = ast.parse(path.read_text())
    assigned = [node for node in module.body if isinstance(node, ast.Assign | ast.AnnAssign)]
    constants = {node.id for one in assigned for node in ast.walk(one) if _is_written(node, ast.Name)}
    names = constants | _imported(path)
    assert told(path, (node for node in nodes(path) if _writes_to(node, names))) == []


def _imported(path: Path) -> set[str]:
    """The names that a file knows by its imports."""
    found = (node.names for node in nodes(path) if isinstance(node, ast.Import | ast.ImportFrom))
    return {(alias.asname or alias.name).partition(".")[0] for names in found for alias in names}


def _is_written(node: ast.AST, kind: type[ast.AST]) -> bool:
    return isinstance(node, kind) and isinstance(node.ctx, ast.Store | ast.Del)


def _writes_to(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Global):
        return True
    if _is_written(node, ast.Attribute | ast.Subscript):
        return isinstance(node.value, ast.Name) and node.value.id in names
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITERS:
        return isinstance(node.func.value, ast.Name) and node.func.value.id in names
    return False


# What is judged, and what judges it, are values: they stay as they were given out.

OF_VALUES = ("openelb.model.", "openelb.plan.", "openelb.wire.", "openelb.kube.")


@pytest.mark.parametrize(
    "module", [one for one in modules() if one.__name__.startswith(OF_VALUES)], ids=lambda module: module.__name__
)
def test_values_are_frozen(module: types.ModuleType) -> None:
    own = [value for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__]
    values = [value for value in own if isinstance(value, type) and dataclasses.is_dataclass(value)]
    assert [value.__name__ for value in values if not value.__dataclass_params__.frozen] == []


# What a test changes of the world is passed in: nothing is replaced behind the back of the code.

PATCHES = {"setattr", "delattr", "setitem", "delitem", "__setattr__", "__dict__"}


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_tests_replace_nothing_in_the_code(path: Path) -> None:
    """Of `monkeypatch` that leaves the environment."""
    imported = _imported(path)
    mocks = (node for name, node in imports(path) if "mock" in name.lower())
    patches = (node for node in nodes(path) if _words(node) & PATCHES)
    foreign = (node for node in nodes(path) if _is_written(node, ast.Attribute) and _is_foreign(node, imported))
    assert told(path, mocks) + told(path, patches) + told(path, foreign) == []


def _is_foreign(node: ast.Attribute, imported: set[str]) -> bool:
    """An attribute of a module or class, or a private one of what is not its own."""
    owner = node.value.id if isinstance(node.value, ast.Name) else ""
    return owner in imported or (node.attr.startswith("_") and owner != "self")
