#!/usr/bin/env python3
"""Predictions from file to file, turn by turn with other libraries: time, rows a second, memory.
README.md says more."""

import argparse
import csv
import datetime
import itertools
import json
import os
import pathlib
import platform
import random
import select
import shutil
import statistics
import subprocess
import sys
import time

from run import HERE, THREAD_VARIABLES, WORK, images

FOLDER = WORK / "predict"
PYTHON = WORK / "venv/bin/python"
PEER = HERE / "python/predict_peer.py"
# Program, and its way: the first of all comes first, and the others' times are divided by its.
PEERS = [
    ("narrows", "first"),
    ("sklearn", "whole"),
    ("onnxruntime", "whole"),
    ("sklearn", "chunks"),
    ("onnxruntime", "chunks"),
    ("onnxruntime", "arrow"),
    ("narrows", "again"),
]
WORKS = ["table", "images", "folder"]
# Arrow reads no images, and an array is mapped as it is, so that nothing of it is kept.
LEFT_OUT = {"images": ["arrow", "again"], "folder": ["arrow"]}
TRAINED_ON = 2000
COLUMNS = 10


def table(path, rows, labels=False):
    """A CSV of columns of numbers that lie about different means; with classes if it is learnt
    from."""
    source = random.Random(rows)
    with open(path, "w") as file:
        names = [f"x{column}" for column in range(COLUMNS)] + ["label"] * labels
        print(*names, sep=",", file=file)
        for _ in range(rows):
            values = [source.gauss(column, 1 + column) for column in range(COLUMNS)]
            label = ["abc"[(values[0] > 0) + (values[1] > 1)]] * labels
            print(*(f"{value:.6g}" for value in values), *label, sep=",", file=file)


def array(path, number, shape, values):
    """A file in MNIST's format."""
    sizes = b"".join(n.to_bytes(4, "big") for n in (0x801 + len(shape), number, *shape))
    path.write_bytes(sizes + values)


def prepare(options):
    """Makes the data that are not there yet, and the models anew. The data of each work, and its
    model."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    source = images(options.data, "W1")
    works = {
        "table": (FOLDER / f"rows-{options.rows}.csv", FOLDER / "table-model"),
        "images": (FOLDER / f"{source.stem}-{options.images}.idx", FOLDER / "images-model"),
        "folder": (FOLDER / f"{source.stem}-{options.images}", FOLDER / "images-model"),
    }
    if not works["table"][0].exists():
        table(works["table"][0], options.rows)
    pixels = source.read_bytes()[16:]
    if not works["images"][0].exists():
        array(works["images"][0], options.images, [28, 28], pixels[: options.images * 784])
    pictures = works["folder"][0]
    if "folder" in options.works and not pictures.exists():
        making = pictures.with_suffix(".making")
        making.mkdir(exist_ok=True)
        run(PYTHON, PEER, "pictures", works["images"][0], making)
        making.rename(pictures)

    table(FOLDER / "labelled.csv", TRAINED_ON, labels=True)
    some = [pixels[784 * image : 784 * (image + 1)] for image in range(TRAINED_ON)]
    array(FOLDER / "labelled.idx", TRAINED_ON, [28, 28], b"".join(some))
    # Ten classes of brightness: a task that images of any kind have.
    ranks = sorted(range(TRAINED_ON), key=lambda image: sum(some[image]))
    classes = {image: 10 * rank // TRAINED_ON for rank, image in enumerate(ranks)}
    array(FOLDER / "labels.idx", TRAINED_ON, [], bytes(classes[i] for i in range(TRAINED_ON)))
    train(options, FOLDER / "labelled.csv", works["table"][1])
    labels = ["--labels-file", FOLDER / "labels.idx"]
    train(options, FOLDER / "labelled.idx", works["images"][1], *labels)
    return {work: works[work] for work in options.works}


def train(options, data, model, *more):
    """The default classifier but for a ReLU behind the code, because MLPClassifier has one behind
    each hidden layer."""
    shutil.rmtree(model, ignore_errors=True)
    made = ["--method", "scratch", "--code-activation", "relu", "--labels", "all", "--epochs", "5"]
    made += ["--calibrate=false"]  # The peers have no temperature.
    run(options.narrows, "train", data, *made, "--out", model, *more)
    run(PYTHON, PEER, "models", model)


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"FAILED: {' '.join(map(str, command))}\n{done.stderr[-2000:]}")
    return done.stdout


def command_of(options, peer, threads, data, model, out):
    program, way = peer
    if program != "narrows":
        return [PYTHON, PEER, program, way, model, data, out, threads]
    if way == "first":
        # The first reading leaves a store there, from which later commands read.
        inside = data if data.is_dir() else data.parent
        shutil.rmtree(inside / ".narrows", ignore_errors=True)
    return [options.narrows, "predict", model, data, "--out", out, "--threads", threads]


def measure(command, threads):
    """Seconds of a fresh process, those of its processor time, and its peak of resident memory
    with the part that is no mapped file, in bytes."""
    pin = lambda: os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    environment = dict(os.environ, **{name: str(threads) for name in THREAD_VARIABLES})
    environment.pop("OPENBLAS_CORETYPE", None)
    with open(FOLDER / "errors.txt", "w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=environment,
            preexec_fn=pin,
        )
        resident = own = 0
        ended = os.pidfd_open(process.pid)
        while not select.select([ended], [], [], 0.005)[0]:
            # The kernel's own peak counts this process too, which a new one begins as a copy of.
            known = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            memory = dict(line.split(":") for line in known.splitlines())
            if "VmHWM" in memory:
                resident = max(resident, int(memory["VmHWM"].split()[0]) * 1024)
                own = max(own, int(memory["RssAnon"].split()[0]) * 1024)
        seconds = time.perf_counter() - start
        os.close(ended)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        if status != 0:
            errors.seek(0)
            sys.exit(f"FAILED: {' '.join(map(str, command))}\n{errors.read()[-2000:]}")
    processor = usage.ru_utime + usage.ru_stime
    return dict(seconds=seconds, processor=processor, resident=resident, own=own)


def check(ours, theirs):
    """Ends if the predictions of two files differ by more than the rounding of sums."""
    rows = other = 0
    furthest = 0.0
    with open(ours) as one, open(theirs) as two:
        for a, b in itertools.zip_longest(csv.DictReader(one), csv.DictReader(two)):
            if not a or not b or a["row"] != b["row"] or a.get("file") != b.get("file"):
                sys.exit(f"{theirs}: other rows than {ours}, from row {rows} on")
            rows += 1
            other += a["class"] != b["class"]
            furthest = max(furthest, abs(float(a["probability"]) - float(b["probability"])))
    if other > 1 + rows / 10_000 or furthest > 0.001:
        sys.exit(f"{theirs}: {other} other classes of {rows}, probabilities {furthest} apart")
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("works", nargs="*", help=f"some of: {' '.join(WORKS)} [default: all]")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5, help="how often everybody has a turn")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the table")
    parser.add_argument("--images", type=int, default=60_000, help="at most 60,000")
    parser.add_argument("--data", default="sparse", help="sparse, dense, or MNIST's folder")
    parser.add_argument("--peers", nargs="+", help="only these: 'sklearn' 'onnxruntime arrow' ...")
    parser.add_argument("--quick", action="store_true", help="little data, one round: a trial")
    release = HERE.parent.parent / "target/release/narrows"
    parser.add_argument("--narrows", type=pathlib.Path, default=release, help="the program")
    options = parser.parse_args()
    if unknown := set(options.works) - set(WORKS):
        parser.error(f"no work is called {', '.join(unknown)}")
    if not options.images <= 60_000:
        parser.error("--images: there are 60,000")
    for program, remedy in (
        (options.narrows, "cargo build --release makes it, --narrows names another"),
        (PYTHON, "run.py setup --only python makes it"),
    ):
        if not program.exists():
            sys.exit(f"{program} is not there: {remedy}")
    options.works = options.works or WORKS
    if options.quick:
        options.rows, options.images, options.rounds = 20_000, 2_000, 1
    wanted = options.peers
    peers = [peer for peer in PEERS if not wanted or {peer[0], " ".join(peer)} & set(wanted)]
    peers = PEERS[:1] + [peer for peer in peers if peer != PEERS[0]]

    works = prepare(options)
    lines = []
    for (work, (data, model)), threads in itertools.product(works.items(), options.threads):
        known = [peer for peer in peers if peer[1] not in LEFT_OUT.get(work, [])]
        for round_number, peer in itertools.product(range(options.rounds), known):
            out = FOLDER / f"{'-'.join(peer)}.csv"
            out.unlink(missing_ok=True)
            result = measure(command_of(options, peer, threads, data, model, out), threads)
            if round_number == 0:
                rows = check(FOLDER / f"{'-'.join(PEERS[0])}.csv", out)
            about = dict(work=work, threads=threads, round=round_number, peer=" ".join(peer))
            lines.append(dict(about, rows=rows, load=os.getloadavg()[0], **result))
            print(json.dumps(lines[-1]), file=sys.stderr, flush=True)
    with open(FOLDER / "results.jsonl", "a") as file:
        date = datetime.datetime.now().isoformat(timespec="minutes")
        file.writelines(json.dumps(dict(line, date=date)) + "\n" for line in lines)
    text = report(options, works, lines)
    (FOLDER / "table.md").write_text(text)
    print(text)


def report(options, works, lines):
    processor = next(line for line in open("/proc/cpuinfo") if line.startswith("model name"))
    versions = run(options.narrows, "--version").strip(), run(PYTHON, PEER, "versions").strip()
    cores = len(os.sched_getaffinity(0))
    loads = [line["load"] for line in lines]
    text = f"""{datetime.date.today()}, {processor.split(":")[1].strip()}, {cores} cores,
{platform.system()} {platform.release()}, load {min(loads):.1f} to {max(loads):.1f}.
{versions[0]}; Python {run(PYTHON, "--version").split()[1]}, {versions[1]}.
Medians of {options.rounds}, the least and the most in brackets.
"""
    for work, threads in itertools.product(works, options.threads):
        these = [line for line in lines if (line["work"], line["threads"]) == (work, threads)]
        text += f"\n**{work}**, {these[0]['rows']:,} rows, threads: {threads}\n\n"
        text += "| program | seconds | times ours | processor time | rows a second | peak MB "
        text += "| of these no mapped file |\n|---|---|---|---|---|---|---|\n"
        ours = [line["seconds"] for line in these if line["peer"] == " ".join(PEERS[0])]
        for peer in dict.fromkeys(line["peer"] for line in these):
            of_peer = [line for line in these if line["peer"] == peer]
            seconds, processor, resident, own = (
                [line[key] for line in of_peer]
                for key in ("seconds", "processor", "resident", "own")
            )
            cells = [peer, spread(seconds, 2)]
            cells.append(spread([their / our for their, our in zip(seconds, ours)], 2))
            cells.append(f"{statistics.median(processor):.2f}")
            cells.append(f"{these[0]['rows'] / statistics.median(seconds):,.0f}")
            cells += [f"{statistics.median(values) / 1e6:,.0f}" for values in (resident, own)]
            text += f"| {' | '.join(cells)} |\n"
    return text


def spread(values, digits):
    least, most = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"


if __name__ == "__main__":
    main()
