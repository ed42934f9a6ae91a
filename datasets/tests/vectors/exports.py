"""Writes the arrays of vectors/exports as NumPy does, for exports to be compared with byte by byte.

python exports.py
"""

import pathlib

import numpy

FOLDER = pathlib.Path(__file__).parent / "exports"
FOLDER.mkdir(exist_ok=True)

numpy.save(FOLDER / "bytes.npy", (numpy.arange(30) * 37 % 256).astype(numpy.uint8).reshape(5, 2, 3))
floats = [0.1, -0.0, 1e-42, 3.4028235e38, 1 / 3, -2.5, 16777216.0, 1e-7, 5.0, -1e20, 0.5, 7.0]
numpy.save(FOLDER / "floats.npy", numpy.array(floats, numpy.float32).reshape(6, 2))
numpy.save(FOLDER / "labels.npy", numpy.array([0, 2, 7, 2, 0], numpy.uint16))
numpy.save(FOLDER / "some-labels.npy", numpy.array([0, -1, 7, -1, 2], numpy.int64))
