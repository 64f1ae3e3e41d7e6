"""The servers that ECP's stores can live in, as `scripts/servers` fetches and starts them."""
