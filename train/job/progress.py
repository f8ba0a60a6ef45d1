"""Shows how a job goes: a bar on a terminal, a plain line now and then elsewhere; always on stderr."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

LINE_EVERY_S = 10.0


class Progress:
    """Shows step, loss, tokens a second, MFU where it is known, and the time left, as long as somebody can read it."""

    def __init__(self, name: str, *, is_shown: bool = True) -> None:
        self._name = name
        self._is_shown = is_shown
        self._bar: tqdm[Any] | None = None
        self._latest: dict[str, Any] = {}
        self._said = time.monotonic()
        self._shown: int | None = None

    def tell(self, point: Mapping[str, Any]) -> None:
        """Take in what the trainer tells of a step."""
        self._latest |= {name: value for name, value in point.items() if value is not None}
        if self._is_shown:
            with self._unread():
                self._show()

    def _show(self) -> None:
        step, steps = self._latest["step"], self._latest.get("steps")
        if sys.stderr is not None and sys.stderr.isatty():
            if self._bar is None:
                self._bar = tqdm(total=steps, unit="step", desc=self._name, dynamic_ncols=True)
            self._bar.total = steps
            self._bar.set_postfix_str(describe(self._latest), refresh=False)
            self._bar.update(step - self._bar.n)
        elif self._shown is None or time.monotonic() - self._said >= LINE_EVERY_S:
            self._write_line()

    def say(self, line: str) -> None:
        """Print a line without tearing the bar."""
        with self._unread():
            if self._bar is not None:
                self._bar.write(line, file=sys.stderr)
            elif sys.stderr is not None:
                sys.stderr.write(f"{line}\n")
                sys.stderr.flush()

    def close(self) -> None:
        """End the bar, or say where the job stands."""
        with self._unread():
            if self._bar is not None:
                self._bar.close()
            elif self._is_shown and self._latest and self._shown != self._latest["step"]:
                self._write_line()

    @contextmanager
    def _unread(self) -> Iterator[None]:
        """Stop showing where the terminal or the reader is gone: the job is not to end with it."""
        try:
            yield
        except OSError:
            self._is_shown = False
            if self._bar is not None:
                self._bar.disable, self._bar = True, None

    def _write_line(self) -> None:
        self._said, self._shown = time.monotonic(), self._latest["step"]
        steps = self._latest.get("steps")
        of = f"/{steps}" if steps is not None else ""
        self.say(f"{self._name}: step {self._shown}{of}, {describe(self._latest)}")


def describe(latest: Mapping[str, Any]) -> str:
    """Return what is known of a step in words."""
    parts = []
    if isinstance(latest.get("loss"), int | float):
        parts.append(f"loss {latest['loss']:.4g}")
    if isinstance(latest.get("eval_loss"), int | float):
        parts.append(f"eval loss {latest['eval_loss']:.4g}")
    for name, unit in (("tokens_per_s", "tokens/s"), ("loss_tokens_per_s", "loss-tokens/s")):
        if isinstance(latest.get(name), int | float):
            parts.append(f"{latest[name]:,.0f} {unit}")
    if isinstance(latest.get("mfu"), int | float):
        parts.append(f"MFU {latest['mfu']:.1%}")
    if isinstance(latest.get("eta_s"), int | float):
        parts.append(f"{show_seconds(latest['eta_s'])} left")
    return ", ".join(parts)


def show_seconds(seconds: float) -> str:
    """Return a duration in its two largest units."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"
