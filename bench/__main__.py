"""`make bench`: measures section by section and prints one table. Where an API server is needed, a section has one of its own."""

from collections.abc import Callable

import click

from bench import door, growth, judging, speaker, table
from bench.place import place
from lab import processes

Numbers = tuple[int, ...]
Section = Callable[[], list[table.Row]]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--only", multiple=True, help="Measure only this section; may be repeated. A wrong one tells their names."
)
@click.option("--each", default=200, show_default=True, help="Services created one at a time.")
@click.option(
    "--burst", "bursts", multiple=True, default=(1000,), show_default=True, help="Services that wait; may be repeated."
)
@click.option(
    "--pools", multiple=True, default=(1,), show_default=True, help="Pools that they wait for; may be repeated."
)
@click.option("--blocks", default=2, show_default=True, help="Ours and the bare client take turns so often.")
@click.option("--crowd", default=20_000, show_default=True, help="Services that are there when one more comes.")
@click.option("--leave", default=1000, show_default=True, help="Services that are deleted.")
@click.option("--left", default=1000, show_default=True, help="Services that older releases have left.")
@click.option("--asked", default=5000, show_default=True, help="Questions to the webhook.")
@click.option("--services", default=10_000, show_default=True, help="Services that a speaker announces in the end.")
@click.option("--quiet", default=60.0, show_default=True, help="Seconds in which nothing changes.")
def main(
    only: tuple[str, ...],
    each: int,
    bursts: Numbers,
    pools: Numbers,
    blocks: int,
    crowd: int,
    leave: int,
    left: int,
    asked: int,
    services: int,
    quiet: float,
) -> None:
    """Measure OpenELB, beside a bare client where there can be one. Nothing else should be running on this machine."""
    processes.unwind_when_told()
    sizes = [f"{count}/{of}" for of in pools for count in bursts]
    sections: dict[str, Section] = {
        "addresses": lambda: measured("bench.measure", each, blocks, *sizes),
        "crowd": lambda: measured("bench.crowd", crowd, max(each // 2, 2)),
        "leaving": lambda: measured("bench.leaving", leave, blocks),
        "inherited": lambda: measured("bench.inherited", left),
        "judging": judging.rows,
        "webhook": lambda: door.rows(asked),
        "growth": growth.rows,
        "quiet": lambda: measured("bench.quiet", quiet),
        "speaker": lambda: announced(services),
    }
    if unknown := set(only) - sections.keys():
        raise click.BadParameter(f"{', '.join(sorted(unknown))}: choose of {', '.join(sections)}", param_hint="--only")
    rows: list[table.Row] = []
    for name, section in sections.items():
        if not only or name in only:
            rows += section()
    click.echo(table.text(rows))


def measured(module: str, *arguments: object) -> list[table.Row]:
    """What a module of the bench finds, run beside an API server that has nothing but our manifest."""
    with place() as at:
        return at.measure(module, *arguments)


def announced(services: int) -> list[table.Row]:
    """What a speaker needs."""
    with place() as at:
        return speaker.rows(at, services)


if __name__ == "__main__":
    main()
