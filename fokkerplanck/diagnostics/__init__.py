"""What is watched while a solution is computed. Plain functions of a `State`, and the blow-up detector."""
