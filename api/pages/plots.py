"""Plots as SVG, drawn here: shapes and words with the classes of desk.css. Each says in a sentence what it shows."""

from collections.abc import Iterable, Sequence
from itertools import takewhile
from math import floor, log10

from markupsafe import Markup

from tools.records.text import amount

WIDTH, HEIGHT = 640, 270
LEFT, RIGHT, BOTTOM = 62, 12, 30
LINE = 15
"""Height of a line of words."""
Point = tuple[float, float]


class Plot:
    """A plot in the making. Places are in the units of the data."""

    def __init__(self, label: str, *, x: Point, y: Point, rows: int = 0) -> None:
        """With so many rows of names above it."""
        self._label, self._x, self._y, self._top = label, x, y, LINE + rows * LINE
        self._parts: list[Markup] = []

    def line(self, points: Iterable[Point], kind: str) -> None:
        self._draw(Markup('<polyline class="{}" points="{}"/>'), kind, self._places(points))

    def band(self, lower: Iterable[Point], upper: Sequence[Point]) -> None:
        self._draw(Markup('<polygon class="band" points="{}"/>'), self._places([*lower, *reversed(upper)]))

    def bar(self, start: float, end: float, top: float, kind: str = "bar") -> None:
        """From the axis up to `top`."""
        (left, high), (right, low) = self._at(start, top), self._at(end, self._y[0])
        shape = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>')
        self._draw(shape, kind, left, high, _short(right - left), _short(low - high))

    def dot(self, at: Point, kind: str = "dot") -> None:
        """A disc; a square where the kind is `other`, so that colour is not all that tells them apart."""
        left, top = self._at(*at)
        if kind == "other":
            self._draw(Markup('<rect class="{}" x="{}" y="{}" width="8" height="8"/>'), kind, left - 4, top - 4)
        else:
            self._draw(Markup('<circle class="{}" cx="{}" cy="{}" r="4.5"/>'), kind, left, top)

    def across(self, height: float, words: str, *, at_left: bool = False) -> None:
        """A level, with its name above it at the right, or at the left."""
        self.line([(self._x[0], height), (self._x[1], height)], "rule")
        _, top = self._at(0, height)
        place, anchor = (LEFT + 4, "start") if at_left else (WIDTH - RIGHT, "end")
        self._words(place, top - 4, words, anchor)

    def upright(self, place: float, words: str, *, row: int = 0) -> None:
        """A moment, with its name above the plot; names that would meet go in different rows."""
        left, _ = self._at(place, 0)
        self.line([(place, self._y[0]), (place, self._y[1])], "mark")
        anchor = "end" if left > WIDTH / 2 else "start"
        self._words(left, self._top - 5 - row * LINE, words, anchor)

    def sign(self, place: float, height: float, sign: str, kind: str) -> None:
        """A letter above a place."""
        left, top = self._at(place, height)
        self._words(left, top - 3, sign, "middle", kind)

    def axes(self, across: Iterable[tuple[float, str]], up: Iterable[tuple[float, str]]) -> None:
        for height, words in up:
            self.line([(self._x[0], height), (self._x[1], height)], "axis")
            self._words(LEFT - 6, self._at(0, height)[1] + 4, words, "end")
        for place, words in across:
            left, _ = self._at(place, 0)
            anchor = "start" if left < LEFT + 20 else "end" if left > WIDTH - RIGHT - 20 else "middle"
            self._words(left, HEIGHT - BOTTOM + LINE + 2, words, anchor)

    def svg(self) -> Markup:
        """The whole plot."""
        frame = Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
        return frame.format(WIDTH, HEIGHT, self._label, Markup("").join(self._parts))

    def _draw(self, shape: Markup, *values: object) -> None:
        self._parts.append(shape.format(*values))

    def _words(self, left: float, top: float, words: str, anchor: str, kind: str = "") -> None:
        shape = Markup('<text x="{}" y="{}" text-anchor="{}" class="{}">{}</text>')
        self._draw(shape, _short(left), _short(top), anchor, kind, words)

    def _at(self, across: float, up: float) -> Point:
        shares = ((value - low) / (high - low) for value, (low, high) in ((across, self._x), (up, self._y)))
        right, risen = (min(1.0, max(0.0, share)) for share in shares)
        return _short(LEFT + right * (WIDTH - LEFT - RIGHT)), _short(
            HEIGHT - BOTTOM - risen * (HEIGHT - self._top - BOTTOM)
        )

    def _places(self, points: Iterable[Point]) -> str:
        return " ".join(f"{left},{top}" for left, top in (self._at(*point) for point in points))


_SHORT = ((1e6, 1e6, " M"), (1e4, 1e3, " k"), (float("-inf"), 1, ""))
"""From where on figures of an axis are named by a unit, and by which."""


def ticks(most: float, least: float = 0.0) -> list[tuple[float, str]]:
    """Round numbers from `least` to `most`, at most six, each with its name, which is short: k for thousands, M for
    millions.

    >>> ticks(1200)
    [(0.0, '0'), (250.0, '250'), (500.0, '500'), (750.0, '750'), (1000.0, '1,000')]
    >>> ticks(40_000)[1:3], ticks(2_600_000)[1:3]
    ([(10000.0, '10 k'), (20000.0, '20 k')], [(1000000.0, '1 M'), (2000000.0, '2 M')])
    """
    rough = (most - least) / 5 or 1.0
    size = 10.0 ** floor(log10(rough))
    step = next(step for step in (size, 2 * size, 2.5 * size, 5 * size, 10 * size) if step >= rough * (1 - 1e-9))
    values = (least + count * step for count in range(7))
    scale, sign = next((scale, sign) for least_of, scale, sign in _SHORT if most >= least_of)
    return [
        (value, amount(value / scale, 6) + (sign if value else ""))
        for value in takewhile(lambda value: value <= most * (1 + 1e-9), values)
    ]


def percents(low: float, high: float = 1.0) -> list[tuple[float, str]]:
    """The same, of shares."""
    return [(value / 100, f"{name} %") for value, name in ticks(100 * high, 100 * low)]


def _short(value: float) -> float:
    return round(value, 1)
