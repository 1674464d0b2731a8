"""Numbers that a script and a C++ test can make alike, so that no file need hold them: tests/training/formula.h is the
same in C++."""
import math
import zlib

import numpy as np


def uniform(name, count):
    """`count` float32 numbers in [-1, 1) that follow from a name: splitmix64 of a counter, its upper 24 bits."""
    with np.errstate(over="ignore"):
        x = np.uint64(zlib.crc32(name.encode()) << 32) + np.arange(1, count + 1, dtype=np.uint64)
        x *= np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return ((x >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1).astype(np.float32)


def parameter(name, shape):
    """First values of a parameter, by what it is: kernels He-uniform, everything else so that nothing is 0 or 1 in which
    an error could hide. `shape` is ONNX': a kernel's first dimension counts its outputs, or a transposed one's inputs."""
    count = math.prod(shape)
    role = name.rsplit("/", 1)[-1].rsplit("_", 1)[-1]
    middle, width = {"kernel": (0, math.sqrt(6 * shape[0] / max(count, 1))), "gamma": (1, 0.25), "alpha": (0.25, 0.125),
                     "embeddings": (0, 1)}.get(role, (0, 0.125))
    return (middle + width * uniform(name, count).astype(np.float64)).astype(np.float32).reshape(shape)


def labels(name, shape, classes):
    """Class numbers."""
    numbers = np.floor((uniform(name, math.prod(shape)).astype(np.float64) + 1) * classes / 2)
    return numbers.astype(np.int64).reshape(shape)
