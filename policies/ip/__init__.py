"""Which client addresses may ask at all, by the address that the gateway trusts."""
