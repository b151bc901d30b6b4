"""Writes src/openelb/host/gobgp/api: GoBGP's messages as Python modules.

They are made of deploy/gobgp/api, which is GoBGP's own `proto/api` of this version, copied as it is.
`python -m deploy.stubs` writes the modules anew; a test fails while one is out of date.
"""

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

VERSION = "v4.8.0"
"""Of GoBGP, https://github.com/osrg/gobgp. Another one of the same major version has the same words and perhaps some more."""

ROOT = Path(__file__).parents[1]
PROTOS = ROOT / "deploy" / "gobgp"
MODULES = ROOT / "src" / "openelb" / "host" / "gobgp" / "api"
PACKAGE = '"""GoBGP\'s messages. Written by deploy/stubs.py: change nothing here."""\n'

_IMPORT = re.compile(r"^from api import ", re.MULTILINE)


def modules() -> dict[Path, str]:
    """The text of every module by its file."""
    with TemporaryDirectory() as directory:
        sources = sorted(path.relative_to(PROTOS).as_posix() for path in PROTOS.glob("api/*.proto"))
        where = [f"--proto_path={PROTOS}", f"--python_out={directory}", f"--pyi_out={directory}"]
        command = [sys.executable, "-m", "grpc_tools.protoc", *where, *sources]
        subprocess.run(command, check=True)  # noqa: S603 - our own files
        made = {
            MODULES / path.name: _IMPORT.sub("from openelb.host.gobgp.api import ", path.read_text())
            for path in sorted(Path(directory, "api").iterdir())
        }
    return {MODULES / "__init__.py": PACKAGE, **made}


def main() -> None:
    """Write them, and remove what is none of them."""
    MODULES.mkdir(exist_ok=True)
    wanted = modules()
    for path in MODULES.glob("*.py*"):
        if path not in wanted:
            path.unlink()
    for path, text in wanted.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
