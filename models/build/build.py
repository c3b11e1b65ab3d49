"""build.py FLOATS OUT [--check] [--float FOLDER]: the int8 models from the float originals and the ranges in calibration/.

The same bytes every time: nothing here depends on the machine, the order of threads or a BLAS. --check compares with what is
in OUT instead of writing, and fails if a byte differs. --float writes the networks whose originals are ONNX, which the runtime
does not read, as a set in float32 to compare with (`smiletill accuracy --compare float=FOLDER`).
"""

import argparse
import hashlib
import json
import pathlib
import sys

import numpy as np

import floats
import graph
import nets
import onnxgraph
import quantise

HERE = pathlib.Path(__file__).parent


def heads(g):
    """The convolutions whose result leaves the network: they stay float, as int8 steps would be too coarse for places."""
    tail = {l.name for l in g.layers if l.kind in ("reshape", "concat")}
    return {l.name for l in g.layers if l.kind == "conv" and (
        l.name in g.outputs or all(c.name in tail for c in g.consumers(l.name)))}


def original(net, floats_dir):
    """The float original as simple layers."""
    path = floats_dir / net.source
    g = graph.simplify(onnxgraph.read(path) if path.suffix == ".onnx" else graph.read(path))
    if g.scaling not in (None, (net.subtract, net.divide)):
        raise ValueError(f"{path}: the network scales its pixels itself, by {g.scaling}, and is not fed so")
    return g


def prepare(net, floats_dir):
    """The network ready for int8: graph, ranges of its activations, names of its layers that stay float."""
    g = original(net, floats_dir)
    stored = json.loads((HERE / "calibration" / f"{net.name}.json").read_text())
    ranges = {n: (np.array(r["low"]), np.array(r["high"])) for n, r in stored["ranges"].items()}
    quantise.flip_signs(g, ranges)
    quantise.clip_slopes(g)
    quantise.equalise(g, ranges, net.pointwise)
    for name, correction in stored.get("bias", {}).items():
        layer = g.layer(name)
        layer.bias = layer.bias + np.array(correction)
    return g, ranges, heads(g) if net.float_heads else set()


def build(net, floats_dir):
    g, ranges, floating = prepare(net, floats_dir)
    return quantise.Int8(g, ranges, floating, f"smiletill {net.task}, int8, from {net.source}", net.untied).build()


def write_floats(floats_dir, folder, manifest):
    """A set of the float networks, with the words of the int8 ones' manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = []
    for net in nets.NETS:
        if not net.source.endswith(".onnx") or net.small:
            continue
        g = original(net, floats_dir)
        data = floats.write(g, g.outputs)
        path = folder / (net.task + ".tflite")
        path.write_bytes(data)
        model = next(m for m in manifest["models"] if m["task"] == net.task)
        listed.append({k: v for k, v in model.items() if k not in ("card", "accuracy", "built_by")} | {
            "file": path.name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "arithmetic": "float32"})
    (folder / "manifest.json").write_text(json.dumps({"format": 1, "models": listed}, indent=2) + "\n")


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("floats", type=pathlib.Path)
    p.add_argument("out", type=pathlib.Path)
    p.add_argument("--check", action="store_true")
    p.add_argument("--float", type=pathlib.Path)
    args = p.parse_args()
    if args.float:
        write_floats(args.floats, args.float, json.loads((HERE.parent / "manifest.json").read_text()))
    bad = 0
    for net in nets.NETS:
        data = build(net, args.floats)
        path = args.out / net.output
        word = ""
        if args.check:
            same = path.is_file() and path.read_bytes() == data
            word, bad = ("same as in " if same else "DIFFERS from ") + str(args.out), bad + (not same)
        else:
            path.write_bytes(data)
        print(f"{net.output:26} {len(data):9,d} bytes  sha256 {hashlib.sha256(data).hexdigest()}  {word}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
