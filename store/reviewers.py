"""Who may review: names, tokens and logins, of which the database holds hashes only."""

import re
import secrets
import time
from dataclasses import dataclass
from hashlib import blake2b
from hmac import compare_digest

from sqlalchemy import Engine, text

from store.db import explained, persist
from taxonomy.refusal import InputError

NAME = re.compile(r"[\w .-]{1,40}")
LOGIN_S = 12 * 3600.0
"""Seconds after which somebody has to log in again."""
FIND = text("SELECT name, revoked_at FROM reviewers WHERE name = :name")
ADD = text(
    "INSERT INTO reviewers (name, token_hash, created_at) VALUES (:name, :token_hash, :now) ON CONFLICT (name) DO"
    " UPDATE SET token_hash = excluded.token_hash, revoked_at = NULL WHERE reviewers.revoked_at IS NOT NULL"
)
REVOKE = text("UPDATE reviewers SET revoked_at = :now WHERE name = :name AND revoked_at IS NULL")
LIST = text(
    "SELECT w.name, w.created_at, w.revoked_at, (SELECT max(r.created_at) FROM reviews r WHERE r.reviewer = w.name)"
    " AS last_at FROM reviewers w ORDER BY w.name"
)
BY_TOKEN = text("SELECT name, token_hash FROM reviewers WHERE token_hash = :hash AND revoked_at IS NULL")
FORGET_OLD = text("DELETE FROM logins WHERE until <= :now")
ADD_LOGIN = text(
    "INSERT INTO logins (cookie_hash, reviewer, created_at, until) VALUES (:hash, :reviewer, :now, :until)"
)
BY_COOKIE = text("SELECT reviewer FROM logins WHERE cookie_hash = :hash AND until > :now")
LOG_OUT = text("DELETE FROM logins WHERE cookie_hash = :hash")
OF_REVIEWER = [text(f"DELETE FROM {table} WHERE reviewer = :name") for table in ("logins", "leases")]


@dataclass(frozen=True, slots=True)
class Reviewer:
    """A person with a token of their own; times are Unix times."""

    name: str
    created_at: float
    revoked_at: float | None
    last_at: float | None
    """When they last said something."""


def check_name(name: str) -> str:
    """Return a name without spaces around it; raises InputError where it is none."""
    kept = name.strip()
    if not NAME.fullmatch(kept):
        raise InputError(f"name {name[:50]!r}: write 1 to 40 letters, digits, spaces, dots, hyphens or underscores")
    return kept


def make_secret() -> str:
    """Return 256 random bits as they can stand in a URL or a cookie."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> bytes:
    """Return what is kept of a token or a cookie; it holds 256 random bits, so that no slow hash is needed."""
    return blake2b(secret.encode("utf-8", "replace"), digest_size=32, person=b"review").digest()


def add_reviewer(engine: Engine, name: str) -> str:
    """Let somebody in and return their token, which is kept nowhere; raises InputError where they have one."""
    kept, token = check_name(name), make_secret()

    def save() -> int:
        with engine.connect().execution_options(writes=True) as db, db.begin():
            return db.execute(ADD, {"name": kept, "token_hash": hash_secret(token), "now": time.time()}).rowcount

    with explained(engine):
        if not persist(save):
            raise InputError(f"reviewer {kept!r} has a token; --revoke {kept!r} ends it, then add them again")
    return token


def revoke(engine: Engine, name: str) -> None:
    """End somebody's token, logins and leases at once; raises InputError where they have none."""

    def save() -> int:
        with engine.connect().execution_options(writes=True) as db, db.begin():
            ended = [db.execute(statement, {"name": name}).rowcount for statement in OF_REVIEWER]
            return sum(ended) + db.execute(REVOKE, {"name": name, "now": time.time()}).rowcount

    with explained(engine):
        if not persist(save):
            raise InputError(f"there is no reviewer {name[:50]!r} with access; --reviewers names them")


def list_reviewers(engine: Engine) -> list[Reviewer]:
    """Return everybody who has or had a token, by name."""
    with explained(engine), engine.connect() as db:
        return [Reviewer(row.name, row.created_at, row.revoked_at, row.last_at) for row in db.execute(LIST)]


def is_revoked(engine: Engine, name: str) -> bool:
    """Whether somebody had a token that was ended."""
    with explained(engine), engine.connect() as db:
        row = db.execute(FIND, {"name": name}).one_or_none()
        return row is not None and row.revoked_at is not None


def find_reviewer(engine: Engine, token: str) -> str | None:
    """Return whose token this is, or None."""
    hashed = hash_secret(token)
    with explained(engine), engine.connect() as db:
        row = db.execute(BY_TOKEN, {"hash": hashed}).one_or_none()
    return row.name if row is not None and compare_digest(row.token_hash, hashed) else None


def log_in(engine: Engine, reviewer: str, now: float) -> str:
    """Return the cookie of a login that begins at this Unix time and ends by itself."""
    cookie = make_secret()
    values = {"hash": hash_secret(cookie), "reviewer": reviewer, "now": now, "until": now + LOGIN_S}

    def save() -> None:
        with engine.connect().execution_options(writes=True) as db, db.begin():
            db.execute(FORGET_OLD, {"now": now})
            db.execute(ADD_LOGIN, values)

    with explained(engine):
        persist(save)
    return cookie


def find_login(engine: Engine, cookie: str, now: float) -> str | None:
    """Return who is logged in by a cookie, or None."""
    with explained(engine), engine.connect() as db:
        reviewer: str | None = db.execute(BY_COOKIE, {"hash": hash_secret(cookie), "now": now}).scalar_one_or_none()
        return reviewer


def log_out(engine: Engine, cookie: str) -> None:
    """End a login."""

    def save() -> None:
        with engine.connect().execution_options(writes=True) as db, db.begin():
            db.execute(LOG_OUT, {"hash": hash_secret(cookie)})

    with explained(engine):
        persist(save)
