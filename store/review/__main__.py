"""The page where people accept and reject: `python -m store.review`, then open the link it prints."""

import getpass
import logging
import re
import socket
import sys
import time
from argparse import Namespace
from ipaddress import ip_address

import uvicorn
from sqlalchemy import Engine

from store.cards import count_stale, refresh_cards
from store.db import DEFAULT_URL, choose_url, open_db
from store.review.app import create_app
from store.review.settings import LOOPBACK, Settings
from store.reviewers import add_reviewer, check_name, is_revoked, list_reviewers, revoke
from taxonomy.command import Parser, run_main
from taxonomy.refusal import InputError

PORT = 8321
FIRST_CARDS = 200
"""Cards made before the page answers: some tenths of a second."""
STOP_S = 3


def build_parser() -> Parser:
    """Return the parser of this command."""
    parser = Parser("store.review", description=__doc__)
    parser.add_argument("--db", metavar="URL", help=f"default $DATABASE_URL, else {DEFAULT_URL}")
    parser.add_argument("--host", default="127.0.0.1", help="address to serve on (default: this machine only)")
    parser.add_argument("--port", type=int, default=PORT, help=f"default {PORT}; 0 takes a free one")
    parser.add_argument(
        "--reached-as", action="append", default=[], metavar="NAME", help="another host name browsers may use"
    )
    parser.add_argument("--secure", action="store_true", help="browsers reach it over TLS, by a proxy in front")
    parser.add_argument("--name", help="who the printed link logs in (default: your name on this system)")
    parser.add_argument("--overlap", type=float, default=0.1, help="share that two people look at (default: 0.1)")
    parser.add_argument(
        "--crisis-reviewers", type=int, default=2, metavar="N", help="people for a dialogue with danger (default: 2)"
    )
    people = parser.add_mutually_exclusive_group()
    people.add_argument("--add-reviewer", metavar="NAME", help="print a token for somebody, once, and stop")
    people.add_argument("--revoke", metavar="NAME", help="end somebody's token and logins at once, and stop")
    people.add_argument("--reviewers", action="store_true", help="list who has a token, and stop")
    return parser


def main() -> int:
    """Serve until interrupted, or do what is asked about reviewers."""
    parser = build_parser()
    flags = parser.parse_args()
    if not 0 <= flags.port < 65_536:
        parser.error(f"--port {flags.port}: ports run from 0 to 65535")
    if not 0 <= flags.overlap <= 1:
        parser.error(f"--overlap {flags.overlap}: a share lies between 0 and 1")
    if not 1 <= flags.crisis_reviewers <= 9:
        parser.error(f"--crisis-reviewers {flags.crisis_reviewers}: write 1 to 9")
    engine = open_db(choose_url(flags.db), create=False)
    try:
        return serve(engine, flags) if not manage(engine, flags) else 0
    finally:
        engine.dispose()


def manage(engine: Engine, flags: Namespace) -> bool:
    """Add, end or list reviewers; returns whether that was asked for."""
    if flags.add_reviewer is not None:
        sys.stdout.write(f"{add_reviewer(engine, flags.add_reviewer)}\n")
        sys.stderr.write("this token is shown once and kept nowhere; hand it over in private\n")
    elif flags.revoke is not None:
        revoke(engine, flags.revoke)
        sys.stdout.write(f"{flags.revoke} has no access\n")
    elif flags.reviewers:
        for one in list_reviewers(engine):
            said = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.last_at)) if one.last_at else "never"
            sys.stdout.write(f"{one.name:<40}  last {said}{'  revoked' if one.revoked_at else ''}\n")
    else:
        return False
    return True


def serve(engine: Engine, flags: Namespace) -> int:
    """Serve the page; the link on stdout is the only place where its token ever stands."""
    reviewer = check_name(flags.name) if flags.name is not None else system_name()
    if is_revoked(engine, reviewer):
        raise InputError(f"--name {reviewer!r} was revoked; --add-reviewer {reviewer!r} lets them in again")
    listening = listen(flags.host, flags.port)
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    if not ip_address(host).is_loopback and not flags.secure:
        sys.stderr.write(f"warning: {shown} is reached from elsewhere without TLS; put a proxy in front and --secure\n")
    settings = Settings(
        overlap=flags.overlap,
        crisis_reviewers=flags.crisis_reviewers,
        hosts=name_hosts(shown, flags.reached_as),
        secure=flags.secure,
    )
    refresh_cards(engine, FIRST_CARDS)
    left = count_stale(engine)
    if left:
        sys.stdout.write(f"{left:,} dialogues are still to be prepared; they join the lists meanwhile\n")
    app = create_app(engine, settings)
    told = "127.0.0.1" if ip_address(host).is_unspecified else shown
    sys.stdout.write(f"http://{told}:{port}/enter?token={app.state.door.make_link(reviewer, time.time())}\n")
    sys.stdout.flush()
    config = uvicorn.Config(
        app, log_level=logging.WARNING, access_log=False, ws="none", server_header=False, proxy_headers=False,
        timeout_graceful_shutdown=STOP_S,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listening])
    return 0


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises InputError where the address is taken or none of this machine's."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        raise InputError(f"--host {host} --port {port}: {error.strerror}; choose another, --port 0 takes any") from None
    return listening


def name_hosts(host: str, others: list[str]) -> tuple[str, ...]:
    """Return the names under which the page may be reached."""
    return tuple(dict.fromkeys([*LOOPBACK, host, socket.gethostname().lower(), *(name.lower() for name in others)]))


def system_name() -> str:
    """Return the user's name on this system as a reviewer's name can be."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = ""
    return re.sub(r"[^\w .-]", "-", name)[:40].strip() if re.search(r"\w", name) else "reviewer"


if __name__ == "__main__":
    run_main(main)
