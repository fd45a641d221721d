"""A model as its 8-bit file computes it, in floats that learn: its steps in torch, its rounding, and its tuning."""
