"""Many neurons instead of their density: the finite network whose limit is the equation that `fp.solve` solves."""
