"""Matrix products of numpy (OpenBLAS) and PyTorch (MKL): `gemm_peer.py numpy|torch SHAPES.TXT
THREADS ROUNDS`."""

import json
import sys
import time

import numpy as np

library, shapes, threads, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
if library == "torch":
    import torch

    torch.set_num_threads(threads)
SECONDS = 4e-3


def operands(m, n, k, layout):
    a = np.random.rand(*((k, m) if layout == "tn" else (m, k))).astype(np.float32)
    b = np.random.rand(*((n, k) if layout == "nt" else (k, n))).astype(np.float32)
    return a.T if layout == "tn" else a, b.T if layout == "nt" else b, np.zeros((m, n), np.float32)


def product(m, n, k, layout):
    a, b, c = operands(m, n, k, layout)
    if library == "numpy":
        return lambda: np.matmul(a, b, out=c)
    a, b, c = torch.from_numpy(a), torch.from_numpy(b), torch.from_numpy(c)
    return lambda: torch.mm(a, b, out=c)


def seconds(function, calls):
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return time.perf_counter() - start


for line in open(shapes):
    if line.startswith("#"):
        continue
    *sizes, layouts = line.split()
    m, n, k = map(int, sizes)
    for layout in layouts.split(","):
        multiply = product(m, n, k, layout)
        seconds(multiply, 2)
        calls = min(100_000, max(1, int(SECONDS / seconds(multiply, 1))))
        rates = [2e-9 * m * n * k * calls / seconds(multiply, calls) for _ in range(rounds)]
        line = dict(workload="gemm", shape=f"{m} {n} {k} {layout}", threads=threads)
        line[library] = [round(rate, 3) for rate in rates]
        print(json.dumps(line), flush=True)
