"""The networks as plain layers: read from a float .tflite, simplified without changing what they compute.

A Graph is a list of layers in order of execution. Every layer has one output, named like the layer; "input" is the
image. Weights are float64 numpy arrays in TFLite's layout: conv [out, h, w, in], depthwise [1, h, w, channels].
"""

from dataclasses import dataclass, field

import numpy as np
from ai_edge_litert import schema_py_generated as schema

OPS = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}


@dataclass
class Layer:
    kind: str  # conv, depthwise, prelu, relu, add, pad, maxpool, concat, reshape
    name: str
    inputs: list
    shape: tuple  # of the output, NHWC
    weights: np.ndarray | None = None
    bias: np.ndarray | None = None
    slope: np.ndarray | None = None  # of a prelu, a channel
    options: dict = field(default_factory=dict)  # stride, same (padding), window, paddings, relu (fused)


@dataclass
class Graph:
    input_shape: tuple
    layers: list
    outputs: list
    scaling: tuple | None = None  # subtract and divide, where the original does that to its pixels itself

    def layer(self, name):
        return next(l for l in self.layers if l.name == name)

    def consumers(self, name):
        return [l for l in self.layers if name in l.inputs]

    def drop(self, layer, instead):
        """Removes a layer; who read it reads `instead`."""
        self.layers.remove(layer)
        for l in self.layers:
            l.inputs = [instead if i == layer.name else i for i in l.inputs]
        self.outputs = [instead if o == layer.name else o for o in self.outputs]


def read(path):
    """Reads a float .tflite. Its batch becomes 1, float16 weights become float64."""
    with open(path, "rb") as f:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(f.read()), 0))
    g = model.subgraphs[0]
    kinds = {np_type: dtype for np_type, dtype in ((0, np.float32), (1, np.float16), (2, np.int32))}
    const = {}
    for i, t in enumerate(g.tensors):
        data = model.buffers[t.buffer].data
        if data is not None and len(data):
            const[i] = np.frombuffer(bytes(data), kinds[t.type]).reshape(tuple(t.shape))
    names = {int(g.inputs[0]): "input"}
    layers = []

    def value(i):
        return const[i].astype(np.float64)

    def shape(i):
        return (1, *(int(d) for d in g.tensors[i].shape[1:]))

    for op in g.operators:
        code = model.operatorCodes[op.opcodeIndex]
        kind = OPS[max(code.builtinCode, code.deprecatedBuiltinCode)]
        ins, out, o = [int(i) for i in op.inputs], int(op.outputs[0]), op.builtinOptions
        if kind == "DEQUANTIZE":
            const[out] = const[ins[0]].astype(np.float64)
            continue
        layer = Layer(kind.lower(), f"t{out}", [names[i] for i in ins if i in names], shape(out))
        names[out] = layer.name
        layers.append(layer)
        if getattr(o, "fusedActivationFunction", 0):
            raise ValueError(f"{path}: fused activation at {layer.name}")
        match kind:
            case "CONV_2D" | "DEPTHWISE_CONV_2D":
                layer.kind = "conv" if kind == "CONV_2D" else "depthwise"
                layer.weights, layer.bias = value(ins[1]), value(ins[2])
                layer.options = {"stride": int(o.strideH), "same": o.padding == 0}
            case "MAX_POOL_2D":
                layer.kind = "maxpool"
                layer.options = {"stride": int(o.strideH), "same": o.padding == 0, "window": int(o.filterHeight)}
            case "PRELU":
                layer.slope = value(ins[1]).reshape(-1)
            case "PAD":
                layer.options = {"paddings": const[ins[1]].astype(int)}
            case "CONCATENATION":
                layer.kind, layer.options = "concat", {"axis": int(o.axis)}
            case "MUL":
                layer.weights = value(ins[0] if ins[0] in const else ins[1])
            case "ADD" | "SUB" | "RELU" | "ABS" | "RESHAPE":
                pass
            case _:
                raise ValueError(f"{path}: operator {kind} is not known to this tool")
    graph = Graph(shape(int(g.inputs[0])), layers, [names[int(i)] for i in g.outputs])
    for layer in [l for l in layers if l.kind == "pad"]:
        keep_same(graph, layer)
    return graph


def keep_same(graph, layer):
    """Refuses paddings other than of the channels at the end, the only ones these networks have."""
    p = layer.options["paddings"]
    if p[:3].any() or p[3, 0]:
        raise ValueError(f"padding {p.tolist()} at {layer.name}")


def find_prelus(graph):
    """Turns relu(x) + c (x - |x|), as some converters write a PReLU, back into a prelu of slope 2 c."""
    for add in [l for l in graph.layers if l.kind == "add"]:
        parts = {graph.layer(i).kind: graph.layer(i) for i in add.inputs if i != "input"}
        if set(parts) != {"relu", "mul"}:
            continue
        relu, mul = parts["relu"], parts["mul"]
        sub = graph.layer(mul.inputs[0])
        absolute = graph.layer(sub.inputs[1])
        x = relu.inputs[0]
        if (sub.kind, absolute.kind) != ("sub", "abs") or sub.inputs[0] != x or absolute.inputs[0] != x:
            raise ValueError(f"no PReLU at {add.name}")
        for l in (relu, mul, sub, absolute):
            graph.layers.remove(l)
        add.kind, add.inputs, add.slope = "prelu", [x], 2 * mul.weights.reshape(-1)


def fuse_relus(graph):
    """A relu after a convolution or an addition that nobody else reads becomes part of it."""
    for relu in [l for l in graph.layers if l.kind == "relu"]:
        before = graph.layer(relu.inputs[0])
        if before.kind in ("conv", "depthwise", "add") and len(graph.consumers(before.name)) == 1:
            before.options["relu"] = True
            graph.drop(relu, before.name)


def product(a, b):
    """a @ b, summed in a fixed order: a BLAS may choose another one on another machine."""
    out = np.zeros((a.shape[0], b.shape[1]))
    for k in range(a.shape[1]):
        out += a[:, k, None] * b[None, k, :]
    return out


def merge_convs(graph):
    """Two 1x1 convolutions in a row, with nothing between and no more work as one, become one."""
    for second in [l for l in graph.layers if l.kind == "conv"]:
        if second.inputs[0] == "input" or second.weights.shape[1:3] != (1, 1):
            continue
        first = graph.layer(second.inputs[0])
        if first.kind != "conv" or first.weights.shape[1:3] != (1, 1) or first.options.get("relu") \
                or len(graph.consumers(first.name)) != 1 or first.name in graph.outputs:
            continue
        a, b = second.weights[:, 0, 0, :], first.weights[:, 0, 0, :]
        if a.shape[0] * b.shape[1] > a.size + b.size:
            continue
        second.bias = second.bias + product(a, first.bias[:, None])[:, 0]
        second.weights = product(a, b)[:, None, None, :]
        graph.drop(first, first.inputs[0])


def simplify(graph):
    find_prelus(graph)
    fuse_relus(graph)
    merge_convs(graph)
    return graph
