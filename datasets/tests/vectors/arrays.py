"""Writes arrays.json: small files of every type of numbers, and what NumPy makes of them.

    python arrays.py > arrays.json

Needs numpy, ml_dtypes and safetensors; made with NumPy 2.4, safetensors 0.8.
"""

import io
import json
import math

import ml_dtypes
import numpy as np
from safetensors.numpy import save

rng = np.random.default_rng(5)


def values(dtype):
    """Twelve numbers, the extreme ones among them."""
    if dtype == np.bool_:
        return rng.integers(0, 2, 12).astype(dtype)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        some = [
            info.min,
            info.max,
            info.max - 1,
            0,
            1,
            min(info.max, 2**24 + 1),
            min(info.max, 2**24 + 2),
        ]
        return np.array(some + [int(value) for value in rng.integers(0, 100, 5)], dtype)
    info = ml_dtypes.finfo(dtype)
    some = [
        float(info.min),
        float(info.max),
        float(info.smallest_subnormal),
        0.1,
        -0.0,
        math.inf,
        -math.inf,
        math.nan,
    ]
    return np.array(some + list(rng.normal(size=4)), dtype)


def as_read(array):
    """The shape, the bits of the values as float32 in C order, and how many of them were
    rounded."""
    with np.errstate(over="ignore"):
        flat = np.ascontiguousarray(array).reshape(-1)
        floats = flat.astype(np.float32)
        if array.dtype.kind in "iub":
            rounded = sum(int(a) != int(b) for a, b in zip(flat, floats))
        else:
            rounded = sum(not np.isnan(a) and float(a) != float(b) for a, b in zip(flat, floats))
    bits = ["nan" if np.isnan(value) else int(value.view(np.uint32)) for value in floats]
    return {"shape": list(array.shape), "bits": bits, "rounded": rounded}


def npy(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=version, allow_pickle=False)
    return out.getvalue()


def npz(save, **arrays):
    out = io.BytesIO()
    save(out, **arrays)
    return out.getvalue()


files = []
for name in ["b1", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"]:
    for order in "<>" if name[1] != "1" else "|":
        dtype = np.dtype(order + name)
        array = values(dtype).astype(dtype)
        for label, shaped in [
            ("C", array.reshape(3, 4)),
            ("F", np.asfortranarray(array.reshape(2, 3, 2))),
            ("1-D", array),
        ]:
            files.append(
                {"name": f"{dtype.str} {label}", "hex": npy(shaped).hex(), **as_read(shaped)}
            )
for version in [(1, 0), (2, 0), (3, 0)]:
    array = np.arange(6, dtype="<f4").reshape(2, 3)
    files.append({"name": f"version {version}", "hex": npy(array, version).hex(), **as_read(array)})

members = {
    "bytes": np.arange(6, dtype="u1").reshape(3, 2),
    "floats": np.arange(6, dtype="<f4").reshape(2, 3) / 4,
    "doubles": np.arange(6, dtype=">f8").reshape(2, 3) / 10,
    "fortran": np.asfortranarray(np.arange(24, dtype="<i2").reshape(2, 3, 4)),
    "texts": np.array(["not", "numbers"]),
}
zips = {
    "stored": npz(np.savez, **members).hex(),
    "deflated": npz(np.savez_compressed, **members).hex(),
    "arrays": {name: as_read(array) for name, array in members.items() if name != "texts"},
}

types = {
    "BOOL": np.bool_,
    "U8": "u1",
    "I8": "i1",
    "U16": "u2",
    "I16": "i2",
    "U32": "u4",
    "I32": "i4",
    "U64": "u8",
    "I64": "i8",
    "F16": "f2",
    "BF16": ml_dtypes.bfloat16,
    "F32": "f4",
    "F64": "f8",
}
tensors = {name: values(np.dtype(dtype)).reshape(4, 3) for name, dtype in types.items()}
safetensors = {
    "hex": save(tensors, metadata={"made by": "arrays.py"}).hex(),
    "arrays": {name: as_read(array) for name, array in tensors.items()},
}
lines = ",\n".join(json.dumps(file) for file in files)
print(
    f'{{"npy": [\n{lines}\n],\n"npz": {json.dumps(zips)},\n'
    f'"safetensors": {json.dumps(safetensors)}\n}}'
)
