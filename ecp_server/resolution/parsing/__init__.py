"""What the words of a question are."""
