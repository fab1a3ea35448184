"""What ordinary answers say of the shared-knowledge version is overheard, and passed on."""

import pytest

from tests.gateway.harness import gateway
from tests.upstreams import answering, scripted

pytestmark = pytest.mark.usefixtures("nothing_left")


async def test_an_answer_that_names_its_version():
    named = b"HTTP/1.1 200 OK\r\nX-Shared-Knowledge-Version: 1.2.3\r\nContent-Length: 2\r\n\r\nok"
    async with scripted(answering(named)) as service, gateway({"a": service}) as bench:
        instance = bench.entry().instances[0]
        assert instance.overheard(0) == ""
        answer = await bench.get("/")
        assert answer["x-shared-knowledge-version"] == "1.2.3"
        assert instance.overheard(0) == "1.2.3"
