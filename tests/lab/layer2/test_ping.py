"""Pings of the addresses of Services, and ports that none of them has, beside a real kube-proxy in its mode nftables."""

from lab.cluster import Cluster
from openelb.model import names
from tests.lab import installed
from tests.lab.test_dual_stack import BOTH, REQUIRED, addresses, open_all


def test_the_addresses_of_a_service_answer_pings_and_refuse_other_ports(openelb: Cluster) -> None:
    openelb.apply(installed.eip("both", BOTH))
    openelb.apply(installed.service("web", {**installed.OPTED_IN, names.POOLS: "both"}, **REQUIRED))
    there = addresses(openelb, count=2)
    open_all(openelb, there)
    for address in there:
        for client in (openelb.client, openelb.remote):
            installed.answers_pings(client, address)
            installed.refuses_another_port(client, address)
    open_all(openelb, there)


def test_an_address_that_was_given_back_answers_no_ping(pool: Cluster) -> None:
    address = installed.serve(pool, "web")
    installed.answers_pings(pool.client, address)
    pool.kubectl("delete", "service", "web")
    installed.answers_no_ping(pool.client, address)
