"""`make bench`: puts up an API server of its own, measures on its host, prints one table, takes everything down."""

from collections.abc import Callable

import click

from bench import growth, speaker, table
from bench.place import Place, place
from lab import processes

Bursts = tuple[int, ...]
Section = Callable[[Place], list[table.Row]]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", multiple=True, help="Measure only this (addresses, growth, quiet, speaker); may be repeated.")
@click.option("--each", default=200, show_default=True, help="Services created one at a time.")
@click.option(
    "--burst", "bursts", multiple=True, default=(1000,), show_default=True, help="Services that wait; may be repeated."
)
@click.option("--blocks", default=2, show_default=True, help="Ours and the bare client take turns so often.")
@click.option("--services", default=10_000, show_default=True, help="Services that a speaker announces in the end.")
@click.option("--quiet", default=60.0, show_default=True, help="Seconds in which nothing changes.")
def main(only: tuple[str, ...], each: int, bursts: Bursts, blocks: int, services: int, quiet: float) -> None:
    """Measure OpenELB, beside a bare client where there can be one. Nothing else should be running on this machine."""
    processes.unwind_when_told()
    sections: dict[str, Section] = {
        "addresses": lambda at: at.measure("bench.measure", each, blocks, *bursts),
        "growth": lambda _: growth.rows(),
        "quiet": lambda at: at.measure("bench.quiet", quiet),
        "speaker": lambda at: speaker.rows(at, services),
    }
    if unknown := set(only) - sections.keys():
        raise click.BadParameter(f"{', '.join(sorted(unknown))}: choose of {', '.join(sections)}", param_hint="--only")
    rows: list[table.Row] = []
    with place() as at:
        for name, section in sections.items():
            if not only or name in only:
                rows += section(at)
    click.echo(table.text(rows))


if __name__ == "__main__":
    main()
