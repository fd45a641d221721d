"""The C file on an emulated board of Arm's, which counts instructions."""
