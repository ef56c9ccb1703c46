"""Draws a run's curves: the loss of each question while learning, and the figures on held-out lines.

    python curves.py RUN        reads RUN/history.json, writes RUN/curves.svg
"""

import json
import sys
from pathlib import Path

WIDTH, HEIGHT, MARGIN = 420, 260, 40
COLOURS = {"malicious": "#b3261e", "class": "#1e66b3", "severity": "#b38a1e", "technique": "#2e7d32",
           "auc": "#b3261e", "severity_f1": "#b38a1e"}


def panel(title, series, left, top):
    """One plot: `series` maps a name to points (tokens, value)."""
    most = max(x for points in series.values() for x, _ in points)
    high = max(y for points in series.values() for _, y in points) * 1.05
    place = lambda x, y: (MARGIN + x / most * (WIDTH - 2 * MARGIN) + left, HEIGHT - MARGIN - y / high * (HEIGHT - 2 * MARGIN) + top)
    out = [f'<text x="{left + MARGIN}" y="{top + 22}" font-weight="bold">{title}</text>']
    (x0, y0), (x1, y1) = place(0, 0), place(most, high)
    out.append(f'<path d="M{x0:.0f} {y1:.0f}V{y0:.0f}H{x1:.0f}" fill="none" stroke="#888"/>')
    out.append(f'<text x="{x1:.0f}" y="{y0 + 16:.0f}" text-anchor="end">{most / 1000:.0f} thousand tokens</text>')
    out.append(f'<text x="{x0 - 4:.0f}" y="{y1 + 4:.0f}" text-anchor="end">{high:.2g}</text>')
    for at, (name, points) in enumerate(series.items()):
        colour = COLOURS.get(name, "#555")
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        out.append(f'<text x="{x1 - 2:.0f}" y="{top + 40 + 14 * at}" fill="{colour}" text-anchor="end">{name}</text>')
    return out


def main():
    run = Path(sys.argv[1])
    history = json.loads((run / "history.json").read_text())["history"]
    losses, held, tokens = {}, {}, {}
    for entry in history:
        if "loss" in entry:
            tokens[entry["step"]] = entry["tokens"]
            for name, value in entry["loss"].items():
                losses.setdefault(name, []).append((entry["tokens"], value))
        for name in ("auc", "class", "technique", "severity_f1"):
            if "held" in entry:
                at = tokens.get(entry["step"], max(tokens.values(), default=1))
                held.setdefault(name, []).append((at, entry["held"][name]))
    panels = panel("loss while learning", losses, 0, 0)
    if held:
        panels += panel("held-out lines", held, WIDTH, 0)
    size = f'width="{2 * WIDTH}" height="{HEIGHT}" viewBox="0 0 {2 * WIDTH} {HEIGHT}"'
    (run / "curves.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">\n' + "\n".join(panels) + "\n</svg>\n")


if __name__ == "__main__":
    main()
