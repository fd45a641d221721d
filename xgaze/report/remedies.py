"""What to do where a stored file of a run is damaged."""

TRAIN = "Train or distil again with --force, or take another copy of the folder."
DISTILL = "Distil again: `xgaze distill --force`."
EXPLAIN = "Explain again: `xgaze explain --force`."
CROSSVALIDATE = "Cross-validate again: `xgaze crossval --force`."
CALIBRATE = "Remove it, and calibrate again: `xgaze calibrate`."
