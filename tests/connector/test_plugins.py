"""A plugin that is broken is told of; it takes nothing else down with it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest
from pydantic import BaseModel

from connector import Adapter, PluginError, Sandbox, hookimpl
from connector.plugins import Plugins

Install = Callable[..., EntryPoint]


class Settings(BaseModel):
    pass


def adapters(*names: str) -> list[Adapter[Settings]]:
    return [Adapter(name=name, settings=Settings, fields={}) for name in names]


@pytest.fixture
def install() -> Iterator[Install]:
    """Return what installs a plugin: a name, and what its hook does."""
    modules: list[str] = []

    def make(name: str, brings: Callable[[], object], hook: str = "adapters") -> EntryPoint:
        module = ModuleType(f"plugin_{name}_{len(modules)}")
        brings.__name__ = hook
        setattr(module, hook, hookimpl(brings))
        sys.modules[module.__name__] = module
        modules.append(module.__name__)
        return EntryPoint(name, module.__name__, "connector")

    yield make
    for module in modules:
        del sys.modules[module]


def problem(plugins: Plugins, name: str) -> str:
    (found,) = [
        plugin.problem for plugin in plugins.found if plugin.name == name and plugin.problem
    ]
    return found


def fails(error: BaseException) -> Callable[[], object]:
    def hook() -> object:
        raise error

    return hook


def nothing() -> object:
    return []


def test_a_plugin_brings_its_adapters(install: Install) -> None:
    plugins = Plugins([install("one", lambda: adapters("a", "b"))])

    assert set(plugins.adapters) == {"a", "b"}
    assert plugins.found[0].adapters == ("a", "b")
    assert plugins.adapter("a").name == "a"


def test_a_plugin_brings_a_sandbox(install: Install) -> None:
    @contextmanager
    def serve(**asked: object) -> Iterator[dict[str, str]]:
        yield {}

    acme = Sandbox("acme", serve)
    plugins = Plugins([install(name, lambda: [acme], "sandboxes") for name in ("one", "two")])

    assert plugins.sandboxes == {"acme": acme}
    assert plugins.found[0].sandboxes == ("acme",)
    assert "sandbox name 'acme' is already used by plugin 'one'" in problem(plugins, "two")


def test_our_own_plugins_are_found() -> None:
    assert {"files", "sql"} <= set(Plugins().adapters)


@pytest.mark.parametrize(
    ("brings", "said"),
    [
        pytest.param(
            fails(ZeroDivisionError("by zero")), "ZeroDivisionError: by zero", id="raises"
        ),
        pytest.param(fails(SystemExit(3)), "SystemExit: 3", id="exits"),
        pytest.param(fails(ValueError("two\nlines")), "ValueError: two lines", id="two lines"),
        pytest.param(
            lambda: ["x"], "AttributeError: 'str' object has no attribute 'name'", id="text"
        ),
        pytest.param(lambda: 5, "TypeError: 'int' object is not iterable", id="no list"),
        pytest.param(nothing, "PluginError: brings no adapter", id="nothing"),
        pytest.param(lambda: adapters("b", "b"), "brings two adapters of the name 'b'", id="twice"),
    ],
)
def test_a_broken_plugin_is_kept_and_the_others_work(
    install: Install, brings: Callable[[], object], said: str
) -> None:
    plugins = Plugins([install("broken", brings), install("sound", lambda: adapters("a"))])

    assert set(plugins.adapters) == {"a"}
    assert said in problem(plugins, "broken")


def test_a_plugin_that_is_not_there_is_kept(install: Install) -> None:
    plugins = Plugins([EntryPoint("gone", "no_such_module", "connector")])

    assert "No module named 'no_such_module'" in problem(plugins, "gone")


@pytest.mark.parametrize("hook", ["adaptors", "sources"])
def test_a_hook_that_does_not_exist_is_told_of(install: Install, hook: str) -> None:
    plugins = Plugins([install("broken", lambda: adapters("a"), hook)])

    assert hook in problem(plugins, "broken")


def test_a_broken_plugin_is_fatal_only_when_it_is_named(install: Install) -> None:
    plugins = Plugins([install("broken", fails(ZeroDivisionError("by zero")))])

    with pytest.raises(PluginError, match=r"plugin 'broken' \(\? \?\) can't be loaded: ZeroDiv"):
        plugins.adapter("broken")


def test_an_adapter_that_is_not_installed_names_those_that_are(install: Install) -> None:
    plugins = Plugins([install("one", lambda: adapters("b", "a"))])

    with pytest.raises(PluginError, match=r"no adapter 'c' is installed \(installed: a, b\)"):
        plugins.adapter("c")


def test_the_second_plugin_with_an_adapter_of_the_same_name_is_left_out(install: Install) -> None:
    plugins = Plugins(
        [install("one", lambda: adapters("a")), install("two", lambda: adapters("b", "a"))]
    )

    assert set(plugins.adapters) == {"a"}
    assert "adapter name 'a' is already used by plugin 'one'; uninstall" in problem(plugins, "two")


def test_a_plugin_that_fails_halfway_leaves_nothing_behind(install: Install) -> None:
    clashing = install("two", lambda: adapters("b", "a"))

    plugins = Plugins([install("one", lambda: adapters("a")), clashing])

    assert not plugins._manager.has_plugin("two")
    assert sum(len(list(brought)) for brought in plugins._manager.hook.adapters()) == 1


def test_of_two_plugins_with_one_name_the_first_counts(install: Install) -> None:
    plugins = Plugins(
        [install("one", lambda: adapters("a")), install("one", lambda: adapters("b"))]
    )

    assert set(plugins.adapters) == {"a"}
    assert problem(plugins, "one") == (
        "PluginError: plugin name 'one' is used twice; uninstall one of the two"
    )
