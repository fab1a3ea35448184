"""The process: its port, its signals, its end."""

import os
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPException

import pytest

from tests.deadline import DEADLINE_S
from tests.stub.process import ROOT, StubProcess, clean_environment, read_all, read_until
from tests.stub.test_connection import HOST, OPENING


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_a_clean_end(number: signal.Signals):
    with StubProcess() as stub:
        assert stub.stop(number) == 0
        assert stub.lines[-1] == "demo: stopped"


def test_it_says_where_it_listens():
    with StubProcess(name="auth#2") as stub:
        assert stub.lines[0] == f"auth#2: stub listening on http://127.0.0.1:{stub.port} (pid {stub.process.pid})"
        assert stub.ask("/")[2]["port"] == stub.port


def test_a_stop_ends_every_kind_of_connection_in_its_own_way():
    with StubProcess(responses=[{"path": "/slow", "latency": 3600}]) as stub:
        with stub.connect() as idle, stub.connect() as slow, stub.connect() as stream, stub.connect() as talk:
            idle.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
            read_until(idle, b"}\n")
            slow.sendall(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n")
            stream.sendall(b"GET /events?interval=3600 HTTP/1.1\r\n" + HOST + b"\r\n")
            read_until(stream, b"id: 1")
            talk.sendall(b"GET /ws HTTP/1.1\r\n" + HOST + OPENING + b"\r\n")
            read_until(talk, b"\r\n\r\n")
            stub.process.send_signal(signal.SIGTERM)
            assert read_all(idle) == b""
            assert read_all(slow) == b""
            assert read_all(stream).endswith(b"0\r\n\r\n")
            assert read_all(talk) == b"\x88\x16\x03\xe9the stub is stopping"
        assert stub.ended() == 0


def test_a_client_that_does_not_read_does_not_hold_up_the_end():
    with StubProcess() as stub, stub.connect() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.sendall(b"GET /events?interval=0 HTTP/1.1\r\n" + HOST + b"\r\n")
        stub.line("event stream opened")
        assert stub.stop() == 0


def test_a_stop_while_it_still_imports_is_clean_too():
    program = (
        "import os, signal, sys\n"
        "from devgate.stub.__main__ import main\n"
        "class Finder:\n"
        "    def find_spec(name, *_):\n"
        "        if name == 'asyncio': os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.meta_path.insert(0, Finder)\n"
        "sys.exit(main(['demo']))\n"
    )
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, timeout=DEADLINE_S)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_a_port_in_use_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = start("auth", "--port", str(port))
    assert run.returncode == 4
    assert (
        run.stderr
        == f"stub auth: port {port} on 127.0.0.1 is in use; stop what listens there, or choose another with --port\n"
    )


def test_an_address_that_is_not_here_is_named():
    run = start("auth", "--host", "192.0.2.1", "--port", "0")
    assert run.returncode == 4
    assert run.stderr.startswith("stub auth: cannot listen on port 0 of 192.0.2.1: ")
    run = start("auth", "--host", "no.such.host.invalid", "--port", "0")
    assert run.returncode == 4
    assert run.stderr.startswith("stub auth: cannot listen on no.such.host.invalid: ")


def start(*flags: str) -> "subprocess.CompletedProcess[str]":
    """Run a stub that ends by itself."""
    command = [sys.executable, "-m", "devgate.stub", *flags]
    return subprocess.run(
        command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, timeout=DEADLINE_S
    )


def test_a_port_can_be_taken_again_at_once():
    with StubProcess() as stub, stub.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        read_all(client)
        assert stub.stop() == 0
        with StubProcess(port=stub.port) as again:
            assert again.port == stub.port


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 on this machine")
def test_ipv6():
    with StubProcess(host="::1") as stub:
        assert stub.host == "::1"
        with stub.connect() as client:
            client.sendall(b"GET /empty HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
            assert read_all(client).startswith(b"HTTP/1.1 200 ")


def test_crashes_after_a_time():
    with StubProcess(crash_after="300ms", exit_code=9) as stub:
        assert stub.ended() == 9
        assert stub.lines[-1] == "demo: crash with exit code 9 (crash_after: 0.3 s)"


def test_crashes_instead_of_answering_one_request_too_many():
    with StubProcess(crash_after_requests=2) as stub:
        for _ in range(2):
            assert stub.ask("/x")[0] == 200
            assert stub.ask("/health")[0] == 200
        with pytest.raises((OSError, HTTPException)):
            stub.ask("/x")
        assert stub.ended() == 1


def test_crashes_when_told():
    with StubProcess() as stub:
        status, _, shown = stub.ask("/_stub", method="POST", body=b'{"crash": true, "exit_code": 3}')
        assert (status, shown["exit_code"]) == (202, 3)
        assert stub.ended() == 3


def test_switches_work_while_it_runs():
    with StubProcess(fail_status=500) as stub:
        assert stub.switch(fail=0.5)["fail"] == 0.5
        assert [stub.ask("/x")[0] for _ in range(4)] == [200, 500, 200, 500]
        stub.switch(fail=0, version="9.9.9", health="degraded")
        assert stub.ask("/health")[2] == {"status": "degraded", "service": "demo", "sharedKnowledgeVersion": "9.9.9"}
        assert stub.ask("/api/shared-knowledge/status")[2]["version"] == "9.9.9"
        stub.switch(latency=0.2)
        begin = time.monotonic()
        stub.ask("/x")
        assert time.monotonic() - begin >= 0.2


def test_starting_then_ready():
    with StubProcess(ready_after="500ms") as stub:
        first = stub.ask("/health")
        assert (first[0], first[2]["status"]) == (503, "starting")
        end = time.monotonic() + DEADLINE_S
        while stub.ask("/health")[0] != 200:
            assert time.monotonic() < end


def test_a_log_that_nobody_reads_any_more_stops_nothing():
    environment = clean_environment()
    command = [sys.executable, "-m", "devgate.stub", "demo", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            port = int(process.stdout.readline().split(b":")[3].split()[0])
            process.stdout.close()
            for _ in range(3):
                with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as client:
                    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    assert read_all(client).startswith(b"HTTP/1.1 200 ")
            process.terminate()
            assert process.wait(DEADLINE_S) == 0
            assert process.stderr.read() == b""
        finally:
            process.kill()


@pytest.mark.skipif(os.name != "posix", reason="descriptors are closed by a POSIX shell")
def test_without_standard_output_it_writes_into_no_socket():
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    command = ["sh", "-c", f'exec "{sys.executable}" -m devgate.stub demo --port {port} >&-']
    with subprocess.Popen(command, cwd=ROOT, env=clean_environment()) as process:
        try:
            end = time.monotonic() + DEADLINE_S
            while True:
                try:
                    client = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
                    break
                except ConnectionRefusedError:
                    assert time.monotonic() < end
                    assert process.poll() is None
            with client:
                client.sendall(b"GET /x HTTP/1.0\r\n\r\n")
                answer = read_all(client)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert answer.endswith(b"}\n")
            process.terminate()
            assert process.wait(DEADLINE_S) == 0
        finally:
            process.kill()


def test_impatience_changes_nothing():
    with StubProcess() as stub, stub.connect() as client:
        client.sendall(b"GET /events HTTP/1.1\r\n" + HOST + b"\r\n")
        stub.line("event stream opened")
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            stub.process.send_signal(number)
        read_all(client)
        stub.process.send_signal(signal.SIGINT)
        assert stub.ended() == 0
        assert stub.lines[-1] == "demo: stopped"
        assert len(stub.lines) <= 3
