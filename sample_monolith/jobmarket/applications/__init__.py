"""Applications, from the first letter to the offer, and interviews."""
