# SPDX-License-Identifier: MIT
"""What scripts/storm makes of the programs that simulate: a table of the worst of several seeds with
the bars beside it, and a chart over time.

    PROGRAM CONTESTANT CASE SEED

prints a line "NAME VALUE" for each figure, and "second VALUE ..." for each second of the model, for
the chart. Figures "outage_from_s" and "outage_to_s", if there are any, are shaded. A time "recovery_s"
that is negative was not reached: never. Runs with the same seed are identical."""
import functools
import math
import os
import pathlib
import subprocess
import sys
from dataclasses import dataclass

from drawing import Curves

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = TOP / os.environ.get("BUILD", "build/release") / "bench"


class Run:
    """One run of a program: its figures by name, and one row per second."""

    def __init__(self, program, contestant, case, seed):
        command = [PROGRAMS / program, contestant, case, str(seed)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode or done.stderr:
            sys.exit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stderr}")
        self.figures, self.seconds = {}, []
        for name, *values in (line.split() for line in done.stdout.splitlines()):
            if name == "second":
                self.seconds.append([float(v) for v in values])
            else:
                self.figures[name] = float(values[0])
                if name.endswith("_s") and self.figures[name] < 0:
                    self.figures[name] = math.inf


run = functools.cache(Run)


@dataclass(frozen=True)
class Column:
    """A figure in the table. worst: which value of several runs is shown."""
    title: str
    figure: str
    form: str = "{:.2f}"
    worst: object = max

    def show(self, value):
        return "never" if math.isinf(value) else self.form.format(value)


@dataclass(frozen=True)
class Bar:
    """A bound of a column, which each run of the contestants has to meet. `most` and `least` are a number
    or the name of a figure of the same run. as_good_as: the bound is what that contestant reaches with
    the same seed. Without cases, it holds in all."""
    column: str                  # its title or figure
    contestants: tuple
    most: object = None
    least: object = None
    as_good_as: str = ""
    cases: tuple = ()

    def bound(self, runs, i, figure):
        """For the i-th run; runs(contestant) are all of one."""
        if self.as_good_as:
            return runs(self.as_good_as)[i].figures[figure]
        bound = self.most if self.least is None else self.least
        return runs(None)[i].figures[bound] if isinstance(bound, str) else bound


@dataclass(frozen=True)
class Simulation:
    """One program with its contestants and cases. `name` is that of the chart, of the table, and of
    its place in docs/performance.md."""
    name: str
    program: str
    contestants: dict
    cases: dict
    columns: tuple
    bars: tuple
    seeds: range
    note: str
    drawn: tuple                 # (title, contestant, case), a panel each
    curves: tuple                # (class, what it shows, column of a second)
    caption: str
    case_title: str = "case"
    bars_note: str = ""          # instead of a column with the bars of each row

    def runs(self, contestant, case):
        return [run(self.program, contestant, case, seed) for seed in self.seeds]

    def applying(self, contestant, case):
        return [b for b in self.bars
                if contestant in b.contestants and (not b.cases or case in b.cases)]

    def column(self, bar):
        return next(c for c in self.columns if bar.column in (c.title, c.figure))

    def bounds(self, bar, contestant, case):
        """Of each run."""
        return [bar.bound(lambda other: self.runs(other or contestant, case), i,
                          self.column(bar).figure) for i in range(len(self.seeds))]

    def met(self, bar, contestant, case):
        reached = [r.figures[self.column(bar).figure] for r in self.runs(contestant, case)]
        return all(value <= bound if bar.most is not None else value >= bound for value, bound in
                   zip(reached, self.bounds(bar, contestant, case)))

    def text(self, bar, contestant, case):
        column = self.column(bar)
        bound = self.contestants[bar.as_good_as] if bar.as_good_as else \
            column.show(self.bounds(bar, contestant, case)[0])
        return f"{column.title} {'<=' if bar.most is not None else '>='} {bound}"

    def row(self, contestant, case):
        values = (c.show(c.worst(r.figures[c.figure] for r in self.runs(contestant, case)))
                  for c in self.columns)
        bars = self.applying(contestant, case)
        verdict = "" if not bars else \
            "yes" if all(self.met(b, contestant, case) for b in bars) else "NO"
        texts = () if self.bars_note else \
            (", ".join(self.text(b, contestant, case) for b in bars),)
        return (self.cases[case], self.contestants[contestant], *values, *texts, verdict)

    def titles(self):
        return (self.case_title, "clients", *(c.title for c in self.columns),
                *(() if self.bars_note else ("bars",)), "met")

    def rows(self):
        return [self.row(contestant, case) for case in self.cases
                for contestant in self.contestants]

    def chart(self):
        runs = {title: run(self.program, contestant, case, self.seeds[0])
                for title, contestant, case in self.drawn}
        figures = next(iter(runs.values())).figures
        outage = [figures[n] for n in ("outage_from_s", "outage_to_s") if n in figures]
        return Curves({title: r.seconds for title, r in runs.items()}, self.curves,
                      outage).svg(self.caption)
