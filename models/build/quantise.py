"""Turns a Graph with measured ranges into an int8 .tflite that XNNPACK runs from end to end.

Activations are int8 with a zero point, weights int8 a channel, sums int32. Inputs and outputs of the file are float32:
QUANTIZE and DEQUANTIZE stand at the edges, and the last layers may stay float (float16 on disk).

XNNPACK has no int8 PReLU. For a slope up to 1 it is exactly x + relu((slope - 1) x): one MUL with a fused RELU and one ADD.
For a slope above 1, -y = -x + relu((slope - 1) -x): the same form after flip_signs has negated the channel in the weights
around it. Where that cannot be done, because a sum reads the channel too, the slope is cut to 1 (clip_slopes).
"""

import numpy as np

import floats
import writer
from writer import BUILTIN, RELU, Writer


def single_path(graph, x):
    """The prelu after x, or None, and who reads the result; readers is empty where a channel of x cannot be rescaled
    because something else than a convolution reads it or it leaves the network."""
    group, readers = [x], graph.consumers(x.name)
    if len(readers) == 1 and readers[0].kind == "prelu":
        group, readers = [x, readers[0]], graph.consumers(readers[0].name)
    if any(l.name in graph.outputs for l in group) or any(r.kind not in ("conv", "depthwise") for r in readers):
        readers = []
    return group, readers


def rescale(group, readers, ranges, factor):
    """Multiplies the channels of group[0] by factor, and divides them out again where they are read. A prelu between
    keeps its slopes; negative factors need its other form (flip_signs)."""
    x = group[0]
    x.bias = x.bias * factor
    x.weights = x.weights * (factor[:, None, None, None] if x.kind == "conv" else factor)
    for r in readers:
        r.weights = r.weights / factor
    for l in group:
        low, high = ranges[l.name]
        ranges[l.name] = np.where(factor < 0, high, low) * factor, np.where(factor < 0, low, high) * factor


def flip_signs(graph, ranges):
    """Negates the channels whose PReLU has a slope above 1; afterwards that PReLU means x + relu((slope - 1) x)."""
    for x in [l for l in graph.layers if l.kind in ("conv", "depthwise")]:
        group, readers = single_path(graph, x)
        if len(group) == 2 and readers:
            rescale(group, readers, ranges, np.where(group[1].slope > 1, -1.0, 1.0))
            group[1].options["flipped"] = True


def clip_slopes(graph):
    for p in [l for l in graph.layers if l.kind == "prelu" and not l.options.get("flipped")]:
        p.slope = np.minimum(p.slope, 1)


# Chosen by the median cosine with the float embedding over photos; README.md has what each gave.
BEFORE_PRELU = 2.0  # a range before a PReLU counts this often: its rounding is multiplied by the slope
LEAST = 0.02  # of the widest channel: narrower ones are taken to be as wide as this


def equalise(graph, ranges, pointwise):
    """Cross-layer equalisation (Nagel et al. 2019): rescales channels between a convolution and its readers until they
    fill int8 alike, in full before depthwise convolutions, whose weights have a scale a channel, and to the power of
    pointwise (0..1) before others."""
    for x in [l for l in graph.layers if l.kind in ("conv", "depthwise")]:
        group, readers = single_path(graph, x)
        if not readers:
            continue
        widths = [np.maximum(ranges[l.name][1], -ranges[l.name][0]) for l in group]
        width = np.maximum(widths[0] * BEFORE_PRELU, widths[1]) if len(group) == 2 else widths[0]
        width = np.maximum(width, width.max() * LEAST)
        power = 1.0 if all(r.kind == "depthwise" for r in readers) else pointwise
        rescale(group, readers, ranges, np.power(width.max() / width, power))


def tieless(scales, into, out):
    """Weight scales a little wider, so that what a sum is multiplied with, into * scale / out, is an odd number over 2**17.
    XNNPACK rounds that product in float32 on x86-64 and in fixed point on arm64, which differ where it comes close to a half,
    one in 50,000 times. Such a factor makes the product exact in both, and a half next to impossible."""
    into, out = np.float32(into), np.float32(out)
    exact = []
    for s in scales:
        bits, wanted = 17, float(into) * float(s) / float(out)
        while wanted * 2**bits < 8:  # a coarser factor would cost more than an eighth of the weights' steps
            bits += 1
        factor = np.float32((int(np.ceil(wanted * 2**bits)) | 1) / 2**bits)
        near = [np.float32(float(factor) * float(out) / float(into))]
        for _ in range(4):
            near = [np.nextafter(near[0], np.float32(0)), *near, np.nextafter(near[-1], np.float32(np.inf))]
        exact.append(min(near, key=lambda n: abs(float(into * n / out) - float(factor))))
    return np.array(exact, np.float32)


class Int8:
    """One file under construction. ranges maps a layer to (low, high) of each of its channels."""

    def __init__(self, graph, ranges, floating, description, untied=False):
        self.graph, self.ranges, self.floating, self.untied = graph, ranges, floating, untied
        self.w = Writer(description)
        self.ints, self.floats, self.quant = {}, {}, {}

    def params(self, low, high):
        """Scale and zero point of a range, which always includes 0."""
        low, high = min(float(low), 0.0), max(float(high), 0.0)
        scale = float(np.float32(max(high - low, 1e-6) / 255))
        return scale, int(np.clip(round(-128 - low / scale), -128, 127))

    def activation(self, name, shape, params):
        self.quant[name] = params
        self.ints[name] = self.w.tensor(name, shape, np.int8, (*params, 0))
        return self.ints[name]

    def build(self):
        g = self.graph
        self.floats["input"] = source = self.w.tensor("input", g.input_shape, np.float32)
        self.shapes = {"input": g.input_shape, **{l.name: l.shape for l in g.layers}}
        for l in g.layers:
            if l.name in self.floating or l.kind in ("reshape", "concat"):
                out = self.floats[l.name] = self.w.tensor(l.name, l.shape, np.float32)
                floats.emit(self.w, l, [self.as_float(i) for i in l.inputs], out, half=True)
            else:
                getattr(self, l.kind)(l, [self.as_int(i) for i in l.inputs])
        return self.w.bytes([source], [self.as_float(o) for o in g.outputs])

    def as_int(self, name):
        if name not in self.ints:
            self.activation(name, self.shapes[name], self.params(*self.span(name)))
            self.w.op(BUILTIN.QUANTIZE, 1, [self.floats[name]], self.ints[name])
        return self.ints[name]

    def as_float(self, name):
        if name not in self.floats:
            self.floats[name] = self.w.tensor(name + "/float", self.shapes[name], np.float32)
            self.w.op(BUILTIN.DEQUANTIZE, 2, [self.ints[name]], self.floats[name])
        return self.floats[name]

    def span(self, name):
        low, high = self.ranges[name]
        return np.min(low), np.max(high)

    def out(self, l, params=None):
        return self.activation(l.name, l.shape, params or self.params(*self.span(l.name)))

    def apart(self, low, high, values):
        """The scale and zero point of a range, a little wider, for which none of the values that can come, taken as steps of
        it, is next to a half: of sums and products, too, x86-64 and arm64 round what lies within a millionth of one differently.
        values is in the unit of the range."""
        first = self.params(low, high)
        if not self.untied:
            return first

        def nearest(p):
            steps = values / p[0]
            return np.abs(steps - np.floor(steps) - 0.5)[np.abs(steps) < 256].min()

        wider = [self.params(low * (1 + k / 4096), high * (1 + k / 4096)) for k in range(64)]
        return max(wider, key=nearest)

    def values(self, name):
        """All that an activation can be."""
        scale, zero = self.quant[name]
        return (np.arange(-128, 128) - zero) * scale

    def conv(self, l, ins, depthwise=False):
        if "pads" in l.options:
            padded = self.activation(f"{l.name}/padded", l.options["padded"], self.quant[l.inputs[0]])
            ins = [self.w.op(BUILTIN.PAD, 2, [*ins, self.w.paddings(l)], padded)]
        axis = 3 if depthwise else 0
        largest = np.abs(l.weights).max(axis=tuple(i for i in range(4) if i != axis))
        scales = np.maximum(largest, 1e-9).astype(np.float32) / np.float32(127)
        into, out = self.quant[l.inputs[0]][0], self.params(*self.span(l.name))
        scales = tieless(scales, into, out[0])
        across = scales.astype(np.float64)
        across = across if depthwise else across[:, None, None, None]
        weights = np.clip(np.rint(l.weights / across), -127, 127).astype(np.int8)
        sums = np.float32(into) * scales
        bias = np.rint(l.bias / sums.astype(np.float64))
        bias = np.clip(bias, -2**31, 2**31 - 1).astype(np.int32)
        w = self.w.tensor(f"{l.name}/weights", weights.shape, np.int8, (scales, 0, axis), weights)
        b = self.w.tensor(f"{l.name}/bias", bias.shape, np.int32, (sums, 0, 0), bias)
        code = BUILTIN.DEPTHWISE_CONV_2D if depthwise else BUILTIN.CONV_2D
        self.w.op(code, 3, [*ins, w, b], self.out(l, out), *writer.conv_options(l, depthwise))

    def depthwise(self, l, ins):
        self.conv(l, ins, depthwise=True)

    def prelu(self, l, ins):
        factor = l.slope - 1
        low, high = self.ranges[l.inputs[0]]
        scale = float(np.float32(np.abs(factor).max() / 127))
        # Repeated over a row: XNNPACK then multiplies whole rows, not one pixel at a time.
        consts = np.tile(np.rint(factor / scale).astype(np.int8), (1, 1, l.shape[2], 1))
        k = self.w.tensor(f"{l.name}/slope", consts.shape, np.int8, (scale, 0, 0), consts)
        x, name = self.values(l.inputs[0]), f"{l.name}/part"
        products = np.unique(consts[0, 0, 0]).astype(np.float64)[:, None] * scale * x
        part = self.activation(name, l.shape, self.apart(0, np.max([factor * low, factor * high]), products))
        self.w.op(BUILTIN.MUL, 2, [ins[0], k], part, *writer.plain_options("mul", RELU))
        out = self.out(l, self.apart(*self.span(l.name), x[:, None] + self.values(name)))
        self.w.op(BUILTIN.ADD, 2, [ins[0], part], out, *writer.plain_options("add"))

    def add(self, l, ins):
        a, b = (self.values(i) for i in l.inputs)
        out = self.out(l, self.apart(*self.span(l.name), a[:, None] + b))
        self.w.op(BUILTIN.ADD, 2, ins, out, *writer.plain_options("add", int(l.options.get("relu", False))))

    def scale(self, l, ins):
        a, b = (self.values(i) for i in l.inputs)
        out = self.out(l, self.apart(*self.span(l.name), a[:, None] * b))
        self.w.op(BUILTIN.MUL, 2, ins, out, *writer.plain_options("mul"))

    def mean(self, l, ins):
        self.w.op(BUILTIN.MEAN, 2, [*ins, self.w.axes(l)], self.out(l), *writer.mean_options())

    def sigmoid(self, l, ins):
        self.w.op(BUILTIN.LOGISTIC, 2, ins, self.out(l, (1 / 256, -128)))

    def relu(self, l, ins):
        raise ValueError(f"{l.name}: a relu of its own has no int8 kernel: fuse it")

    def maxpool(self, l, ins):
        self.w.op(BUILTIN.MAX_POOL_2D, 2, ins, self.out(l, self.quant[l.inputs[0]]), *writer.pool_options(l))

    def pad(self, l, ins):
        p = l.options["paddings"]
        self.w.op(BUILTIN.PAD, 2, [*ins, self.w.tensor(f"{l.name}/paddings", p.shape, np.int32, data=p)],
                  self.out(l, self.quant[l.inputs[0]]))
