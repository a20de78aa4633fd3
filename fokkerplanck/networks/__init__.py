"""Networks of populations at rest: their stationary states, all of them where that can be had, and their stability."""
