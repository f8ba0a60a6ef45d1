"""Reads a JSON array, or objects one after another, through a window that moves over the file."""

import codecs
import re
from collections.abc import Iterator
from json import JSONDecodeError
from pathlib import Path
from typing import BinaryIO

from store.formats.carriers.row import DECODER, LONGEST_ROW, FileRow, TwiceTold, check_object, is_decoded
from taxonomy.refusal import InputError
from taxonomy.source import show_path

CHUNK = 2**18
WAIT = 16
"""Characters before the end of the window in which a mistake may only be a token that is cut."""
BETWEEN = re.compile(r"[\s,]*")
MARK = re.compile(r'["\\{}\[\]]')


class Window:
    """The part of a file that has been read and not been used."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        self.text, self.is_whole, self.lines = "", False, 1

    def grow(self) -> None:
        """Read more: twice as much when a value does not fit, so that a long one is not looked at too often."""
        piece = self._file.read(max(CHUNK, len(self.text)))
        self.is_whole = not piece
        self.text += self._decoder.decode(piece, final=self.is_whole)

    def drop(self, end: int) -> str:
        """Forget what stands before a place, and return it."""
        used, self.text = self.text[:end], self.text[end:]
        self.lines += used.count("\n")
        return used

    def skip_blanks(self) -> str:
        """Go to the next character that means something, and return it, or nothing at the end."""
        while True:
            found = BETWEEN.match(self.text)
            self.drop(found.end() if found else 0)
            if self.text or self.is_whole:
                return self.text[:1]
            self.grow()


def read_rows(path: Path) -> Iterator[FileRow]:
    """Yield a row for each value; raises InputError at a place from which no next value can be found."""
    with path.open("rb") as file:
        window = Window(file)
        is_array, is_closed = window.skip_blanks() == "[", False
        if is_array:
            window.drop(1)
        number, place = 0, 0
        # Values are cut off the window together: a window that is cut at each would be copied each time.
        while True:
            found = BETWEEN.match(window.text, place)
            place = found.end() if found else place
            if place == len(window.text):
                window.drop(place)
                place = 0
                if window.is_whole:
                    break
                window.grow()
                continue
            is_closed = is_array and window.text[place] == "]"
            if is_closed:
                window.drop(place + 1)
                break
            number += 1
            row, end = read_value(window, place, number, path)
            place = end
            yield row
        if is_closed != is_array or (is_closed and window.skip_blanks()):
            what = "there is more after the array" if is_closed else "the array is not closed"
            raise InputError(f"{show_path(path)}:{window.lines}: {what}; the rows before went in")


def read_value(window: Window, place: int, number: int, path: Path) -> tuple[FileRow, int]:
    """Return the value at a place of the window, and where it ends; the window may be cut and grown meanwhile."""
    while True:
        try:
            value, end = DECODER.raw_decode(window.text, place)
        except JSONDecodeError as error:
            is_cut = error.pos > len(window.text) - WAIT or error.msg.startswith("Unterminated string")
            problem = "" if is_cut and not window.is_whole else "not JSON"
        except TwiceTold as error:
            problem = str(error)
        except RecursionError:
            problem = "nested too deeply"
        else:
            # A number at the end of the window may go on.
            if end < len(window.text) - WAIT or window.is_whole:
                raw = window.text[place:end]
                if len(raw) > LONGEST_ROW:
                    return FileRow(number, None, f"longer than {LONGEST_ROW} characters", raw[:1000]), end
                return (check_object(number, value, raw) if is_decoded(raw) else bad(number, "not UTF-8", raw)), end
            problem = ""
        if problem or len(window.text) - place > LONGEST_ROW:
            window.drop(place)
            return pass_over(window, number, problem or f"longer than {LONGEST_ROW} characters", path)
        window.drop(place)
        place = 0
        window.grow()


def pass_over(window: Window, number: int, problem: str, path: Path) -> tuple[FileRow, int]:
    """Go to the end of the object at the head of the window by its brackets alone."""
    if window.text[:1] not in "{[":
        raise InputError(f"{show_path(path)}:{window.lines}: not JSON; the rows before went in")
    head, depth, is_text, place = "", 0, False, 0
    while True:
        while mark := MARK.search(window.text, place):
            place = mark.end()
            if mark[0] == "\\":
                place += 1
            elif mark[0] == '"':
                is_text = not is_text
            elif not is_text:
                depth += 1 if mark[0] in "{[" else -1
                if depth == 0:
                    raw = head + window.text[:place] if len(head) < LONGEST_ROW else head
                    return bad(number, problem, raw), place
        left = max(place - len(window.text), 0)
        head += window.drop(len(window.text))[: LONGEST_ROW - len(head)]
        if window.is_whole:
            raise InputError(f"{show_path(path)}:{window.lines}: not JSON, it ends too soon; the rows before went in")
        window.grow()
        place = left


def bad(number: int, problem: str, raw: str) -> FileRow:
    """Return a row that cannot be read, with as much of it as is worth keeping."""
    return FileRow(number, None, problem, raw[:1000] if len(raw) > LONGEST_ROW or "deep" in problem else raw)
