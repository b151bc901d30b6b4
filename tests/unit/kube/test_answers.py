"""Answers that are no JSON, as they come inside a watch."""

import pytest

from openelb.kube.answers import refused_by_status
from openelb.kube.errors import Unavailable


@pytest.mark.parametrize("content", [b"no json", b'{"message":"\xff"}', b'{"x":' + b"[" * 100_000])
def test_an_error_that_cannot_be_read_is_trouble_of_the_servers_own(content: bytes) -> None:
    refusal = refused_by_status("watch services", content)
    assert isinstance(refusal, Unavailable)
    assert "an error that cannot be read" in str(refusal)
