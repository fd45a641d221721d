"""What a command does, as functions for Python: `xgaze.train_teacher`, `xgaze.distill`, `xgaze.explain` and the others."""
