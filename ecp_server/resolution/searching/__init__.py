"""What is near to a text in spelling, words and meaning."""
