"""The student as a file for other runtimes: ONNX, and in 8 bits."""
