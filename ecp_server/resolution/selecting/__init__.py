"""What the mentions of a question mean, and what is to be read for it."""
