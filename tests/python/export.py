"""Exported networks in onnxruntime and in PyTorch, for the tests.

    export.py MODEL DATA EXPECTED [MODEL DATA EXPECTED]...

    export.py torchvision NAME

MODEL is .onnx or .safetensors, DATA images as .npy or a table as .csv, EXPECTED the .npy that
narrows wrote: probabilities, features or scores. For each it prints a line with the largest
difference, relative to the largest number. Without the packages it prints which one is missing and
ends with status 3.

The second form writes a network of torchvision with random weights, NAME.pth, images and its
features of them, x.npy and z.npy. NAME.safetensors as MODEL goes into that network, too.
"""
import csv
import json
import os
import sys

try:
    import numpy as np
    import onnx
    import onnxruntime
    import safetensors.torch
    import torch
    import torchvision
except ImportError as error:
    print(error)
    sys.exit(3)

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "examples"))
from load_in_pytorch import load

torch.set_num_threads(1)
MISSING = ("", "NA")


def prepared(path, about):
    """The values that the network takes, channels first."""
    preparation = json.loads(about.get("preparation", '{"bytes": {"max": 255}}'))
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
        y = network(torch.from_numpy(x)).numpy()
    name = path.removesuffix(".safetensors")
    if name in torchvision.models.list_models():
        theirs, own = torchvision.models.get_model(name).eval(), safetensors.torch.load_file(path)
        shapes = {key: value.shape for key, value in theirs.state_dict().items()}
        own = {key: value.reshape(shapes[key]) for key, value in own.items()}
        assert not theirs.load_state_dict(own, strict=False).unexpected_keys
        assert np.abs(features(theirs, x) - y).max() <= 1e-5 * np.abs(y).max()
    return x, y, about


def features(network, x):
    """What a network of torchvision makes of pixels in [0, 1], in front of its classifier."""
    for name in ("fc", "classifier"):
        if hasattr(network, name):
            setattr(network, name, torch.nn.Identity())
    mean, std = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    normalize = torchvision.transforms.Normalize(mean, std)
    with torch.no_grad():
        return network(normalize(torch.from_numpy(x))).numpy()


def write_torchvision(name):
    torch.manual_seed(1)
    network = torchvision.models.get_model(name).eval()
    for key, value in network.state_dict().items():
        if key.endswith("running_mean"):
            value.normal_(0, 0.1)
        elif key.endswith("running_var"):
            value.uniform_(0.5, 1.5)
    torch.save(network.state_dict(), f"{name}.pth")
    images = np.random.default_rng(2).integers(0, 256, (9, 64, 48, 3)).astype(np.uint8)
    np.save("x.npy", images)
    np.save("z.npy", features(network, images.transpose(0, 3, 1, 2).astype(np.float32) / 255))


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


if sys.argv[1] == "torchvision":
    write_torchvision(sys.argv[2])
else:
    for at in range(1, len(sys.argv), 3):
        main(*sys.argv[at:at + 3])
