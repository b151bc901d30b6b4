"""What a process uses, read from outside of it (proc(5))."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """A process that runs, by its id. Raises FileNotFoundError once it is gone."""

    pid: int

    def cpu_seconds(self) -> float:
        """Of all its threads, since it began."""
        # proc_pid_stat(5): fields 14 and 15, counted after the name, which may hold blanks.
        fields = self._read("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self) -> float:
        """MB (10^6 bytes) of memory that it has at this moment."""
        return self._kilobytes("VmRSS") * 1024 / 1e6

    def peak(self) -> float:
        """The most MB that it ever had."""
        return self._kilobytes("VmHWM") * 1024 / 1e6

    def _kilobytes(self, name: str) -> int:
        lines = self._read("status").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))

    def _read(self, file: str) -> str:
        return Path(f"/proc/{self.pid}/{file}").read_text()
