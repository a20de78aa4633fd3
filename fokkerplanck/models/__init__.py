"""What is solved: the slots of a population and the models made of them. No grid step, no scheme, no time step."""
