"""Reads a text file that a person named; what is not UTF-8 text is refused in one line. Digests any file."""

import stat
from hashlib import blake2b
from pathlib import Path

from taxonomy.refusal import InputError

MOST_BYTES = 2 * 2**20


def show_path(path: Path) -> str:
    """Return the path as it was given, on one line."""
    shown = str(path)
    return shown if shown.isprintable() else repr(shown)


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file, without its byte order mark; raises InputError."""
    data = _read_bytes(path)
    where = show_path(path)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{where}:1: the file is in UTF-16; save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # An editor's line: \r\n counts once, and so does a lone \r.
        line = len(data[: error.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
        looks = " (it looks like GBK)" if _is_gbk(data) else ""
        raise InputError(f"{where}:{line}: the file is not in UTF-8{looks}; save it as UTF-8") from error


def digest_file(path: Path) -> str:
    """Return a short digest of a file's bytes; raises InputError."""
    digest = blake2b(digest_size=8)
    try:
        with path.open("rb") as file:
            while piece := file.read(2**20):
                digest.update(piece)
    except OSError as error:
        raise InputError(f"{show_path(path)} cannot be read: {error.strerror}") from None
    return digest.hexdigest()


def _read_bytes(path: Path) -> bytes:
    where = show_path(path)
    try:
        state = path.stat()
        if stat.S_ISDIR(state.st_mode):
            raise InputError(f"{where}: is a directory; name a file in it")
        # A pipe that nobody writes to would wait for ever.
        if not stat.S_ISREG(state.st_mode):
            raise InputError(f"{where}: is not a plain file; copy it to one")
        if state.st_size > MOST_BYTES:
            raise InputError(f"{where}: is larger than {MOST_BYTES // 2**20} MB; name the right file")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{where}: there is no such file; check the path") from error
    except (OSError, ValueError) as error:
        # A ValueError is a path with a NUL in it.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"{where}: cannot be read ({reason}); check the path") from error


def _is_gbk(data: bytes) -> bool:
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return False
    return any("\u4e00" <= character <= "\u9fff" for character in text)
