#!/usr/bin/env python3
"""A roofline picture (Williams, Waterman, Patterson 2009) of what `narrows bench --json` measured.

    narrows bench --json > bench.json; roofline.py bench.json docs/results/roofline.png

Needs matplotlib (`$PEERS_WORK/venv/bin/pip install matplotlib`). Drawn are the roofs and the work
of one thread. Arithmetic intensity counts what has to move at least: every operand once.
"""

import json
import math
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

report = json.load(open(sys.argv[1]))
roofs = next(roofs for roofs in report["roofs"] if roofs["threads"] == 1)
work = [of for of in report["measurements"] if of["threads"] == 1]

figure, axes = plt.subplots(figsize=(10, 6), dpi=110)
low, high = 0.1, 2000
names = ["level 1", "level 2", "level 3", "memory"]
axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(1, roofs["fma"] * 2.2))
for level in roofs["bandwidths"]:
    ridge = roofs["fma"] / level["read"]
    axes.plot([low, ridge], [low * level["read"], roofs["fma"]], color="0.6", linewidth=1.2)
least_ridge = roofs["fma"] / max(level["read"] for level in roofs["bandwidths"])
axes.plot([least_ridge, high], [roofs["fma"]] * 2, color="0.3", linewidth=1.5)
peak_text = f"multiply-adds: {roofs['fma']:.0f} GFLOP/s"
axes.text(high / 1.1, roofs["fma"] * 1.08, peak_text, color="0.2", fontsize=9, ha="right")

markers = "o s ^ v D P X * h".split()
for of, marker in zip(work, markers):
    intensity, rate = of["flops"] / of["bytes"], of["flops"] / of["seconds"] / 1e9
    axes.plot(
        intensity, rate, marker, markersize=8, alpha=0.85, label=f"{of['name']}: {rate:.0f} GFLOP/s"
    )

axes.set_xlabel("arithmetic intensity, operations a byte")
axes.set_ylabel("GFLOP/s, one thread")
axes.set_title(f"{report['processor'] or 'unknown processor'}, {report['isa']}", fontsize=10)
axes.legend(fontsize=8, loc="lower right")
axes.grid(True, which="major", color="0.92")
figure.tight_layout()

# Labels lie on their lines, whose angle is known now; at different places, since two caches may be
# about as fast.
(left, bottom), (right, top) = axes.transData.transform([(1, 1), (10, 10)])
angle = math.degrees(math.atan2(top - bottom, right - left))
for level, name, at in zip(roofs["bandwidths"], names, [0.2, 0.135, 0.29, 0.6]):
    axes.text(
        at,
        at * level["read"],
        f"{name}: {level['read']:.0f} GB/s",
        color="0.3",
        fontsize=8,
        rotation=angle,
        rotation_mode="anchor",
        ha="center",
        va="center",
        bbox=dict(facecolor="white", edgecolor="none", pad=0.4),
    )
figure.savefig(sys.argv[2])
