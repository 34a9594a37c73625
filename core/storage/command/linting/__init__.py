"""The linter of adapter commands, in parts; `core.storage.command.lint` is its face."""
