"""A Graph as a float .tflite, every layer of interest an output: what calibration looks at."""

import numpy as np

import writer
from writer import BUILTIN, Writer


def write(graph, outputs):
    w = Writer("float reference")
    t = {"input": w.tensor("input", graph.input_shape, np.float32)}
    for l in graph.layers:
        out = t[l.name] = w.tensor(l.name, l.shape, np.float32)
        emit(w, l, [t[i] for i in l.inputs], out)
    return w.bytes([t["input"]], [t[o] for o in outputs])


def emit(w, l, ins, out, half=False):
    """Writes one layer in float; half stores its weights as float16."""

    def const(tag, a):
        if not half:
            return w.tensor(f"{l.name}/{tag}", a.shape, np.float32, data=a)
        stored = w.tensor(f"{l.name}/{tag}/half", a.shape, np.float16, data=a)
        return w.op(BUILTIN.DEQUANTIZE, 2, [stored], w.tensor(f"{l.name}/{tag}", a.shape, np.float32))

    if "pads" in l.options:
        ins = [w.op(BUILTIN.PAD, 1, [*ins, w.paddings(l)], w.tensor(f"{l.name}/padded", l.options["padded"], np.float32))]
    match l.kind:
        case "conv":
            w.op(BUILTIN.CONV_2D, 1, [*ins, const("weights", l.weights), const("bias", l.bias)], out,
                 *writer.conv_options(l, False))
        case "depthwise":
            w.op(BUILTIN.DEPTHWISE_CONV_2D, 1, [*ins, const("weights", l.weights), const("bias", l.bias)], out,
                 *writer.conv_options(l, True))
        case "prelu" if l.options.get("flipped"):  # see quantise.flip_signs
            part = w.tensor(f"{l.name}/part", l.shape, np.float32)
            w.op(BUILTIN.MUL, 1, [*ins, const("factor", (l.slope - 1).reshape(1, 1, -1))], part,
                 *writer.plain_options("mul", writer.RELU))
            w.op(BUILTIN.ADD, 1, [*ins, part], out, *writer.plain_options("add"))
        case "prelu":
            w.op(BUILTIN.PRELU, 1, [*ins, const("slope", l.slope.reshape(1, 1, -1))], out)
        case "relu":
            w.op(BUILTIN.RELU, 1, ins, out)
        case "add":
            w.op(BUILTIN.ADD, 1, ins, out, *writer.plain_options("add", int(l.options.get("relu", False))))
        case "scale":
            w.op(BUILTIN.MUL, 1, ins, out, *writer.plain_options("mul"))
        case "mean":
            w.op(BUILTIN.MEAN, 1, [*ins, w.axes(l)], out, *writer.mean_options())
        case "sigmoid":
            w.op(BUILTIN.LOGISTIC, 1, ins, out)
        case "maxpool":
            w.op(BUILTIN.MAX_POOL_2D, 1, ins, out, *writer.pool_options(l))
        case "pad":
            p = l.options["paddings"]
            w.op(BUILTIN.PAD, 1, [*ins, w.tensor(f"{l.name}/paddings", p.shape, np.int32, data=p)], out)
        case "concat":
            w.op(BUILTIN.CONCATENATION, 1, ins, out, *writer.concat_options(l.options["axis"]))
        case "reshape":
            shape = w.tensor(f"{l.name}/shape", (len(l.shape),), np.int32, data=np.array(l.shape))
            w.op(BUILTIN.RESHAPE, 1, [*ins, shape], out, *writer.reshape_options(l.shape))
        case _:
            raise ValueError(l.kind)
