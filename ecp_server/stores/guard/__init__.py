"""What stands between a port and its adapter where the adapter does I/O: `guarded.guarded` has the whole of it.

A call goes through deadline, retry, breaker and bulkhead, in this order, to the attempt.
"""
