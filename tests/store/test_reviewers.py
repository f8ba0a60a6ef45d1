"""Tokens open the page for whoever they were made for, until they are revoked; the database holds none of them."""

import pytest
from sqlalchemy import text

from store.db import Database
from store.reviewers import (
    LOGIN_S,
    add_reviewer,
    check_name,
    find_login,
    find_reviewer,
    is_revoked,
    list_reviewers,
    log_in,
    log_out,
    revoke,
)
from taxonomy.refusal import InputError


def test_a_token_names_its_reviewer_and_stands_nowhere_in_the_database(database: Database) -> None:
    token = add_reviewer(database, "陈 Ann")
    assert find_reviewer(database, token) == "陈 Ann"
    assert len(token) >= 43
    cookie = log_in(database, "陈 Ann", 1000.0)
    for wrong in ("", "x", token[:-1], token + "x", token.swapcase(), cookie, "\ud800", "\x00" * 500):
        assert find_reviewer(database, wrong) is None
    with database.connect() as db:
        for table in ("reviewers", "logins"):
            for row in db.execute(text(f"SELECT * FROM {table}")):
                kept = [bytes(value) if isinstance(value, memoryview) else value for value in row]
                assert token not in str(kept)
                assert cookie not in str(kept)


def test_revoking_ends_the_token_every_login_and_every_lease_of_one_person_alone(database: Database) -> None:
    tokens = {name: add_reviewer(database, name) for name in ("ann", "bo")}
    cookies = [log_in(database, name, 1000.0) for name in ("ann", "ann", "bo")]
    revoke(database, "ann")
    assert is_revoked(database, "ann")
    assert not is_revoked(database, "bo")
    assert [find_login(database, cookie, 1001.0) for cookie in cookies] == [None, None, "bo"]
    assert [find_reviewer(database, token) for token in tokens.values()] == [None, "bo"]
    with pytest.raises(InputError, match="no reviewer 'ann'"):
        revoke(database, "ann")
    linked = log_in(database, "somebody by a link", 1000.0)
    revoke(database, "somebody by a link")
    assert find_login(database, linked, 1001.0) is None
    again = add_reviewer(database, "ann")
    assert (find_reviewer(database, again), find_reviewer(database, tokens["ann"])) == ("ann", None)
    assert [(one.name, one.revoked_at, one.last_at) for one in list_reviewers(database)] == [
        ("ann", None, None),
        ("bo", None, None),
    ]


def test_a_second_token_for_the_same_person_is_refused_and_the_first_still_works(database: Database) -> None:
    token = add_reviewer(database, "ann")
    with pytest.raises(InputError, match="'ann' has a token; --revoke"):
        add_reviewer(database, " ann ")
    assert find_reviewer(database, token) == "ann"


def test_a_login_ends_after_twelve_hours_or_by_logging_out(database: Database) -> None:
    cookie, other = log_in(database, "ann", 1000.0), log_in(database, "ann", 1000.0)
    assert find_login(database, cookie, 1000.0 + LOGIN_S - 1) == "ann"
    assert find_login(database, cookie, 1000.0 + LOGIN_S) is None
    log_out(database, cookie)
    assert [find_login(database, each, 1001.0) for each in (cookie, other, "")] == [None, "ann", None]
    log_in(database, "ann", 1000.0 + LOGIN_S)
    with database.connect() as db:
        assert db.execute(text("SELECT count(*) FROM logins")).scalar_one() == 1


@pytest.mark.parametrize("name", ["", "  ", "a" * 41, "a\nb", "<b>", "a/b", "a;b", "'", "a\x00"])
def test_a_name_of_other_characters_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="write 1 to 40 letters"):
        check_name(name)
