"""Where training meets Lightning and torch's devices: state without pickles, ranks, divergence."""
