"""Ask each endpoint whether it is well, and send requests only to those that are."""
