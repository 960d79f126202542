"""What is shipped is what is in the tree."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_plugin_folder_has_its_entry_point() -> None:
    folders = {path.name for path in (ROOT / "plugins").iterdir() if path.is_dir()}
    found = set(PROJECT["project"]["entry-points"]["connector"].values())
    assert found == folders | {"six_goals.pack"}


def test_every_package_is_in_the_wheel() -> None:
    wheel = set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    roots = {f"{root}/{path.name}" for root in ("rules", "plugins") for path in _packages(root)}
    assert wheel == {"connector", *roots}


def test_source_roots_are_not_packages() -> None:
    assert not (ROOT / "rules" / "__init__.py").exists()
    assert not (ROOT / "plugins" / "__init__.py").exists()


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("connector", ("ibis", "duckdb", "pyarrow", "sqlalchemy", "pydantic", "httpx")),
        ("connector.cli", ("ibis", "duckdb", "pyarrow", "sqlalchemy", "pydantic", "httpx")),
        ("connector_espocrm", ("pydantic", "pyarrow", "httpx")),
        ("connector_files", ("ibis", "duckdb", "pyarrow", "openpyxl")),
        ("connector_salesforce", ("pydantic", "pyarrow", "requests", "simple_salesforce", "zeep")),
        ("connector_sql", ("ibis", "duckdb", "pyarrow", "sqlalchemy")),
        ("connector_tryton", ("pydantic", "httpx")),
        ("connector_vault", ("pydantic", "httpx")),
        ("sandbox_salesforce", ("starlette", "uvicorn", "lark", "httpx", "sqlite3")),
        ("connector.config", ("ibis", "duckdb", "pyarrow", "sqlalchemy", "apscheduler")),
    ],
)
def test_importing_it_does_not_import_what_is_slow(module: str, heavy: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(*sorted(set({heavy!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout.split() == []


def test_nothing_needs_pandas_or_numpy() -> None:
    required = " ".join(PROJECT["project"]["dependencies"])
    assert "pandas" not in required
    assert "numpy" not in required


def _packages(root: str) -> list[Path]:
    return [path for path in (ROOT / root).iterdir() if (path / "__init__.py").exists()]
