"""The servicers, one file a service: proto to domain, the path, domain to proto."""
