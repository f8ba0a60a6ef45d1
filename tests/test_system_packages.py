"""A program that is missing skips its test in one line; where everything is required, it fails it."""

from pathlib import Path

import pytest

from tests import system_packages
from tests.system_packages import need


@pytest.fixture(autouse=True)
def hide_the_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("REQUIRE_ALL", raising=False)


def test_a_missing_program_skips_and_names_its_package() -> None:
    with pytest.raises(pytest.skip.Exception, match=r"needs g\+\+ \(Debian package g\+\+\)"):
        need("g++")


def test_a_missing_program_fails_where_all_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="needs chromium"):
        need("chromium")


def test_without_a_way_to_install_a_package_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system_packages, "DEBIAN", {"g++": "g++"})
    assert system_packages.main() == 0
    assert "install the package g++" in capsys.readouterr().err
    monkeypatch.setenv("REQUIRE_ALL", "1")
    assert system_packages.main() == 1
