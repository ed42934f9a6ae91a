"""ONNX Runtime on the CPU, for W5: the encoder as a graph of Gemm, BatchNormalization and Relu."""

import protocol

args = protocol.arguments()

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(0)
nodes, constants, last = [], [], "x"


def constant(name, values):
    constants.append(numpy_helper.from_array(values.astype(np.float32), name))
    return name


for i, (inputs, outputs) in enumerate(zip(protocol.W4[:3], protocol.W4[1:4])):
    weights = constant(f"w{i}", rng.normal(0, 0.05, (outputs, inputs)))
    bias = constant(f"b{i}", np.zeros(outputs))
    nodes.append(helper.make_node("Gemm", [last, weights, bias], [f"linear{i}"], transB=1))
    last = f"linear{i}"
    if protocol.W4_NORMS[i]:
        statistics = [
            np.ones(outputs),
            np.zeros(outputs),
            rng.normal(0, 0.1, outputs),
            np.ones(outputs),
        ]
        names = [
            constant(f"{name}{i}", values)
            for name, values in zip(["gamma", "beta", "mean", "var"], statistics)
        ]
        nodes.append(helper.make_node("BatchNormalization", [last, *names], [f"norm{i}"]))
        nodes.append(helper.make_node("Relu", [f"norm{i}"], [f"relu{i}"]))
        last = f"relu{i}"
x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 784])
y = helper.make_tensor_value_info(last, TensorProto.FLOAT, ["n", 64])
graph = helper.make_graph(nodes, "encoder", [x], [y], constants)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
model.ir_version = 9

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = args.threads
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(
    model.SerializeToString(), options, providers=["CPUExecutionProvider"]
)
many = protocol.images(args)[:1024].astype(np.float32) / 255
one = many[:1].copy()
predict_for = lambda x: lambda: session.run([last], {"x": x})
protocol.prediction(
    args, "onnxruntime", onnxruntime.__version__, predict_for(one), predict_for(many)
)
