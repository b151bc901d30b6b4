"""What is read from the disk before a speaker answers again for what the one before it announced."""

import subprocess
import sys

HEAVY = ("aiohttp", "yaml", "prometheus_client", "openelb.kube", "openelb.plan.node", "openelb.plan.allocation")


def test_nothing_heavy_is_imported_before_it_answers() -> None:
    there = f"import sys, openelb.cli.main, openelb.speaker.resumption; print([name for name in {HEAVY} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", there], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "[]"
