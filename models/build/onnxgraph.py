"""Reads a float .onnx as the Graph that the int8 models are made of.

ONNX has images as batch, channel, height, width; a Graph has the channel last. A Gemm or MatMul over a flattened image is a
convolution whose window is the whole image; a batch normalisation goes into the convolution before it, or into the fully connected
layer behind it. How a network scales its pixels is left to who feeds it. What it asks of its own shapes (Shape, Gather, ...) is
answered here: they are fixed.
"""

import collections

import numpy as np

import onnxproto
from graph import Graph, Layer, product

DTYPES = {1: np.float32, 7: np.int64}
SAME_KINDS = {"Relu": "relu", "Sigmoid": "sigmoid"}


def array(t):
    """The values of a tensor, raw or listed."""
    if t.data_type not in DTYPES:
        raise ValueError(f"tensor {t.name}: data type {t.data_type} is not known to this tool")
    dtype = DTYPES[t.data_type]
    if t.raw_data:
        a = np.frombuffer(t.raw_data, np.dtype(dtype).newbyteorder("<"))
    else:
        a = np.array(t.float_data if dtype is np.float32 else t.int64_data, dtype)
    return a.reshape(tuple(t.dims)).astype(np.float64 if dtype is np.float32 else np.int64)


class Reader:
    """One graph being read. A name of ONNX is a constant (const), or the output of a layer, flattened or not."""

    def __init__(self, path, model):
        self.path, self.layers = path, []
        self.const = {t.name: array(t) for t in model.initializer}
        self.uses = collections.Counter(i for n in model.node for i in n.input)
        source = next(i for i in model.input if i.name not in self.const)
        _, c, h, w = (d.dim_value for d in source.type.tensor_type.shape.dim)
        self.names, self.shapes, self.flat = {source.name: "input"}, {"input": (1, h, w, c)}, set()
        self.subtract, self.divide = 0.0, 1.0
        for node in model.node:
            options = {a.name: a for a in node.attribute}
            handler = getattr(self, "on_" + node.op_type.lower(), self.on_other)
            try:
                handler(node, options)
            except (KeyError, ValueError) as err:
                raise ValueError(f"{path}: {node.op_type} {node.output[0]}: {err}") from err
        outputs = [self.output(o.name) for o in model.output]
        self.graph = Graph((1, h, w, c), self.layers, outputs, (self.subtract, self.divide))

    def on_other(self, node, options):
        if node.op_type not in SAME_KINDS:
            raise ValueError("this operator is not known to this tool")
        x = self.names[node.input[0]]
        self.add_layer(node, SAME_KINDS[node.op_type], [x], self.shapes[x])

    def add_layer(self, node, kind, inputs, shape, **parts):
        layer = Layer(kind, f"t{node.output[0]}", inputs, shape, **parts)
        self.layers.append(layer)
        self.names[node.output[0]], self.shapes[layer.name] = layer.name, shape
        return layer

    def output(self, name):
        """What leaves the network; what ONNX has as a vector does so as a vector."""
        if name not in self.flat:
            return self.names[name]
        before = self.names[name]
        self.layers.append(Layer("reshape", before + "/flat", [before], (1, self.shapes[before][-1])))
        return before + "/flat"

    # Layers.

    def on_conv(self, node, options):
        x, w = self.names[node.input[0]], self.const[node.input[1]]
        _, height, width, channels = self.shapes[x]
        group, stride = options["group"].i if "group" in options else 1, options["strides"].ints[0]
        pads = tuple(options["pads"].ints) if "pads" in options else (0, 0, 0, 0)
        if set(options["dilations"].ints if "dilations" in options else [1]) != {1} or len(set(options["strides"].ints)) != 1:
            raise ValueError("dilated or uneven strides")
        if group not in (1, channels) or (group > 1 and w.shape[0] != channels):
            raise ValueError(f"{group} groups of {channels} channels")
        shape = (1, *(-(-(side + pads[i] + pads[i + 2] - w.shape[i + 2] + 1) // stride)
                      for i, side in enumerate((height, width))), w.shape[0])
        bias = self.const[node.input[2]] if len(node.input) > 2 else np.zeros(w.shape[0])
        layout = {"stride": stride, "same": any(pads) and all(
            (pads[i], pads[i + 2]) == same_pads(side, w.shape[i + 2], stride) for i, side in enumerate((height, width)))}
        if any(pads) and not layout["same"]:
            layout["pads"] = pads
            layout["padded"] = (1, pads[0] + height + pads[2], pads[1] + width + pads[3], channels)
        kind, axes = ("conv", (0, 2, 3, 1)) if group == 1 else ("depthwise", (1, 2, 3, 0))
        self.add_layer(node, kind, [x], shape, weights=w.transpose(axes), bias=bias, options=layout)

    def on_batchnormalization(self, node, options):
        gain, shift, mean, variance = (self.const[i] for i in node.input[1:5])
        scale = gain / np.sqrt(variance + options["epsilon"].f)
        shift = shift - mean * scale
        x = self.names[node.input[0]]
        before = self.layers[-1] if self.layers else None
        alone = self.uses[node.input[0]] == 1
        if alone and before is not None and before.name == x and before.kind in ("conv", "depthwise"):
            before.weights = before.weights * (scale[:, None, None, None] if before.kind == "conv" else scale)
            before.bias = before.bias * scale + shift
            self.alias(node, node.input[0])
            return
        self.add_layer(node, "depthwise", [x], self.shapes[x], weights=scale[None, None, None, :], bias=shift,
                       options={"stride": 1, "same": False})

    def on_prelu(self, node, options):
        x, slope = self.names[node.input[0]], self.const[node.input[1]].reshape(-1)
        if slope.size not in (1, self.shapes[x][-1]):
            raise ValueError(f"{slope.size} slopes")
        self.add_layer(node, "prelu", [x], self.shapes[x], slope=np.resize(slope, self.shapes[x][-1]))

    def on_add(self, node, options):
        if any(i in self.const for i in node.input):
            raise ValueError("a constant is added")
        a, b = (self.names[i] for i in node.input)
        if self.shapes[a] != self.shapes[b]:
            raise ValueError(f"{self.shapes[a]} and {self.shapes[b]}")
        self.add_layer(node, "add", [a, b], self.shapes[a])

    def on_sub(self, node, options):
        """A constant from the pixels."""
        self.subtract = self.pixels(node) * self.divide + self.subtract

    def pixels(self, node):
        """The number that the second input is, where the first is the image, before anything else has read it."""
        if self.names[node.input[0]] != "input" or self.layers or self.const[node.input[1]].size != 1:
            raise ValueError("not of the pixels and one number")
        self.alias(node, node.input[0])
        return float(self.const[node.input[1]].reshape(-1)[0])

    def on_mul(self, node, options):
        """Of the pixels with a number, or of an image with a value for each of its channels."""
        if node.input[1] in self.const:
            self.divide /= self.pixels(node)
            return
        a, b = (self.names[i] for i in node.input)
        if self.shapes[b][1:3] != (1, 1) or self.shapes[a][-1] != self.shapes[b][-1]:
            raise ValueError(f"{self.shapes[a]} and {self.shapes[b]}")
        self.add_layer(node, "scale", [a, b], self.shapes[a])

    def on_globalaveragepool(self, node, options):
        x = self.names[node.input[0]]
        self.add_layer(node, "mean", [x], (1, 1, 1, self.shapes[x][-1]))

    def on_gemm(self, node, options):
        w = self.const[node.input[1]]
        w = w if options["transB"].i else w.T
        if any(options[o].f != 1 for o in ("alpha", "beta") if o in options):
            raise ValueError("alpha or beta is not 1")
        self.full(node, w, self.const[node.input[2]] if len(node.input) > 2 else np.zeros(len(w)))

    def on_matmul(self, node, options):
        w = self.const[node.input[1]].T
        self.full(node, w, np.zeros(len(w)))

    def full(self, node, w, bias):
        """A fully connected layer: w [out, in] over an image that was flattened channel by channel."""
        x = self.names[node.input[0]]
        _, height, width, channels = self.shapes[x]
        w = w.reshape(len(w), channels, height, width).transpose(0, 2, 3, 1)
        before = self.layers[-1]
        if before.name == x and before.weights is not None and before.weights.shape == (1, 1, 1, channels) and all(
                self.uses[n] == 1 for n, layer in self.names.items() if layer == x):  # a batch normalisation
            shift = np.tile(before.bias, height * width)
            bias = bias + product(w.reshape(len(w), -1), shift[:, None])[:, 0]
            w = w * before.weights
            self.layers.pop()
            x, = before.inputs
        self.add_layer(node, "conv", [x], (1, 1, 1, len(w)), weights=w, bias=bias,
                       options={"stride": 1, "same": False})
        self.flat.add(node.output[0])

    # What changes no value.

    def alias(self, node, name):
        self.names[node.output[0]] = self.names[name]
        if name in self.flat:
            self.flat.add(node.output[0])

    def on_identity(self, node, options):
        self.alias(node, node.input[0])

    on_dropout = on_identity

    def on_flatten(self, node, options):
        self.alias(node, node.input[0])
        self.flat.add(node.output[0])

    def on_reshape(self, node, options):
        if list(self.const[node.input[1]]) not in ([1, -1], [1, int(np.prod(self.shapes[self.names[node.input[0]]]))]):
            raise ValueError(f"to {self.const[node.input[1]]}")
        self.on_flatten(node, options)

    # Shapes.

    def on_shape(self, node, options):
        _, h, w, c = self.shapes[self.names[node.input[0]]]
        self.const[node.output[0]] = np.array([1, c, h, w])

    def on_constant(self, node, options):
        self.const[node.output[0]] = array(options["value"].t)

    def on_gather(self, node, options):
        self.const[node.output[0]] = np.take(self.const[node.input[0]], self.const[node.input[1]].astype(int), axis=0)

    def on_unsqueeze(self, node, options):
        self.const[node.output[0]] = self.const[node.input[0]].reshape(1)

    def on_concat(self, node, options):
        self.const[node.output[0]] = np.concatenate([self.const[i] for i in node.input])


def same_pads(side, window, stride):
    """What TFLite's padding SAME adds before and after a side."""
    total = max((-(-side // stride) - 1) * stride + window - side, 0)
    return total // 2, total - total // 2


def read(path):
    model = onnxproto.model_class()()
    model.ParseFromString(path.read_bytes())
    return Reader(path, model.graph).graph
