"""How long to wait before trying again: longer and longer, never all at the same moment."""

import random
from dataclasses import dataclass

from openelb.kube.errors import Busy

_LONGEST_WAIT_ASKED_FOR = 30.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double from `first` to `last` seconds, each stretched by up to a quarter.

    A second is enough to leave a server in peace that has trouble, and little enough to be back soon after it is.
    """

    first: float = 0.1
    last: float = 1.0

    def wait(self, failures: int) -> float:
        """Seconds to wait after that many failures in a row; 0 after none."""
        if failures < 1:
            return 0.0
        # 2.0**32 is past any `last`.
        return _stretched(min(self.first * 2.0 ** min(failures - 1, 32), self.last))

    def after(self, error: Exception | None, failures: int) -> float:
        """The same after that error: a server that asked to be left alone is left alone for as long, up to 30 s."""
        asked = min(error.retry_after, _LONGEST_WAIT_ASKED_FOR) if isinstance(error, Busy) else 0.0
        return max(_stretched(asked), self.wait(failures))


def _stretched(seconds: float) -> float:
    # Jitter needs no secrecy.
    return seconds * random.uniform(1.0, 1.25)  # noqa: S311
