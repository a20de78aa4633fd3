"""Closed forms for one neuron in a mean field: passage times and stationary densities. Arrays in, arrays out."""
