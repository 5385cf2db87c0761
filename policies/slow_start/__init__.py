"""Let an endpoint that is new warm up before it gets its whole share."""
