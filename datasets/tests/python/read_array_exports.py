"""Reads what the test `python_reads_what_is_exported` of exports.rs wrote, by NumPy, PyTorch,
safetensors and pandas, and compares it with what was written. Usage: read_array_exports.py FOLDER

What a module is missing for is skipped, loudly; without NumPy nothing can be checked, and the exit
code is 77.
"""

import importlib
import json
import pathlib
import sys

FOLDER = pathlib.Path(sys.argv[1])


def module(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"SKIPPED: {name} is not installed, and what it reads is NOT CHECKED")
        return None


numpy = module("numpy")
if numpy is None:
    sys.exit(77)

TRAIN, TEST = 20, 10
ROWS = TRAIN + TEST
IMAGES = (numpy.arange(ROWS * 4 * 5 * 3) * 7 % 256).astype(numpy.uint8).reshape(ROWS, 4, 5, 3)
FLOATS = (numpy.arange(ROWS * 4).astype(numpy.float32) / numpy.float32(7)).reshape(ROWS, 4)
LABELS = numpy.array([-1 if row % 10 == 9 else row % 3 for row in range(ROWS)])


def check(what, found, expected, dtype):
    found = numpy.asarray(found)
    assert str(found.dtype) == dtype, f"{what} is {found.dtype}, not {dtype}"
    assert found.shape == expected.shape, (
        f"{what} has the shape {found.shape}, not {expected.shape}"
    )
    assert (found == expected).all(), f"{what} holds other values"
    print(f"{what}: as written")


check("npy, bytes", numpy.load(FOLDER / "images.npy"), IMAGES, "uint8")
check("npy, floats", numpy.load(FOLDER / "floats.npy"), FLOATS, "float32")
check("npy, labels", numpy.load(FOLDER / "images-labels.npy"), LABELS, "int64")
with numpy.load(FOLDER / "halves.npz") as file:
    assert sorted(file.files) == ["x_test", "x_train", "y_test", "y_train"], file.files
    check("npz, x_train", file["x_train"], IMAGES[:TRAIN], "uint8")
    check("npz, x_test", file["x_test"], IMAGES[TRAIN:], "uint8")
    check("npz, y_train", file["y_train"], LABELS[:TRAIN], "int64")
    check("npz, y_test", file["y_test"], LABELS[TRAIN:], "int64")

idx = (FOLDER / "images.idx").read_bytes()
sizes = numpy.frombuffer(idx, ">u4", 4, 4)
assert idx[:4] == b"\0\0\x08\x04" and tuple(sizes) == IMAGES.shape, idx[:20]
check("IDX, bytes", numpy.frombuffer(idx, numpy.uint8, -1, 20).reshape(sizes), IMAGES, "uint8")
labels = (FOLDER / "images-labels.idx").read_bytes()
check("IDX, labels", numpy.frombuffer(labels, ">i4", -1, 8), LABELS, ">i4")

if module("safetensors"):
    from safetensors import safe_open
    from safetensors.numpy import load_file

    tensors = load_file(FOLDER / "halves.safetensors")
    assert sorted(tensors) == ["x_test", "x_train", "y_test", "y_train"], sorted(tensors)
    check("safetensors, x_train", tensors["x_train"], IMAGES[:TRAIN], "uint8")
    check("safetensors, y_test", tensors["y_test"], LABELS[TRAIN:], "int64")
    with safe_open(FOLDER / "halves.safetensors", "numpy") as file:
        assert json.loads(file.metadata()["classes"]) == ["0", "1", "2"], file.metadata()
    if torch := module("torch"):
        from safetensors.torch import load_file

        tensors = load_file(FOLDER / "floats.safetensors")
        assert list(tensors) == ["x"] and tensors["x"].dtype == torch.float32
        check("PyTorch, safetensors", tensors["x"].numpy(), FLOATS, "float32")
        array = torch.from_numpy(numpy.load(FOLDER / "floats.npy"))
        check("PyTorch, npy", array.numpy(), FLOATS, "float32")

if pandas := module("pandas"):
    frame = pandas.read_csv(FOLDER / "table.csv")
    assert list(frame.columns) == ["age", "eyes, colour", "class"], frame.columns
    expected = pandas.DataFrame(
        {
            "age": [30, None, 0.1],
            "eyes, colour": ["blue", 'a "brown"', None],
            "class": ["yes", None, "no"],
        }
    )
    pandas.testing.assert_frame_equal(frame, expected)
    print("pandas, CSV: as written")
