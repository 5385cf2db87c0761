"""The ADS server: snapshots enter, every connected node's stream is kept up with the latest.

`world`, `subscription` and `stream` are pure: requests and snapshots in, pushes and verdicts out.
`wire` turns bytes into those values and back; `server` is the only file with a socket.
"""
