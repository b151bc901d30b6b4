"""Long work shown as numbered steps: what is done, how far it is, how long it took, and what to do when it fails."""

import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TextIO

import click

HEARTBEAT = 1.0
"""Seconds between two looks at a running step on a terminal."""
HEARTBEAT_IN_A_LOG = 20.0
"""Seconds between two signs of life where lines cannot be rewritten: often enough for a CI that waits for output."""
TAIL = 20
"""Lines of a failed program's output that are shown."""


class StepError(click.ClickException):
    """A step did not succeed. Its message says which one, why and what to do; click shows it and exits with 1."""


class ProgramError(Exception):
    """A program ended with a status other than 0, or could not be started."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is yet to be done."""

    title: str
    act: Callable[["Output"], object]
    advice: str = ""
    """A sentence for the person who sees it fail: what to do."""


@dataclass(slots=True)
class Output:
    """Where a step's programs write to: the log, of which the last lines are kept."""

    log: IO[str]
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL))
    note: str = ""
    """How far the step is, in a few words; shown beside the time."""

    def write(self, line: str) -> None:
        """Append one line to the log."""
        self.lines.append(line)
        print(line, file=self.log, flush=True)

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        on_line: Callable[[str], None] = lambda line: None,
    ) -> str:
        """Run a program to its end and return what it wrote, standard output and error together.

        ``env`` is added to the environment of this process. Raises ProgramError.
        """
        self.write("$ " + " ".join(map(str, argv)))
        written = []
        environ = {**os.environ, **(env or {})}
        try:
            program = subprocess.Popen(
                argv,
                env=environ,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        except OSError as error:
            raise ProgramError(f"{argv[0]} could not be started: {error.strerror}") from error
        with program:
            try:
                for line in program.stdout or ():
                    written.append(line)
                    self.write(line.rstrip("\n"))
                    on_line(line)
            except BaseException:
                program.terminate()
                raise
        if program.returncode:
            raise ProgramError(f"{argv[0]} ended with status {program.returncode}")
        return "".join(written)


class Progress:
    """Shows steps on a terminal or in a log of CI; what their programs print goes to the file ``log``."""

    def __init__(self, log: Path, *, out: TextIO = sys.stderr, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._out = out
        self._clock = clock
        self._number = 0
        self._total = 0

    def say(self, sentence: str) -> None:
        """Tell the person who waits something that is no step."""
        print(sentence, file=self._out, flush=True)

    def run(self, steps: Sequence[Step]) -> None:
        """Take every step in order, numbered among all of them. Raises StepError at the first that fails."""
        self._number, self._total = 0, len(steps)
        for each in steps:
            with self.step(each.title, advice=each.advice) as output:
                each.act(output)
        self._number = self._total = 0

    @contextmanager
    def step(self, title: str, *, advice: str = "") -> Iterator[Output]:
        """Show one step while the body works. Raises StepError when the body raises ProgramError or OSError."""
        self._number += 1
        heading = label(self._number, self._total, title)
        started = self._clock()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a", encoding="utf-8") as log:
            output = Output(log)
            output.write(f"== {title}")
            try:
                with self._heartbeat(heading, output, started):
                    yield output
            except (ProgramError, OSError) as error:
                raise StepError(self._report(title, str(error), output, advice)) from error

    def _report(self, title: str, why: str, output: Output, advice: str) -> str:
        tail = "\n".join(f"    {line}" for line in output.lines)
        return f"{title} failed: {why}.\n{tail}\nThe whole output is in {self._log}.\n{advice}".rstrip()

    @contextmanager
    def _heartbeat(self, heading: str, output: Output, started: float) -> Iterator[None]:
        terminal = self._out.isatty()
        done = threading.Event()

        def show(text: str) -> None:
            print(f"\r\033[K{heading} … {text}" if terminal else f" {text}", end="", file=self._out, flush=True)

        def beat() -> None:
            while not done.wait(HEARTBEAT if terminal else HEARTBEAT_IN_A_LOG):
                show(seconds(self._clock() - started) + (f", {output.note}" if output.note else "") + " …")

        print(f"{heading} …", end="", file=self._out, flush=True)
        heart = threading.Thread(target=beat, daemon=True)
        heart.start()
        outcome = "failed after "
        try:
            yield
            outcome = ""
        finally:
            done.set()
            heart.join()
            show(outcome + seconds(self._clock() - started))
            print(file=self._out, flush=True)


def label(number: int, total: int, title: str) -> str:
    """How a step is announced: ``[ 3/12] building kubelet``; without a number when it is the only one."""
    if not total:
        return title
    return f"[{number:>{len(str(total))}}/{total}] {title}"


def seconds(value: float) -> str:
    """A time for people: ``0.4 s``, ``23 s``, ``4 min 05 s``."""
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60:02} s"
