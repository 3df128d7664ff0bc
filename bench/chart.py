"""A bar chart as SVG, on a logarithmic scale: 0.1 and 100 times the bare pass-through have to fit on one page."""

import math
from html import escape

_ROW, _LEFT, _WIDTH, _TOP = 22, 290, 410, 56
_OURS, _OTHERS = "#1b7f5c", "#9aa5b1"


def bars(title: str, ratios: dict[str, float]) -> str:
    """The chart: one bar for each ratio, ours in colour, with the line at 1."""
    low = min(0.1, *ratios.values())
    span = math.log10(max(10.0, *ratios.values()) / low)

    def at(ratio: float) -> float:
        return _LEFT + _WIDTH * math.log10(ratio / low) / span

    height = _TOP + _ROW * len(ratios) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{height}"',
        ' font-family="sans-serif" font-size="13">',
        f'<rect width="760" height="{height}" fill="white"/>',
        f'<text x="16" y="26" font-size="15" font-weight="bold">{escape(title)}</text>',
    ]
    for index, (name, ratio) in enumerate(ratios.items()):
        top = _TOP + _ROW * index
        colour = _OURS if name.startswith("ours") else _OTHERS
        parts += [
            f'<text x="{_LEFT - 10}" y="{top + 12}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{_LEFT}" y="{top}" width="{max(at(ratio) - _LEFT, 1):.1f}" height="15" fill="{colour}"/>',
            f'<text x="{at(ratio) + 6:.1f}" y="{top + 12}">{ratio:.3g}</text>',
        ]
    bottom = height - 26
    parts += [
        f'<line x1="{at(1):.1f}" x2="{at(1):.1f}" y1="{_TOP - 8}" y2="{bottom}" stroke="#333" stroke-dasharray="3 3"/>',
        f'<text x="{at(1):.1f}" y="{bottom + 16}" text-anchor="middle">bare pass-through = 1, log scale</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
