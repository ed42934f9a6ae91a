"""Writes the reference vectors of this folder: what PyTorch computes, for the engine's tests to
compare with.

Made with torch 2.15.0 and safetensors 0.8.0. To write them again:

    pip install torch safetensors
    python generate.py

Everything runs on the CPU, in f32, on one thread, and each file starts from its own seed, so that
the same version of torch gives the same bytes. Another version may differ in the last bits.

Each file is computed a second time in f64 from the same f32 inputs, and the script fails where the
two disagree by more than TOLERANCE. That keeps out cases whose answer is decided by rounding, which
no other implementation could reproduce: an input on the kink of a ReLU, or a gradient that is zero
but for rounding and that Adam then scales up.

README.md says what each tensor is.
"""

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

FOLDER = Path(__file__).parent
# Largest |f32 - f64| / max(1, |f64|) that a stored value may have.
TOLERANCE = 1e-5
# The whole folder's tensors, in bytes.
BUDGET = 600_000

# What a file is being computed in. Inputs are always made in f32, then widened, so that both passes
# see the same.
dtype = torch.float32


def normal(*shape):
    return torch.randn(*shape)


def uniform(low, high, *shape):
    return torch.rand(*shape) * (high - low) + low


def scalar(value):
    return torch.tensor([float(value)], dtype=dtype)


def widen(*tensors):
    return [tensor.to(dtype) for tensor in tensors]


def leaf(tensor):
    return tensor.clone().requires_grad_()


def batch_norm():
    torch.manual_seed(1)
    steps, batch, features = 100, 10, 7
    # Some gammas are negative: the sign has to survive the backward pass.
    gamma = torch.tensor([1.0, 0.5, -1.5, 2.0, 0.8, -0.3, 1.2])
    beta = uniform(-1, 1, features)
    mean, scale = uniform(-5, 5, features), uniform(0.3, 4, features)
    # The distribution drifts, so that running statistics that stand still are noticed.
    drift = torch.arange(steps).reshape(steps, 1, 1) / steps
    x = normal(steps, batch, features) * scale * (1 + drift) + mean + 2 * drift
    dy = normal(steps, batch, features)
    x_eval, dy_eval = normal(6, features) * scale + mean, normal(6, features)
    gamma, beta, x, dy, x_eval, dy_eval = widen(gamma, beta, x, dy, x_eval, dy_eval)

    def layer():
        bn = nn.BatchNorm1d(features, eps=1e-5, momentum=0.1).to(dtype)
        with torch.no_grad():
            bn.weight.copy_(gamma)
            bn.bias.copy_(beta)
        return bn

    def train(bn, x, dy, activation):
        names = "y", "dx", "dgamma", "dbeta", "running_mean", "running_var"
        seen = {name: [] for name in names}
        for x_step, dy_step in zip(x, dy):
            bn.zero_grad()
            x_step = leaf(x_step)
            y = activation(bn(x_step))
            y.backward(dy_step)
            values = y, x_step.grad, bn.weight.grad, bn.bias.grad, bn.running_mean, bn.running_var
            for name, value in zip(names, values):
                seen[name].append(value.detach().clone())
        return {name: torch.stack(values) for name, values in seen.items()}

    bn = layer()
    out = {"gamma": gamma, "beta": beta, "x": x, "dy": dy, **train(bn, x, dy, nn.Identity())}

    bn.eval()
    bn.zero_grad()
    x_eval = leaf(x_eval)
    y_eval = bn(x_eval)
    y_eval.backward(dy_eval)
    out |= {"x_eval": x_eval, "y_eval": y_eval, "dy_eval": dy_eval, "dx_eval": x_eval.grad}
    out |= {"dgamma_eval": bn.weight.grad, "dbeta_eval": bn.bias.grad}

    relu = train(layer(), x[:5], dy[:5], nn.ReLU())
    return out | {f"{name}_relu": relu[name] for name in ("y", "dx", "dgamma", "dbeta")}


def activations():
    torch.manual_seed(2)
    tiny = [sign * size for size in (1e-3, 1e-5, 1e-7, 1e-10, 1e-20, 1e-30) for sign in (1, -1)]
    x = torch.cat([torch.linspace(-6, 6, 97), torch.tensor(tiny + [0.0, -0.0])])
    x, dy = widen(x, normal(*x.shape))
    functions = {
        "relu": F.relu,
        "leaky_relu": lambda x: F.leaky_relu(x, 0.01),
        "elu": lambda x: F.elu(x, 1.0),
        "gelu": lambda x: F.gelu(x, approximate="none"),
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
    }
    out = {"x": x, "dy": dy}
    for name, function in functions.items():
        input = leaf(x)
        y = function(input)
        y.backward(dy)
        out |= {f"y_{name}": y, f"dx_{name}": input.grad}
    return out


def dropout():
    out = {}
    for seed, p in ((31, 0.1), (32, 0.5), (33, 0.9)):
        suffix = f"p{round(100 * p)}"
        torch.manual_seed(seed)
        # Drawn in f32 in both passes: the mask depends on the type it is drawn in.
        ones = F.dropout(torch.ones(1000), p)
        kept = ones[ones != 0].unique()
        assert kept.numel() == 1
        mask = (ones != 0).to(dtype)
        (x,) = widen(normal(1000))
        torch.manual_seed(seed)
        y = F.dropout(x.float(), p).to(dtype)
        torch.testing.assert_close(y, x * mask / (1 - p))
        out |= {
            f"y_ones_{suffix}": ones,
            f"value_{suffix}": kept,
            f"eval_{suffix}": F.dropout(torch.ones(1000), p, training=False),
            f"x_{suffix}": x,
            f"mask_{suffix}": mask,
            f"y_{suffix}": y,
        }
    return out


def losses():
    torch.manual_seed(4)
    y, t = normal(9, 5), normal(9, 5)
    # A tie, where the gradient of the absolute value is 0 by convention.
    t[2, 3] = y[2, 3]
    bce_y, bce_t = normal(9, 5) * 3, uniform(0, 1, 9, 5)
    # Logits whose exp overflows, and targets at both ends.
    bce_y[0, 0], bce_y[0, 1] = 100, -100
    bce_t[0, :4] = torch.tensor([0, 1, 0, 1])
    logits = normal(9, 5) * 2
    classes = torch.tensor([0, 4, 2, 1, 3, 3, 0, 2, 4])
    weights = torch.tensor([0.5, 1.0, 2.0, 0.25, 3.0])
    y, t, bce_y, bce_t, logits, weights = widen(y, t, bce_y, bce_t, logits, weights)
    cases = {
        "mse": (y, lambda y: F.mse_loss(y, t)),
        "l1": (y, lambda y: F.l1_loss(y, t)),
        "huber": (y, lambda y: F.huber_loss(y, t, delta=0.7)),
        "bce": (bce_y, lambda y: F.binary_cross_entropy_with_logits(y, bce_t)),
        "ce": (logits, lambda y: F.cross_entropy(y, classes)),
        "ce_smoothed": (logits, lambda y: F.cross_entropy(y, classes, label_smoothing=0.1)),
        "ce_weighted": (logits, lambda y: F.cross_entropy(y, classes, weight=weights)),
        "ce_both": (
            logits,
            lambda y: F.cross_entropy(y, classes, weight=weights, label_smoothing=0.1),
        ),
    }
    out = {"y": y, "t": t, "bce_y": bce_y, "bce_t": bce_t}
    out |= {"ce_logits": logits, "ce_classes": classes, "ce_weights": weights}
    for name, (input, loss) in cases.items():
        input = leaf(input)
        value = loss(input)
        value.backward()
        out |= {f"{name}_value": scalar(value.item()), f"{name}_dy": input.grad}
    return out


def optimizers():
    torch.manual_seed(5)
    steps, size = 100, 37
    initial = normal(size)
    # From far below Adam's epsilon to far above it; the first parameter's gradient is always 0.
    scale = torch.logspace(-10, 0.5, size)
    scale[0] = 0
    grads = normal(steps, size) * scale
    initial, grads = widen(initial, grads)
    cases = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1, foreach=False),
        "sgd_momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, foreach=False),
        "sgd_nesterov": lambda p: torch.optim.SGD(
            p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-2, foreach=False
        ),
        "adam": lambda p: torch.optim.Adam(p, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, foreach=False),
        "adam_l2": lambda p: torch.optim.Adam(
            p, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, foreach=False
        ),
        "adamw": lambda p: torch.optim.AdamW(
            p, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, foreach=False
        ),
    }
    out = {"initial": initial, "grads": grads}
    for name, optimizer in cases.items():
        params = leaf(initial)
        optimizer = optimizer([params])
        trajectory = []
        for grad in grads:
            params.grad = grad.clone()
            optimizer.step()
            trajectory.append(params.detach().clone())
        out[name] = torch.stack(trajectory)

    # One vector above the limit, one below it, which must come back unchanged.
    for name, size_of in (("clip", 1.0), ("clip_below", 0.01)):
        params = leaf(initial)
        (before,) = widen(normal(size) * size_of)
        params.grad = before.clone()
        norm = nn.utils.clip_grad_norm_([params], max_norm=0.5)
        out |= {
            f"{name}_grads": before,
            f"{name}_clipped": params.grad,
            f"{name}_norm": scalar(norm),
        }
    return out


def schedules():
    schedulers = torch.optim.lr_scheduler
    cases = {
        "step": lambda o: schedulers.StepLR(o, step_size=30, gamma=0.1),
        "cosine": lambda o: schedulers.CosineAnnealingLR(o, T_max=100, eta_min=0),
        "one_cycle": lambda o: schedulers.OneCycleLR(
            o,
            max_lr=1.0,
            total_steps=100,
            pct_start=0.3,
            anneal_strategy="cos",
            cycle_momentum=False,
            div_factor=25,
            final_div_factor=1e4,
        ),
    }
    out = {}
    for name, scheduler in cases.items():
        optimizer = torch.optim.SGD([leaf(torch.zeros(1))], lr=1.0)
        scheduler = scheduler(optimizer)
        rates = []
        for step in range(100):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if step < 99:
                scheduler.step()
        out[name] = torch.tensor(rates, dtype=dtype)
    return out


def init():
    torch.manual_seed(7)
    fan_in, fan_out = 300, 200
    relu = nn.init.calculate_gain("relu")
    out = {
        "fan_in": fan_in,
        "fan_out": fan_out,
        "xavier_uniform_bound": math.sqrt(6 / (fan_in + fan_out)),
        "xavier_normal_std": math.sqrt(2 / (fan_in + fan_out)),
        "kaiming_uniform_bound": relu * math.sqrt(3 / fan_in),
        "kaiming_normal_std": relu / math.sqrt(fan_in),
        "linear_default_bound": 1 / math.sqrt(fan_in),
    }
    # torch does not hand these numbers out, so its draws must confirm them.
    weight = torch.empty(fan_out, fan_in)
    draws = {
        "xavier_uniform_bound": lambda: nn.init.xavier_uniform_(weight).abs().max(),
        "xavier_normal_std": lambda: nn.init.xavier_normal_(weight).std(),
        "kaiming_uniform_bound": lambda: (
            nn.init.kaiming_uniform_(weight, a=0, nonlinearity="relu").abs().max()
        ),
        "kaiming_normal_std": lambda: nn.init.kaiming_normal_(
            weight, a=0, nonlinearity="relu"
        ).std(),
        "linear_default_bound": lambda: nn.Linear(fan_in, fan_out).weight.abs().max(),
    }
    for name, draw in draws.items():
        assert abs(draw().item() / out[name] - 1) < 0.01, name
    return {name: scalar(value) for name, value in out.items()}


def layers(inputs, hidden, outputs):
    """[Linear 0, BatchNorm 1, ReLU 2, Linear 3], with a gamma and a beta that are not 1 and 0."""
    stack = nn.Sequential(
        nn.Linear(inputs, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, outputs)
    )
    nn.init.uniform_(stack[1].weight, 0.5, 1.5)
    nn.init.uniform_(stack[1].bias, -0.5, 0.5)
    return stack


# Adam's epsilon in `network` and `classifier`. A bias that batch norm removes again has a gradient
# of 0, of which rounding leaves some 1e-8: with the usual epsilon of 1e-8, Adam turns that into
# steps as large as any other's, in a direction that only the order of summation decides. Running
# means and evaluation follow, and f32 and f64 end up 3e-2 apart. With 1e-3 they stay within 3e-6.
# The usual epsilon is covered by `optimizers`.
ADAM_EPS = 1e-3


def train(model, forward, batches, optimizer, loss):
    """Trains on `batches` in order. Returns what is stored of it."""

    def state(prefix):
        tensors = model.state_dict().items()
        return {f"{prefix}.{name}": t.clone() for name, t in tensors if "num_batches" not in name}

    out = state("initial")
    values = []
    for step, (x, t) in enumerate(batches):
        optimizer.zero_grad()
        value = loss(forward(x), t)
        value.backward()
        if step == 0:
            out |= {f"grad.{name}": p.grad.clone() for name, p in model.named_parameters()}
        optimizer.step()
        values.append(value.item())
    out |= state("final")
    model.eval()
    with torch.no_grad():
        out["y_eval"] = forward(torch.cat([x for x, _ in batches]))
    return out | {"losses": torch.tensor(values, dtype=dtype), "adam_eps": scalar(ADAM_EPS)}


def network():
    torch.manual_seed(8)
    model = nn.ModuleDict({"encoder": layers(12, 8, 4), "decoder": layers(4, 8, 12)}).to(dtype)
    # Three hidden causes mixed, so that there is something to learn.
    (x,) = widen(normal(64, 3) @ normal(3, 12) + 0.1 * normal(64, 12) + 0.5)
    batches = [(batch, batch) for batch in x.split(16)]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, eps=ADAM_EPS, foreach=False)
    return {"x": x} | train(
        model, lambda x: model["decoder"](model["encoder"](x)), batches, optimizer, F.mse_loss
    )


def classifier():
    torch.manual_seed(9)
    model = nn.ModuleDict({"encoder": layers(12, 8, 4), "head": nn.Linear(4, 3)}).to(dtype)
    classes = torch.randint(0, 3, (30,))
    x, weights = widen(normal(30, 12) + normal(3, 12)[classes], torch.tensor([0.5, 1.0, 2.0]))
    linear = [p for p in model.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW(
        [{"params": linear, "weight_decay": 1e-2}, {"params": others, "weight_decay": 0.0}],
        lr=1e-2,
        eps=ADAM_EPS,
        foreach=False,
    )

    def loss(logits, classes):
        return F.cross_entropy(logits, classes, weight=weights, label_smoothing=0.1)

    batches = list(zip(x.split(10), classes.split(10)))
    out = train(model, lambda x: model["head"](model["encoder"](x)), batches, optimizer, loss)
    return {"x": x, "classes": classes, "class_weights": weights} | out


def convolutions(layer, cases):
    """Each case: image (channels, height, width), out channels, kernel, and what else differs from
    the defaults."""
    out = {}
    for i, (image, out_channels, kernel, settings) in enumerate(cases):
        module = layer(image[0], out_channels, kernel, **settings)
        x = normal(2, *image)
        dy = normal(*module(x).shape)
        module = module.to(dtype)
        x, dy = widen(x, dy)
        x = leaf(x)
        y = module(x)
        y.backward(dy)
        pairs = "stride", "padding", "output_padding", "dilation"
        numbers = [number for pair in pairs for number in getattr(module, pair)] + [module.groups]
        tensors = {
            "x": x,
            "weight": module.weight,
            "y": y,
            "dy": dy,
            "dx": x.grad,
            "dweight": module.weight.grad,
        }
        tensors |= {"settings": torch.tensor(numbers, dtype=dtype)}
        if module.bias is not None:
            tensors |= {"bias": module.bias, "dbias": module.bias.grad}
        out |= {f"{i}.{name}": tensor for name, tensor in tensors.items()}
    return out


def conv2d():
    torch.manual_seed(10)
    cases = [
        ((1, 7, 5), 4, 3, {}),
        ((3, 6, 7), 8, 3, {"stride": 2, "padding": 1}),
        ((3, 7, 6), 5, 3, {"stride": 2, "padding": 1, "bias": False}),
        ((5, 4, 3), 6, 1, {}),
        ((4, 5, 7), 3, 1, {"stride": (2, 3), "padding": (1, 0)}),
        ((2, 9, 8), 3, (5, 2), {"stride": (1, 2), "padding": (2, 0)}),
        ((2, 9, 10), 4, 3, {"dilation": 2, "padding": 2}),
        ((2, 8, 11), 3, (2, 4), {"dilation": (3, 2), "stride": (2, 1), "padding": (1, 3)}),
        ((4, 5, 6), 6, 3, {"groups": 2, "padding": 1}),
        ((6, 7, 5), 6, 3, {"groups": 6, "padding": 1}),
        ((5, 6, 6), 10, 3, {"groups": 5, "stride": 2, "padding": 1, "bias": False}),
        ((1, 1, 7), 3, 7, {"padding": 3}),
        ((3, 1, 1), 2, 3, {"padding": 1}),
        ((17, 3, 4), 9, (1, 3), {"padding": (0, 1)}),
        ((2, 8, 9), 3, 2, {"stride": 3}),
    ]
    return convolutions(nn.Conv2d, cases)


def conv_transpose2d():
    torch.manual_seed(11)
    cases = [
        ((4, 5, 3), 1, 3, {}),
        ((8, 3, 4), 3, 3, {"stride": 2, "padding": 1, "output_padding": 1}),
        ((5, 4, 3), 3, 3, {"stride": 2, "padding": 1, "output_padding": (0, 1), "bias": False}),
        ((6, 4, 3), 5, 1, {}),
        ((3, 4, 3), 4, 1, {"stride": (2, 3), "padding": (1, 0), "output_padding": (1, 2)}),
        ((3, 5, 4), 2, (5, 2), {"stride": (1, 2), "padding": (2, 0)}),
        ((4, 5, 6), 2, 3, {"dilation": 2, "padding": 2}),
        (
            (3, 4, 5),
            2,
            (2, 4),
            {"dilation": (3, 2), "stride": (2, 1), "padding": (1, 3), "output_padding": (1, 0)},
        ),
        ((6, 4, 3), 4, 3, {"groups": 2, "padding": 1}),
        ((6, 4, 3), 6, 3, {"groups": 6, "stride": 2, "padding": 1, "output_padding": 1}),
        ((5, 3, 3), 10, 3, {"groups": 5, "stride": 2, "padding": 1, "bias": False}),
        ((3, 3, 2), 2, 2, {"stride": 3, "output_padding": 2}),
        ((17, 3, 4), 9, (1, 3), {"padding": (0, 1)}),
        ((2, 3, 4), 3, 4, {"stride": 2, "padding": 1}),
        # An output padding of the stride or more, which the dilation allows.
        ((2, 3, 3), 2, 3, {"dilation": 3, "padding": 2, "output_padding": (2, 1)}),
    ]
    return convolutions(nn.ConvTranspose2d, cases)


def conv_autoencoder():
    torch.manual_seed(12)

    def block(layer, ins, hidden, outs, output_padding):
        # An output padding for each of the two transposed convolutions; a convolution has none.
        first, last = ({"output_padding": p} if p else {} for p in output_padding)
        stack = nn.Sequential(
            layer(ins, hidden, 3, stride=2, padding=1, bias=False, **first),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            layer(hidden, outs, 3, stride=2, padding=1, **last),
        )
        nn.init.uniform_(stack[1].weight, 0.5, 1.5)
        nn.init.uniform_(stack[1].bias, -0.5, 0.5)
        return stack

    # 7x6 to 4x3 to 2x2, and back.
    encoder = block(nn.Conv2d, 2, 5, 7, (None, None))
    decoder = block(nn.ConvTranspose2d, 7, 5, 2, ((1, 0), (0, 1)))
    model = nn.ModuleDict({"encoder": encoder, "decoder": decoder}).to(dtype)
    (x,) = widen((normal(48, 3) @ normal(3, 84) + 0.1 * normal(48, 84) + 0.5).reshape(48, 2, 7, 6))
    batches = [(batch, batch) for batch in x.split(8)]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, eps=ADAM_EPS, foreach=False)
    return {"x": x} | train(
        model, lambda x: model["decoder"](model["encoder"](x)), batches, optimizer, F.mse_loss
    )


def pools():
    torch.manual_seed(21)
    # Halves: many windows have their maximum twice.
    x = torch.round(2 * normal(2, 3, 7, 6)) / 2
    functions = {
        "max_2": nn.MaxPool2d(2),
        "max_3": nn.MaxPool2d(3, stride=2, padding=1),
        "max_23": nn.MaxPool2d((2, 3), stride=(1, 2), padding=(0, 1)),
        "avg_2": nn.AvgPool2d(2),
        "avg_3": nn.AvgPool2d(3, stride=2, padding=1),
        "avg_23": nn.AvgPool2d((2, 3), stride=(1, 2), padding=(0, 1)),
        "global_avg": nn.AdaptiveAvgPool2d(1),
        "upsample_2": nn.Upsample(scale_factor=2, mode="nearest"),
        "upsample_3": nn.Upsample(scale_factor=3, mode="nearest"),
    }
    out = {"x": x}
    for name, function in functions.items():
        (dy,) = widen(normal(*function(x).shape))
        input = leaf(*widen(x))
        y = function(input)
        y.backward(dy)
        out |= {f"y_{name}": y, f"dy_{name}": dy, f"dx_{name}": input.grad}
    # Where the gradient goes does not matter here: only that NaN comes out, and where.
    x = normal(1, 2, 5, 5)
    x[0, 0, 2, 1], x[0, 1, 0, 0], x[0, 1, 4, 4] = math.nan, math.inf, -math.inf
    nan = F.max_pool2d(x, 2, stride=1).isnan()
    return out | {"x_not_finite": x.nan_to_num(nan=77, posinf=88, neginf=-88), "y_is_nan": nan}


def residual():
    torch.manual_seed(22)
    inputs, outputs = 3, 5
    body = nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ELU(),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.BatchNorm2d(outputs),
    )
    shortcut = nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, stride=2, bias=False), nn.BatchNorm2d(outputs)
    )
    for layer in (body[1], body[4], shortcut[1]):
        nn.init.uniform_(layer.weight, 0.5, 1.5)
        nn.init.uniform_(layer.bias, -0.5, 0.5)
    # Batch norm removes this one again: its gradient would be rounding alone.
    body[3].bias.requires_grad = False
    x, dy = widen(normal(4, inputs, 7, 6), normal(4, outputs, 4, 3))
    model = nn.ModuleDict({"body": body, "shortcut": shortcut}).to(dtype)
    names = {name: name.removeprefix("body.") for name, _ in model.named_parameters()}
    out = {f"initial.{names[name]}": p.clone() for name, p in model.named_parameters()}
    input = leaf(x)
    y = F.relu(body(input) + shortcut(input))
    y.backward(dy)
    out |= {
        f"grad.{names[name]}": p.grad for name, p in model.named_parameters() if p.requires_grad
    }
    for name, tensor in model.named_buffers():
        if "num_batches" not in name:
            out[f"final.{name.removeprefix('body.')}"] = tensor.clone()
    model.eval()
    with torch.no_grad():
        y_eval = F.relu(body(x) + shortcut(x))
    return out | {"x": x, "y": y, "dy": dy, "dx": input.grad, "y_eval": y_eval}


def same(x, value):
    """TensorFlow's padding for a kernel of 3 and a stride of 2: 7 lacks two pixels, 6 one."""
    return F.pad(x, (0, 1, 1, 1), value=value)


def cut_pools():
    torch.manual_seed(23)
    x = normal(1, 3, 7, 6)
    functions = {
        "max_ceil": nn.MaxPool2d(3, stride=2, ceil_mode=True),
        # The last window would start in the padding, and is left out.
        "max_ceil_padded": nn.MaxPool2d(2, padding=1, ceil_mode=True),
        "max_ceil_larger": nn.MaxPool2d((8, 6), stride=2, ceil_mode=True),
        "max_same": lambda x: F.max_pool2d(same(x, -math.inf), 3, stride=2),
        "avg_ceil": nn.AvgPool2d(3, stride=2, ceil_mode=True),
        "avg_ceil_padded": nn.AvgPool2d(3, stride=(3, 2), padding=1, ceil_mode=True),
        "avg_inside": nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False),
        "avg_ceil_inside": nn.AvgPool2d(
            3, stride=(3, 2), padding=1, ceil_mode=True, count_include_pad=False
        ),
        "avg_same": lambda x: F.avg_pool2d(same(x, 0), 3, stride=2)
        / F.avg_pool2d(same(torch.ones_like(x), 0), 3, stride=2),
        "upsample_23": nn.Upsample(scale_factor=(2, 3), mode="nearest"),
    }
    out = {"x": x}
    for name, function in functions.items():
        (dy,) = widen(normal(*function(x).shape))
        input = leaf(*widen(x))
        y = function(input)
        y.backward(dy)
        out |= {f"y_{name}": y, f"dy_{name}": dy, f"dx_{name}": input.grad}
    return out


def gates():
    """Squeeze and excitation as torchvision has it, and what ConvNeXt normalises and scales by."""
    torch.manual_seed(24)
    channels = 5
    x, dy = widen(normal(3, channels, 4, 3), normal(3, channels, 4, 3))
    gate = nn.Sequential(
        nn.AdaptiveAvgPool2d(1),
        nn.Conv2d(channels, 3, 1),
        nn.ReLU(),
        nn.Conv2d(3, channels, 1),
        nn.Sigmoid(),
    ).to(dtype)
    out = {"x": x, "dy": dy}
    input = leaf(x)
    y = gate(input) * input
    y.backward(dy)
    out |= {"se.y": y, "se.dx": input.grad}
    for name, p in gate.named_parameters():
        out |= {f"se.{name}": p, f"se.d{name}": p.grad}
    weight, bias, gamma = (leaf(p) for p in widen(*(normal(channels) for _ in range(3))))
    input = leaf(x)
    normed = F.layer_norm(input.permute(0, 2, 3, 1), (channels,), weight, bias, eps=1e-6)
    y = normed.permute(0, 3, 1, 2)
    y.backward(dy)
    out |= {"norm.y": y, "norm.dx": input.grad, "norm.weight": weight, "norm.bias": bias}
    out |= {"norm.dweight": weight.grad, "norm.dbias": bias.grad}
    input = leaf(x)
    y = input * gamma.view(-1, 1, 1)
    y.backward(dy)
    return out | {
        "scale.y": y,
        "scale.dx": input.grad,
        "scale.weight": gamma,
        "scale.dweight": gamma.grad,
    }


def compute(build, in_dtype):
    global dtype
    dtype = in_dtype
    return {name: tensor.detach().to(in_dtype).contiguous() for name, tensor in build().items()}


def main():
    torch.set_num_threads(1)
    total = 0
    dense = (
        batch_norm,
        activations,
        dropout,
        losses,
        optimizers,
        schedules,
        init,
        network,
        classifier,
    )
    images = (conv2d, conv_transpose2d, conv_autoencoder, pools, residual, cut_pools, gates)
    for build in dense + images:
        tensors, exact = compute(build, torch.float32), compute(build, torch.float64)
        error = {
            name: ((tensor - exact[name]).abs() / exact[name].abs().clamp(min=1)).max().item()
            for name, tensor in tensors.items()
        }
        worst = max(error, key=error.get)

        path = FOLDER / f"{build.__name__}.safetensors"
        save_file(tensors, path)
        loaded = load_file(path)
        assert loaded.keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert loaded[name].dtype == torch.float32 and torch.isfinite(tensor).all(), name
            assert torch.equal(loaded[name], tensor), name

        total += path.stat().st_size
        print(
            f"\n{path.name}: {path.stat().st_size} bytes; "
            f"furthest from f64: {worst}, {error[worst]:.1e}"
        )
        for name, tensor in sorted(loaded.items()):
            print(f"  {name} {tuple(tensor.shape)}")
        assert error[worst] < TOLERANCE, f"{worst} is decided by rounding"
    print(f"\n{total} bytes in all")
    assert total < BUDGET


if __name__ == "__main__":
    main()
