"""The results as a chart: for each group the geometric mean of every contestant, as bars over a line for native code.

`python -m benchmarks.chart RESULT.json OUT.svg` draws one of the documents that a run has written.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

_COLOURS = {
    "waot": "#0b6e4f",
    "waot scalar": "#6bbf9c",
    "wasmtime": "#8e6bbf",
    "V8": "#d9822b",
    "wasm2c": "#7d8a97",
    "WAMR": "#b5495b",
}
_WIDTH, _LEFT, _RIGHT, _TOP = 760, 110, 60, 56
_BAR, _GAP = 11, 14


def draw(document: Mapping[str, Any]) -> str:
    """The SVG of `document` (report.document and what the run adds to it)."""
    means: Mapping[str, Mapping[str, float]] = document["geometric_means"]
    names = [name for name in _COLOURS if any(name in group for group in means.values())]
    most = max((value for group in means.values() for value in group.values()), default=1.0)
    scale = (_WIDTH - _LEFT - _RIGHT) / max(most, 1.2)
    body: list[str] = []
    y = _TOP
    for group, values in means.items():
        present = [name for name in names if name in values]
        middle = y + _BAR * len(present) / 2 + 4
        weight = ' font-weight="bold"' if group == "all" else ""
        body.append(f'<text x="{_LEFT - 8}" y="{middle:.0f}" text-anchor="end"{weight}>{escape(group)}</text>')
        for name in present:
            length = values[name] * scale
            title = f"<title>{escape(f'{group}, {name}: {values[name]:.2f}')}</title>"
            bar = f'x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR - 1}" fill="{_COLOURS[name]}"'
            body.append(f"<rect {bar}>{title}</rect>")
            body.append(f'<text x="{_LEFT + length + 4:.1f}" y="{y + 9}" font-size="9">{values[name]:.2f}</text>')
            y += _BAR
        y += _GAP
    native = _LEFT + scale
    line = f'x1="{native:.1f}" y1="{_TOP - 6}" x2="{native:.1f}" y2="{y - _GAP + 4}"'
    body.append(f'<line {line} stroke="#222" stroke-dasharray="4 3"/>')
    body.append(f'<text x="{native:.1f}" y="{_TOP - 10}" text-anchor="middle" font-size="10">native</text>')
    x = _LEFT
    for name in names:
        body.append(f'<rect x="{x}" y="12" width="10" height="10" fill="{_COLOURS[name]}"/>')
        body.append(f'<text x="{x + 14}" y="21">{escape(name)}</text>')
        x += 34 + 7 * len(name)
    frame = f'width="{_WIDTH}" height="{y}" viewBox="0 0 {_WIDTH} {y}"'
    title = f"Time over native code, geometric means, {document.get('time', '')[:10]}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {frame} font-family="sans-serif" font-size="12" fill="#222">\n'
        f"<title>{escape(title)}</title>\n"
        '<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


if __name__ == "__main__":
    source, output = map(Path, sys.argv[1:])
    output.write_text(draw(json.loads(source.read_text())))
