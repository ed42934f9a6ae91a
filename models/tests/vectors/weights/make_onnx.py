"""Writes graph.onnx and inputs.onnx beside it, checked by onnx.checker.

    python make_onnx.py    (onnx 1.23)
"""

from pathlib import Path

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def value(name, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def save(name, nodes, inputs, outputs, constants, opset):
    graph = helper.make_graph(nodes, "graph", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    (HERE / name).write_bytes(model.SerializeToString())


def typed(name, kind, shape, values):
    return helper.make_tensor(name, kind, shape, values)


def raw(name, array):
    return numpy_helper.from_array(array, name)


weight = (numpy.arange(24, dtype=numpy.float32) / 8 - 1).reshape(3, 2, 2, 2)
nodes = [
    helper.make_node("Identity", ["x"], ["x1"]),
    helper.make_node(
        "Conv", ["x1", "w"], ["y"], "conv", kernel_shape=[2, 2], strides=[2, 2],
        auto_pad="SAME_UPPER",
    ),
    helper.make_node("Constant", [], ["six"], value_float=6.0),
    helper.make_node("Constant", [], ["zero"], value=typed("", FLOAT, [], [0.0])),
    helper.make_node("Clip", ["y", "zero", "six"], ["z"]),
    helper.make_node("Constant", [], ["flat"], value_ints=[0, -1]),
    helper.make_node("Identity", ["flat"], ["flat1"]),
    helper.make_node("Reshape", ["z", "flat1"], ["r"]),
    helper.make_node("Gemm", ["r", "g", ""], ["s"], alpha=0.5, transB=1),
    helper.make_node("Cast", ["half"], ["h"], to=FLOAT),
    helper.make_node("Cast", ["half_raw"], ["hr"], to=FLOAT),
    helper.make_node("Cast", ["bfloat"], ["b"], to=FLOAT),
    helper.make_node("Cast", ["double"], ["d"], to=FLOAT),
    helper.make_node("Sum", ["h", "hr", "b", "d"], ["more"]),
    helper.make_node("Reshape", ["more", "shape"], ["reshaped"]),
    helper.make_node("Identity", ["s"], ["logits"]),
    helper.make_node("Identity", ["reshaped"], ["rest"]),
]
save(
    "graph.onnx",
    nodes,
    [value("x", ["batch", 2, 4, 4])],
    [value("logits", ["batch", 5]), value("rest", [2, 1])],
    [
        raw("w", weight),
        typed("g", FLOAT, [5, 12], [n / 4 for n in range(60)]),
        typed("half", TensorProto.FLOAT16, [2], numpy.array([1.5, -2.0], numpy.float16)),
        raw("half_raw", numpy.array([1.5, -2.0], numpy.float16)),
        typed("bfloat", TensorProto.BFLOAT16, [2], [1.5, -2.0]),
        typed("double", TensorProto.DOUBLE, [2], [1.5, -2.0]),
        typed("shape", INT64, [2], [2, 1]),
    ],
    17,
)

# As exporters of old: constants are inputs as well, and an axis is an attribute.
save(
    "inputs.onnx",
    [
        helper.make_node("Mul", ["x", "k"], ["m"]),
        helper.make_node("Softmax", ["m"], ["p"], "soft", axis=1),
    ],
    [value("x", [1, 3]), value("k", [3])],
    [value("p", [1, 3])],
    [raw("k", numpy.array([1, 2, 3], numpy.float32))],
    9,
)
