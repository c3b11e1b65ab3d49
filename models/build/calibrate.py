"""calibrate.py FLOATS CROPS: measures the ranges of every activation and writes calibration/<task>.json.

CROPS is a folder that `smiletill crops` made: per task a file of uint8 RGB inputs, <task>.u8. What is kept are numbers a channel
over all photos together, nothing of any photo.
"""

import json
import pathlib
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

import floats
import graph
import nets

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
            print(f"{net.task}: {i} of {len(crops)} photos", file=sys.stderr)
    return {n: (np.array(low), np.array(high)) for n, (low, high) in found.items()}


def rounded(a):
    return [float(f"{v:.5g}") for v in a]


def main(floats_dir, crops_dir):
    for net in nets.NETS:
        crops = np.fromfile(crops_dir / f"{net.task}.u8", np.uint8).reshape(-1, net.side, net.side, 3)
        g = graph.simplify(graph.read(floats_dir / net.source))
        ranges = {"input": {"low": [-net.subtract / net.divide], "high": [(255 - net.subtract) / net.divide]}}
        for n, (low, high) in extremes(net, g, crops).items():
            ranges[n] = {"low": rounded(np.quantile(low, 1 - net.quantile, axis=0)),
                         "high": rounded(np.quantile(high, net.quantile, axis=0))}
        lines = ",\n".join(f'  "{n}": ' + json.dumps(r, separators=(",", ":")) for n, r in ranges.items())
        path = HERE / "calibration" / f"{net.task}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'{{"photos": {len(crops)}, "quantile": {net.quantile}, "ranges": {{\n{lines}\n}}}}\n')
        print(f"{path}: {len(crops)} photos")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
