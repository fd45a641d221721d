"""The student as one C99 file: its ONNX graph as layers, as steps of one kernel each, and as text."""
