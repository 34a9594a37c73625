"""Everything that faces a terminal: the app, its screens and widgets, and the headless commands."""
