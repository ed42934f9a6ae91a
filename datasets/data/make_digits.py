"""Writes the built-in digits as two gzipped IDX files beside this script.

    pip install scikit-learn && python make_digits.py

The bytes do not depend on the day or on the machine: the gzip headers carry no time and no name.
"""

import gzip
import struct
from pathlib import Path

from sklearn.datasets import load_digits

UNSIGNED_BYTE = 0x08


def write_idx(path, array):
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, UNSIGNED_BYTE, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes(), compresslevel=9, mtime=0))


digits = load_digits()
images = digits.images.astype("uint8")
labels = digits.target.astype("uint8")
assert (images == digits.images).all() and (labels == digits.target).all()
assert images.shape == (1797, 8, 8) and images.max() == 16

folder = Path(__file__).parent
write_idx(folder / "digits-images-idx3-ubyte.gz", images)
write_idx(folder / "digits-labels-idx1-ubyte.gz", labels)
