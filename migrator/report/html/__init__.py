"""The Graph as one page that needs nothing else: script, style and data are inside."""
