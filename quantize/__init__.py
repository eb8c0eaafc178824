"""Checkpoint -> deployable bundle: quantised weights, ONNX encoders and a manifest."""
