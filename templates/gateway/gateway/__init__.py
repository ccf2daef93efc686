"""The door of the workspace: each request goes to the service that its route moved to."""
