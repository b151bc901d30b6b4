"""The log: one line a sentence, on standard error."""

import contextlib
import logging
import os

_STDERR = 2  # the descriptor: `sys.stderr` keeps what it could not write


def log_to_stderr(level: str) -> None:
    """One line a sentence, with a time, where kubectl logs finds it. Below a bug of ours stands its traceback."""
    lines = _Lines()
    lines.setFormatter(_OneLine("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(handlers=[lines], level=level.upper(), force=True)
    logging.getLogger("aiohttp").setLevel(logging.WARNING)


class _Lines(logging.Handler):
    """Writes each line at once and keeps none: where there is no room for it, it is lost, and nothing is left over that
    would fail when the process ends. Whoever tells something never fails of it.
    """

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # a bug of ours in a call, or of what it tells
            line = self.format(_untold(record, error))
        with contextlib.suppress(OSError):
            os.write(_STDERR, f"{line}\n".encode(errors="backslashreplace"))


def _untold(record: logging.LogRecord, error: Exception) -> logging.LogRecord:
    """What is told in place of a record that cannot be formatted. Nothing of the record but its place: that may fail again."""
    text = f"what {record.pathname}:{record.lineno} tells cannot be formatted: {type(error).__name__}"
    return logging.LogRecord(record.name, logging.ERROR, record.pathname, record.lineno, text, None, None)


class _OneLine(logging.Formatter):
    """Escapes what would end a line: messages quote what users wrote into their objects."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (the library's name)
        if not record.message.isprintable():
            record.message = "".join(
                c if c.isprintable() else c.encode("unicode_escape").decode() for c in record.message
            )
        return super().formatMessage(record)
