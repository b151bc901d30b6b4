"""Certificates from the program that makes them, really run."""

import resource

import pytest

from openelb.host import issuing
from openelb.host.issuing import NotIssued
from openelb.plan.renewal import DAY, Issued
from tests.unit.limits import limited


async def test_a_certificate_comes_from_a_program_that_has_ended() -> None:
    made = await issuing.make({"openelb-webhook.elsewhere.svc", "openelb-webhook.elsewhere"})
    read = await issuing.read(made)
    assert (read.names, read.problem) == ({"openelb-webhook.elsewhere.svc", "openelb-webhook.elsewhere"}, "")
    assert 365 * DAY < read.ends - read.begins < 366 * DAY


async def test_what_is_no_certificate_is_told_as_it_is() -> None:
    assert (await issuing.read(Issued("a", "b", "c"))).problem == "the certificate cannot be read"
    assert "c" not in repr(Issued(key="c")).partition("key")[2]


async def test_a_program_that_cannot_do_its_work_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    with pytest.raises(NotIssued, match="the program that makes certificates failed with 1: "):
        await issuing.make({"a"})


async def test_a_machine_on_which_nothing_can_be_started_is_told() -> None:
    with limited(resource.RLIMIT_NOFILE, 0), pytest.raises(NotIssued, match="cannot be run: Too many open files"):
        await issuing.make({"a"})
