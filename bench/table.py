"""The table that `make bench` prints: rows, whoever measured them, and the machine they were measured on.

Rows travel as JSON from the processes that measure to the one that prints.
"""

import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

HEADER = ("what", "to reach", "ours", "compared with", "verdict")


class Row(msgspec.Struct, frozen=True):
    """A line of the table, as text: what was measured, the bound it is held to, ours, the other side, and the verdict."""

    what: str
    to_reach: str
    ours: str
    compared: str = ""
    verdict: str = ""


def ratio(what: str, ours: float, other: float, *, at_most: float, unit: str, named: str) -> Row:
    """Ours over another side's figure of the same run; `named` says whose that is."""
    times = ours / other
    return Row(
        what, f"≤ {at_most:g} ×", _amount(ours, unit), f"{_amount(other, unit)} {named}", _verdict(times, at_most, "×")
    )


def bound(what: str, ours: float, *, at_most: float, unit: str = "", compared: str = "") -> Row:
    """A figure that is held to a bound of its own."""
    return Row(
        what, f"≤ {at_most:g} {unit}".strip(), _amount(ours, unit), compared, "reached" if ours <= at_most else "missed"
    )


def figure(what: str, ours: float, *, unit: str = "", compared: str = "") -> Row:
    """A figure that is only told."""
    return Row(what, "", _amount(ours, unit), compared)


def percentile(values: Sequence[float], percent: float) -> float:
    """Of at least two values, to a tenth of a percent."""
    return statistics.quantiles(values, n=1000, method="inclusive")[round(percent * 10) - 1]


def encode(rows: Iterable[Row]) -> bytes:
    """Rows on their way to the process that prints them."""
    return msgspec.json.encode(list(rows))


def decode(content: bytes) -> list[Row]:
    """Raises msgspec.DecodeError."""
    return msgspec.json.decode(content, type=list[Row])


def text(rows: Iterable[Row]) -> str:
    """The table as Markdown, and the machine."""
    lines = (_line((row.what, row.to_reach, row.ours, row.compared, row.verdict)) for row in rows)
    return "\n".join([_line(HEADER), _line(("---", "---", "---:", "---", "---")), *lines, "", machine()])


def machine() -> str:
    """Where this runs and how busy it is, in a line."""
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


def _amount(value: float, unit: str) -> str:
    return f"{value:.3g} {unit}".strip() if abs(value) < 1000 else f"{value:.0f} {unit}".strip()


def _verdict(value: float, at_most: float, unit: str) -> str:
    return f"{value:.2f} {unit}: {'reached' if value <= at_most else 'missed'}"


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
