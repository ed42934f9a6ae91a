"""Exported networks in onnxruntime and in PyTorch, for the tests.

    export.py MODEL DATA EXPECTED [MODEL DATA EXPECTED]...

MODEL is .onnx or .safetensors, DATA images as .npy or a table as .csv, EXPECTED the .npy that
narrows wrote: probabilities, features or scores. For each it prints a line with the largest
difference, relative to the largest number. Without the packages it prints their names and ends with status 3.
"""
import csv
import json
import os
import sys

try:
    import numpy as np
    import onnx
    import onnxruntime
    import safetensors
    import torch
except ImportError as error:
    print(error)
    sys.exit(3)

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "examples"))
from load_in_pytorch import load

torch.set_num_threads(1)
MISSING = ("", "NA")


def prepared(path, about):
    """The values that the network takes, channels first."""
    preparation = json.loads(about["preparation"])
    if path.endswith(".npy"):
        values = np.load(path).astype(np.float32) / preparation["bytes"]["max"]
        return values.transpose(0, 3, 1, 2) if values.ndim == 4 else values
    with open(path) as file:
        rows = list(csv.DictReader(file))
    columns, indicators, names = [], [], []
    for column in preparation["table"]["columns"]:
        name, cells = column["name"], [row[column["name"]] for row in rows]
        if column["kind"] == "one-hot":
            columns += [[float(cell == category) for cell in cells] for category in column["names"]]
            names += [f"{name}={category}" for category in column["names"]]
            continue
        missing = [cell in MISSING for cell in cells]
        place = {"number": float, "ordinal": column.get("names", []).index}[column["kind"]]
        columns.append([0.0 if gone else (place(cell) - column["mean"]) / column["std"]
                        for cell, gone in zip(cells, missing)])
        names.append(name)
        if column["indicator"]:
            indicators.append((f"{name} missing", [float(gone) for gone in missing]))
    names += [name for name, _ in indicators]
    columns += [values for _, values in indicators]
    assert names == json.loads(about["features"]), names
    return np.array(columns, np.float32).T.copy()


def by_onnx(path, data):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    about = {entry.key: entry.value for entry in model.metadata_props}
    x = prepared(data, about)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    takes, = session.get_inputs()
    gives, = session.get_outputs()
    last = x.ndim == 4 and takes.shape[1:] == list(x.transpose(0, 2, 3, 1).shape[1:])
    if last and x.shape[1] != x.shape[2]:
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    assert takes.shape == ["batch", *x.shape[1:]] and gives.name == about["output"], takes.shape
    run = lambda rows: session.run(None, {takes.name: rows})[0]
    y = run(x)
    assert gives.shape == ["batch", *y.shape[1:]], gives.shape
    for rows in (x[:1], x[1:8]):
        some, same = run(rows), y[:1] if len(rows) == 1 else y[1:8]
        assert np.abs(some - same).max() <= 1e-5 * np.abs(y).max()
    return x, y, about


def by_torch(path, data):
    network, about = load(path)
    x = prepared(data, about)
    with torch.no_grad():
        return x, network(torch.from_numpy(x)).numpy(), about


def main(path, data, expected):
    x, y, about = (by_onnx if path.endswith(".onnx") else by_torch)(path, data)
    y, output = y.astype(np.float64), about["output"]
    if output == "logits":
        y /= float(about.get("temperature", 1))
        y = np.exp(y - y.max(1, keepdims=True))
        y /= y.sum(1, keepdims=True)
    elif output == "reconstruction":
        y = ((x - y) ** 2).reshape(len(x), -1).mean(1)
    expected = np.load(expected).reshape(y.shape)
    assert len(y) >= 8
    print(np.abs(y - expected).max() / np.abs(expected).max())


for at in range(1, len(sys.argv), 3):
    main(*sys.argv[at:at + 3])
