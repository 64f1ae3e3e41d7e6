"""What a principal may see, and what policy demands of a query."""
