"""Of classes: scores, confusions, and whether they come true as often as their probabilities say."""
