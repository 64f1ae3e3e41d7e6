"""What a caller of ECP installs: the stubs and a small typed client."""
