"""How a system is advanced in time. A stepper knows `residual`, `factor`, `solve` and `close`, nothing of neurons."""
