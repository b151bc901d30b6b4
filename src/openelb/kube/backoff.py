"""How long to wait before trying again: longer and longer, never all at the same moment."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double from `first` to `last` seconds, each stretched or shrunk by up to half."""

    first: float = 0.1
    last: float = 2.0

    def wait(self, failures: int) -> float:
        """Seconds to wait after that many failures in a row; 0 after none."""
        if failures < 1:
            return 0.0
        # Jitter needs no secrecy. 2.0**32 is past any `last`.
        return min(self.first * 2.0 ** min(failures - 1, 32), self.last) * random.uniform(0.5, 1.5)  # noqa: S311
