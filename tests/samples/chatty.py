"""`chatty.py LINES`: writes so many lines as fast as it can, then says how long writing took, and waits."""

import os
import sys
import time

lines = int(sys.argv[1])
began = time.perf_counter()
for number in range(0, lines, 1000):
    block = "".join(f"line {index:08} " + "x" * 70 + "\n" for index in range(number, min(number + 1000, lines)))
    data = block.encode()
    while data:
        data = data[os.write(1, data) :]
print(f"took {time.perf_counter() - began:.3f} s", flush=True)
time.sleep(600)
