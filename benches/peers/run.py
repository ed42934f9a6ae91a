#!/usr/bin/env python3
"""The same work in other frameworks, turn by turn with ours. `run.py --help`, and README.md, say
how."""

import argparse
import datetime
import gzip
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import time

import tables

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))
WORK = pathlib.Path(os.environ.get("PEERS_WORK", CACHE / "narrows-peers"))
PYTHON_PACKAGES = ["numpy", "torch", "jax[cpu]", "onnx", "onnxruntime", "scikit-learn"]
# What predictions read and write files with.
PYTHON_PACKAGES += ["pandas", "pyarrow", "pillow"]
RUST_PEERS = ["gemm", "candle", "burn"]
TRAINING, ALL = {"W1", "W1b"}, {"W1", "W1b", "W2", "W3", "W4", "W5"}
TORCH = ALL | {"W4h", "W6", "W6c"}
# Name, variant, script or binary, and the workloads that it knows.
PEERS = [
    ("torch", "default", "torch_peer.py", TORCH),
    ("torch", "tuned", "torch_peer.py", TORCH),
    ("torch", "compile", "torch_peer.py", TORCH - {"W4h"}),
    ("jax", "default", "jax_peer.py", ALL | {"W4h"}),
    ("onnxruntime", "default", "onnx_peer.py", {"W5"}),
    ("sklearn", "default", "sklearn_peer.py", TRAINING),
    ("burn", "default", "burn-peer", ALL),
    ("candle", "default", "candle-peer", ALL),
]
# Several peers spend much of their time in page faults unless glibc keeps what was freed: the
# setting fair to them.
KEEP_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": "4000000000",
    "MALLOC_MMAP_THRESHOLD_": "4000000000",
    "MALLOC_TOP_PAD_": "268435456",
    "MALLOC_ARENA_MAX": "1",
}
# How peers are told to leave AVX-512 alone.
AVX2_VARIABLES = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
}
# They cannot be told: JAX's products (YNNPACK) and those of ONNX Runtime take what is there.
NOT_TOLD = {"jax", "onnxruntime"}
# Rust peers are built once for each ISA: options of Cargo, and its environment.
RUST_BUILDS = {
    "": ([], {"RUSTFLAGS": "-C target-cpu=native"}),
    "avx2": (
        ["--no-default-features"],
        {"RUSTFLAGS": "-C target-cpu=x86-64-v3", "MMTEST_FEATURE": "fma,avx2"},
    ),
}
THREAD_VARIABLES = [f"{name}_NUM_THREADS" for name in ("RAYON", "MATMUL", "OMP", "MKL", "OPENBLAS")]


def setup(options):
    WORK.mkdir(parents=True, exist_ok=True)
    build("narrows")
    if not options.only or "python" in options.only:
        subprocess.run([sys.executable, "-m", "venv", WORK / "venv"], check=True)
        subprocess.run([WORK / "venv/bin/pip", "install", "-q", *PYTHON_PACKAGES], check=True)
    for peer in RUST_PEERS:
        for isa, (features, environment) in RUST_BUILDS.items():
            if not options.only or peer in options.only:
                build(peer, isa, features, **environment)


def build(package, isa="", features=(), **environment):
    environment = dict(os.environ, CARGO_TARGET_DIR=str(binaries(isa).parent), **environment)
    command = ["cargo", "build", "--release", *features]
    subprocess.run(command, cwd=HERE / "rust" / package, env=environment, check=True)


def binaries(isa):
    """The folder of programs in Rust that are built for an ISA; for this processor if it is ""."""
    return WORK / ("target-" + isa if isa else "target") / "release"


def images(kind, workload):
    """A file of images in MNIST's format: made of random numbers, or MNIST's own out of a
    folder."""
    # W3's have three colours, which makes a fourth dimension.
    sizes, background = ((20_000, 32, 32, 3), 10) if workload == "W3" else ((60_000, 28, 28), 0)
    path = WORK / f"{'mnist' if kind not in ('sparse', 'dense') else kind}.idx{len(sizes)}"
    if path.exists():
        return path
    if kind in ("sparse", "dense"):
        values = random.Random(0).randbytes(math.prod(sizes))
        if kind == "sparse":
            # Four fifths of one value, and the rest 5, 10, ... 255.
            values = values.translate(
                bytes(background if v < 205 else 5 * (v - 204) for v in range(256))
            )
        head = b"".join(n.to_bytes(4, "big") for n in (0x800 + len(sizes), *sizes))
        path.write_bytes(head + values)
        return path
    if workload == "W3":
        sys.exit(
            "W3 has images in colour, which MNIST is not: leave it out, or take --data sparse or "
            "dense for it"
        )
    for name in ("train-images-idx3-ubyte", "train-images.idx3-ubyte"):
        for file, opened in (
            (pathlib.Path(kind, name), open),
            (pathlib.Path(kind, name + ".gz"), gzip.open),
        ):
            if file.exists():
                with opened(file, "rb") as source:
                    path.write_bytes(source.read())
                return path
    sys.exit(f"{kind} holds no train-images-idx3-ubyte")


class Machine:
    """Starts processes on the first cores, and knows how fast these are when nothing else runs."""

    def __init__(self, threads, options):
        self.threads, self.isa = threads, options.isa
        self.environment = dict(os.environ, **{name: str(threads) for name in THREAD_VARIABLES})
        # Measured are the versions of libraries that users get, by the kernels of this processor.
        for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
            self.environment.pop(name, None)
        if self.isa:
            self.environment.update(AVX2_VARIABLES)
        if not options.trim:
            self.environment.update(KEEP_MEMORY)
        self.best = max(self.peak() for _ in range(15))

    def ours(self):
        variant = ["--variant", self.isa] if self.isa else []
        return [binaries("") / "narrows-peer", *variant]

    def lines(self, *command):
        """The JSON lines that a command prints; none if it fails."""
        pin = lambda: os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: self.threads])
        done = subprocess.run(
            [str(part) for part in command],
            capture_output=True,
            text=True,
            env=self.environment,
            preexec_fn=pin,
        )
        if done.returncode != 0:
            print(f"FAILED: {' '.join(map(str, command))}\n{done.stderr[-800:]}", file=sys.stderr)
            return []
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def peak(self):
        arguments = ["--workload", "peak", "--threads", self.threads]
        return self.lines(*self.ours(), *arguments)[0]["fma"]

    def quiet(self):
        """Waits, at most 12 s, until the machine gives what it can: virtual cores may share a real
        one."""
        end = time.time() + 12
        while (peak := self.peak()) < 0.92 * self.best and time.time() < end:
            time.sleep(0.4)
        self.best = max(self.best, peak)
        return peak

    def measure(self, *command):
        before = self.quiet()
        lines = self.lines(*command)
        after = self.peak()
        for line in lines:
            line.setdefault("fma", [before, after])
        return lines


def train(options):
    paths = {workload: images(options.data, workload) for workload in options.workloads}
    for threads in options.threads:
        machine = Machine(threads, options)
        for workload in options.workloads:
            path = paths[workload]
            about = dict(data=path.stem, trim=options.trim, busy=options.busy, isa=options.isa)
            arguments = ["--workload", workload, "--threads", threads, "--data", path]
            arguments += ["--repeats", options.repeats, "--seconds", options.seconds]
            for round_number in range(options.rounds):
                for name, variant, program, known in PEERS:
                    names = {name, f"{name} {variant}"}
                    wanted = not options.peers or names & set(options.peers)
                    wanted = wanted and not (options.isa and name in NOT_TOLD)
                    command = program_of(program, options.isa)
                    if workload not in known or not wanted or command is None:
                        continue
                    ours = machine.measure(*machine.ours(), *arguments)
                    theirs = machine.measure(*command, *arguments, "--variant", variant)
                    record(options, ours, theirs, round=round_number, **about)


def busy_core():
    """Trains W1 on the last core until it is killed."""
    last = sorted(os.sched_getaffinity(0))[-1:]
    data = images("sparse", "W1")
    command = [binaries("") / "narrows-peer", "--workload", "W1", "--data", data]
    return subprocess.Popen(
        [*map(str, command), "--repeats", "1", "--seconds", "1e6"],
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, last),
    )


def program_of(program, isa):
    """How a peer is started; `None` if it is not installed."""
    binary = binaries(isa) / program
    if program.endswith(".py"):
        python = WORK / "venv/bin/python"
        return [python, HERE / "python" / program] if python.exists() else None
    return [binary] if binary.exists() else None


def gemm(options):
    shapes = HERE / "shapes.txt"
    for threads in options.threads:
        machine = Machine(threads, options)
        for round_number in range(options.rounds):
            arguments = [shapes, threads, options.repeats, *filter(None, [options.isa])]
            ours_and_rust = [binaries(options.isa) / "gemm-peers", *arguments]
            for library in ("numpy", "torch"):
                python = program_of("gemm_peer.py", options.isa)
                ours = machine.measure(*ours_and_rust)
                theirs = []
                if python:
                    theirs = machine.measure(*python, library, shapes, threads, options.repeats)
                about = dict(busy=options.busy, isa=options.isa)
                record(options, ours, theirs, round=round_number, **about)


def record(options, ours, theirs, **about):
    """Appends a pair: ours, and what a peer did straight after it."""
    processor = next(line for line in open("/proc/cpuinfo") if line.startswith("model name"))
    about.update(processor=processor.split(":")[1].strip(), date=datetime.date.today().isoformat())
    with open(options.results, "a") as file:
        if ours and ours[0]["workload"] == "gemm":
            for line in ours + theirs:
                file.write(json.dumps(dict(line, **about)) + "\n")
        elif ours and theirs:
            file.write(json.dumps(dict(about, ours=ours[0], peer=theirs[0])) + "\n")
            print(tables.pair(ours[0], theirs[0]), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("setup", help="install the peers, and build ours")
    add.add_argument(
        "--only", nargs="*", help="some of: python gemm candle burn (ours is always built)"
    )
    for name, text in (("train", "measure the workloads"), ("gemm", "measure matrix products")):
        add = commands.add_parser(name, help=text)
        add.add_argument("--threads", type=int, nargs="+", default=[1, 2])
        add.add_argument("--rounds", type=int, default=3, help="how often everybody has a turn")
        add.add_argument(
            "--repeats", type=int, default=5, help="measurements of a turn, whose median counts"
        )
        add.add_argument(
            "--trim", action="store_true", help="leave glibc's malloc as it is, which slows peers"
        )
        add.add_argument(
            "--isa", default="", choices=["", "avx2"], help="leave newer instructions alone"
        )
        add.add_argument(
            "--busy", action="store_true", help="keep the last core at work meanwhile, by training"
        )
        if name == "train":
            add.add_argument(
                "workloads", nargs="*", default=sorted(TORCH)
            )
            add.add_argument("--seconds", type=float, default=0.5, help="of a measurement")
            add.add_argument(
                "--data", default="sparse", help="sparse, dense, or a folder with MNIST's files"
            )
            add.add_argument(
                "--peers",
                nargs="+",
                help="only these: torch 'torch tuned' jax onnxruntime sklearn burn candle",
            )
    commands.add_parser("table", help="make the table anew from the results")
    for add in commands.choices.values():
        add.add_argument("--results", type=pathlib.Path, default=WORK / "results.jsonl")
        add.add_argument("--table", type=pathlib.Path, default=WORK / "table.md")
    options = parser.parse_args()
    if options.command == "setup":
        return setup(options)
    if options.command != "table":
        neighbour = busy_core() if options.busy else None
        try:
            {"train": train, "gemm": gemm}[options.command](options)
        finally:
            if neighbour:
                neighbour.kill()
    text = tables.make([json.loads(line) for line in open(options.results)])
    options.table.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
