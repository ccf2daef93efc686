"""What services tell each other: message types, their JSON Schemas, and what breaks a peer."""
