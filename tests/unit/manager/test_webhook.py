"""The webhook over real TLS on loopback: what API servers get for an answer, and everybody else."""

import asyncio
import contextlib
import datetime
import gzip
import json
import logging
import ssl
from contextlib import AsyncExitStack

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openelb.kube import tls
from openelb.kube.review import Review
from openelb.manager.webhook import LARGEST, MOST_CONNECTIONS, MOST_HELD, Webhook
from openelb.model.cluster import Pool
from openelb.plan.admission import Verdict
from openelb.process.runtime import NoPort
from tests.unit.kube.objects import eip
from tests.unit.serving import EIP_PATH, RESERVATION_PATH, issued, question, serving


def refuse(review: Review) -> Verdict:
    return Verdict("not this one: take another")


def warn(review: Review) -> Verdict:
    return Verdict(warnings=("mind the gap",))


def stumble(review: Review) -> Verdict:
    raise KeyError("a bug")


def about(review: Review) -> Verdict:
    """What the judge was asked about, told as a refusal."""
    assert review.change is not None
    assert isinstance(review.change.after, Pool)
    return Verdict(review.change.after.address)


# Answers.


async def test_what_is_allowed_is_answered_so() -> None:
    async with serving() as served:
        assert await served.ask(question()) == {"uid": "705ab4f5", "allowed": True}
        assert served.counts == {"allowed": 1}


async def test_a_refusal_arrives_with_its_text() -> None:
    async with serving(refuse) as served:
        answer = await served.ask(question())
        assert (answer["allowed"], answer["status"]["message"]) == (False, "not this one: take another")
        assert served.counts == {"refused": 1}


async def test_a_warning_refuses_nothing() -> None:
    async with serving(warn) as served:
        assert await served.ask(question()) == {"uid": "705ab4f5", "allowed": True, "warnings": ["mind the gap"]}


async def test_the_judge_is_asked_about_what_is_to_be() -> None:
    async with serving(about) as served:
        answer = await served.ask(question(object=eip(address="192.0.2.7")))
        assert answer["status"]["message"] == "192.0.2.7"


async def test_a_bug_of_ours_stands_in_nobodys_way_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(stumble) as served:
        for _ in range(3):
            answer = await served.ask(question())
            assert (answer["allowed"], answer["warnings"]) == (True, ["OpenELB could not check this: KeyError"])
        assert served.counts == {"failed": 3}
    told = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 1
    assert "KeyError: 'a bug'" in (told[0].exc_text or "")


async def test_an_object_that_cannot_be_read_is_allowed_with_a_warning() -> None:
    async with serving(refuse) as served:
        answer = await served.ask(question(object={"metadata": {}, "spec": {"address": 5}}))
        assert answer["allowed"]
        assert (
            "cannot read this object: Expected `str | null`, got `int` - at `$.spec.address`" in answer["warnings"][0]
        )


# What is no question.


@pytest.mark.parametrize(
    ("path", "method", "body", "kind", "status", "why"),
    [
        ("/", "POST", question(), "application/json", 404, "nothing is here; questions go to /validate-"),
        ("/metrics", "GET", b"", "application/json", 404, "nothing is here"),
        (EIP_PATH, "GET", b"", "application/json", 405, "questions are sent by POST"),
        (EIP_PATH, "PUT", question(), "application/json", 405, "questions are sent by POST"),
        (EIP_PATH, "POST", question(), "text/plain", 415, "questions are application/json"),
        (EIP_PATH, "POST", b"", "application/json", 400, "the body is no AdmissionReview"),
        (EIP_PATH, "POST", b"\x1f\x8b garbage", "application/json", 400, "the body is no AdmissionReview"),
        (RESERVATION_PATH, "POST", question(), "application/json", 400, "here EipReservation of network.kubesphere.io"),
        (EIP_PATH, "POST", b" " * (LARGEST + 1), "application/json", 413, f"more than {LARGEST} bytes"),
    ],
)
async def test_what_is_no_question_is_answered_with_a_sentence(
    path: str, method: str, body: bytes, kind: str, status: int, why: str
) -> None:
    async with serving(refuse) as served:
        found, text = await served.post(body, path, method, **{"Content-Type": kind})
        assert found == status
        assert why in text
        assert text.count("\n") == 1
        assert served.counts == {"unreadable": 1}
        assert not (await served.ask(question()))["allowed"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=300)
    | st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=9,
    ).map(lambda value: json.dumps(value).encode())
)
def test_whatever_is_sent_is_answered_with_a_sentence(body: bytes) -> None:
    async def send() -> None:
        async with serving() as served:
            status, text = await served.post(body)
            assert 400 <= status < 500
            assert text.count("\n") == 1

    asyncio.run(send())


@pytest.mark.parametrize(
    "said", [b"", b"GET", b"\x16\x03\x01 and more\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n", b"POST " + b"a" * 100_000]
)
async def test_who_does_not_speak_http_is_let_go_and_others_are_served(said: bytes) -> None:
    async with serving() as served, served.said(said):
        assert (await served.ask(question()))["allowed"]


HALF = (
    f"POST {EIP_PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n".encode(),
    b"Content-Length: 100\r\n\r\n{",
)


async def test_who_sends_no_more_of_a_body_is_told_after_a_while() -> None:
    async with serving(seconds=0.1) as served, served.said(*HALF) as reader:
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"the body did not arrive within 0.1 seconds" in answer


async def test_who_ends_in_the_middle_of_a_body_costs_nothing() -> None:
    async with serving() as served:
        async with served.said(*HALF):
            pass
        assert (await served.ask(question()))["allowed"]


async def test_what_is_packed_is_not_unpacked() -> None:
    async with serving() as served:
        status, text = await served.post(gzip.compress(question()), **{"Content-Encoding": "gzip"})
        assert (status, "the body is no AdmissionReview" in text) == (400, True)


async def test_connections_that_are_open_end_with_the_webhook() -> None:
    async with AsyncExitStack() as stack:
        async with serving() as served:
            reader = await stack.enter_async_context(served.said())
        assert await reader.read() == b""


async def test_who_speaks_no_tls_is_let_go() -> None:
    async with serving() as served, served.said(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", tls=False) as reader:
        with contextlib.suppress(ConnectionError):
            assert b"HTTP" not in await reader.read()


async def test_who_does_not_greet_is_let_go_after_a_while() -> None:
    async with serving(seconds=0.1) as served, served.said(tls=False) as reader, asyncio.timeout(20):
        assert await reader.read() == b""


async def test_there_is_room_for_so_much_at_once_and_afterwards_again() -> None:
    most = (
        f"POST {EIP_PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n".encode(),
        f"Content-Length: {LARGEST}\r\n\r\n".encode(),
        b" " * (LARGEST - 1),
    )
    async with serving(seconds=30.0) as served:
        async with AsyncExitStack() as stack:
            readers = [await stack.enter_async_context(served.said(*most)) for _ in range(MOST_HELD // LARGEST + 1)]
            told, waiting = await asyncio.wait(
                [asyncio.create_task(reader.readline()) for reader in readers], return_when=asyncio.FIRST_COMPLETED
            )
            assert {each.result() for each in told} == {b"HTTP/1.1 503 Service Unavailable\r\n"}
            for each in waiting:
                each.cancel()
        for _ in range(2):
            status, _ = await served.post(b" " * LARGEST)
            assert status == 400


async def test_more_connections_than_there_may_be_are_closed_and_those_there_are_go_on() -> None:
    async with serving() as served, AsyncExitStack() as stack:
        assert (await served.ask(question()))["allowed"]
        for number in range(MOST_CONNECTIONS - 1):  # who has not greeted yet counts as well
            await stack.enter_async_context(served.said(tls=number % 2 == 0))
        with pytest.raises((ConnectionError, ssl.SSLError)):
            async with served.said():
                pass
        assert (await served.ask(question()))["allowed"]


# Certificates.


async def test_another_certificate_is_shown_from_the_next_connection_on_and_those_that_are_open_go_on() -> None:
    async with serving() as served:
        assert (await served.ask(question()))["allowed"]
        other = issued()
        served.shown.show(other["certificate"], other["key"], 5.0)
        assert (await served.ask(question()))["allowed"]
        with pytest.raises(ssl.SSLCertVerificationError):
            async with served.said():
                pass
        served.trusted.load_verify_locations(cadata=other["authority"])
        async with served.said():
            assert served.shown.ends == 5.0


async def test_a_certificate_with_another_kind_of_key_takes_the_place_of_the_one_before() -> None:
    """OpenSSL has room for one of each kind, and would go on showing the first to whoever takes either."""
    made = issued()
    ours = made["certificate"], made["key"]
    async with serving() as served:
        for certificate, key in (rsa("first"), ours, rsa("last")):
            served.shown.show(certificate, key, 0.0)
        assert await subject(served.port) == "CN=last"


def rsa(name: str) -> tuple[str, str]:
    """A certificate of that name with an RSA key, as cert-manager makes them unless it is told otherwise, and its key."""
    key, now = generate_private_key(65537, 2048), datetime.datetime.now(datetime.UTC)
    common = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begun = x509.CertificateBuilder().subject_name(common).issuer_name(common).public_key(key.public_key())
    timed = begun.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    return (
        timed.sign(key, SHA256()).public_bytes(Encoding.PEM).decode(),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    )


async def subject(port: int) -> str:
    """Who the webhook says it is."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls.trusting("", verify=False))
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return x509.load_der_x509_certificate(shown).subject.rfc4514_string()


async def test_what_cannot_be_shown_leaves_what_was_shown() -> None:
    async with serving() as served:
        other = issued()
        with pytest.raises(ValueError, match="do not belong together"):
            served.shown.show(other["certificate"], issued()["key"], 5.0)
        async with served.said():
            assert served.shown.ends == 0.0


async def test_a_port_that_somebody_has_is_told() -> None:
    async with serving() as served:
        with pytest.raises(NoPort, match=f"cannot be served on 127.0.0.1:{served.port}: "):
            async with Webhook(refuse, served.counts).serving("127.0.0.1", served.port, tls.serving):
                pass
