"""What things are: plain immutable values, no I/O, nothing else of ours imported."""
