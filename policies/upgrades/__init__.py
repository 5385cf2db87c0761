"""Requests that become another protocol: WebSocket and others."""
