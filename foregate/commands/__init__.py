"""The subcommands, one file each: `command` is what click runs."""
