"""calibrate.py FLOATS CROPS [NETWORK]: measures the ranges of every activation, and by how much int8 shifts the mean of each channel,
and writes both to calibration/<network>.json.

CROPS is a folder that `smiletill crops` made: per task a file of uint8 RGB inputs, <task>.u8. What is kept are numbers a channel
over all photos together, nothing of any photo.
"""

import json
import pathlib
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

import build
import floats
import nets
import quantise

HERE = pathlib.Path(__file__).parent


def extremes(net, g, crops):
    """Lowest and highest value of each channel in each photo: {layer: (low [photos, channels], high)}."""
    names = [l.name for l in g.layers if l.kind not in ("reshape", "concat")]
    run = Interpreter(model_content=floats.write(g, names), num_threads=2)
    run.allocate_tensors()
    source = run.get_input_details()[0]["index"]
    outputs = [d["index"] for d in run.get_output_details()]
    found = {n: ([], []) for n in names}
    for i, crop in enumerate(crops):
        run.set_tensor(source, ((crop[None].astype(np.float32) - net.subtract) / net.divide).astype(np.float32))
        run.invoke()
        for n, o in zip(names, outputs):
            a = run.get_tensor(o)
            a = a.reshape(-1, a.shape[-1])
            found[n][0].append(a.min(0))
            found[n][1].append(a.max(0))
        if i % 100 == 0:
            print(f"{net.name}: {i} of {len(crops)} photos", file=sys.stderr)
    return {n: (np.array(low), np.array(high)) for n, (low, high) in found.items()}


def means(net, model, names, crops):
    """Mean of each channel of the named layers over the photos: {layer: [channels]}."""
    run = Interpreter(model_content=model, num_threads=2, experimental_preserve_all_tensors=True)
    run.allocate_tensors()
    source = run.get_input_details()[0]["index"]
    tensors = {d["name"]: d for d in run.get_tensor_details()}
    total = {n: 0.0 for n in names}
    for crop in crops:
        run.set_tensor(source, ((crop[None].astype(np.float32) - net.subtract) / net.divide).astype(np.float32))
        run.invoke()
        for n in names:
            a = run.get_tensor(tensors[n]["index"]).astype(np.float64)
            if tensors[n]["dtype"] == np.int8:
                scale, zero = tensors[n]["quantization"]
                a = (a - zero) * scale
            total[n] = total[n] + a.reshape(-1, a.shape[-1]).mean(0) / len(crops)
    return total


def corrections(net, floats_dir, crops):
    """Bias correction (Nagel et al. 2019), layer by layer from the front, each seeing those before it corrected."""
    g, ranges, floating = build.prepare(net, floats_dir)
    names = [l.name for l in g.layers if l.kind in ("conv", "depthwise") and l.name not in floating]
    wanted = means(net, floats.write(g, g.outputs), names, crops)
    found = {}
    for i, n in enumerate(names):
        model = quantise.Int8(g, ranges, floating, "", net.untied).build()
        layer = g.layer(n)
        found[n] = rounded(wanted[n] - means(net, model, [n], crops)[n])
        layer.bias = layer.bias + np.array(found[n])
        if i % 10 == 0:
            print(f"{net.name}: bias of {i} of {len(names)} layers", file=sys.stderr)
    return found


def rounded(a):
    return [float(f"{v:.5g}") for v in a]


def save(path, **parts):
    """One line a layer, so that a change can be read."""
    text = []
    for key, value in parts.items():
        if isinstance(value, dict):
            lines = ",\n".join(f'  "{n}": ' + json.dumps(v, separators=(",", ":")) for n, v in value.items())
            text.append(f'"{key}": {{\n{lines}\n}}')
        else:
            text.append(f'"{key}": {json.dumps(value)}')
    path.write_text("{" + ",\n".join(text) + "}\n")


def main(floats_dir, crops_dir, name=None):
    for net in nets.NETS:
        if name not in (None, net.name):
            continue
        crops = np.fromfile(crops_dir / f"{net.task}.u8", np.uint8).reshape(-1, net.side, net.side, 3)
        crops = crops[..., ::-1] if net.bgr else crops
        g = build.original(net, floats_dir)
        ranges = {"input": {"low": [-net.subtract / net.divide], "high": [(255 - net.subtract) / net.divide]}}
        for n, (low, high) in extremes(net, g, crops).items():
            ranges[n] = {"low": rounded(np.quantile(low, 1 - net.quantile, axis=0)),
                         "high": rounded(np.quantile(high, net.quantile, axis=0))}
        path = HERE / "calibration" / f"{net.name}.json"
        path.parent.mkdir(exist_ok=True)
        save(path, photos=len(crops), quantile=net.quantile, ranges=ranges)
        if net.bias_photos:
            bias = corrections(net, floats_dir, crops[::max(1, len(crops) // net.bias_photos)])
            save(path, photos=len(crops), quantile=net.quantile, ranges=ranges, bias=bias)
        print(f"{path}: {len(crops)} photos")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), *sys.argv[3:])
