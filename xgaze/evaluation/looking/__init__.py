"""Do predicted maps lie where people looked: scores at fixations, of maps, and what stands beside them."""
