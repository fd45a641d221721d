"""Why a model predicts what it does: attributions in the target's unit, anatomy, embedding sweeps."""
