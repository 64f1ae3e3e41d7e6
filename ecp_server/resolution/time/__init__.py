"""Time expressions and calendars: from words to whole days."""
