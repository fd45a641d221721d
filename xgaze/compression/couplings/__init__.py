"""Which channels belong together: found by letting NaN run through the network, and put in order again after a cut."""
