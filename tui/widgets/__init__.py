"""The widgets: each paints its own lines, and none of them reads markup."""
