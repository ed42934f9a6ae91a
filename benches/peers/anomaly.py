#!/usr/bin/env python3
"""Scores of unusual rows beside scikit-learn's, on public tables with known anomalies.

    anomaly.py FOLDER --half choose      # the ten tables that the method was chosen on
    anomaly.py FOLDER --half report      # the ten others
    anomaly.py FOLDER --half report --score knn    # a run pretrained on each table, and its score

FOLDER has the tables of ADBench as NUMBER_NAME.npz with X and y. The tables, sorted by number, are
taken in turns: the first, third, ... to choose on, the others to report on. The program gets X
alone. `docs/results/anomaly.md` has the protocol.
"""

import argparse
import datetime
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import sklearn
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.neighbors import NearestNeighbors

SEEDS = 5
K = 5


def tables(folder, half):
    number = lambda path: int(path.name.split("_")[0])
    found = sorted(Path(folder).glob("*.npz"), key=number)
    return found[0::2] if half == "choose" else found[1::2]


def split(y, seed):
    """A random half of the normal rows to learn from, and all other rows."""
    normal = np.random.RandomState(seed).permutation(np.flatnonzero(y == 0))
    train = np.sort(normal[: len(normal) // 2])
    return train, np.setdiff1d(np.arange(len(y)), train)


def program(binary, folder, score, *data):
    """The scores of the rows of the last of `data`, by their numbers."""
    names = ["train.npy", "test.npy"] if len(data) == 2 else ["rows.npy"]
    place = Path(tempfile.mkdtemp(dir=folder))
    for name, rows in zip(names, data):
        np.save(place / name, rows.astype(np.float32))
    target = place if len(data) == 2 else place / "rows.npy"
    out = Path(tempfile.mkdtemp(dir=folder)) / "scores.csv"
    line = [binary, "score"]
    if score:
        run = Path(tempfile.mkdtemp(dir=folder)) / "run"
        pretrain = [binary, "pretrain", target, "--quiet", "--out", run]
        subprocess.run(pretrain, check=True, stdout=subprocess.DEVNULL)
        line += [run, target, "--score", score]
        line += ["--part", "all"] if len(data) == 1 else []
    else:
        line.append(target)
    start = time.time()
    subprocess.run([*line, "--out", out], check=True, stdout=subprocess.DEVNULL)
    seconds = time.time() - start
    rows = np.genfromtxt(out, delimiter=",", skip_header=1, usecols=(0, 1))
    assert (rows[:, 0] == np.arange(len(data[-1]))).all()
    return rows[:, 1], seconds


def forest(seed, train, test):
    return -IsolationForest(random_state=seed).fit(train).score_samples(test)


def neighbours(train, test, same):
    mean, std = train.mean(0), train.std(0)
    std[std == 0] = 1
    found = NearestNeighbors(n_neighbors=K).fit((train - mean) / std)
    return found.kneighbors(None if same else (test - mean) / std)[0][:, -1]


def measure(path, binary, folder, score):
    """AUROC and average precision, % (setting, method, [seeds, 2]), and seconds of ours."""
    data = np.load(path, allow_pickle=True)
    x, y = data["X"].astype(np.float64), data["y"].astype(int)
    found, slowest = {}, 0.0
    areas = lambda y, s: (100 * roc_auc_score(y, s), 100 * average_precision_score(y, s))
    for setting in ("unsupervised", "one-class"):
        for seed in range(SEEDS):
            if setting == "unsupervised":
                train, test, truth = x, x, y
            else:
                learnt, rest = split(y, seed)
                train, test, truth = x[learnt], x[rest], y[rest]
            same = train is test
            if seed == 0 or not same:
                ours, seconds = program(binary, folder, score, *([x] if same else [train, test]))
                slowest = max(slowest, seconds)
                near = neighbours(train, test, same)
            scores = {"ours": ours, "forest": forest(seed, train, test), "knn": near}
            for method, values in scores.items():
                found.setdefault((setting, method), []).append(areas(truth, values))
    return {key: np.array(value) for key, value in found.items()}, slowest


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--half", choices=["choose", "report"], required=True)
    parser.add_argument("--score", help="that of a run pretrained on the table [default: no run]")
    parser.add_argument("--binary", default="target/release/narrows")
    options = parser.parse_args()
    binary = Path(options.binary).resolve()
    version = subprocess.run([binary, "--version"], capture_output=True, text=True).stdout.strip()
    versions = f"{version}, scikit-learn {sklearn.__version__}, numpy {np.__version__}"
    print(f"{datetime.date.today()}, {versions}; {SEEDS} seeds; half: {options.half}\n")
    heads = [(s, m) for s in ("unsupervised", "one-class") for m in ("ours", "forest", "knn")]
    print("| table | rows | features | " + " | ".join(f"{s}: {m}" for s, m in heads) + " | s |")
    print("|---|---|---|" + "---|" * (len(heads) + 1))
    all_found = []
    for path in tables(options.folder, options.half):
        name = re.sub(r"^\d+_", "", path.stem)
        with tempfile.TemporaryDirectory() as folder:
            found, seconds = measure(path, binary, folder, options.score)
        all_found.append(found)
        rows, features = np.load(path, allow_pickle=True)["X"].shape
        cells = [f"{found[head].mean(0)[0]:.1f}" for head in heads]
        print(f"| {name} | {rows} | {features} | " + " | ".join(cells) + f" | {seconds:.1f} |")
        sys.stdout.flush()
    for at, area in enumerate(("AUROC", "average precision")):
        means = [np.mean([found[head].mean(0)[at] for found in all_found]) for head in heads]
        cells = " | ".join(f"**{mean:.2f}**" for mean in means)
        print(f"| **mean {area}** | | | {cells} | |")


if __name__ == "__main__":
    main()
