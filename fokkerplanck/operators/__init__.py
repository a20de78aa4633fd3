"""How a model is made discrete: flux schemes, kernels on (cells, lanes) arrays, and the system a stepper advances."""
