# SPDX-License-Identifier: MIT
"""Tables and charts of simulations, for the terminal, for Markdown and as SVG.

Charts use the reader's text colour, and other colours in a dark mode."""

WIDTH, PANEL, GAP, LEFT, RIGHT, HEAD, FOOT = 760, 96, 34, 58, 14, 44, 40
STYLE = """
svg { color: #24292f; background: none; font: 12px sans-serif; }
text { fill: currentColor; }
.title { font-weight: bold; }
.axis, .grid { stroke: currentColor; fill: none; }
.grid { opacity: .15; }
.outage { fill: currentColor; opacity: .08; }
.attempts { stroke: #c4510a; fill: none; stroke-width: 1.5; }
.good { stroke: #1a6fd0; fill: none; stroke-width: 1.5; }
.limit { stroke: currentColor; fill: none; opacity: .6; stroke-dasharray: 4 3; }
.other { stroke: #2f8f4e; fill: none; stroke-width: 1.5; }
@media (prefers-color-scheme: dark) {
  svg { color: #d6dce2; }
  .attempts { stroke: #ff9a57; }
  .good { stroke: #6cb2ff; }
  .other { stroke: #6fd08c; }
}
""".strip()


def plain(rows, columns):
    rows = [columns, *rows]
    widths = [max(len(r[i]) for r in rows) for i in range(len(columns))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(r, widths)).rstrip() for r in rows)


def markdown(rows, columns):
    return "\n".join("| " + " | ".join(r) + " |" for r in (columns, ("---",) * len(columns), *rows))


class Drawing:
    def __init__(self):
        self.lines = []

    def add(self, kind, content="", **attributes):
        words = "".join(f' {k.rstrip("_").replace("_", "-")}="{v}"' for k, v in attributes.items())
        self.lines.append(f"<{kind}{words}/>" if content == "" else
                          f"<{kind}{words}>{content}</{kind}>")

    def page(self, note, height, style=STYLE):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
                f'width="{WIDTH}" height="{height}" role="img">\n<title>{note}</title>\n'
                f"<style>{style}</style>\n" + "\n".join(self.lines) + "\n</svg>\n")


class Curves(Drawing):
    """A panel per run, with lines over time. Panels: {title: rows}, a row of numbers per second.
    Curves: (class of STYLE, what it shows, column). Outage: (from, to) in seconds, or None."""

    def __init__(self, panels, curves, outage):
        super().__init__()
        self.panels, self.curves, self.outage = panels, curves, outage
        self.total = max(len(rows) for rows in panels.values())
        most = max(row[column] for rows in panels.values() for row in rows
                   for _, _, column in curves)
        self.grid = next(n * 10 ** k for k in range(9) for n in (1, 2, 4) if most <= 4 * n * 10 ** k)
        self.top = max(1, int(-(-most // (self.grid / 2)) * (self.grid / 2)))

    def x(self, second):
        return round(LEFT + (WIDTH - LEFT - RIGHT) * second / self.total, 1)

    def y(self, base, per_s):
        return round(base - PANEL * per_s / self.top, 1)

    def panel(self, base, title, rows):
        left, right = self.x(0), self.x(self.total)
        self.add("text", title, class_="title", x=left, y=base - PANEL - 6)
        if self.outage:
            begin, end = map(self.x, self.outage)
            self.add("rect", class_="outage", x=begin, y=base - PANEL,
                     width=round(end - begin, 1), height=PANEL)
        for value in range(0, self.top + 1, self.grid):
            y = self.y(base, value)
            self.add("path", class_="grid", d=f"M{left} {y}H{right}")
            self.add("text", value, x=left - 6, y=y + 4, text_anchor="end")
        self.add("path", class_="axis", d=f"M{left} {base - PANEL}V{base}H{right}")
        for class_, _, column in self.curves:
            points = " ".join(f"{self.x(i + 0.5)},{self.y(base, row[column])}"
                              for i, row in enumerate(rows))
            self.add("polyline", class_=class_, points=points)

    def svg(self, note):
        base, at = HEAD, LEFT
        self.add("text", note, x=LEFT, y=16)
        for class_, what, _ in self.curves:
            self.add("path", class_=class_, d=f"M{at} 30h22")
            self.add("text", what, x=at + 28, y=34)
            at += 240 if len(self.curves) < 3 else 690 // len(self.curves)
        for title, rows in self.panels.items():
            base += PANEL + GAP - (0 if base > HEAD else 12)
            self.panel(base, title, rows)
        step = 30 if self.total <= 300 else 60
        for second in range(0, self.total + 1, step):
            self.add("text", second, x=self.x(second), y=base + 16, text_anchor="middle")
        self.add("text", "time, s" + (" (grey: the outage)" if self.outage else ""),
                 x=(LEFT + WIDTH) / 2, y=base + 32, text_anchor="middle")
        return self.page(note, base + FOOT)
