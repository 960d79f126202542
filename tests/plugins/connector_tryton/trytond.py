"""A true Tryton server: an environment of its own, a database prepared once, and calls to it.

Both are kept in a folder outside the repository between runs, where the machine lets us
(`CONNECTOR_TEST_CACHE` names another one): they take two minutes to make.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import venv
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from filelock import FileLock

from tests.docs.pages import ROOT, blocks

DATABASE: Final = "crm"
ADMIN: Final = "admin"
USER: Final = "connector"
SECRET: Final = "correct horse battery"  # noqa: S105 - of a server that is made for the test
MODULE: Final = "pyramid"
REJECTED: Final = "Makes no sense"
"""A work status that the company has added."""
PACKAGES: Final = (
    "trytond==8.2.*",
    "trytond-party==8.2.*",
    "trytond-project==8.2.*",
    "trytond-sale-opportunity==8.2.*",
)
_GROUPS: Final = ("Party Administration", "Project Administration", "Sale Opportunity", "Sales")
_CONFIG: Final = """
[database]
uri = sqlite://
path = {folder}

[web]
listen = {listen}
"""
_LAUNCH: Final = """
import functools, sys
from pwdlib.hashers import argon2
# Each adapter that a test opens logs in: a hash that resists nobody takes no time.
argon2.Argon2Hasher = functools.partial(argon2.Argon2Hasher, 1, 8, 1)
from trytond.cli import main
sys.exit(main())
"""
_ADMIN: Final = """
import sys
from trytond.cli.admin import main
from trytond.model.modelstorage import ModelStorage
# The records that modules bring are right: to look at each takes more than half of the time.
ModelStorage._validate = classmethod(lambda cls, *arguments, **options: None)
sys.exit(main())
"""
_PREPARATION: Final = 1
"""Counted on when what is prepared changes."""


class Trytond:
    """A server that runs, asked as its administrator, behind the adapter's back."""

    def __init__(self, python: Path, folder: Path) -> None:
        self.folder = folder
        self._python = python
        self._client: httpx.Client | None = None
        self._log: deque[str] = deque(maxlen=50)
        self.url = "http://127.0.0.1:0"
        self.start()

    def start(self) -> None:
        """Start the server: on a port that is free, or where it was before."""
        config = self.folder / "trytond.conf"
        listen = self.url.removeprefix("http://")
        config.write_text(_CONFIG.format(folder=self.folder, listen=listen))
        command: list[str | Path] = [self._python, "-c", _LAUNCH, "-c", config, "-d", DATABASE]
        self._process = subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        try:
            self.url = self._running()
            threading.Thread(target=self._drain, daemon=True).start()
            session = self._logged_in()
        except BaseException:
            self._process.kill()  # nobody else would: there is no server to be stopped
            raise
        self._client = httpx.Client(headers={"Authorization": f"Session {session}"}, timeout=120)

    def stop(self) -> None:
        """End the server, as a machine that goes down does."""
        assert self._client is not None
        self._client.close()
        self._process.kill()
        self._process.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()

    def call(self, model: str, method: str, *params: object, **context: object) -> Any:
        """Return the result of a method of a model; fail if it is an error."""
        assert self._client is not None
        asked = [*params, {"company": 1, "active_test": False, **context}]
        return self._result(self._client, f"model.{model}.{method}", asked)

    def read(self, model: str, domain: Sequence[object], *fields: str) -> list[dict[str, Any]]:
        """Return *fields* of the records in *domain*, in the order of their ids."""
        found: list[dict[str, Any]] = self.call(
            model, "search_read", domain, 0, None, [["id", "ASC"]], fields
        )
        return found

    def newest(self, model: str) -> int:
        """Return the highest id there is."""
        found = self.call(model, "search", [], 0, 1, [["id", "DESC"]])
        return int(found[0]) if found else 0

    def forget_failed_logins(self) -> None:
        """Let the next login be answered at once: it is kept waiting after those that failed."""
        with closing(sqlite3.connect(self.folder / f"{DATABASE}.sqlite")) as database, database:
            database.execute("delete from res_user_login_attempt")

    def _running(self) -> str:
        """Return where the server is, once it says so."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._log.append(line)
            if "Running on " in line:
                return str(line).rpartition("Running on ")[2].strip()
        raise AssertionError(f"the server does not start:\n{''.join(self._log)}")

    def _drain(self) -> None:
        stream = self._process.stderr
        assert stream is not None
        try:
            self._log.extend(stream)
        except ValueError:  # closed, as it was stopped
            return

    def _logged_in(self) -> str:
        with httpx.Client(timeout=120) as client:
            asked = [ADMIN, {"password": ADMIN}, "en"]
            number, token, _ = self._result(client, "common.db.login", asked)
        return base64.b64encode(f"{ADMIN}:{number}:{token}".encode()).decode()

    def _result(self, client: httpx.Client, method: str, params: Sequence[object]) -> Any:
        body = json.dumps({"id": 0, "method": method, "params": params}, default=_typed)
        kind = {"Content-Type": "application/json"}
        said = client.post(f"{self.url}/{DATABASE}/rpc/", content=body, headers=kind)
        answer = said.raise_for_status().json(object_hook=_plain)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]


@contextmanager
def running(folder: Path) -> Iterator[Trytond]:
    """Give a server on a copy of the prepared database, in *folder*."""
    python, prepared = _prepared()
    shutil.copy(prepared, folder / f"{DATABASE}.sqlite")
    server = Trytond(python, folder)
    try:
        yield server
    finally:
        server.stop()


def _prepared() -> tuple[Path, Path]:
    """Return the Python of the environment and the prepared database, made if need be."""
    files = _module()
    what = (_PREPARATION, PACKAGES, sys.version_info, sys.base_prefix, sorted(files.items()))
    folder = _cache() / f"tryton-{sha256(repr(what).encode()).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    python = folder / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    database = folder / f"{DATABASE}.sqlite"
    # One of the processes that test makes it, the others wait.
    with FileLock(folder / "lock"):
        if not database.exists():
            _install(folder / "env", python, files)
            _prepare(folder / "new", python, database)
    return python, database


def _cache() -> Path:
    """Return a folder that survives between runs, where the machine has one for us."""
    home = Path.home()
    folders = {"darwin": home / "Library" / "Caches", "win32": home / "AppData" / "Local"}
    usual = os.environ.get("XDG_CACHE_HOME") or folders.get(sys.platform, home / ".cache")
    named = os.environ.get("CONNECTOR_TEST_CACHE")
    folder = Path(named) if named else Path(usual) / "pyramid-connector"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.gettempdir()) / "pyramid-connector"
    return folder


def _install(folder: Path, python: Path, files: Mapping[str, str]) -> None:
    """Make an environment with the server, its modules and ours."""
    venv.create(folder, clear=True, with_pip=True)
    command: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--no-input", *PACKAGES]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"Tryton can't be installed here: {done.stderr.strip()[-300:]}")
    find = "import trytond.modules; print(trytond.modules.__path__[0])"
    found = subprocess.run([python, "-c", find], capture_output=True, text=True, check=True)
    for name, text in files.items():
        file = Path(found.stdout.strip()) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _prepare(folder: Path, python: Path, database: Path) -> None:
    """Make a database in which the modules are active and a company is at work."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    made = folder / f"{DATABASE}.sqlite"
    made.touch()
    config, password = folder / "trytond.conf", folder / "password"
    config.write_text(_CONFIG.format(folder=folder, listen="127.0.0.1:0"))
    password.write_text(ADMIN)
    modules = ("ir", "res", "sale_opportunity", "project", MODULE)
    command: list[str | Path] = [python, "-c", _ADMIN, "-c", config, "-d", DATABASE]
    command += ["--activate-dependencies", "--email", "admin@example.com", "-u", *modules]
    subprocess.run(command, env={**os.environ, "TRYTONPASSFILE": str(password)}, check=True)
    server = Trytond(python, folder)
    try:
        _found_company(server)
    finally:
        server.stop()
    whole = folder / "whole.sqlite"
    with closing(sqlite3.connect(made)) as held:  # what was written last lies beside the file
        held.execute("vacuum into ?", [str(whole)])
    whole.replace(database)


def _found_company(server: Trytond) -> None:
    """Make a company in euros, two people who sell, and the user that we work as."""
    rate = {"date": date(2020, 1, 1), "rate": Decimal(1)}
    euro = {"name": "Euro", "code": "EUR", "symbol": "€", "rates": [["create", [rate]]]}
    (currency,) = server.call("currency.currency", "create", [euro])
    people = [{"name": "Our Company"}, {"name": "Jane Doe"}, {"name": "Žofie Novák"}]
    company, *employees = server.call("party.party", "create", people)
    of = [{"party": company, "currency": currency}]
    (company,) = server.call("company.company", "create", of)
    employed = [{"party": one, "company": company} for one in employees]
    employees = server.call("company.employee", "create", employed)
    works = {"companies": [["add", [company]]], "company": company}
    works |= {"employees": [["add", employees]], "employee": employees[0]}
    server.call("res.user", "write", [1], works)
    groups = server.call("res.group", "search", [["name", "in", _GROUPS]])
    assert len(groups) == len(_GROUPS)
    user = {"login": USER, "name": "Connector", "password": SECRET, "groups": [["add", groups]]}
    server.call("res.user", "create", [user | works])
    rejected = {"name": REJECTED, "types": ["task"], "progress": None}
    server.call("project.work.status", "create", [rejected])


def _module() -> dict[str, str]:
    """Return the files of the module that the page on the adapter shows."""
    page = ROOT / "docs" / "adapters" / "tryton.md"
    named = {block.words[0]: block.text for block in blocks(page) if block.words}
    return {name: text for name, text in named.items() if name.startswith(f"{MODULE}/")}


def _typed(value: object) -> object:
    match value:
        case Decimal():
            return {"__class__": "Decimal", "decimal": str(value)}
        case date():
            parts = {"year": value.year, "month": value.month, "day": value.day}
            return {"__class__": "date", **parts}
    raise TypeError(value)


def _plain(said: dict[str, Any]) -> Any:
    match said.get("__class__"):
        case "Decimal":
            return Decimal(said["decimal"])
        case "datetime":
            return tuple(part for name, part in said.items() if name != "__class__")
        case "date":
            return date(said["year"], said["month"], said["day"])
    return said
