"""Finds the plugins that are installed; one broken plugin never takes the others down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, TypeAlias

import pluggy

from connector import hookspecs
from connector.contract import Adapter, Sandbox, Secrets
from connector.errors import PluginError
from six_goals.goal import Goal

RESERVED: Final = frozenset(
    {
        "pyramid",
        "profit",
        "performance",
        "focus",
        "contact_plan",
        "targets",
        "suppression",
        "holdout",
    }
)
"""Tables of `[rules.settings]` that are not a goal's."""

PLACES: Final = ("env", "file", "keyring")
"""Where a secret may be kept without any plugin."""

_Names: TypeAlias = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Plugin:
    """An installed plugin; *problem* says why it can't be used, None where it can."""

    name: str
    distribution: str
    version: str
    adapters: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    sandboxes: tuple[str, ...] = ()
    problem: str | None = None


class Plugins:
    """The plugins of this installation: the adapters, goals, places of secrets and sandboxes."""

    def __init__(self, installed: Iterable[EntryPoint] | None = None) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._adapters: dict[str, tuple[Adapter[Any], str]] = {}
        self._goals: dict[str, tuple[Goal[Any], str]] = {}
        self._secrets: dict[str, tuple[Secrets, str]] = {}
        self._sandboxes: dict[str, tuple[Sandbox, str]] = {}
        self.found: list[Plugin] = []
        if installed is None:
            installed = entry_points(group=hookspecs.PROJECT)
        for entry in sorted(installed, key=lambda entry: entry.name):
            self.found.append(self._load(entry))

    def _load(self, entry: EntryPoint) -> Plugin:
        distribution = entry.dist.name if entry.dist else "?"
        version = entry.dist.version if entry.dist else "?"
        try:
            brought = self._register(entry)
        # A plugin is someone else's code: whatever it raises is reported, not passed on.
        except (Exception, SystemExit) as error:  # noqa: BLE001
            problem = " ".join(f"{type(error).__name__}: {error}".split())
            return Plugin(entry.name, distribution, version, problem=problem)
        return Plugin(entry.name, distribution, version, *brought)

    def _register(self, entry: EntryPoint) -> _Names:
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

    def _brought(self, module: object, plugin: str) -> _Names:
        adapters: list[Adapter[Any]] = self._asked("adapters", module)
        goals: list[Goal[Any]] = self._asked("goals", module)
        secrets: list[Secrets] = self._asked("secrets", module)
        sandboxes: list[Sandbox] = self._asked("sandboxes", module)
        if not any((adapters, goals, secrets, sandboxes)):
            raise PluginError(
                "brings no adapter, no goal, no place of secrets and no sandbox: no function"
                " 'adapters', 'goals', 'secrets' or 'sandboxes' with @hookimpl gives one"
            )
        _check_names("adapter", adapters, self._adapters)
        _check_names("goal", goals, self._goals)
        _check_names("place of secrets", secrets, self._secrets)
        _check_names("sandbox", sandboxes, self._sandboxes)
        for place in secrets:
            if place.name in PLACES:
                raise PluginError(f"place of secrets {place.name!r} is the connector's own")
        for goal in goals:
            if not goal.name.isidentifier() or goal.name in RESERVED:
                raise PluginError(
                    f"goal name {goal.name!r} can't be used: it must be a Python identifier other"
                    f" than {', '.join(sorted(RESERVED))}"
                )
        self._adapters |= {adapter.name: (adapter, plugin) for adapter in adapters}
        self._goals |= {goal.name: (goal, plugin) for goal in goals}
        self._secrets |= {place.name: (place, plugin) for place in secrets}
        self._sandboxes |= {sandbox.name: (sandbox, plugin) for sandbox in sandboxes}
        return _names(adapters), _names(goals), _names(secrets), _names(sandboxes)

    def _asked(self, hook: str, module: object) -> list[Any]:
        """Return what *module* alone answers to *hook*."""
        others = [p for p in self._manager.get_plugins() if p is not module]
        return [
            one for brought in self._manager.subset_hook_caller(hook, others)() for one in brought
        ]

    @property
    def adapters(self) -> Mapping[str, Adapter[Any]]:
        """Return every usable adapter by name."""
        return {name: adapter for name, (adapter, _) in self._adapters.items()}

    @property
    def goals(self) -> Mapping[str, Goal[Any]]:
        """Return every usable goal by name, those of a plugin in its own order."""
        return {name: goal for name, (goal, _) in self._goals.items()}

    @property
    def secrets(self) -> Mapping[str, Secrets]:
        """Return every usable place of secrets by name, beside those of the host."""
        return {name: place for name, (place, _) in self._secrets.items()}

    @property
    def sandboxes(self) -> Mapping[str, Sandbox]:
        """Return every usable sandbox by name."""
        return {name: sandbox for name, (sandbox, _) in self._sandboxes.items()}

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


def _names(brought: Sequence[Any]) -> tuple[str, ...]:
    return tuple(one.name for one in brought)


def _check_names(
    kind: str, brought: Sequence[Any], taken: Mapping[str, tuple[object, str]]
) -> None:
    names = [one.name for one in brought]
    for name in names:
        if names.count(name) > 1:
            raise PluginError(f"brings two {kind}s of the name {name!r}")
        if name in taken:
            raise PluginError(
                f"{kind} name {name!r} is already used by plugin {taken[name][1]!r};"
                " uninstall one of the two"
            )
