"""Check of an ONNX part: its operators, and the size of their outputs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from roma_ros.thinker.errors import CheckpointError

__all__ = ["check_operators"]

_ELEMENTWISE = (
    *("Abs", "Add", "And", "Cast", "Ceil", "Clip", "Cos", "Div", "Equal", "Erf", "Exp", "Floor"),
    *("Gelu", "Greater", "GreaterOrEqual", "HardSigmoid", "Identity", "IsNaN", "LeakyRelu", "Less"),
    *("LessOrEqual", "Log", "Max", "Min", "Mul", "Neg", "Not", "Or", "Pow", "Reciprocal", "Relu"),
    *("Round", "Sigmoid", "Sign", "Sin", "Softplus", "Sqrt", "Sub", "Swish", "Tanh", "Where"),
)
_OTHER = (
    *("AveragePool", "BatchNormalization", "Concat", "Constant", "Conv", "DequantizeLinear"),
    *("DynamicQuantizeLinear", "Einsum", "Flatten", "Gather", "Gemm", "GroupNormalization"),
    *("InstanceNormalization", "LayerNormalization", "LogSoftmax", "MatMul", "MatMulInteger"),
    *("QLinearConv", "QLinearMatMul", "QuantizeLinear", "RMSNormalization", "ReduceMax"),
    *("ReduceMean", "ReduceMin", "ReduceSum", "Reshape", "Shape", "Slice", "Softmax", "Split"),
    *("Squeeze", "Transpose", "Unsqueeze"),
)
_MICROSOFT = (  # what onnxruntime's quantiser and optimiser write
    *("BiasGelu", "DequantizeLinear", "DynamicQuantizeMatMul", "FastGelu", "FusedConv"),
    *("FusedGemm", "FusedMatMul", "Gelu", "MatMulIntegerToFloat", "MatMulNBits", "QGemm"),
    *("QLinearAdd", "QLinearConcat", "QLinearMul", "QLinearReduceMean", "QLinearSigmoid"),
    *("QLinearSoftmax", "QuantizeLinear", "SkipLayerNormalization"),
)
OPERATORS = {
    "": frozenset(_ELEMENTWISE + _OTHER),
    "ai.onnx": frozenset(_ELEMENTWISE + _OTHER),
    "com.microsoft": frozenset(_MICROSOFT),
}
"""By set. None of them runs another graph (`Loop`, `If`, `Scan`), which may never end, and none
makes a large output of a small input (`Range`, `Expand`, `ConstantOfShape`)."""
MAX_NODES = 200_000
MAX_ELEMENTS = 250_000_000
"""Of one tensor between two operators, 1 GB in float32."""
MAX_CONSTANT = 100_000
"""Bytes of a constant that a shape may depend on."""
VALUES = ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data")


def check_operators(path: Path, model: Any) -> None:
    """Check the graph of an ONNX model, without its weights.

    Args:
        path: for messages.
        model: an `onnx.ModelProto`; it loses the values of its large constants, which would be
            copied several times while shapes are inferred.

    Raises:
        CheckpointError: an operator is not among those that an encoder or a head needs, or
            an output is too large.
    """
    if model.functions:
        raise CheckpointError(f"{path} has operators of its own; expected those of ONNX alone")
    if len(model.graph.node) > MAX_NODES:
        raise CheckpointError(
            f"{path} has {len(model.graph.node):,} operators; expected at most {MAX_NODES:,}"
        )
    for node in model.graph.node:
        if node.domain not in OPERATORS:
            raise CheckpointError(
                f"{path} has operators of {node.domain!r:.80}; expected those of ONNX alone"
            )
        if node.op_type not in OPERATORS[node.domain]:
            raise CheckpointError(
                f"{path} has the operator {node.op_type!r:.80}, which no encoder or speak head "
                "needs; make the bundle again with `roma quantize`"
            )
    for name, elements in _sizes(path, model):
        if elements > MAX_ELEMENTS:
            raise CheckpointError(
                f"{path}: {name!r:.80} has {elements:,} values; expected at most "
                f"{MAX_ELEMENTS:,}: make the bundle again with `roma quantize`"
            )


def _sizes(path: Path, model: Any) -> Iterator[tuple[str, int]]:
    """Yield names of tensors between operators, and their number of values where it is fixed."""
    import onnx

    constants = [*model.graph.initializer]
    constants += [entry.t for node in model.graph.node for entry in node.attribute]
    for constant in constants:
        if constant.ByteSize() > MAX_CONSTANT:
            for name in VALUES:
                constant.ClearField(name)
    try:
        graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except Exception as error:  # its errors have no common base but this
        raise CheckpointError(f"{path} does not fit together: {error!s:.200}") from error
    for value in (*graph.value_info, *graph.input, *graph.output):
        shape = value.type.tensor_type.shape
        sizes = [axis.dim_value or 1 for axis in shape.dim]
        yield value.name, math.prod(sizes)
