"""Companies and who may act for them."""
