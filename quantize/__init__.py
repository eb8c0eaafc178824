"""Quantization of a checkpoint to a bundle: weights, ONNX encoders, and a manifest."""
