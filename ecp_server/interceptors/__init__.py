"""What every call passes on its way in and out, one file each; `ecp_server.server` has their order."""
