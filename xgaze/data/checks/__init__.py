"""Is a recording sound? Kinds of fault, and what finds them."""
