"""The table that `make bench` prints, with the machine it was measured on."""

import os
import platform
import statistics
from pathlib import Path
from typing import Protocol

HEADER = ("what", "ours", "bare client", "ratio")


class Figures(Protocol):
    """Of one side; seconds, and writes for each Service."""

    each: list[float]
    bursts: list[float]
    writes: list[float]


def text(ours: Figures, bare: Figures, *, each: int, burst: int) -> str:
    """One row a figure, as Markdown."""
    rows = [
        _row(
            f"POST to address, one at a time, p50 of {each} (ms)",
            _percentile(ours.each, 50),
            _percentile(bare.each, 50),
        ),
        _row(
            f"POST to address, one at a time, p99 of {each} (ms)",
            _percentile(ours.each, 99),
            _percentile(bare.each, 99),
        ),
        _row(f"{burst} waiting Services, pool appears, all have addresses (ms)", *_medians(ours.bursts, bare.bursts)),
        _row(f"writes to Services and Eips for each of the {burst}", *_means(ours.writes, bare.writes)),
    ]
    lines = [_line(HEADER), _line(("---", "---:", "---:", "---:")), *map(_line, rows)]
    return "\n".join([*lines, "", _machine()])


def _row(what: str, ours: float, bare: float) -> tuple[str, str, str, str]:
    return what, f"{ours:.3g}", f"{bare:.3g}", f"{ours / bare:.2f}"


def _percentile(seconds: list[float], percent: int) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1] * 1000


def _medians(ours: list[float], bare: list[float]) -> tuple[float, float]:
    return statistics.median(ours) * 1000, statistics.median(bare) * 1000


def _means(ours: list[float], bare: list[float]) -> tuple[float, float]:
    return statistics.fmean(ours), statistics.fmean(bare)


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _machine() -> str:
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, "
        f"Python {platform.python_version()}; load {load}"
    )
