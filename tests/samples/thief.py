"""`thief.py PORT`: listens on a port, says so, and answers nobody."""

import socket
import sys
import time

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("mine", flush=True)
time.sleep(600)
