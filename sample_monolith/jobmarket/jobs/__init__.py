"""Jobs, skills and who looked at them."""
