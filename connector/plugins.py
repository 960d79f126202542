"""Finds the plugins that are installed; one broken plugin never takes the others down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from connector import hookspecs
from connector.contract import Adapter
from connector.errors import PluginError


@dataclass(frozen=True, slots=True)
class Plugin:
    """An installed plugin; *problem* says why it can't be used, None where it can."""

    name: str
    distribution: str
    version: str
    adapters: tuple[str, ...]
    problem: str | None = None


class Plugins:
    """The plugins of this installation and the adapters they bring."""

    def __init__(self, installed: Iterable[EntryPoint] | None = None) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._adapters: dict[str, tuple[Adapter[Any], str]] = {}
        self.found: list[Plugin] = []
        if installed is None:
            installed = entry_points(group=hookspecs.PROJECT)
        for entry in sorted(installed, key=lambda entry: entry.name):
            self.found.append(self._load(entry))

    def _load(self, entry: EntryPoint) -> Plugin:
        distribution = entry.dist.name if entry.dist else "?"
        version = entry.dist.version if entry.dist else "?"
        try:
            names = self._register(entry)
        # A plugin is someone else's code: whatever it raises is reported, not passed on.
        except (Exception, SystemExit) as error:  # noqa: BLE001
            problem = " ".join(f"{type(error).__name__}: {error}".split())
            return Plugin(entry.name, distribution, version, (), problem)
        return Plugin(entry.name, distribution, version, names)

    def _register(self, entry: EntryPoint) -> tuple[str, ...]:
        if self._manager.has_plugin(entry.name):
            raise PluginError(f"plugin name {entry.name!r} is used twice; uninstall one of the two")
        module = entry.load()
        try:
            self._manager.register(module, name=entry.name)
            self._manager.check_pending()
            return self._brought(module, entry.name)
        except BaseException:
            # Half a plugin is none: none of its hooks may be called later.
            if self._manager.has_plugin(entry.name):
                self._manager.unregister(name=entry.name)
            raise

    def _brought(self, module: object, plugin: str) -> tuple[str, ...]:
        hooks = self._manager.subset_hook_caller(
            "adapters", [p for p in self._manager.get_plugins() if p is not module]
        )
        brought = [adapter for adapters in hooks() for adapter in adapters]
        if not brought:
            raise PluginError("brings no adapter: no function 'adapters' with @hookimpl gives one")
        names = [adapter.name for adapter in brought]
        for name in names:
            if names.count(name) > 1:
                raise PluginError(f"brings two adapters of the name {name!r}")
        for adapter in brought:
            if adapter.name in self._adapters:
                other = self._adapters[adapter.name][1]
                raise PluginError(
                    f"adapter name {adapter.name!r} is already used by plugin {other!r};"
                    " uninstall one of the two"
                )
        for adapter in brought:
            self._adapters[adapter.name] = (adapter, plugin)
        return tuple(names)

    @property
    def adapters(self) -> Mapping[str, Adapter[Any]]:
        """Return every usable adapter by name."""
        return {name: adapter for name, (adapter, _) in self._adapters.items()}

    def adapter(self, name: str) -> Adapter[Any]:
        """Return the adapter *name*; raise PluginError with what is installed, or why not."""
        if name in self._adapters:
            return self._adapters[name][0]
        broken = [plugin for plugin in self.found if plugin.problem and plugin.name == name]
        if broken:
            raise PluginError(
                f"plugin {name!r} ({broken[0].distribution} {broken[0].version}) can't be loaded:"
                f" {broken[0].problem}; install it again in a version that fits, or use another"
                " adapter"
            )
        known = ", ".join(sorted(self._adapters)) or "none"
        raise PluginError(
            f"no adapter {name!r} is installed (installed: {known});"
            " install the package that brings it"
        )
