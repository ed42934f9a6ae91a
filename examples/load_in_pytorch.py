"""A network of `narrows export RUN model.safetensors`, as a PyTorch module.

    network, about = load("model.safetensors")
    logits = network(images)        # (batch, channels, height, width), or (batch, values)
"""
import json

import torch
from safetensors import safe_open
from torch import nn
from torch.nn import functional as F

FUNCTIONS = {"relu": nn.ReLU, "relu6": nn.ReLU6, "leaky-relu": nn.LeakyReLU, "elu": nn.ELU,
             "gelu": nn.GELU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "silu": nn.SiLU,
             "hard-swish": nn.Hardswish, "hard-sigmoid": nn.Hardsigmoid}


def load(path):
    """The network, and what the file says about it: its classes, its preparation."""
    with safe_open(path, "pt") as file:
        about = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    return chain(json.loads(about["layers"]), tensors).eval(), about


def chain(specs, tensors):
    return nn.Sequential(*(layer(spec, tensors) for spec in specs))


def layer(spec, tensors):
    """The module of a layer, with its weights. Images have their channels first."""
    kind, name = spec["layer"], spec.get("name", "")
    own = {key[len(name) + 1:]: tensors[key] for key in tensors if key.rpartition(".")[0] == name}
    if kind == "linear":
        outputs, inputs = own["weight"].shape
        flatten = Rows(channels_first="image" in spec)
        return nn.Sequential(flatten, filled(nn.Linear(inputs, outputs, spec["bias"]), own))
    if kind == "conv2d":
        outputs, inputs = own["weight"].shape[:2]
        conv = nn.Conv2d(inputs * spec["groups"], outputs, spec["kernel"], spec["stride"],
                         dilation=spec["dilation"], groups=spec["groups"], bias=spec["bias"])
        return nn.Sequential(Frame(spec, spec["dilation"]), filled(conv, own))
    if kind == "conv-transpose2d":
        inputs, outputs = own["weight"].shape[:2]
        return filled(nn.ConvTranspose2d(inputs, outputs, spec["kernel"], spec["stride"],
                                         spec["padding"], spec["output_padding"],
                                         bias=spec["bias"]), own)
    if kind == "batch-norm":
        norm = nn.BatchNorm1d(len(own["weight"]), spec["eps"], spec["momentum"])
        norm._check_input_dim = lambda x: None  # values or images
        return filled(norm, own)
    if kind == "layer-norm":
        return LastChannels(filled(nn.LayerNorm(len(own["weight"]), spec["eps"]), own))
    if kind == "layer-scale":
        return Affine(tensors[name], torch.zeros(()))
    if kind == "normalize":
        mean, std = torch.tensor(spec["mean"]), torch.tensor(spec["std"])
        return Affine(1 / std, -mean / std)
    if kind == "activation":
        function = spec["function"]
        if isinstance(function, dict):
            (function, number), = function.items()
            return FUNCTIONS[function](number)
        return FUNCTIONS[function]()
    if kind in ("max-pool2d", "avg-pool2d"):
        counts = kind == "max-pool2d" or spec["count_include_pad"]
        if spec["padding"] == {"sides": [0] * 4}:
            pool = nn.MaxPool2d if kind == "max-pool2d" else nn.AvgPool2d
            return pool(spec["kernel"], spec["stride"], ceil_mode=spec.get("ceil_mode", False))
        if spec.get("ceil_mode") or not counts:
            raise NotImplementedError(f"{kind} with a frame that this script does not know")
        fill = float("-inf") if kind == "max-pool2d" else 0.0
        pool = nn.MaxPool2d if kind == "max-pool2d" else nn.AvgPool2d
        return nn.Sequential(Frame(spec, [1, 1], fill), pool(spec["kernel"], spec["stride"]))
    if kind == "global-avg-pool":
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    if kind == "upsample":
        return nn.Upsample(scale_factor=tuple(map(float, spec["factors"])))
    if kind == "unflatten":
        return Image(spec["image"])
    if kind == "dropout":
        return nn.Dropout(spec["p"])
    if kind == "narrow":
        return First(spec["len"])
    if kind == "residual":
        return Sum(chain(spec["body"], tensors), chain(spec.get("shortcut", []), tensors))
    if kind == "squeeze-excitation":
        return Gate(chain(spec["gate"], tensors))
    raise NotImplementedError(kind)


def filled(module, own):
    module.load_state_dict(own)
    return module


class Rows(nn.Module):
    """Images become rows of values, of their channels or of their pixels."""

    def __init__(self, channels_first):
        super().__init__()
        self.channels_first = channels_first

    def forward(self, x):
        if x.dim() == 4 and not self.channels_first:
            x = x.permute(0, 2, 3, 1)
        return x.flatten(1)


class Image(nn.Module):
    """Rows of values, pixel by pixel, become images."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, x):
        return x.reshape(-1, *self.size).permute(0, 3, 1, 2)


class Frame(nn.Module):
    """A frame around images: of given sides, or as much as TensorFlow's SAME."""

    def __init__(self, spec, dilation, fill=0.0):
        super().__init__()
        self.spec, self.dilation, self.fill = spec, dilation, fill

    def forward(self, x):
        if self.spec["padding"] == "same":
            top, bottom = self.same(x.shape[2], 0)
            left, right = self.same(x.shape[3], 1)
        else:
            top, left, bottom, right = self.spec["padding"]["sides"]
        return F.pad(x, (left, right, top, bottom), value=self.fill)

    def same(self, size, axis):
        stride, reach = self.spec["stride"][axis], self.spec["kernel"][axis] - 1
        total = max((-(-size // stride) - 1) * stride + reach * self.dilation[axis] + 1 - size, 0)
        return total // 2, total - total // 2


class Affine(nn.Module):
    """`x scale + shift`, a number for each channel."""

    def __init__(self, scale, shift):
        super().__init__()
        self.scale, self.shift = nn.Parameter(scale), nn.Parameter(shift)

    def forward(self, x):
        dims = (-1,) + (1,) * (x.dim() - 2)
        return x * self.scale.reshape(dims) + self.shift.reshape(dims)


class LastChannels(nn.Module):
    """What takes the channels last."""

    def __init__(self, of):
        super().__init__()
        self.of = of

    def forward(self, x):
        return self.of(x.movedim(1, -1)).movedim(-1, 1)


class First(nn.Module):
    def __init__(self, count):
        super().__init__()
        self.count = count

    def forward(self, x):
        return x[:, :self.count]


class Sum(nn.Module):
    def __init__(self, body, shortcut):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


class Gate(nn.Module):
    def __init__(self, gate):
        super().__init__()
        self.gate = gate

    def forward(self, x):
        return x * self.gate(x).reshape(len(x), -1, 1, 1)
