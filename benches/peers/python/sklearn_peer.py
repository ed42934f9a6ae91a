"""scikit-learn's MLPRegressor as an autoencoder: Adam, ReLU behind all hidden layers, no batch
norm. W1 and W1b."""

import time
import warnings

import protocol

args = protocol.arguments()

import numpy as np
import sklearn
from sklearn.neural_network import MLPRegressor

warnings.filterwarnings("ignore")
batch = protocol.BATCH[args.workload]
hidden = (protocol.W1 if args.workload == "W1" else protocol.W1B)[1:-1]
x = protocol.images(args)
model = MLPRegressor(
    hidden_layer_sizes=hidden,
    solver="adam",
    learning_rate_init=1e-3,
    batch_size=batch,
    random_state=0,
)


def fit(rows):
    """One pass over the rows in batches."""
    rows = rows.astype(np.float32) / 255
    model.partial_fit(rows, rows)


fit(x[:batch])
first = time.time() - protocol.START
rows = batch * (25 if args.workload == "W1" else 100)
rates = []
for i in range(args.repeats + 1):
    start = i * rows % (len(x) - rows)
    rates.append(rows / protocol.timed(lambda: fit(x[start : start + rows])))
rates = rates[1:]
gflops = protocol.median(rates) * protocol.FLOPS[args.workload] / 1e9
figures = protocol.spread("samples_per_s", rates)
protocol.report(
    args, "sklearn", sklearn.__version__, **figures, gflops=gflops, start_to_first_step_s=first
)
