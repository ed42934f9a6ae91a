"""PyTorch on the CPU.

Variants: `default`, eager as in its tutorials; `tuned`, with the fused Adam (W4h: the encoder run
only once; W2, W3: channels last, in memory); `compile`, with the fused Adam and torch.compile.
"""

import protocol

args = protocol.arguments()

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(args.threads)
torch.manual_seed(0)
adam_options = {} if args.variant == "default" else {"fused": True}


def network(widths, norms):
    layers = []
    for inputs, outputs, norm in zip(widths, widths[1:], norms):
        layers.append(nn.Linear(inputs, outputs))
        if norm:
            layers += [nn.BatchNorm1d(outputs), nn.ReLU()]
    return nn.Sequential(*layers)


def convolutional(channels, side, code):
    layers, values = [], channels[-1] * side * side
    for inputs, outputs in zip(channels, channels[1:]):
        layers += [
            nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        ]
    layers += [nn.Flatten(), nn.Linear(values, code), nn.Linear(code, values), nn.ReLU()]
    layers.append(nn.Unflatten(1, (channels[-1], side, side)))
    mirrored = channels[::-1]
    for inputs, outputs in zip(mirrored[:-2], mirrored[1:]):
        layers.append(nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, output_padding=1, bias=False))
        layers += [nn.BatchNorm2d(outputs), nn.ReLU()]
    layers.append(nn.ConvTranspose2d(mirrored[-2], mirrored[-1], 3, 2, 1, output_padding=1))
    return nn.Sequential(*layers)


def floats(rows):
    return rows.float().div_(255)


def step(optimizer, loss):
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def train(model, image=None):
    """`image` is (channels, side) of what the model takes, unless it takes rows."""
    x, batch = torch.from_numpy(protocol.images(args)), protocol.BATCH[args.workload]
    model = model.train()
    channels_last = image and args.variant == "tuned"
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, **adam_options)
    forward = torch.compile(model) if args.variant == "compile" else model
    order, at = torch.randperm(len(x)), 0

    def shaped(rows):
        if not image:
            return rows
        channels, side = image
        if channels_last:
            return rows.view(batch, side, side, channels).permute(0, 3, 1, 2)
        return rows.view(batch, channels, side, side)

    def next_step():
        nonlocal order, at
        if at + batch > len(x):
            order, at = torch.randperm(len(x)), 0
        rows = shaped(floats(x.index_select(0, order[at : at + batch])))
        at += batch
        step(optimizer, F.mse_loss(forward(rows), rows))

    protocol.training(args, "torch", torch.__version__, next_step)


def fine_tune():
    samples = protocol.W4_SAMPLES
    x, y = (
        torch.from_numpy(protocol.images(args)[:samples].copy()),
        torch.randint(0, 10, (samples,)),
    )
    head_only = args.workload == "W4h"

    def run():
        encoder, head = network(protocol.W4[:4], protocol.W4_NORMS[:3]), nn.Linear(64, 10)
        once = head_only and args.variant != "default"
        if head_only:
            encoder.eval().requires_grad_(False)
        inputs = encoder(floats(x)) if once else x
        model = head if once else nn.Sequential(encoder, head)
        parameters = head.parameters() if head_only else model.parameters()
        optimizer = torch.optim.Adam(parameters, 1e-3, **adam_options)
        forward = torch.compile(model, dynamic=True) if args.variant == "compile" else model
        for _ in range(protocol.W4_EPOCHS):
            for rows in torch.randperm(samples).split(32):
                batch = inputs.index_select(0, rows)
                logits = forward(batch if once else floats(batch))
                step(optimizer, F.cross_entropy(logits, y[rows]))

    protocol.fine_tuning(args, "torch", torch.__version__, run)


def virtual_adversarial():
    """W6: a pass over W6's samples is a step to be measured."""
    x = floats(torch.from_numpy(protocol.images(args)[: protocol.W6_SAMPLES].copy()))
    y = torch.arange(len(x)) % 10
    channels_last = args.workload == "W6c" and args.variant == "tuned"
    if args.workload == "W6":
        model = network([784, 1200, 1200, 10], [True, True, False])
    else:
        x = x.view(-1, 1, 28, 28)
        model = nn.Sequential(
            *[nn.Conv2d(1, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()],
            *[nn.Conv2d(16, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU()],
            *[nn.Flatten(), nn.Linear(1568, 128), nn.BatchNorm1d(128), nn.ReLU()],
            nn.Linear(128, 10),
        )
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    model.train()
    parameters = list(model.parameters())
    average = [p.detach().clone() for p in parameters]
    optimizer = torch.optim.Adam(parameters, 1e-3, **adam_options)
    forward = torch.compile(model) if args.variant == "compile" else model
    labelled = torch.arange(protocol.W6_LABELLED)

    def moved(rows, direction, distance):
        length = direction.flatten(1).norm(dim=1).view(-1, *[1] * (rows.dim() - 1))
        return rows + distance * direction / length

    def vat_step(rows, few, classes):
        logits = forward(rows)
        entropy = -(logits.softmax(1) * logits.log_softmax(1)).sum(1).mean()
        target = logits.detach().softmax(1)
        nudged = moved(rows, torch.randn_like(rows), 0.15).requires_grad_()
        cost = -(target * forward(nudged).log_softmax(1)).sum(1).mean()
        (gradient,) = torch.autograd.grad(cost, nudged)
        adversarial = forward(moved(rows, gradient, 1.5))
        cost = -(target * adversarial.log_softmax(1)).sum(1).mean()
        supervised = F.cross_entropy(forward(few), classes)
        step(optimizer, supervised + cost + 0.5 * entropy)
        torch._foreach_lerp_(average, parameters, 1e-3)

    def epoch():
        for rows in torch.randperm(len(x)).split(protocol.W6_BATCH):
            few = labelled[torch.randperm(len(labelled))]
            vat_step(x.index_select(0, rows), x.index_select(0, few), y.index_select(0, few))

    protocol.training(args, "torch", torch.__version__, epoch)


def predict():
    model = network(protocol.W4[:4], protocol.W4_NORMS[:3]).eval()
    x = floats(torch.from_numpy(protocol.images(args)[:1024].copy()))
    one = x[:1].clone()
    if args.variant == "compile":
        model = torch.compile(model, dynamic=False)
    elif args.variant == "tuned":
        model = torch.jit.optimize_for_inference(torch.jit.script(model))
    with torch.inference_mode():
        protocol.prediction(args, "torch", torch.__version__, lambda: model(one), lambda: model(x))


if args.workload == "W1":
    train(network(protocol.W1, protocol.W1_NORMS))
elif args.workload == "W1b":
    train(network(protocol.W1B, protocol.W1B_NORMS))
elif args.workload == "W2":
    train(convolutional(*protocol.W2), image=(1, 28))
elif args.workload == "W3":
    train(convolutional(*protocol.W3), image=(3, 32))
elif args.workload == "W5":
    predict()
elif args.workload in ("W6", "W6c"):
    virtual_adversarial()
else:
    fine_tune()
