"""How words may be written other than the catalog writes them: endings, accents, joints, slips."""
