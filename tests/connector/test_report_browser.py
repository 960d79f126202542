"""The report in a browser: names run nothing, nothing is too wide, and it prints on A4."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from tests.connector.cli_jobs import run
from tests.connector.report_jobs import write_books

pytestmark = pytest.mark.long

Browse: TypeAlias = Callable[..., str]
"""Opens a file with the options given; returns what the browser prints."""

_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
_PAPER_WIDTH: Final = 680
"""A4 less the margins, in the pixels of CSS."""

_MEASURED: Final = """\
<!doctype html>
<iframe src="{file}" style="width:{width}px;height:900px;border:0"></iframe>
<p id="measured"></p>
<script>
onload = () => {{
  const page = document.querySelector("iframe").contentDocument;
  const parts = [...page.querySelectorAll("body *")].filter(
    (part) => !part.closest(".across") && part.getBoundingClientRect().right > {width} + 1);
  document.querySelector("#measured").textContent = JSON.stringify(
    [page.documentElement.scrollWidth, parts.map((part) => part.outerHTML.slice(0, 80))]);
}};
</script>
"""


@pytest.fixture(scope="module")
def browse(tmp_path_factory: pytest.TempPathFactory) -> Browse:
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(_BROWSERS)} is installed")
    profile = tmp_path_factory.mktemp("profile")

    def opened(file: Path, *options: str) -> str:
        fixed = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
        kept = f"--user-data-dir={profile}"
        command = [str(found), *fixed, kept, *options, file.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        return done.stdout

    return opened


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("books")
    job = write_books(folder)
    assert run("sync", job).exit_code == 5
    assert run("report", job).exit_code == 0
    return folder / "books-report.html"


def test_names_run_nothing(browse: Browse, report: Path) -> None:
    shown = browse(report, "--dump-dom")
    assert "<title>Customer pyramid of books</title>" in shown
    assert "&lt;script&gt;document.title = 'owned'&lt;/script&gt;" in shown


def measured(browse: Browse, file: Path, width: int) -> tuple[int, list[str]]:
    """Return how wide the page is in a window so wide, and the parts that reach beyond it."""
    frame = file.with_name(f"{file.stem}-{width}.html")
    frame.write_text(_MEASURED.format(file=file.name, width=width), encoding="utf-8")
    dumped = browse(frame, "--allow-file-access-from-files", "--dump-dom")
    said = re.search(r'<p id="measured">(.*?)</p>', dumped, re.DOTALL)
    assert said, dumped
    wide, parts = json.loads(unescape(said[1]))
    return wide, parts


@pytest.mark.parametrize("width", [360, 400, 768, 1100])
def test_nothing_is_wider_than_the_screen(browse: Browse, report: Path, width: int) -> None:
    assert measured(browse, report, width) == (width, [])


def test_nothing_is_wider_than_the_paper(browse: Browse, report: Path) -> None:
    # What is too wide makes a browser print everything smaller.
    paper = report.with_name("paper.html")
    markup = report.read_text(encoding="utf-8").replace("@media screen", "@media not all")
    paper.write_text(markup.replace("@media print", "@media all"), encoding="utf-8")

    assert measured(browse, paper, _PAPER_WIDTH) == (_PAPER_WIDTH, [])


def test_it_prints_on_a4(browse: Browse, report: Path) -> None:
    printed = report.with_suffix(".pdf")
    browse(report, "--no-pdf-header-footer", f"--print-to-pdf={printed}")

    sizes = re.findall(rb"/MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", printed.read_bytes())
    assert len(sizes) > 3
    assert {(round(float(width)), round(float(height))) for width, height in sizes} == {(595, 842)}
