"""What is new about Services and Eips, told to people: a line of the log and an Event for each change, none for what stays."""

import logging
from collections.abc import Iterable, Iterator, Mapping

from openelb.kube.report import Reporter
from openelb.model import names
from openelb.model.cluster import Pool, PoolStatus, Publication, Service
from openelb.model.findings import Condition, Reason
from openelb.model.snapshot import Unreadable

log = logging.getLogger(__name__)

_WELL = (Reason.ALLOCATED, Reason.ADOPTED, Reason.ANNOUNCED)

OF_USERS = ("Eip", "Service")
"""The kinds that people write, and look at: others are in the log, and `openelb status` has them."""


def tell_pool(reporter: Reporter, before: Pool, written: Pool, status: PoolStatus) -> None:
    """Tell what the Eip is since it was given that status."""
    for condition in _changed(before.status.conditions, status.conditions):
        is_well = condition.status == (condition.type == names.READY)
        if (
            is_well
            and condition.type != names.READY
            and not any(c.type == condition.type for c in before.status.conditions)
        ):
            continue
        log.info("Eip %s: %s", written.name, condition.message)
        reporter.tell(written, condition.reason, condition.message, warning=not is_well)


def tell_repair(reporter: Reporter, pool: Pool, repairs: Mapping[str, str]) -> None:
    """Tell what was wrong in the ledger of the Eip and is put right."""
    if sentence := repairs.get(pool.name):
        log.warning("Eip %s: %s", pool.name, sentence)
        reporter.tell(pool, Reason.LEDGER_REPAIRED, sentence, warning=True)


def tell_service(reporter: Reporter, before: Service, written: Service, publication: Publication) -> None:
    """Tell what the Service carries since it was given that publication."""
    if publication.ingress != before.ingress:
        _tell_address(reporter, before, written, publication)
    for condition in _changed(before.conditions, publication.conditions):
        if condition.reason == Reason.MOVING:
            log.info("Service %s: %s", written.key, condition.message)
            reporter.tell(written, condition.reason, condition.message, warning=False)
        elif not condition.status or condition.reason not in _WELL:
            log.warning("Service %s: %s", written.key, condition.message)
            reporter.tell(written, condition.reason, condition.message, warning=True)


def repeat_refusals(reporter: Reporter, services: Iterable[Service]) -> None:
    """Tell again of Services that are still without the address they want."""
    reporter.repeat(
        (service, condition.reason, condition.message)
        for service in services
        for condition in service.conditions
        if condition.type == names.ADDRESS_ALLOCATED and not condition.status
    )


def tell_unreadable(reporter: Reporter, before: Mapping[str, Unreadable], after: Mapping[str, Unreadable]) -> None:
    """Tell the authors of objects that cannot be read. The log has it from who tried."""
    for name, one in after.items():
        if before.get(name) != one and one.kind in OF_USERS:
            reporter.tell(one, "Unreadable", one.sentence, warning=True)


def _tell_address(reporter: Reporter, before: Service, written: Service, publication: Publication) -> None:
    """In upstream's words, which people's scripts look for."""
    for address in sorted(set(publication.ingress) - set(before.ingress)):
        log.info("Service %s: gets %s from Eip %s", written.key, address, publication.pool_label)
        reporter.tell(written, "AssignIP", f"success to assign ip: {address}", warning=False)
    for address in sorted(set(before.ingress) - set(publication.ingress)):
        log.info("Service %s: gives back %s%s", written.key, address, publication.why and f", since {publication.why}")
        told = f"success to release ip: {address}{publication.why and '; '}{publication.why}"
        reporter.tell(written, "ReleaseIP", told, warning=False)


def _changed(before: tuple[Condition, ...], after: tuple[Condition, ...]) -> Iterator[Condition]:
    """Conditions that say something else than before; of what is well, the words may change unremarked."""
    had = {(condition.type, condition.reason, "" if condition.status else condition.message) for condition in before}
    return (c for c in after if (c.type, c.reason, "" if c.status else c.message) not in had)
