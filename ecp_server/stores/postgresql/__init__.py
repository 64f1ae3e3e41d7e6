"""What the adapters that live in PostgreSQL share: connections, errors, migrations."""
