"""Scripts of the project's own upkeep: stubs, generated files, the lock. Nothing at run time imports them."""
