"""Predictions as users of scikit-learn and ONNX Runtime write them: a file of rows or images in, a
CSV of classes and probabilities out. Imports are a part of the time, as they are for users."""

import json
import pathlib
import sys

import numpy as np

# Rows of a table that pandas reads at once, and rows that pass the network at once, where a file is
# not read whole: the fastest numbers among powers of two.
CHUNK = 16384
BATCH = 1024


def described(run):
    """Classes, the values' means and deviations if they are standardised, and (weights, bias) of
    each linear layer of a model of Narrows, its batch norms multiplied in."""
    data = (run / "model.safetensors").read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    about = json.loads(header.pop("__metadata__")["narrows"])

    def tensor(name):
        start, end = header[name]["data_offsets"]
        values = np.frombuffer(data[8 + size + start : 8 + size + end], "<f4")
        return values.reshape(header[name]["shape"]).astype(np.float64)

    order = {"encoder": 0, "head": 1}
    names = {tuple(name.split(".")[:2]) for name in header}
    layers = []
    for part, number in sorted(names, key=lambda name: (order[name[0]], int(name[1]))):
        name = f"{part}.{number}"
        weight = tensor(f"{name}.weight")
        if f"{name}.running_var" not in header:
            known = f"{name}.bias" in header
            bias = tensor(f"{name}.bias") if known else np.zeros(len(weight))
            layers.append((weight, bias))
            continue
        scale = weight / np.sqrt(tensor(f"{name}.running_var") + 1e-5)
        before, bias = layers[-1]
        moved = (bias - tensor(f"{name}.running_mean")) * scale + tensor(f"{name}.bias")
        layers[-1] = (before * scale[:, None], moved)
    columns = about["preparation"].get("table", {}).get("columns", [])
    means, deviations = ([column[key] for column in columns] for key in ("mean", "std"))
    return about["class_names"], means, deviations, layers


def models(run):
    """Writes the model in `run` for ONNX Runtime, and for scikit-learn in both precisions."""
    import joblib
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classes, means, deviations, layers = described(run)
    inputs = layers[0][0].shape[1]
    for precision in (np.float32, np.float64):
        # Fitting to anything makes the objects, whose values are then replaced.
        hidden = tuple(len(bias) for _, bias in layers[:-1])
        mlp = MLPClassifier(hidden, max_iter=1)
        anything = np.random.default_rng(0).normal(size=(2 * len(classes), inputs))
        mlp.partial_fit(anything.astype(precision), classes * 2, classes=classes)
        assert list(mlp.classes_) == classes, "classes in the order of their names"
        mlp.coefs_ = [weight.T.astype(precision, order="C") for weight, _ in layers]
        mlp.intercepts_ = [bias.astype(precision) for _, bias in layers]
        steps = [mlp]
        if means:
            scaler = StandardScaler().fit(anything.astype(precision))
            scaler.mean_ = np.array(means, precision)
            scaler.scale_ = np.array(deviations, precision)
            steps = [scaler, mlp]
        joblib.dump(make_pipeline(*steps), run / f"{precision.__name__}.joblib")

    nodes, constants, last = [], [], "x"

    def constant(name, values):
        constants.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    if means:
        nodes.append(helper.make_node("Sub", ["x", constant("mean", means)], ["centred"]))
        nodes.append(
            helper.make_node("Div", ["centred", constant("std", deviations)], ["scaled"])
        )
        last = "scaled"
    for i, (weight, bias) in enumerate(layers):
        given = [last, constant(f"w{i}", weight), constant(f"b{i}", bias)]
        nodes.append(helper.make_node("Gemm", given, [f"linear{i}"], transB=1))
        kind, last = ("Relu", f"relu{i}") if i + 1 < len(layers) else ("Softmax", "p")
        nodes.append(helper.make_node(kind, [f"linear{i}"], [last]))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", inputs])
    p = helper.make_tensor_value_info("p", TensorProto.FLOAT, ["n", len(classes)])
    graph = helper.make_graph(nodes, "classifier", [x], [p], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, run / "model.onnx")
    (run / "classes.json").write_text(json.dumps(classes))


def classifier(library, run, precision, threads):
    """A function from rows to probabilities, and the classes."""
    classes = np.array(json.loads((run / "classes.json").read_text()), dtype=object)
    if library == "sklearn":
        import joblib

        return joblib.load(run / f"{precision}.joblib").predict_proba, classes
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        run / "model.onnx", options, providers=["CPUExecutionProvider"]
    )
    return lambda x: session.run(["p"], {"x": np.ascontiguousarray(x, np.float32)})[0], classes


def parts_of_a_table(path, way, precision, threads):
    """Rows as matrices: one of all, or one after the other."""
    if way == "arrow":
        import pyarrow
        from pyarrow import csv

        pyarrow.set_cpu_count(threads)
        names = path.open().readline().strip().split(",")
        floats = csv.ConvertOptions(column_types={name: precision for name in names})
        for batch in csv.open_csv(path, convert_options=floats):
            yield batch.to_tensor().to_numpy(), {}
        return
    import pandas

    if way == "whole":
        yield pandas.read_csv(path).to_numpy(precision), {}
        return
    for frame in pandas.read_csv(path, dtype=precision, chunksize=CHUNK):
        yield frame.to_numpy(), {}


def parts_of_an_array(path, way, precision, _):
    sizes = [int(n) for n in np.fromfile(path, ">i4", 3, offset=4)]
    pixels = np.memmap(path, np.uint8, "r", 16, (sizes[0], sizes[1] * sizes[2]))
    step = sizes[0] if way == "whole" else BATCH
    for start in range(0, sizes[0], step):
        yield pixels[start : start + step].astype(precision) / np.array(255, precision), {}


def parts_of_a_folder(path, way, precision, threads):
    from concurrent.futures import ThreadPoolExecutor

    from PIL import Image

    def pixels(name):
        with Image.open(path / name) as image:
            return np.asarray(image).ravel()

    names = sorted(entry.name for entry in path.iterdir() if entry.suffix == ".png")
    step = len(names) if way == "whole" else BATCH
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(names), step):
            some = names[start : start + step]
            images = list(pool.map(pixels, some)) if threads > 1 else [pixels(n) for n in some]
            yield np.stack(images).astype(precision) / np.array(255, precision), {"file": some}


def write_by_arrow(out, parts, predict, classes):
    import pyarrow
    from pyarrow import csv

    names, first, file = pyarrow.array(classes), 0, None
    for x, _ in parts:
        p = predict(x)
        batch = pyarrow.record_batch(
            {
                "row": np.arange(first, first + len(x)),
                "class": names.take(pyarrow.array(p.argmax(1))),
                "probability": p.max(1),
            }
        )
        plain = csv.WriteOptions(quoting_style="none")
        file = file or csv.CSVWriter(out, batch.schema, write_options=plain)
        file.write(batch)
        first += len(x)
    file.close()


def write_by_pandas(out, parts, predict, classes):
    import pandas

    first = 0
    with open(out, "w", newline="") as file:
        for x, columns in parts:
            p = predict(x)
            columns["class"] = classes[p.argmax(1)]
            # Digits of a float32 are all that anybody writes.
            columns["probability"] = p.max(1).astype(np.float32)
            frame = pandas.DataFrame(columns, index=range(first, first + len(x)))
            frame.to_csv(file, index_label="row", header=first == 0)
            first += len(x)


def pictures(images, folder):
    """Each image of an IDX file as a PNG."""
    from PIL import Image

    pixels = np.fromfile(images, np.uint8, offset=16).reshape(-1, 28, 28)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{number:06}.png")


def predict(library, way, run, data, out, threads):
    # Tutorials leave numbers as pandas reads them; who thinks of memory halves them.
    precision = "float64" if (library, way) == ("sklearn", "whole") else "float32"
    folder = parts_of_a_folder if data.is_dir() else parts_of_an_array
    parts = parts_of_a_table if data.suffix == ".csv" else folder
    probabilities, classes = classifier(library, run, precision, threads)
    if way != "whole":
        probabilities = in_batches(probabilities)
    write = write_by_arrow if way == "arrow" else write_by_pandas
    write(out, parts(data, way, precision, threads), probabilities, classes)


def in_batches(probabilities):
    def predict(x):
        parts = [probabilities(x[start : start + BATCH]) for start in range(0, len(x), BATCH)]
        return np.concatenate(parts)

    return predict


def versions():
    from importlib.metadata import version

    names = ("numpy", "scikit-learn", "pandas", "onnxruntime", "pyarrow", "pillow")
    print(", ".join(f"{name} {version(name)}" for name in names))


match sys.argv[1:]:
    case ["models", run]:
        models(pathlib.Path(run))
    case ["pictures", images, folder]:
        pictures(images, pathlib.Path(folder))
    case ["versions"]:
        versions()
    case [library, way, run, data, out, threads]:
        predict(library, way, pathlib.Path(run), pathlib.Path(data), out, int(threads))
