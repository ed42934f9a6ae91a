"""Runs of the program, their results, and the count of the trials of a script."""

import argparse
import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]


class Said:
    """What a run of the program said. A negative code is the signal that killed it."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __str__(self):
        return f"exit code {self.code}: {(self.out[-200:] + self.err[-800:]).strip()}"

    def is_refusal(self):
        """True for an error as a user should see it: one line, and exit code 2."""
        errors = [line for line in self.err.splitlines() if line.startswith("narrows: ")]
        return self.code == 2 and len(errors) == 1 and "panicked" not in self.err


class Trials:
    """The trials of one script, in a scratch folder."""

    def __init__(self, about, long, short, options=()):
        parser = argparse.ArgumentParser(description=about)
        parser.add_argument("--narrows", type=pathlib.Path,
                            help="program to try [default: a release build]")
        parser.add_argument("--short", action="store_true", help="a part, for CI")
        parser.add_argument("--amount", type=int, help=f"trials [default: {long}; short: {short}]")
        parser.add_argument("--seed", type=int, default=1, help="seed of the random moments")
        for name, settings in options:
            parser.add_argument(name, **settings)
        self.options = parser.parse_args()
        self.short = self.options.short
        self.amount = self.options.amount or (short if self.short else long)
        self.random = random.Random(self.options.seed)
        self.name = pathlib.Path(sys.argv[0]).name
        self.done = self.failed = 0
        self.begun = time.time()
        self._scratch = tempfile.TemporaryDirectory(prefix=f"narrows-{self.name}-")
        self.folder = pathlib.Path(self._scratch.name)
        self.program = self.options.narrows
        if self.program is None:
            subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=TOP, check=True)
            target = os.environ.get("CARGO_TARGET_DIR", TOP / "target")
            self.program = pathlib.Path(target) / "release" / "narrows"
        self.program = self.program.resolve()

    def start(self, line, before=(), **settings):
        """A run of `line`, in progress; `before` is a program that it runs under."""
        command = [*map(str, before), str(self.program), *line.split()]
        return subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, **settings)

    def run(self, line, before=(), **settings):
        return end(self.start(line, before, **settings))

    def succeed(self, line):
        """Runs `line`, without which the script cannot go on."""
        said = self.run(line)
        if said.code != 0:
            sys.exit(f"{self.name}: narrows {line}: {said}")
        return said

    def check(self, good, about):
        """Counts a trial."""
        self.done += 1
        if not good:
            self.failed += 1
            print(f"FAILED: {about}", flush=True)
        return good

    def remove(self, run):
        shutil.rmtree(self.folder / run, ignore_errors=True)

    def copy(self, run, to):
        self.remove(to)
        shutil.copytree(self.folder / run, self.folder / to)

    def results(self, run):
        return results(self.folder / run)

    def finish(self, about):
        """Prints the figures, and ends the script."""
        seconds = time.time() - self.begun
        form = "short" if self.short else "long"
        print(f"{self.name}: {about}: {self.done} trials, {self.failed} failures, "
              f"{seconds:.0f} s, {form} form", flush=True)
        sys.exit(1 if self.failed or not self.done else 0)


def end(process, timeout=600):
    out, err = process.communicate(timeout=timeout)
    return Said(process.returncode, out, err)


def not_run(why):
    """Ends a script that this machine cannot run; a test that did not run is no pass."""
    print(f"{pathlib.Path(sys.argv[0]).name}: NOT RUN: {why}", flush=True)
    sys.exit(0)


def results(folder):
    """All that a run computed, as one SHA-256: its weights, and its numbers without times."""
    digest = hashlib.sha256()
    for name in ("model.safetensors", "metrics.csv", "results.jsonl", "summary.json"):
        file = folder / name
        if not file.exists():
            continue
        digest.update(name.encode())
        if name == "model.safetensors":
            digest.update(file.read_bytes())
        elif name == "metrics.csv":
            # The last two columns are of the time.
            rows = (line.rsplit(",", 2)[0] for line in file.read_text().splitlines())
            digest.update("\n".join(rows).encode())
        elif name == "summary.json":
            summary = json.loads(file.read_text())
            kept = {key: summary[key] for key in ("methods", "points", "pca") if key in summary}
            digest.update(json.dumps(without_times(kept)).encode())
    return digest.hexdigest()


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(x) for key, x in value.items() if "second" not in key}
    if isinstance(value, list):
        return [without_times(x) for x in value]
    return value


def wait(there, process, seconds=60):
    """Waits until `there` holds; False if the process ended before, or it took too long."""
    until = time.time() + seconds
    while not there():
        if process.poll() is not None or time.time() > until:
            return False
        time.sleep(0.005)
    return True
