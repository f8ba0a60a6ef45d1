"""The page is started, used and stopped from a shell; what is wrong with that is said in one line."""

import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from store.cards import count_stale
from store.db import Database, open_db
from store.review.__main__ import main, system_name
from store.reviewers import find_reviewer
from taxonomy.command import run_main
from tests.store.review.served import Served, serve
from tests.store.review.talks import keep_talks

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def url(engine: Database) -> str:
    """Return the URL of a database with two talks."""
    keep_talks(engine, 2)
    return f"sqlite:///{engine.url.database}"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs the command to its end in this process and returns code, stdout and stderr."""

    def run(*flags: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["store.review", *flags])
        with pytest.raises(SystemExit) as ended:
            run_main(main)
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out.strip(), told.err.strip()

    return run


def test_the_link_opens_the_queue_once_stands_in_no_log_and_ctrl_c_ends_at_once(url: str) -> None:
    with serve(url) as served:
        assert served.told == [served.link]
        assert served.origin.startswith("http://127.0.0.1:")
        served.enter()
        page = served.client.get("/queue", follow_redirects=True)
        assert (page.status_code, page.url.path, "ann" in page.text) == (200, "/dialogues/1/0", True)
        assert served.client.get(served.link).status_code == 403
        assert served.client.get("/dialogues?text=secretwords").status_code == 200
        assert "server" not in page.headers
        began = time.monotonic()
        served.process.send_signal(signal.SIGINT)
        out, error = served.process.communicate(timeout=20)
        assert time.monotonic() - began < 5
        assert served.process.returncode in (0, 130)
        token = served.link.partition("=")[2]
        assert token not in out + error
        assert "secretwords" not in out + error
        assert "Traceback" not in error


def test_a_reviewer_is_added_listed_logs_in_and_is_revoked_while_the_page_runs(url: str, run: Run) -> None:
    code, token, told = run("--db", url, "--add-reviewer", "陈 静")
    assert (code, len(token) >= 43, "shown once" in told) == (0, True, True)
    engine = open_db(url)
    assert find_reviewer(engine, token) == "陈 静"
    engine.dispose()
    with serve(url) as served:
        sent = served.client.post("/login", data={"token": token})
        assert sent.status_code == 303
        assert served.client.get("/guide").status_code == 200
        assert run("--db", url, "--reviewers")[1].startswith("陈 静")
        assert run("--db", url, "--revoke", "陈 静")[0] == 0
        assert served.client.get("/guide").headers["location"] == "/login"
    assert "revoked" in run("--db", url, "--reviewers")[1]
    assert run("--db", url, "--name", "陈 静")[0] == 2


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--port", "70000"], "--port 70000: ports run from 0 to 65535"),
        (["--overlap", "2"], "--overlap 2.0: a share lies between 0 and 1"),
        (["--crisis-reviewers", "0"], "--crisis-reviewers 0: write 1 to 9"),
        (["--host", "256.1.1.1"], "--host 256.1.1.1 --port 8321:"),
        (["--name", "<b>"], "name '<b>': write 1 to 40 letters"),
        (["--add-reviewer", "a/b"], "name 'a/b': write 1 to 40 letters"),
        (["--revoke", "nobody"], "there is no reviewer 'nobody'"),
        (["--add-reviewer", "a", "--reviewers"], "not allowed with"),
        (["--crisis-reviewer", "1"], "did you mean '--crisis-reviewers'?"),
    ],
)
def test_wrong_usage_is_one_line_and_ends_with_two(url: str, run: Run, flags: list[str], told: str) -> None:
    code, out, error = run("--db", url, *flags)
    assert (code, out, len(error.splitlines())) == (2, "", 1)
    assert told in error


def test_a_port_in_use_and_a_missing_database_are_one_line(url: str, run: Run, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, out, error = run("--db", url, "--port", str(taken.getsockname()[1]))
    assert (code, out, len(error.splitlines())) == (2, "", 1)
    assert "Address already in use; choose another" in error
    code, out, error = run("--db", f"sqlite:///{tmp_path}/none.db")
    assert (code, out, len(error.splitlines())) == (1, "", 1)


def test_serving_others_without_tls_is_warned_of_and_works_for_the_hosts_that_are_named(url: str) -> None:
    served = Served(url, "--host", "0.0.0.0", "--reached-as", "review.example")
    try:
        hosts = {"review.example": 200, socket.gethostname(): 200, "127.0.0.1": 200, "evil.example": 421}
        got = {host: served.client.get("/login", headers={"Host": host}).status_code for host in hosts}
        assert got == hosts
    finally:
        served.process.terminate()
        _, error = served.process.communicate(timeout=20)
        served.stop()
    assert "warning: 0.0.0.0 is reached from elsewhere without TLS" in error
    assert len(error.splitlines()) == 1


def test_the_page_answers_before_all_cards_are_made_and_makes_the_rest_meanwhile(engine: Database, url: str) -> None:
    keep_talks(engine, 600)
    with engine.connect().execution_options(writes=True) as db, db.begin():
        db.execute(text("INSERT INTO stale SELECT id FROM dialogues"))
    with serve(url) as served:
        assert served.told[0].startswith("402 dialogues are still to be prepared")
        served.enter()
        assert served.client.get("/dialogues").status_code == 200
        limit = time.monotonic() + 30
        while count_stale(engine):
            assert time.monotonic() < limit
            time.sleep(0.1)


def test_the_users_own_name_is_the_reviewers_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for own, name in (("jane", "jane"), ("DOMAIN\\jane<x>", "DOMAIN-jane-x-"), ("\\\\", "reviewer")):
        monkeypatch.setenv("LOGNAME", own)
        assert system_name() == name
