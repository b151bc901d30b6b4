"""The verbs of the Makefile. Each makes what is missing first; whatever it puts up it takes down, also after Ctrl-C."""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

import click

from lab import cluster as clusters
from lab import faults, fresh, lanes, lock, processes, setup, vm
from lab.cache import Cache, remove
from lab.cluster import Cluster, NoLabError
from lab.network import CommandError
from lab.progress import Progress
from lab.root import Root
from lab.setup import REPOSITORY
from lab.wait import WaitError

LAB = os.environ.get("OPENELB_LAB", "elb")
_EVERYTHING = {"ignore_unknown_options": True, "help_option_names": []}
_PYTHON = [sys.executable, "-m"]
_CHECKS: Sequence[Sequence[str]] = (
    ("-m", "ruff", "format", "--check", "."),
    ("-m", "ruff", "check", "."),
    ("-m", "mypy"),
    # Its module does nothing when it is run: the command is a function in it.
    ("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"),
)


# For every system and the oldest Python that we run on.
_PIN = [
    *("pip", "compile", "pyproject.toml", "--quiet", "--universal", "--python-version=3.11"),
    *("--generate-hashes", "--no-annotate", "--custom-compile-command=make pins"),
]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """OpenELB's lab: a real Kubernetes of four machines on this one, for the demo, the tests and the bench."""
    processes.unwind_when_told()


@main.command()
@click.option("--keep", is_flag=True, help="Leave the cluster up at the end.")
@click.option("--source", is_flag=True, help="Have the pods run src/ as it is here, mounted over the image's package.")
def demo(keep: bool, source: bool) -> None:
    """Run the quick start on a cluster of its own, told step by step, and lose a node."""
    from lab import demo as story

    with _held(), _up(keep=keep, source=REPOSITORY / "src" if source else None) as cluster:
        summary = story.tell(cluster)
        click.echo()
        click.echo("\n".join(summary.lines()))


@main.command("lab")
def shell() -> None:
    """Leave a cluster running, and open a shell in it; one that is up already is entered."""
    with _held():
        if cluster := _running():
            click.echo(_where_it_is(cluster))
        else:
            with _up(keep=True) as cluster:
                pass
        _shell(cluster)
    click.echo("The lab is still up: `make lab` enters it again, `make down` takes it down.")


@main.command()
def down() -> None:
    """Take down the lab that `make lab` or `make demo KEEP=1` left up, and whatever a killed run left."""
    with _held():
        clusters.clear(LAB)
        remove(_directory())


@main.command(context_settings=_EVERYTHING)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments: tuple[str, ...]) -> None:
    """Run the tests; every argument goes to pytest. Without any, in two runs at once."""
    if _needs_lab(arguments):
        setup.ready(_progress())
    if _needs_routers(arguments):
        setup.ready_routers(_progress())
    if not arguments:
        sys.exit(lanes.run([*_PYTHON, "pytest"]))
    _become([*_PYTHON, "pytest", *arguments])


@main.command(context_settings=_EVERYTHING)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(arguments: tuple[str, ...]) -> None:
    """Measure; every argument goes to the bench (`make bench ARGS=--help`)."""
    setup.ready(_progress())
    _become([*_PYTHON, "bench", *arguments])


@main.command()
def check() -> None:
    """Check formatting, linting, types and the directions of imports; needs no root."""
    for command in _CHECKS:
        click.echo(f"== {shlex.join(command)}")
        if subprocess.run([sys.executable, *command], cwd=REPOSITORY).returncode:
            raise click.ClickException(f"Repeat it with: lab/bootstrap python {shlex.join(command)}")


@main.command()
@click.option("--upgrade", is_flag=True, help="Take the latest versions that pyproject.toml allows.")
def pins(upgrade: bool) -> None:
    """Pin the dependencies in requirements*.txt, with hashes, after a change in pyproject.toml."""
    for file, groups in (("requirements.txt", []), ("requirements-dev.txt", ["--group", "dev"])):
        options = [*groups, *(["--upgrade"] if upgrade else []), f"--output-file={file}"]
        if subprocess.run([os.environ["OPENELB_UV"], *_PIN, *options], cwd=REPOSITORY).returncode:
            raise click.ClickException(f"{file} is as it was: see uv's message above.")


@main.command("setup")
def prepare() -> None:
    """Make everything a lab and its tests need, and nothing else."""
    setup.ready(_progress())
    setup.ready_routers(_progress())


@main.command()
def clean() -> None:
    """Take the lab down and remove everything cached: the next run begins with nothing."""
    with _held():
        clusters.clear(LAB)
    remove(Cache.of_user().root)


@main.command("vm", context_settings=_EVERYTHING)
@click.option("--warm", is_flag=True, help="Let it begin with what is built here, or else it builds everything.")
@click.argument("suite", type=click.Choice(vm.SUITES))
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def visit(suite: str, warm: bool, command: tuple[str, ...]) -> None:
    """Run a command like `make demo`, in what is committed here, on a fresh Debian in a virtual machine."""
    cache, progress = Cache.of_user(), _progress()
    debian = vm.Debian(suite, cache)
    progress.run(debian.steps())
    parts: list[Path] = []
    if warm:
        setup.ready(progress)
        parts = fresh.parts(cache, REPOSITORY)
    with tempfile.TemporaryDirectory(dir=debian.directory.parent) as luggage:
        with progress.step("packing what it is started with") as output:
            vm.pack(Path(luggage), command, REPOSITORY, cache, parts, output)
        sys.exit(debian.run(Path(luggage)))


@main.command("root", context_settings=_EVERYTHING)
@click.option("--warm", is_flag=True, help="Let it begin with what is built here, or else it builds everything.")
@click.option("--mirror", default="", help="The archive of packages, where it is not the one that apt uses here.")
@click.option("--keyring", default="", help="The file of keys that sign it, where debootstrap has none.")
@click.option("--components", default="", help="Its components, where main alone does not have the packages.")
@click.option("--updates", default="", help="Another suite of it to install packages from, such as jammy-updates.")
@click.argument("suite")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def enter(
    suite: str, warm: bool, mirror: str, keyring: str, components: str, updates: str, command: tuple[str, ...]
) -> None:
    """Run a command like `make demo`, in what is committed here, where there are but the files of a bare Debian."""
    cache, progress = Cache.of_user(), _progress()
    bare = Root(suite, cache, fresh.Archive(mirror, keyring, components, updates))
    progress.run(bare.steps())
    parts: list[Path] = []
    if warm:
        setup.ready(progress)
        parts = fresh.parts(cache, REPOSITORY)
    sys.exit(bare.visit(command, REPOSITORY, parts, os.environ, progress))


@main.group()
def fault() -> None:
    """Break the lab that is up, and mend it again."""


@fault.group("apiserver")
def api_server() -> None:
    """Take the API server away, and bring it back."""


def _in_the_lab(verb: Callable[..., None]) -> Callable[..., None]:
    def act(**names: str) -> None:
        try:
            verb(Cluster.running(_directory()), **names)
        except (NoLabError, faults.NoSuchTargetError, CommandError, WaitError) as failure:
            raise click.ClickException(str(failure)) from None

    return act


def _add_faults() -> None:
    machine, process, node = (click.argument(name) for name in ("machine", "process", "node"))
    for verb in (
        faults.cut,
        faults.heal,
        faults.unplug,
        faults.plug,
        faults.freeze,
        faults.thaw,
        faults.off,
        faults.on,
    ):
        fault.command(verb.__name__, help=verb.__doc__)(machine(_in_the_lab(verb)))
    for action in (faults.kill, faults.stop, faults.pause, faults.resume):
        fault.command(action.__name__, help=action.__doc__)(process(node(_in_the_lab(action))))
    for name, change in faults.API_SERVER_VERBS.items():
        api_server.command(name, help=change.__doc__)(_in_the_lab(change))
    fault.command("undo", help=faults.undo.__doc__)(_in_the_lab(faults.undo))


def _progress() -> Progress:
    return Progress(Cache.of_user().log)


def _directory() -> Path:
    return Cache.of_user().path("run", LAB)


@contextmanager
def _held() -> Iterator[None]:
    """Hold this lab's lock, and turn what goes wrong in a lab into a sentence."""
    try:
        with lock.hold(LAB, say=lambda sentence: click.echo(sentence, err=True)):
            yield
    except (lock.LockedError, CommandError, WaitError) as failure:
        raise click.ClickException(str(failure)) from failure


def _running() -> Cluster | None:
    """The lab that was left up, if it is of use."""
    try:
        cluster = Cluster.running(_directory())
        cluster.ready_nodes()
    except (NoLabError, OSError):
        return None
    return cluster


@contextmanager
def _up(*, keep: bool, source: Path | None = None) -> Iterator[Cluster]:
    """A cluster with all its parts made; it is taken down at the end, or when something goes wrong, unless it is kept."""
    progress = _progress()
    prepared = setup.ready(progress)
    cluster = Cluster(LAB, _directory(), prepared, source=source)
    if cluster.network.names():
        progress.say(f"Taking down the lab {LAB!r} that was left up.")
    with ExitStack() as stack:
        with progress.step("starting a control plane and three workers"):
            stack.enter_context(cluster)
        if keep:
            stack.pop_all()
        yield cluster
        if keep:
            click.echo(_where_it_is(cluster))


def _shell(cluster: Cluster) -> None:
    """An interactive shell on the control plane's host; whatever it ends with, the lab stays up."""
    settings = {
        "KUBECONFIG": str(cluster.kubeconfig),
        "PATH": f"{cluster.prepared.binaries}:{os.environ['PATH']}",
        "PROMPT_COMMAND": rf"PS1='(lab {LAB}) \w \$ '; unset PROMPT_COMMAND",  # after the user's own .bashrc
    }
    command = ["ip", "netns", "exec", cluster.site.control_plane.netns, "bash", "-i"]
    subprocess.run(command, env={**os.environ, **settings})


def _where_it_is(cluster: Cluster) -> str:
    return f"""\
The lab {LAB!r} is up: nodes {", ".join(node.name for node in cluster.nodes)}; logs in {cluster.directory}.
  kubectl …                                          as its administrator, in the shell of `make lab`
  kubectl apply -f deploy/openelb.yaml               installs OpenELB, as `make demo` does
  ip netns exec {cluster.client.netns} curl http://…            as a client on the LAN, {cluster.remote.netns} as one behind the router
  lab/bootstrap fault --help                         cut, freeze or kill something; `fault undo` takes it all back
  make down                                          takes the lab down"""


def _needs_lab(arguments: Sequence[str]) -> bool:
    """Whether these tests need more than Python: all do that are not chosen from the pure ones."""
    paths = _paths(arguments)
    return not paths or not all(re.match(r"tests/(unit|stories)\b", path) for path in paths)


def _needs_routers(arguments: Sequence[str]) -> bool:
    """Whether tests of BGP are among them."""
    paths = _paths(arguments)
    return not paths or any(re.fullmatch(r"tests/?|tests/lab/?|tests/lab/bgp\b.*", path) for path in paths)


def _paths(arguments: Sequence[str]) -> list[str]:
    return [argument for argument in arguments if argument.startswith("tests")]


def _become(command: list[str]) -> NoReturn:
    os.chdir(REPOSITORY)
    os.execv(command[0], command)


_add_faults()

if __name__ == "__main__":
    main(prog_name="lab/bootstrap")
