"""Flask, Quart, and the packages that put classes in front of them."""
