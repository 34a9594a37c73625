"""The engine of Seamline: everything that is known about a backup store, and nothing about terminals."""
