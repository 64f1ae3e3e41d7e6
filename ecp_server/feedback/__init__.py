"""Taking what people say of answers."""
