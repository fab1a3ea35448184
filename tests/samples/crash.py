"""`crash.py CODE [SECONDS] [TEXT]`: says TEXT and ends with CODE after so long."""

import os
import sys
import time

code, seconds, text = (*sys.argv[1:], *("1", "0", "")[len(sys.argv) - 1 :])
time.sleep(float(seconds))
if text:
    print(text, file=sys.stderr, flush=True)
os._exit(int(code))
