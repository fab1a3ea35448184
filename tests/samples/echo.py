"""Answers every request on $PORT with its pid and environment, in JSON. `echo.py [SECONDS]` listens only after so long."""

import json
import os
import signal
import socket
import sys
import time

signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
time.sleep(float(sys.argv[1]) if sys.argv[1:] else 0)
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
print(f"listening on {os.environ['PORT']}", flush=True)
body = json.dumps({"status": "healthy", "pid": os.getpid(), "cwd": os.getcwd(), "env": dict(os.environ)}).encode()
while True:
    connection, _ = listener.accept()
    with connection:
        if connection.recv(65536):
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
