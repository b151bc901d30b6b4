"""`make bench`: measures section by section and prints one table. Where an API server is needed, a section has one of its own."""

from collections.abc import Callable, Mapping, Sequence

import click

from bench import answering, bgp, door, failover, fuzz, growth, idle, judging, liveness, speaker, table
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
@click.option("--frames", default=1_000_000, show_default=True, help="Spoilt frames that are read.")
@click.option("--quiet", default=60.0, show_default=True, help="Seconds in which nothing changes.")
@click.option(
    "--members", multiple=True, default=(3, 10, 100, 1000), show_default=True, help="Simulated nodes; may be repeated."
)
@click.option("--nodes", default=3, show_default=True, help="Nodes in failover, 2 to 80.")
@click.option(
    "--repeat", default=5, show_default=True, help="Times that each fault happens in failover, and a loss in BGP."
)
@click.option("--profile", type=click.Choice(list(failover.BOUNDS)), default="Default", help="Of the pool in failover.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    type=click.Choice(failover.FAULTS),
    default=failover.FAULTS,
    show_default="all",
    help="What happens in failover; may be repeated.",
)
@click.option(
    "--told", default=30, show_default=True, help="Services that routers of each kind are told of, one at a time."
)
@click.option("--many", default=1000, show_default=True, help="Addresses that one node tells routers of.")
@click.option("--sessions", default=20, show_default=True, help="Routers that it tells, half as many addresses.")
@click.option(
    "--figure",
    "figures",
    multiple=True,
    type=click.Choice(bgp.PARTS),
    default=bgp.PARTS,
    show_default="all",
    help="What is measured of BGP; may be repeated.",
)
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
    frames: int,
    quiet: float,
    members: Numbers,
    nodes: int,
    repeat: int,
    profile: str,
    faults: tuple[str, ...],
    told: int,
    many: int,
    sessions: int,
    figures: tuple[str, ...],
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
        "liveness": lambda: liveness.rows(members),
        "answering": answering.rows,
        "fuzz": lambda: fuzz.rows(frames),
        "idle": lambda: at_rest(nodes, services),
        "failover": lambda: failed_over(nodes, repeat, profile, faults),
        "bgp": lambda: routed(bgp.parts(told=told, many=many, sessions=sessions, times=repeat), figures),
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


def at_rest(nodes: int, services: int) -> list[table.Row]:
    """What speakers need while nothing happens."""
    with place() as at:
        return idle.rows(at, nodes=nodes, addresses=services)


def failed_over(nodes: int, repeat: int, profile: str, faults: tuple[str, ...]) -> list[table.Row]:
    """What clients see of faults."""
    with place() as at:
        return failover.rows(at, nodes=nodes, repeat=repeat, profile=profile, faults=faults)


def routed(parts: Mapping[str, bgp.Part], figures: Sequence[str]) -> list[table.Row]:
    """What routers see of BGP."""
    rows: list[table.Row] = []
    for figure in figures:
        with place() as at:
            rows += bgp.rows(at, parts[figure])
    return rows


if __name__ == "__main__":
    main()
