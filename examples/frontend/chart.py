"""A result as pictures: SVG written by hand, in two widths, so that its letters are readable on a telephone too.

The pictures have no colours of their own: classes, which the style sheet gives colours for light and dark.
"""

import math
from dataclasses import dataclass
from html import escape

from frontend.result import Month, Result

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WIDE, NARROW = 760, 340
MINUS = "\N{MINUS SIGN}"
_HEIGHT = 300
_TOP, _BOTTOM, _LEFT, _RIGHT = 14, 28, 46, 8
_TICKS = 5


@dataclass(frozen=True)
class _Scale:
    """Turns values into heights on the picture."""

    low: float
    high: float

    def y(self, value: float) -> float:
        return _TOP + (self.high - value) / (self.high - self.low) * (_HEIGHT - _TOP - _BOTTOM)


def chart(result: Result, width: int) -> str:
    """The months against lowest, mean and highest.

    Args:
        result: What to draw.
        width: Width in pixels, ``WIDE`` or ``NARROW``.
    """
    ticks = _ticks(result)
    scale = _Scale(ticks[0], ticks[-1])
    slot = (width - _LEFT - _RIGHT) / len(MONTHS)
    kind = "wide" if width == WIDE else "narrow"
    label = escape(summary(result))
    parts = [f'<svg class="chart {kind}" viewBox="0 0 {width} {_HEIGHT}" role="img" aria-label="{label}">']
    digits = _digits(ticks)
    for tick in ticks:
        y = scale.y(tick)
        kind = "zero" if tick == 0 else "grid"
        parts.append(f'<line class="{kind}" x1="{_LEFT}" x2="{width - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}">{_number(tick, digits)}</text>')
    for number, name in enumerate(MONTHS):
        label = name if width == WIDE else name[0]
        parts.append(f'<text class="month" x="{_LEFT + slot * (number + 0.5):.1f}" y="{_HEIGHT - 8}">{label}</text>')
    parts += [_bar(month, result.unit, scale, slot) for month in result.months]
    points = " ".join(f"{_middle(it, slot):.1f},{scale.y(it.mean):.1f}" for it in result.months)
    parts.append(f'<polyline class="means" points="{points}"/>')
    parts += [
        f'<circle class="mean" cx="{_middle(it, slot):.1f}" cy="{scale.y(it.mean):.1f}" r="4"/>' for it in result.months
    ]
    parts.append("</svg>")
    return "".join(parts)


def weather_bar(result: Result) -> str:
    """The kinds of weather as one bar; which part is which, the legend beside it tells."""
    total = sum(result.weather.values())
    if total <= 0:
        return ""
    parts, x = ['<svg class="kinds" viewBox="0 0 1000 22" preserveAspectRatio="none" aria-hidden="true">'], 0.0
    for kind, days in result.weather.items():
        width = 1000 * days / total
        parts.append(
            f'<rect class="{kind_class(kind)}" x="{x:.1f}" y="0" width="{max(0, width - 3):.1f}" height="22"/>'
        )
        x += width
    return "".join([*parts, "</svg>"])


def kind_class(kind: str) -> str:
    """The class that colours a kind of weather."""
    return f"kind-{kind}" if kind in ("drizzle", "fog", "rain", "snow", "sun") else "kind-other"


def summary(result: Result) -> str:
    """The chart in one sentence, for those who do not see it. The table has every number."""
    low = min(result.months, key=lambda it: it.lowest)
    high = max(result.months, key=lambda it: it.highest)
    return (
        f"Chart of {len(result.months)} months: the lowest value is {low.lowest:g} {result.unit} in"
        f" {MONTHS[low.month - 1]}, the highest {high.highest:g} {result.unit} in {MONTHS[high.month - 1]}"
    )


def _bar(month: Month, unit: str, scale: _Scale, slot: float) -> str:
    width = min(26.0, slot * 0.6)
    top = scale.y(month.highest)
    height = max(2.0, scale.y(month.lowest) - top)
    told = f"{MONTHS[month.month - 1]}: {month.lowest:g} to {month.highest:g} {unit}, mean {month.mean:g} {unit}"
    return (
        f'<rect class="range" x="{_middle(month, slot) - width / 2:.1f}" y="{top:.1f}" width="{width:.1f}"'
        f' height="{height:.1f}" rx="{min(width / 2, 7):.1f}"><title>{escape(told)}</title></rect>'
    )


def _middle(month: Month, slot: float) -> float:
    return _LEFT + slot * (month.month - 0.5)


def _ticks(result: Result) -> list[float]:
    """Round values that enclose all others, about five of them."""
    low = min(0.0, *(it.lowest for it in result.months))
    high = max(0.0, *(it.highest for it in result.months))
    if low == high:
        high = low + 1.0
    rough = (high - low) / _TICKS
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= rough)
    return [number * step for number in range(math.floor(low / step), math.ceil(high / step) + 1)]


def _digits(ticks: list[float]) -> int:
    return max(0, -math.floor(math.log10(ticks[1] - ticks[0])))


def _number(value: float, digits: int) -> str:
    return f"{value:.{min(digits, 6)}f}".replace("-", MINUS) if abs(value) < 1e6 else f"{value:.0e}"  # noqa: PLR2004 - fits
