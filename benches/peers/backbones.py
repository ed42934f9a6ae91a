"""EfficientNet-Lite0 and ResNet-18 at 224 pixels, f32, one thread: ours, ONNX Runtime and PyTorch
in turns.

    cargo bench --bench backbones --no-run          # prints the path of the program
    python benches/peers/backbones.py PROGRAM [--rounds 3] [--seconds 2] [--isa avx512]

Needs torch, torchvision, timm, onnx, onnxscript and onnxruntime. Each figure is the median of
repeated calls; a line has the median over the rounds, with least and most, and the better peer over
ours. PyTorch runs in the order of channels that is faster, and compiled too with --compile.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import time

CASES = [(w, b) for w in ("predict", "train") for b in (1, 32)]
MODELS = {"lite0": "tf_efficientnet_lite0", "resnet18": "resnet18"}


def median_ms(seconds, work):
    work()
    start, times = time.perf_counter(), []
    while len(times) < 3 or time.perf_counter() - start < seconds:
        begun = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - begun))
    return statistics.median(times)


def peer(name, model, work, batch, seconds, compiled):
    """One figure of a peer, in a process of its own."""
    import timm
    import torch
    import torchvision

    torch.set_num_threads(1)
    torch.manual_seed(1)
    if model == "lite0":
        network = timm.create_model(MODELS[model], pretrained=False)
    else:
        network = torchvision.models.resnet18(weights=None)
    x = torch.randn(batch, 3, 224, 224)
    if name == "onnxruntime":
        import io

        import onnxruntime

        file = io.BytesIO()
        torch.onnx.export(network.eval(), (x,), file, dynamo=False, opset_version=17)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            file.getvalue(), options, providers=["CPUExecutionProvider"]
        )
        feed = {session.get_inputs()[0].name: x.numpy()}
        return median_ms(seconds, lambda: session.run(None, feed))
    best = []
    for order in (torch.contiguous_format, torch.channels_last):
        network, x = network.to(memory_format=order), x.to(memory_format=order)
        run = torch.compile(network) if compiled else network
        if work == "predict":
            network.eval()
            with torch.inference_mode():
                best.append(median_ms(seconds, lambda: run(x)))
        else:
            network.train()
            classes = torch.arange(batch)
            optimizer = torch.optim.Adam(network.parameters(), 1e-3)

            def step():
                optimizer.zero_grad(set_to_none=True)
                torch.nn.functional.cross_entropy(run(x), classes).backward()
                optimizer.step()

            best.append(median_ms(seconds, step))
    return min(best)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--isa", default="avx512")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--peer", nargs=4)
    args = parser.parse_args()
    if args.peer:
        name, model, work, batch = args.peer
        print(peer(name, model, work, int(batch), args.seconds, args.compile))
        return
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if args.isa == "avx2":
        environment |= {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}

    def text(command):
        return subprocess.run(
            command, check=True, capture_output=True, text=True, env=environment
        ).stdout

    for model in MODELS:
        for work, batch in CASES:
            found = {}
            for _ in range(args.rounds):
                ours = text([args.program, model, work, str(batch), args.isa, str(args.seconds)])
                found.setdefault("ours", []).append(float(re.search(r": ([\d.]+) ms", ours)[1]))
                for name in ("onnxruntime", "torch"):
                    if name == "onnxruntime" and (work == "train" or args.isa == "avx2"):
                        continue
                    command = [sys.executable, __file__, args.program, "--seconds",
                               str(args.seconds), "--peer", name, model, work, str(batch)]
                    command += ["--compile"] if args.compile else []
                    found.setdefault(name, []).append(float(text(command).split()[-1]))
            part = re.search(r"(\d+) % of", ours)[1]
            line = f"{model} {work} {batch:2}:"
            for name, times in found.items():
                times.sort()
                middle = statistics.median(times)
                line += f"  {name} {middle:.1f} ({times[0]:.1f}-{times[-1]:.1f}) ms"
            peers = [statistics.median(t) for name, t in found.items() if name != "ours"]
            ratio = min(peers) / statistics.median(found["ours"])
            print(f"{line}  {ratio:.2f} times the better, {part} % of the peak", flush=True)


main()
