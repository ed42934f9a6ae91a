"""JAX on the CPU: one compiled training step with donated state; batch norm and Adam written by
hand."""

import os

import protocol

args = protocol.arguments()
if args.threads == 1:
    flags = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = flags + " --xla_cpu_multi_thread_eigen=false"
os.environ["JAX_PLATFORMS"] = "cpu"

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

rng = np.random.default_rng(0)
tree_map = jax.tree_util.tree_map


def network(widths, norms):
    """Parameters and running statistics."""
    params, running = [], []
    for inputs, outputs, norm in zip(widths, widths[1:], norms):
        weights = rng.uniform(-1, 1, (inputs, outputs)).astype(np.float32) / np.sqrt(inputs)
        scale = (jnp.ones(outputs), jnp.zeros(outputs)) if norm else None
        params.append((jnp.array(weights, jnp.float32), jnp.zeros(outputs), scale))
        running.append((jnp.zeros(outputs), jnp.ones(outputs)) if norm else None)
    return params, running


def norm_relu(x, scale, statistics, train):
    mean, variance = statistics
    if train:
        axes = tuple(range(x.ndim - 1))
        n = x.size // x.shape[-1]
        mean, variance = x.mean(axes), x.var(axes)
        old_mean, old_variance = statistics
        statistics = 0.9 * old_mean + 0.1 * mean, 0.9 * old_variance + 0.1 * variance * n / (n - 1)
    gamma, beta = scale
    return jax.nn.relu((x - mean) * (gamma * lax.rsqrt(variance + 1e-5)) + beta), statistics


def forward(params, running, x, train):
    after = []
    for (weights, bias, scale), statistics in zip(params, running):
        x = x @ weights + bias
        if scale is not None:
            x, statistics = norm_relu(x, scale, statistics, train)
        after.append(statistics)
    return x, after


def convolutional(channels, side, code):
    """As `network`, of what `forward_convolutional` takes: the encoder's layers, then the mirrored
    ones."""
    down = list(zip(channels, channels[1:]))
    up = list(zip(channels[::-1], channels[-2::-1]))
    values = channels[-1] * side * side
    bottleneck, _ = network([values, code, values], [False, False])
    params, running = [], []
    for position, (inputs, outputs) in enumerate(down + up):
        weights = rng.uniform(-1, 1, (3, 3, inputs, outputs)).astype(np.float32) / np.sqrt(
            9 * inputs
        )
        last = position == len(down + up) - 1
        # Behind the last layer is a bias, behind all others a batch norm.
        shift = jnp.zeros(outputs) if last else (jnp.ones(outputs), jnp.zeros(outputs))
        params.append((jnp.array(weights), shift))
        running.append(None if last else (jnp.zeros(outputs), jnp.ones(outputs)))
    return (params, bottleneck), running


def forward_convolutional(params, running, x, train):
    (layers, bottleneck), after = params, []
    up = len(layers) // 2
    for position, ((weights, shift), statistics) in enumerate(zip(layers, running)):
        if position == up:
            image = x.shape
            (encode, encode_bias, _), (decode, decode_bias, _) = bottleneck
            code = x.reshape(image[0], -1) @ encode + encode_bias
            x = jax.nn.relu(code @ decode + decode_bias).reshape(image)
        # A transposed convolution is one of an image with zeros in between.
        how = dict(window_strides=(2, 2), padding=((1, 1), (1, 1)))
        if position >= up:
            how = dict(window_strides=(1, 1), padding=((1, 2), (1, 2)), lhs_dilation=(2, 2))
        x = lax.conv_general_dilated(x, weights, dimension_numbers=("NHWC", "HWIO", "NHWC"), **how)
        if statistics is None:
            x = x + shift
        else:
            x, statistics = norm_relu(x, shift, statistics, train)
        after.append(statistics)
    return x, after


def adam(params, grads, m, v, t):
    t = t + 1
    m = tree_map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
    v = tree_map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
    c1, c2 = 1 - 0.9**t, 1 - 0.999**t
    update = lambda p, m, v: p - 1e-3 * (m / c1) / (jnp.sqrt(v / c2) + 1e-8)
    return tree_map(update, params, m, v), m, v, t


def fresh(params, running):
    return [
        params,
        running,
        tree_map(jnp.zeros_like, params),
        tree_map(jnp.zeros_like, params),
        jnp.float32(0),
    ]


def cross_entropy(logits, y):
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1))


def train(network, forward, shape):
    """`shape` is that of an input: its values, or height, width and channels."""
    x, batch = protocol.images(args), protocol.BATCH[args.workload]

    @partial(jax.jit, donate_argnums=(0, 1, 2, 3, 4))
    def update(params, running, m, v, t, rows):
        rows = rows.astype(jnp.float32).reshape(batch, *shape) / 255.0

        def loss(params):
            y, after = forward(params, running, rows, True)
            return jnp.mean((y - rows) ** 2), after

        (value, after), grads = jax.value_and_grad(loss, has_aux=True)(params)
        params, m, v, t = adam(params, grads, m, v, t)
        return params, after, m, v, t, value

    state = fresh(*network)
    order, at = rng.permutation(len(x)), 0

    def next_step():
        nonlocal order, at
        if at + batch > len(x):
            order, at = rng.permutation(len(x)), 0
        *state[:], value = update(*state, x[order[at : at + batch]])
        at += batch
        value.block_until_ready()

    protocol.training(args, "jax", jax.__version__, next_step)


def fine_tune():
    """W4, and W4h: with the encoder run once."""
    samples = protocol.W4_SAMPLES
    x, y = protocol.images(args)[:samples], rng.integers(0, 10, samples)
    head_only = args.workload == "W4h"
    all_params, all_running = network(protocol.W4, protocol.W4_NORMS)
    trained = (all_params[3:], all_running[3:]) if head_only else (all_params, all_running)
    encode = jax.jit(
        lambda x: forward(all_params[:3], all_running[:3], x.astype(jnp.float32) / 255.0, False)[0]
    )

    @jax.jit
    def update(params, running, m, v, t, rows, y):
        rows = rows if head_only else rows.astype(jnp.float32) / 255.0

        def loss(params):
            logits, after = forward(params, running, rows, True)
            return cross_entropy(logits, y), after

        (value, after), grads = jax.value_and_grad(loss, has_aux=True)(params)
        params, m, v, t = adam(params, grads, m, v, t)
        return params, after, m, v, t, value

    def run():
        state = fresh(*trained)
        inputs = np.asarray(encode(x)) if head_only else x
        for _ in range(protocol.W4_EPOCHS):
            order = rng.permutation(samples)
            for at in range(0, samples, 32):
                rows = order[at : at + 32]
                *state[:], value = update(*state, inputs[rows], y[rows])
        value.block_until_ready()

    protocol.fine_tuning(args, "jax", jax.__version__, run)


def predict():
    params, running = network(protocol.W4[:4], protocol.W4_NORMS[:3])
    compiled = jax.jit(lambda params, running, x: forward(params, running, x, False)[0])
    many = jnp.array(protocol.images(args)[:1024].astype(np.float32) / 255)
    one = many[:1].copy()
    predict_for = lambda x: lambda: compiled(params, running, x).block_until_ready()
    protocol.prediction(args, "jax", jax.__version__, predict_for(one), predict_for(many))


if args.workload == "W1":
    train(network(protocol.W1, protocol.W1_NORMS), forward, [784])
elif args.workload == "W1b":
    train(network(protocol.W1B, protocol.W1B_NORMS), forward, [784])
elif args.workload == "W2":
    train(convolutional(*protocol.W2), forward_convolutional, [28, 28, 1])
elif args.workload == "W3":
    train(convolutional(*protocol.W3), forward_convolutional, [32, 32, 3])
elif args.workload == "W5":
    predict()
else:
    fine_tune()
