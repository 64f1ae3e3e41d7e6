"""Write catalog files from what a company already has."""
