"""The linter of adapter commands, in parts; `core.storage.command_lint` is its face."""
