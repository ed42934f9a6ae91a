"""Outputs and gradients of torchvision's networks, for tests/backbones.rs.

    python generate.py > vectors.json       # torch 2.15, torchvision 0.29, timm 1.0

Weights and images are functions of their names alone (`values`), which the test repeats, so that
no weights have to be kept. PyTorch works in 64 bits. Of each gradient two numbers are kept: its
length, and its product with such values.

A rounding may move a value across the kink of a ReLU, which changes gradients by percents where
batch norm sees few values. So the norms' outputs are 1.5 +- 0.3, away from all kinks; the functions
themselves are tested with the engine. `float32_error` is the largest relative error of the
gradients' numbers by PyTorch itself in 32 bits.
"""

import json
import sys

import numpy as np
import timm
import torch
import torchvision

BATCH, SIDE = 4, 64
MASK = (1 << 64) - 1


def fnv1a(name):
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) & MASK
    return h


def values(name, n):
    """n numbers in [-1, 1), by splitmix64."""
    with np.errstate(over="ignore"):
        z = np.uint64(fnv1a(name)) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(
            0x9E3779B97F4A7C15
        )
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / (1 << 23) - 1.0


def weights(name, shape):
    u = values(name, int(np.prod(shape)))
    if name.endswith("running_var"):
        u = 1 + 0.5 * u
    elif name.endswith("running_mean"):
        u = 0.1 * u
    elif name.endswith("bias"):
        u = 1.5 + 0.1 * u
    elif len([n for n in shape if n > 1]) > 1 or (len(shape) > 1 and "scale" not in name):
        u = u * np.sqrt(6 / np.prod(shape[1:]))
    elif name.endswith("weight"):
        u = 0.3 * (1 + 0.25 * u)
    else:
        u = 1 + 0.25 * u
    return torch.from_numpy(u.astype(np.float32).astype(np.float64)).reshape(shape)


def still(module):
    """No layer that is random."""
    for m in module.modules():
        if isinstance(m, torch.nn.Dropout):
            m.p = 0.0
        if isinstance(m, torchvision.ops.StochasticDepth):
            m.p = 0.0
    return module


def summary(name, tensor):
    x = tensor.detach().numpy().ravel()
    return [float(np.linalg.norm(x)), float(x @ values(name + " product", len(x)))]


def passes(model, dtype):
    """Logits in evaluation and in training, and the gradients, by numbers of that type."""
    model = still(model).to(dtype)
    state = {
        key: weights(key, tuple(tensor.shape)).to(dtype) if tensor.is_floating_point() else tensor
        for key, tensor in model.state_dict().items()
    }
    model.load_state_dict(state)
    images = values("images", BATCH * SIDE * SIDE * 3).astype(np.float32).astype(np.float64)
    # Channels last, in [0, 1], as ours are.
    images = torch.from_numpy(images.reshape(BATCH, SIDE, SIDE, 3) * 0.5 + 0.5).permute(0, 3, 1, 2)
    mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64).view(3, 1, 1)
    x = ((images - mean) / std).to(dtype)
    with torch.no_grad():
        evaluated = model.eval()(x)
    logits = model.train()(x)
    dy = torch.from_numpy(values("gradient", logits.numel()).reshape(logits.shape)).to(dtype)
    logits.backward(dy)
    gradients = {key: summary(key, p.grad.double()) for key, p in model.named_parameters()}
    return evaluated, logits, gradients


def error(gradients, others):
    least = 1e-3 * max(length for length, _ in gradients.values())
    return max(
        abs(x - y) / (gradients[key][0] + least)
        for key in gradients
        for x, y in zip(gradients[key], others[key])
    )


def of(make):
    evaluated, logits, gradients = passes(make(), torch.float64)
    *_, rounded = passes(make(), torch.float32)
    return {
        "evaluated": [*summary("logits", evaluated), *evaluated[:, 0].tolist()],
        "trained": [*summary("logits", logits), *logits[:, 0].tolist()],
        "gradients": gradients,
        "float32_error": error(gradients, rounded),
    }


def main():
    models = {
        name: lambda name=name: getattr(torchvision.models, name)(weights=None)
        for name in [
            "resnet18", "resnet50", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large",
            "efficientnet_b0", "convnext_tiny",
        ]
    }
    models |= {
        f"timm/{name}": lambda name=name: timm.create_model(name, pretrained=False)
        for name in [
            "resnet34", "mobilenetv2_100", "mobilenetv3_small_100", "efficientnet_b0",
            "convnext_tiny",
        ]
    }
    out = {name: of(make) for name, make in models.items()}
    json.dump(out, sys.stdout, separators=(",", ":"))


main()
