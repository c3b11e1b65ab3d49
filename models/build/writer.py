"""Writes .tflite files: float, to measure with, and int8, to ship."""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

BUILTIN = schema.BuiltinOperator
TYPES = {np.dtype("float32"): 0, np.dtype("float16"): 1, np.dtype("int32"): 2, np.dtype("int8"): 9}
NONE, RELU = 0, 1  # fused activations


class Writer:
    """One subgraph under construction. Tensors are numbers; a quantisation is (scales, zero point, axis)."""

    def __init__(self, description):
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = description
        self.model.operatorCodes, self.model.buffers = [], [buffer(None)]
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.model.subgraphs = [self.graph]
        self.versions = {}

    def tensor(self, name, shape, dtype, quantisation=None, data=None):
        t = schema.TensorT()
        t.name, t.shape, t.type = name, [int(d) for d in shape], TYPES[np.dtype(dtype)]
        t.buffer = 0
        if data is not None:
            data = np.ascontiguousarray(data, dtype)
            assert data.shape == tuple(shape), (name, data.shape, shape)
            t.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer(data))
        if quantisation is not None:
            scales, zero, axis = quantisation
            scales = np.atleast_1d(np.asarray(scales, np.float32))
            q = schema.QuantizationParametersT()
            q.scale, q.zeroPoint, q.quantizedDimension = scales, np.full(len(scales), zero, np.int64), axis
            t.quantization = q
        self.graph.tensors.append(t)
        return len(self.graph.tensors) - 1

    def op(self, code, version, inputs, output, options=None, kind=0):
        key = (code, version)
        if key not in self.versions:
            c = schema.OperatorCodeT()
            c.builtinCode, c.deprecatedBuiltinCode, c.version = code, min(code, 127), version
            self.versions[key] = len(self.model.operatorCodes)
            self.model.operatorCodes.append(c)
        o = schema.OperatorT()
        o.opcodeIndex, o.inputs, o.outputs = self.versions[key], inputs, [output]
        o.builtinOptionsType, o.builtinOptions = kind, options
        self.graph.operators.append(o)
        return output

    def paddings(self, layer):
        top, left, bottom, right = layer.options["pads"]
        return self.tensor(f"{layer.name}/paddings", (4, 2), np.int32,
                           data=np.array([[0, 0], [top, bottom], [left, right], [0, 0]]))

    def axes(self, layer):
        return self.tensor(f"{layer.name}/axes", (2,), np.int32, data=np.array([1, 2]))

    def bytes(self, inputs, outputs):
        self.graph.inputs, self.graph.outputs = inputs, outputs
        b = flatbuffers.Builder(1 << 20)
        b.Finish(self.model.Pack(b), b"TFL3")
        return bytes(b.Output())


def buffer(data):
    b = schema.BufferT()
    b.data = None if data is None else np.frombuffer(data.tobytes(), np.uint8)
    return b


def conv_options(layer, depthwise):
    o = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
    o.padding = 0 if layer.options["same"] else 1
    o.strideW = o.strideH = layer.options["stride"]
    o.dilationWFactor = o.dilationHFactor = 1
    o.fusedActivationFunction = RELU if layer.options.get("relu") else NONE
    if depthwise:
        o.depthMultiplier = 1
        return o, schema.BuiltinOptions.DepthwiseConv2DOptions
    return o, schema.BuiltinOptions.Conv2DOptions


def mean_options():
    o = schema.ReducerOptionsT()
    o.keepDims = True
    return o, schema.BuiltinOptions.ReducerOptions


def pool_options(layer):
    o = schema.Pool2DOptionsT()
    o.padding = 0 if layer.options["same"] else 1
    o.strideW = o.strideH = layer.options["stride"]
    o.filterWidth = o.filterHeight = layer.options["window"]
    return o, schema.BuiltinOptions.Pool2DOptions


def plain_options(kind, activation=NONE):
    o = {"add": schema.AddOptionsT, "mul": schema.MulOptionsT}[kind]()
    o.fusedActivationFunction = activation
    return o, {"add": schema.BuiltinOptions.AddOptions, "mul": schema.BuiltinOptions.MulOptions}[kind]


def concat_options(axis):
    o = schema.ConcatenationOptionsT()
    o.axis, o.fusedActivationFunction = axis, NONE
    return o, schema.BuiltinOptions.ConcatenationOptions


def reshape_options(shape):
    o = schema.ReshapeOptionsT()
    o.newShape = [int(d) for d in shape]
    return o, schema.BuiltinOptions.ReshapeOptions
