"""What a model was trained on: statistics of its pictures and of their embedding, and recordings held against them."""
