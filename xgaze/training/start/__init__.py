"""What a model is before its first step: its weights drawn or read, scaled by data, its towers alike."""
