"""A store behind stock's command adapter: its configuration, its commands, and what is wrong with them."""
