"""Exec plugins: what they may print, how they go wrong, and when they are run again."""

import asyncio
import json
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from openelb.kube.credentials import Credential
from openelb.kube.errors import NoCredentials
from openelb.kube.plugin import EARLY, REST, ExecPlugin, Grant, PluginLogin, read
from tests.fakes.clock import Clock

V1 = "client.authentication.k8s.io/v1"
HINT = "Install it:\n  apt install login"

Scripted = Callable[..., ExecPlugin]


def printed(status: object, version: str = V1, kind: str = "ExecCredential") -> bytes:
    return json.dumps({"apiVersion": version, "kind": kind, "status": status}).encode()


def test_a_token_is_read_with_the_moment_it_expires() -> None:
    grant = read(printed({"token": "t", "expirationTimestamp": "2026-03-05T17:30:20-08:00"}), V1)
    assert grant == Grant("t", expires=datetime(2026, 3, 6, 1, 30, 20, tzinfo=UTC))


def test_a_client_certificate_is_read_with_its_key() -> None:
    assert read(printed({"clientCertificateData": "c", "clientKeyData": "k"}), V1) == Grant("", "c", "k")


def test_a_token_is_read_without_the_white_space_around_it() -> None:
    assert read(printed({"token": "t\n"}), V1) == Grant("t")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (b"", "printed no ExecCredential"),
        (b"Please log in\n", "printed no ExecCredential"),
        (b"\xff\xfe", "printed no ExecCredential"),
        (b'{"x":' + b"[" * 100_000, "printed no ExecCredential"),
        (printed({"token": 7}), "printed no ExecCredential"),
        (printed({"token": "t"}, "client.authentication.k8s.io/v1beta1"), "the kubeconfig says .*/v1 "),
        (printed({"token": "t"}, kind="Pod"), "v1 Pod, and the kubeconfig says"),
        (b"{}", "printed no apiVersion without a kind"),
        (printed(None), "neither a token nor a client certificate"),
        (printed({"token": ""}), "neither a token nor a client certificate"),
        (printed({"token": " \n"}), "neither a token nor a client certificate"),
        (printed({"token": "two\nlines"}), "printed what cannot be used: the token has a line break"),
        (printed({"clientKeyData": "k"}), "one of client certificate and key alone"),
        (printed({"token": "t", "expirationTimestamp": "soon"}), "printed no ExecCredential"),
        (printed({"token": "t", "expirationTimestamp": "2026-03-05T17:30:20"}), "without a time zone"),
    ],
)
def test_what_is_no_credential_is_told(output: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(output, V1)


@pytest.fixture
def scripted(tmp_path: Path) -> Scripted:
    """Makes a plugin of lines of shell."""

    def write(*lines: str, mode: int = 0o755, **settings: Any) -> ExecPlugin:
        path = tmp_path / "login"
        path.write_text("\n".join(["#!/bin/sh", *lines]))
        path.chmod(mode)
        return ExecPlugin("me", str(path), V1, hint=HINT, **settings)

    return write


async def test_a_plugin_gets_its_arguments_and_environment_and_no_terminal(scripted: Scripted) -> None:
    plugin = scripted(
        "read line && exit 1",  # it has no input
        "IFS= read -r told <<EOF\n$KUBERNETES_EXEC_INFO\nEOF",
        """case "$told" in *'"interactive":false'*) ;; *) exit 2;; esac""",
        """printf '{"apiVersion":"%s","kind":"ExecCredential","status":{"token":"%s %s"}}' "$VERSION" "$1" "$2" """,
        args=("one", "two three"),
        environment={"VERSION": V1},
    )
    assert await plugin() == Grant("one two three")


async def test_a_plugin_that_is_missing_is_told_with_the_hint_how_to_get_it(tmp_path: Path) -> None:
    words = r"nothing of the kubeconfig's user 'me' cannot be run: No such file or directory; Install it: apt install login$"
    with pytest.raises(NoCredentials, match=words):
        await ExecPlugin("me", str(tmp_path / "nothing"), V1, hint=HINT)()


async def test_a_plugin_that_may_not_be_run_is_told_with_the_hint(scripted: Scripted) -> None:
    plugin = scripted("exit 0", mode=0o644)
    with pytest.raises(NoCredentials, match="cannot be run: Permission denied; Install it"):
        await plugin()


async def test_a_plugin_that_fails_is_told_with_its_own_last_words(scripted: Scripted) -> None:
    with pytest.raises(NoCredentials, match=r"ended with 3: your session is over$"):
        await scripted("echo your session >&2; echo is over >&2; exit 3")()


async def test_a_plugin_that_prints_nonsense_is_told(scripted: Scripted) -> None:
    with pytest.raises(NoCredentials, match=r"the exec plugin .*/login of the kubeconfig's user 'me' printed no Exec"):
        await scripted("echo Please log in")()


async def test_a_plugin_that_hangs_is_ended_with_all_that_it_started(scripted: Scripted, tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(NoCredentials, match=r"did not end within 0\.2 s"):
        await scripted(f"sleep 600 & echo $! > {tmp_path}/child; wait", seconds=0.2)()
    child = Path("/proc") / (tmp_path / "child").read_text().strip() / "status"
    async with asyncio.timeout(10):
        while child.exists() and "State:\tZ" not in child.read_text():  # noqa: ASYNC110  (nobody tells it)
            await asyncio.sleep(0.01)
    assert time.monotonic() - began < 60


PRINTED = printed({"token": "t"}).decode()


@pytest.mark.parametrize(("where", "words"), [("", "printed more than 1 MiB"), (">&2", r"ended with 3: +y y")])
async def test_a_plugin_that_prints_without_end_fills_no_memory(scripted: Scripted, where: str, words: str) -> None:
    plugin = scripted(f"yes | head -c 200000000 {where}", "exit 3")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(NoCredentials, match=words):
        await plugin()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # KiB


async def test_a_credential_counts_though_a_child_keeps_the_output_open(scripted: Scripted, tmp_path: Path) -> None:
    plugin = scripted(f"setsid sleep 60 & echo $! > {tmp_path}/child", f"printf '%s' '{PRINTED}'")
    before = os.listdir("/proc/self/fd")
    try:
        assert await plugin() == Grant("t")
        await settled()
        assert os.listdir("/proc/self/fd") == before
    finally:
        os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)


async def test_a_plugin_that_hangs_with_a_child_in_a_session_of_its_own_leaves_no_descriptor_open(
    scripted: Scripted, tmp_path: Path
) -> None:
    plugin = scripted(f"setsid sleep 60 & echo $! > {tmp_path}/child; wait", seconds=0.2)
    before = os.listdir("/proc/self/fd")
    try:
        with pytest.raises(NoCredentials, match="did not end"):
            await plugin()
        await settled()
        assert os.listdir("/proc/self/fd") == before
    finally:
        os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)


def test_no_secret_is_shown_where_a_plugin_is_printed() -> None:
    plugin = ExecPlugin("me", "login", V1, args=("--password", "mine"), environment={"SECRET": "mine"})
    assert "mine" not in repr(plugin)


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass
class Asked:
    """A plugin that gives token after token, each for so many seconds by a clock on the wall that the test sets."""

    lasts: float | None = 3600.0
    wall: datetime = NOON
    times: int = 0
    fails: bool = False
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    async def __call__(self) -> Grant:
        self.times += 1
        await self.open.wait()
        if self.fails:
            raise NoCredentials("the plugin fails")
        expires = None if self.lasts is None else NOON + timedelta(seconds=self.lasts)
        return Grant(f"token {self.times}", expires=expires)


def login_by(asked: Asked, clock: Clock) -> PluginLogin:
    return PluginLogin(asked, lambda grant: Credential(grant.token), clock=clock, wall_clock=lambda: asked.wall)


async def settled() -> None:
    """Let what was started beside end."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_credential_is_kept_until_shortly_before_it_expires() -> None:
    asked, clock = Asked(), Clock()
    login = login_by(asked, clock)
    first = await login.credential()
    clock.now += 3600 - EARLY - 1
    assert await login.credential() is first
    assert asked.times == 1


async def test_a_credential_is_renewed_beside_the_work_before_it_expires() -> None:
    asked, clock = Asked(), Clock()
    login = login_by(asked, clock)
    first = await login.credential()
    asked.open.clear()
    clock.now += 3600 - EARLY + 1
    assert await login.credential() is first
    asked.open.set()
    await settled()
    assert (await login.credential()).token == "token 2"


async def test_a_credential_without_an_end_is_kept_until_the_server_refuses_it() -> None:
    asked, clock = Asked(lasts=None), Clock()
    login = login_by(asked, clock)
    first = await login.credential()
    clock.now += 1e6
    assert await login.credential() is first
    login.refused(first)
    assert (await login.credential()).token == "token 2"


async def test_the_refusal_of_a_former_credential_costs_no_run() -> None:
    asked, clock = Asked(), Clock()
    login = login_by(asked, clock)
    first = await login.credential()
    clock.now += 60
    login.refused(first)
    second = await login.credential()
    clock.now += 60
    login.refused(first)
    assert await login.credential() is second


async def test_one_run_serves_all_who_ask_and_who_gives_up_does_not_end_it() -> None:
    asked = Asked()
    login = login_by(asked, Clock())
    asked.open.clear()
    waiting = [asyncio.create_task(login.credential()) for _ in range(3)]
    await settled()
    waiting[0].cancel()
    await settled()
    asked.open.set()
    assert [(await task).token for task in waiting[1:]] == ["token 1", "token 1"]
    assert asked.times == 1


@pytest.mark.parametrize("trouble", ["fails", "gives what the server refuses"])
async def test_a_plugin_in_trouble_is_run_with_pauses_however_often_it_is_asked(trouble: str) -> None:
    asked, clock = Asked(fails=trouble == "fails"), Clock()
    login = login_by(asked, clock)
    for _ in range(600):
        try:
            login.refused(await login.credential())
        except NoCredentials:
            assert trouble == "fails"
        clock.now += 0.1
    assert 60 / REST / 2 <= asked.times <= 60 / REST + 1


async def test_a_renewal_that_fails_costs_nothing_while_the_credential_is_good() -> None:
    asked, clock = Asked(), Clock()
    login = login_by(asked, clock)
    first = await login.credential()
    asked.fails = True
    clock.now += 3600 - EARLY + 1
    await login.credential()
    await settled()
    assert await login.credential() is first
    clock.now += EARLY
    with pytest.raises(NoCredentials, match="the plugin fails"):
        await login.credential()
    asked.fails = False
    clock.now += REST
    assert (await login.credential()).token.startswith("token")


@pytest.mark.parametrize("step", [timedelta(days=-400), timedelta(days=400)])
async def test_a_step_of_the_clock_on_the_wall_ends_no_credential_and_keeps_none(step: timedelta) -> None:
    asked, clock = Asked(), Clock()
    login = login_by(asked, clock)
    first = await login.credential()
    asked.wall += step
    clock.now += 60
    assert await login.credential() is first
    clock.now += 3600
    assert (await login.credential()).token == "token 2"


async def test_a_clock_that_is_fast_shows_the_credential_that_it_takes_for_expired() -> None:
    asked, clock = Asked(wall=NOON + timedelta(days=1)), Clock()
    login = login_by(asked, clock)
    first = await login.credential()
    for _ in range(100):
        clock.now += REST / 2
        assert await login.credential() is first
    assert asked.times == 1
    login.refused(first)
    assert (await login.credential()).token == "token 2"
