"""Writes the files beside it, by PyTorch: one state in several forms, and expected.json.

    python make.py    (torch 2.15)
"""

import json
import struct
from pathlib import Path

import torch
from torch import nn

HERE = Path(__file__).parent

torch.manual_seed(1)
state = nn.Sequential(nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3)).state_dict()
base = torch.arange(24, dtype=torch.float32) / 8 - 1
# Strides as in files of converted TensorFlow weights, an offset, and an expanded dimension.
state["transposed"] = base.reshape(2, 3, 4).permute(2, 0, 1)
state["offset"] = base[5:11].reshape(2, 3)
state["expanded"] = base[2:4].reshape(2, 1).expand(2, 3)
state["tied"] = state["0.weight"]
state["parameter"] = nn.Parameter(base[:2].clone())
state["half"] = torch.tensor([1.0, -0.1, 6e-8, 65504.0], dtype=torch.float16)
state["bfloat"] = torch.tensor([1.0, -0.1, 3e38], dtype=torch.bfloat16)
state["double"] = torch.tensor([[0.1], [-1e-40]], dtype=torch.float64)
state["scalar"] = torch.tensor(2.5)
state["empty"] = torch.zeros(0, 3)

weights = {n: t for n, t in state.items() if not n.endswith("num_batches_tracked")}
expected = [
    {"name": n, "shape": list(t.shape), "values": t.detach().float().reshape(-1).tolist()}
    for n, t in weights.items()
]
(HERE / "expected.json").write_text("[\n" + ",\n".join(map(json.dumps, expected)) + "\n]\n")

torch.save(state, HERE / "zip.pt")
torch.save(state, HERE / "protocol4.pt", pickle_protocol=4)
torch.save(state, HERE / "legacy.pt", _use_new_zipfile_serialization=False)
parallel = {f"module.{n}": t for n, t in state.items()}
training = {"epoch": 3, "state_dict": parallel, "optimizer": {"state": {}, "lr": 0.1}}
torch.save(training, HERE / "wrapped.pt")
torch.serialization.set_crc32_options(False)
torch.save({"model": state, "best": None}, HERE / "no-checksums.pt")

# safetensors, by its specification: the package is not needed.
types = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64",
         torch.int64: "I64"}
header, data = {}, b""
for name, tensor in state.items():
    values = tensor.detach().contiguous()
    raw = bytes(values.flatten().view(torch.uint8).tolist()) if values.numel() else b""
    header[name] = {"dtype": types[tensor.dtype], "shape": list(tensor.shape),
                    "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
header["__metadata__"] = {"format": "pt"}
text = json.dumps(header).encode()
(HERE / "state.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
