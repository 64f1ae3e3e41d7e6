"""What a caller gets while a store is down (design, section 8): a file a port, around the guarded port."""
