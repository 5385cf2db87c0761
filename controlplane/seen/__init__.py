"""The fleet as it is seen: states of nodes enter; a page, metrics and lines of the files leave."""
