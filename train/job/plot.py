"""Draws a curve in plain characters."""

from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
WIDTH, HEIGHT = 64, 8


def draw(points: Sequence[tuple[int, float]], width: int = WIDTH, height: int = HEIGHT) -> list[str]:
    """Return the lines of a plot of values over steps, each column the mean of its steps; none for fewer than two."""
    if len(points) < 2:
        return []
    columns = gather(points, width)
    known = [value for value in columns if value is not None]
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    # Every column reaches at least an eighth of the lowest line, so that the lowest value is seen too.
    levels = [None if value is None else 1 + round((value - low) / span * (height * 8 - 1)) for value in columns]
    lines = []
    for row in range(height - 1, -1, -1):
        label = f"{high:9.4g}" if row == height - 1 else f"{low:9.4g}" if row == 0 else " " * 9
        cells = "".join(" " if level is None else draw_cell(level - row * 8) for level in levels)
        lines.append(f"{label} │{cells}".rstrip())
    first, last = points[0][0], points[-1][0]
    lines.append(" " * 9 + " └" + "─" * len(columns))
    lines.append(" " * 11 + f"{first}{last:>{max(len(columns) - len(str(first)), 1)}}")
    return lines


def gather(points: Sequence[tuple[int, float]], width: int) -> list[float | None]:
    """Return the mean value of each column; None where no step falls into it."""
    first, last = points[0][0], points[-1][0]
    count = min(width, len(points))
    held: list[list[float]] = [[] for _ in range(count)]
    for step, value in points:
        held[min((step - first) * count // max(last - first, 1), count - 1)].append(value)
    return [sum(values) / len(values) if values else None for values in held]


def draw_cell(eighths: int) -> str:
    """Return a cell that is filled by so many eighths."""
    return " " if eighths <= 0 else BLOCKS[min(eighths, 8) - 1]
