"""Results, lines of JSON, into tables of Markdown."""

from collections import defaultdict

# A pair counts only if the machine was about as fast for both.
MAX_DRIFT = 0.10
# Metric, unit, and whether more is better.
METRICS = {
    "W1": [("samples_per_s", "samples/s", True)],
    "W1b": [("samples_per_s", "samples/s", True)],
    "W2": [("samples_per_s", "samples/s", True)],
    "W3": [("samples_per_s", "samples/s", True)],
    "W4": [("wall_s", "s", False)],
    "W4h": [("wall_s", "s", False)],
    "W6": [("samples_per_s", "samples/s", True)],
    "W6c": [("samples_per_s", "samples/s", True)],
    "W5": [
        ("latency_us", "us, one row", False),
        ("samples_per_s", "rows/s, 1,024 at a time", True),
    ],
}
COSTS = [
    ("start_to_first_step_s", "s to the first step", False),
    ("peak_rss_mb", "MB at most", False),
]


def median(values):
    values = sorted(values)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def name(line):
    return (
        line["framework"]
        if line["variant"] == "default"
        else f"{line['framework']} {line['variant']}"
    )


def pair(ours, peer):
    """A pair in one line, to be watched."""
    parts = [f"{ours['workload']}, {ours['threads']:.0f} threads, {name(peer)}:"]
    for key, unit, more in METRICS[ours["workload"]]:
        parts.append(
            f"{number(ours[key])} against {number(peer[key])} {unit}, "
            f"{ratio(ours, peer, key, more):.2f} times;"
        )
    return " ".join(parts + [f"FMA {ours['fma'][0]:.0f}, {peer['fma'][0]:.0f}"])


def ratio(ours, peer, key, more):
    return ours[key] / peer[key] if more else peer[key] / ours[key]


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def drift(pair):
    rates = [sum(line["fma"]) / len(line["fma"]) for line in (pair["ours"], pair["peer"])]
    return max(rates) / min(rates) - 1


def make(results):
    """All tables: those of the workloads, and that of the matrix products."""
    pairs = [result for result in results if "peer" in result]
    kept = [pair for pair in pairs if drift(pair) <= MAX_DRIFT]
    parts = []
    if pairs:
        parts.append(workloads(kept, len(pairs) - len(kept)))
    products = [result for result in results if result.get("workload") == "gemm"]
    if products:
        parts.append(gemm(products))
    return "\n".join(parts)


def workloads(pairs, dropped):
    """A table for each number of threads and all that is not as usual."""
    tables = defaultdict(lambda: defaultdict(list))
    for pair in pairs:
        table = tables[int(pair["ours"]["threads"]), circumstances(pair)]
        table[pair["ours"]["workload"], pair["data"]].append(pair)
    text = ""
    for (threads, notes), groups in sorted(tables.items()):
        text += f"\n{', '.join(filter(None, [f'threads: {threads}', notes]))}\n\n"
        text += "| workload | data | ours (least to most) | of FMA peak | best peer "
        text += "| times as good (least to most) | other peers |\n" + "|---" * 7 + "|\n"
        for (workload, data), group in sorted(groups.items()):
            costs = COSTS if workload in ("W1", "W2", "W3") else []
            for key, unit, more in METRICS[workload] + costs:
                text += row([workload, data], group, key, unit, more) + "\n"
    sides = [pair[side] for pair in pairs for side in ("ours", "peer")]
    versions = sorted({f"{side['framework']} {side['version']}" for side in sides})
    dates, processors = ({pair[key] for pair in pairs} for key in ("date", "processor"))
    return text + (
        f"\n{', '.join(sorted(processors))}; {', '.join(sorted(dates))}; {', '.join(versions)}. "
        f"{len(pairs)} pairs, ours and a peer straight after; {dropped} more left out, whose FMA "
        f"rates differ by more than {MAX_DRIFT:.0%}. Figures are medians over rounds, ratios the "
        "medians of the pairs' ratios; the best peer is the one with the smallest ratio.\n"
    )


def circumstances(pair):
    """All that is not as usual."""
    isa, trim, busy = pair.get("isa"), pair.get("trim"), pair.get("busy")
    notes = [isa and f"--isa {isa}", trim and "--trim", busy and "--busy"]
    return ", ".join(filter(None, notes))


def row(cells, group, key, unit, more):
    peers = defaultdict(list)
    for pair in group:
        peers[name(pair["peer"])].append(pair)
    ratios = {
        peer: median([ratio(p["ours"], p["peer"], key, more) for p in pairs])
        for peer, pairs in peers.items()
    }
    figures = {peer: median([p["peer"][key] for p in pairs]) for peer, pairs in peers.items()}
    order = sorted(peers, key=ratios.get)
    best, ours = order[0], [pair["ours"][key] for pair in group]
    of_best = [ratio(p["ours"], p["peer"], key, more) for p in peers[best]]
    peak = ""
    if key == "samples_per_s" and ours_gflops(group):
        of_peak = [pair["ours"]["gflops"] / (sum(pair["ours"]["fma"]) / 2) for pair in group]
        fma = median([sum(pair["ours"]["fma"]) / 2 for pair in group])
        peak = f"{median(of_peak):.0%} of {fma:.0f}"
    others = [f"{peer} {number(figures[peer])} ({ratios[peer]:.2f})" for peer in order[1:]]
    spread = f"({number(min(ours))} to {number(max(ours))})"
    times = f"**{ratios[best]:.2f}** ({min(of_best):.2f} to {max(of_best):.2f})"
    cells = cells + [
        f"{number(median(ours))} {unit} {spread}",
        peak,
        f"{best} {number(figures[best])}",
        times,
        "; ".join(others),
    ]
    return "| " + " | ".join(cells) + " |"


def ours_gflops(group):
    """True if the multiply-adds of the workload are counted."""
    return all(pair["ours"]["gflops"] for pair in group)


LIBRARIES = ["gemm", "faer", "matrixmultiply", "numpy", "torch"]


def gemm(lines):
    """GFLOP/s of each library on each shape, and ours against the best of them.

    The libraries in Rust had their turns within our process, so their ratios are round by round.
    numpy and torch ran just after it in another, so theirs are those of medians.
    """
    shapes = defaultdict(lambda: defaultdict(list))
    for line in lines:
        group = shapes[int(line["threads"]), circumstances(line), line["shape"]]
        group["fma"] += line["fma"] if "narrows" in line else []
        if "narrows" in line:
            group["rounds"].append(line)
        for library in ["narrows", *LIBRARIES]:
            group[library] += line.get(library, [])
    text = ""
    for threads, notes in sorted({key[:2] for key in shapes}):
        text += f"\nMatrix products, {', '.join(filter(None, [f'threads: {threads}', notes]))}; "
        text += "GFLOP/s\n\n"
        text += (
            "| m n k | ours | of FMA peak | best library | ratio | "
            + " | ".join(LIBRARIES)
            + " |\n"
        )
        text += "|---" * (5 + len(LIBRARIES)) + "|\n"
        all_ratios = []
        for (*of, shape), group in shapes.items():
            if of != [threads, notes]:
                continue
            rates = {library: median(group[library]) for library in LIBRARIES if group[library]}
            ours, best = median(group["narrows"]), max(rates, key=rates.get)
            by_round = [
                a / b
                for line in group["rounds"]
                for a, b in zip(line["narrows"], line.get(best, []))
            ]
            ratio = median(by_round) if by_round else ours / rates[best]
            all_ratios.append(ratio)
            cells = [
                shape,
                f"{ours:.1f}",
                f"{ours / median(group['fma']):.0%}",
                best,
                f"{ratio:.2f}",
            ]
            cells += [f"{rates[library]:.1f}" if library in rates else "" for library in LIBRARIES]
            text += "| " + " | ".join(cells) + " |\n"
        text += (
            f"\nMedian ratio over {len(all_ratios)} shapes: **{median(all_ratios):.3f}**, "
            f"least {min(all_ratios):.2f}.\n"
        )
    return text
