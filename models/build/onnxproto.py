"""The part of onnx.proto (ONNX IR version 3 and later) that describes a network of plain layers, for the protobuf package.

The package `onnx` reads the same, and brings 20 MB of checks and converters that are not used here.
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

FIELD = descriptor_pb2.FieldDescriptorProto
SCALARS = {"int32": FIELD.TYPE_INT32, "int64": FIELD.TYPE_INT64, "float": FIELD.TYPE_FLOAT, "string": FIELD.TYPE_STRING,
           "bytes": FIELD.TYPE_BYTES}

# message: {field: (number, type, repeated)}, as onnx.proto numbers them.
MESSAGES = {
    "Dimension": {"dim_value": (1, "int64", False)},
    "Shape": {"dim": (1, "Dimension", True)},
    "TensorType": {"elem_type": (1, "int32", False), "shape": (2, "Shape", False)},
    "Type": {"tensor_type": (1, "TensorType", False)},
    "ValueInfo": {"name": (1, "string", False), "type": (2, "Type", False)},
    "Tensor": {"dims": (1, "int64", True), "data_type": (2, "int32", False), "float_data": (4, "float", True),
               "int64_data": (7, "int64", True), "name": (8, "string", False), "raw_data": (9, "bytes", False)},
    "Attribute": {"name": (1, "string", False), "f": (2, "float", False), "i": (3, "int64", False),
                  "s": (4, "bytes", False), "t": (5, "Tensor", False), "floats": (7, "float", True),
                  "ints": (8, "int64", True)},
    "Node": {"input": (1, "string", True), "output": (2, "string", True), "name": (3, "string", False),
             "op_type": (4, "string", False), "attribute": (5, "Attribute", True)},
    "Graph": {"node": (1, "Node", True), "name": (2, "string", False), "initializer": (5, "Tensor", True),
              "input": (11, "ValueInfo", True), "output": (12, "ValueInfo", True)},
    "OperatorSet": {"domain": (1, "string", False), "version": (2, "int64", False)},
    "Model": {"ir_version": (1, "int64", False), "graph": (7, "Graph", False), "opset_import": (8, "OperatorSet", True)},
}


def model_class():
    file = descriptor_pb2.FileDescriptorProto(name="smiletill/onnx.proto", package="smiletill.onnx", syntax="proto2")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, repeated) in fields.items():
            f = message.field.add(name=field, number=number,
                                  label=FIELD.LABEL_REPEATED if repeated else FIELD.LABEL_OPTIONAL)
            if kind in SCALARS:
                f.type = SCALARS[kind]
            else:
                f.type, f.type_name = FIELD.TYPE_MESSAGE, f".smiletill.onnx.{kind}"
            if repeated and kind in ("int32", "int64", "float"):
                f.options.packed = number in (4, 7) and name == "Tensor"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("smiletill.onnx.Model"))
