#!/usr/bin/env python3
"""What the machine's second core adds to arithmetic: products of matrices that fit the cache, in processes at once.

usage: fma_gain.py SECONDS START        prints products per second from time.monotonic() START on, by one thread
"""
import os
import pathlib
import statistics
import subprocess
import sys
import time

SIZE = 256
SECONDS, ROUNDS = 0.3, 3
START_SECONDS = 0.7  # for the processes to be ready


def _rate(processes):
    command = [sys.executable, "-B", pathlib.Path(__file__), str(SECONDS), str(time.monotonic() + START_SECONDS)]
    one_thread = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=one_thread) for _ in range(processes)]
    return sum(float(process.communicate()[0]) for process in running)


def gain(threads):
    """The arithmetic of so many processes at once over that of one, of alternating rounds."""
    return statistics.median(_rate(threads) / _rate(1) for _ in range(ROUNDS))


def main():
    import numpy as np
    seconds, start = map(float, sys.argv[1:])
    a, b = np.random.default_rng(1).random((2, SIZE, SIZE), np.float32)
    a @ b
    while time.monotonic() < start:
        pass
    done, begin = 0, time.monotonic()
    while time.monotonic() - begin < seconds:
        a @ b
        done += 1
    print(done / (time.monotonic() - begin))


if __name__ == "__main__":
    main()
