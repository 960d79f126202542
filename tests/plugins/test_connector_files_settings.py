"""What a job may say about files, and what importing the plugin costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from connector import FIELDS
from connector_files import adapters
from connector_files.settings import Settings, Table

pytestmark = pytest.mark.filterwarnings("error")


def test_relative_folders_are_beside_the_job(tmp_path: Path) -> None:
    said = {"folder": "export", "output": "written", "accounts": "a.csv"}
    settings = Settings.model_validate(said, context={"folder": tmp_path})
    assert settings.folder == tmp_path / "export"
    assert settings.output_folder == tmp_path / "written"


def test_an_absolute_folder_stays(tmp_path: Path) -> None:
    settings = Settings.model_validate({"folder": str(tmp_path)}, context={"folder": Path("/job")})
    assert settings.folder == tmp_path


def test_a_copy_goes_beside_the_source_files_by_default(tmp_path: Path) -> None:
    assert Settings(folder=tmp_path).tasks_file == tmp_path / "out" / "tasks.csv"


def test_in_place_the_tasks_are_in_the_folder(tmp_path: Path) -> None:
    assert Settings(folder=tmp_path, mode="in_place").tasks_file == tmp_path / "tasks.csv"


@pytest.mark.parametrize(
    ("file", "kind", "separator"),
    [
        ("a.csv", "csv", ","),
        ("orders-*.csv.gz", "csv", ","),
        ("A.TSV", "tsv", "\t"),
        ("a.parquet", "parquet", ","),
        ("a.xlsx", "excel", ","),
    ],
)
def test_the_format_follows_from_the_name(file: str, kind: str, separator: str) -> None:
    table = Table(file=file)
    assert (table.kind, table.separator) == (kind, separator)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        pytest.param({"accounts": "a.dat"}, "add `format`", id="unknown-ending"),
        pytest.param({"accounts": "a.parquet.gz"}, "add `format`", id="packed-parquet"),
        pytest.param({"acounts": "a.csv"}, "acounts", id="unknown-key"),
        pytest.param({"accounts": {"file": "a.csv", "delimeter": ";"}}, "delimeter", id="typo"),
        pytest.param({"accounts": {"file": "a.csv", "encoding": "utf-9"}}, "utf-9", id="encoding"),
        pytest.param({"tasks": "tasks.xml"}, r"\.csv, \.parquet", id="tasks-ending"),
        pytest.param({"tasks": "../tasks.csv"}, "no file name", id="tasks-elsewhere"),
        pytest.param({"output": "."}, "in_place", id="copy-onto-the-source"),
    ],
)
def test_a_mistake_is_named(said: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Settings.model_validate({"folder": ".", **said})


def test_every_setting_is_described() -> None:
    for model in (Settings, Table):
        assert all(field.description for field in model.model_fields.values())


def test_our_fields_have_their_own_names() -> None:
    (adapter,) = adapters()
    for stream, fields in FIELDS.items():
        assert adapter.fields[stream] == {name: name for name in fields}


def test_importing_the_plugin_brings_nothing_heavy() -> None:
    heavy = "{'pyarrow', 'duckdb', 'openpyxl', 'python_calamine', 'pandas', 'numpy'}"
    code = f"import sys, connector_files; print(*{heavy} & set(sys.modules))"
    path = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=path, check=True)
    assert done.stdout.split() == []
