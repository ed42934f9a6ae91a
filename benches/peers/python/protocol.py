"""What all peers written in Python have in common: command line, workloads, data, timing, and the
line of JSON.

`rust/protocol` is the same for those written in Rust, and says more.
"""

import argparse
import json
import os
import resource
import time

W1 = [784, 512, 256, 64, 256, 512, 784]
W1_NORMS = [True, True, False, True, True, False]
W1B = [784, 256, 64, 256, 784]
W1B_NORMS = [True, False, True, False]
# Channels, each from the one before by a convolution 3x3 of stride 2; the side of the image behind
# the last of them; the length of the code. The decoder is the mirror image, with transposed
# convolutions.
W2 = [1, 16, 32], 7, 64
W3 = [3, 32, 64, 128], 4, 128
W4 = [784, 512, 256, 64, 10]
W4_NORMS = [True, True, False, False]
W4_SAMPLES = W4_EPOCHS = 100
# Samples without a label, in a step and in a measured pass over them; and labelled ones.
W6_BATCH, W6_SAMPLES, W6_LABELLED = 128, 1280, 64
BATCH = {"W1": 256, "W1b": 64, "W2": 128, "W3": 128, "W4": 32, "W4h": 32, "W5": 1024}
BATCH.update({"W6": W6_SAMPLES, "W6c": W6_SAMPLES})


def macs(widths):
    return sum(a * b for a, b in zip(widths, widths[1:]))


def training_flops(widths):
    """Forward, the gradient of the weights, and but for the first layer that of the inputs."""
    return 2 * (3 * macs(widths) - widths[0] * widths[1])


def convolutional_training_flops(channels, side, code):
    """The same. A transposed convolution multiplies as often as the convolution that it mirrors."""
    sides = [side << after for after in reversed(range(len(channels) - 1))]
    convolutions = [9 * a * b * side * side for a, b, side in zip(channels, channels[1:], sides)]
    encoder = sum(convolutions) + channels[-1] * side * side * code
    return 2 * (3 * 2 * encoder - convolutions[0])


FLOPS = {
    "W1": training_flops(W1),
    "W1b": training_flops(W1B),
    "W2": convolutional_training_flops(*W2),
    "W3": convolutional_training_flops(*W3),
    "W4": training_flops(W4),
    "W4h": training_flops(W4),
    "W5": 2 * macs(W4[:4]),
    # Passes of several kinds, which are not counted.
    "W6": 0,
    "W6c": 0,
}


def process_start():
    """When this process started, to 10 ms."""
    with open("/proc/self/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    with open("/proc/uptime") as file:
        uptime = float(file.read().split()[0])
    return time.time() - uptime + int(fields[19]) / os.sysconf("SC_CLK_TCK")


START = process_start()


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--workload", default="W1", choices=list(BATCH))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="of a repeat")
    parser.add_argument("--variant", default="default")
    parser.add_argument("--data", default="images")
    return parser.parse_args()


def images(args):
    """All images: (samples, values of one) bytes. They are random, so a peer may take their order
    as suits it."""
    import numpy as np

    with open(args.data, "rb") as file:
        head = file.read(8)
    return np.fromfile(args.data, np.uint8, offset=4 + 4 * head[3]).reshape(
        int.from_bytes(head[4:], "big"), -1
    )


def median(values):
    return sorted(values)[len(values) // 2]


def spread(key, values):
    return {
        key: round(median(values), 6),
        "min": round(min(values), 6),
        "max": round(max(values), 6),
    }


def report(args, framework, version, **figures):
    line = dict(framework=framework, version=version, variant=args.variant, workload=args.workload)
    line.update(figures, threads=args.threads)
    line["peak_rss_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, 1)
    print(json.dumps(line), flush=True)


def timed(function, calls=1):
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return time.perf_counter() - start


def calls_for(args, least, function):
    return max(least, int(args.seconds / (timed(function, least) / least)))


def training(args, framework, version, step):
    """`step` takes one step, from the gathering of the batch on, and comes back once it is done."""
    step()
    first = time.time() - START
    timed(step, 9)
    steps, batch = calls_for(args, 5, step), BATCH[args.workload]
    rates = [steps * batch / timed(step, steps) for _ in range(args.repeats)]
    gflops = median(rates) * FLOPS[args.workload] / 1e9
    report(
        args,
        framework,
        version,
        **spread("samples_per_s", rates),
        gflops=gflops,
        start_to_first_step_s=first,
    )


def fine_tuning(args, framework, version, run):
    """`run` is the whole of W4, from fresh weights on."""
    first = timed(run)
    report(
        args,
        framework,
        version,
        **spread("wall_s", [timed(run) for _ in range(args.repeats)]),
        first_run_s=first,
    )


def prediction(args, framework, version, one, many):
    """`one` predicts for one row, `many` for 1,024."""
    timed(one, 200)
    latencies = sorted(timed(one) * 1e6 for _ in range(3000))
    timed(many, 5)
    calls = calls_for(args, 3, many)
    rates = [calls * 1024 / timed(many, calls) for _ in range(args.repeats)]
    figures = spread("samples_per_s", rates)
    figures.update(
        latency_us=latencies[1500], latency_p10_us=latencies[300], latency_p90_us=latencies[2700]
    )
    report(args, framework, version, **figures, gflops=median(rates) * FLOPS["W5"] / 1e9)
