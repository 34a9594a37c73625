"""The commands without Textual: arguments, JSON documents, printers, exit codes.

Nothing heavy is imported for `--help`.
"""
