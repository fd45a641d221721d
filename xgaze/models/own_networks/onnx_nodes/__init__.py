"""What the nodes of an ONNX file are in torch: one file for layers with weights, shapes and arithmetic."""
